/*
 * Invites against a real store and keyring: links, forgeries of every kind, their end, and that
 * uses are counted once.
 */
#include <dirent.h>
#include <gnutls/crypto.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "authd/invite.h"
#include "common/log.h"
#include "proto/base64url.h"
#include "tests/unit/store_fixture.h"

#define URL "https://authd.example"

static struct keyring *open_keys(struct store_fixture *f)
{
	struct keyring *ring = NULL;
	char why[512];

	assert_int_equal(keyring_open(&ring, f->dir, f->st, NOW, why), 0);
	return ring;
}

/* With its files: the fixture's folder must be empty in the end. */
static void close_keys(struct store_fixture *f, struct keyring *ring)
{
	char folder[80], file[400];
	const struct dirent *entry;

	keyring_destroy(ring);
	snprintf(folder, sizeof(folder), "%s/keys", f->dir);
	DIR *dir = opendir(folder);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(file, sizeof(file), "%s/%s", folder, entry->d_name);
		(void)unlink(file);
	}
	closedir(dir);
	assert_int_equal(rmdir(folder), 0);
}

static struct store_invite make(struct store_fixture *f, int64_t uses_max, int64_t expires_at)
{
	struct store_invite row = { .room = "demo",
		.grants = "{}",
		.uses_max = uses_max,
		.created_at = NOW,
		.expires_at = expires_at };

	assert_int_equal(invite_make_id(row.id), 0);
	assert_int_equal(strlen(row.id), STORE_INVITE_ID);
	assert_int_equal(store_invite_add(f->st, &store_tester, &row), 0);
	return row;
}

static char *link_of(struct keyring *ring, const struct store_invite *row)
{
	char *url = NULL;

	assert_int_equal(invite_make_url(ring, "authd", URL, row, &url), 0);
	assert_memory_equal(url, URL "/join#", strlen(URL "/join#"));
	return url;
}

static int check(struct store_fixture *f, struct keyring *ring, const char *text, int64_t now)
{
	struct store_invite out;

	return invite_check(f->st, ring, "authd", text, now, &out);
}

static void test_link(void **state)
{
	struct store_fixture *f = *state;
	struct keyring *ring = open_keys(f);
	struct store_invite out, nowhere = { .room = "none", .grants = "{}" };

	store_fixture_room(f->st, "demo");
	struct store_invite row = make(f, 0, NOW + 100);
	char *url = link_of(ring, &row);
	assert_int_equal(invite_check(f->st, ring, "authd", url, NOW, &out), 0);
	assert_string_equal(out.id, row.id);
	assert_string_equal(out.room, "demo");
	assert_int_equal(check(f, ring, strchr(url, '#') + 1, NOW), 0);
	assert_int_equal(check(f, ring, url, NOW + 99), 0);
	assert_int_equal(check(f, ring, url, NOW + 100), ERR_LOGIN);
	assert_int_equal(invite_check(f->st, ring, "other", url, NOW, &out), ERR_LOGIN);
	/* by another key that is published by now */
	char kid[44];
	assert_int_equal(keyring_rotate(ring, &store_tester, NOW, kid), 0);
	assert_int_equal(check(f, ring, url, NOW), 0);
	assert_int_equal(store_invite_revoke(f->st, &store_tester, row.id, NOW), 0);
	assert_int_equal(check(f, ring, url, NOW), ERR_LOGIN);
	assert_int_equal(store_invite_add(f->st, &store_tester, &nowhere), ERR_NOT_FOUND);
	free(url);
	close_keys(f, ring);
}

/* A JWS of any type and payload, signed with the right key. */
static int check_signed(
	struct store_fixture *f, struct keyring *ring, const char *typ, const char *payload)
{
	json_t *object = json_loads(payload, 0, NULL);
	char *token = NULL;

	assert_non_null(object);
	assert_int_equal(keyring_sign(ring, typ, object, &token), 0);
	json_decref(object);
	int err = check(f, ring, token, NOW);
	free(token);
	return err;
}

static void test_wrong_claims(void **state)
{
	struct store_fixture *f = *state;
	struct keyring *ring = open_keys(f);
	char text[256];

	store_fixture_room(f->st, "demo");
	struct store_invite row = make(f, 0, NOW + 100);
#define CLAIMS(fmt, ...) (snprintf(text, sizeof(text), fmt, __VA_ARGS__), text)
	assert_int_equal(check_signed(f, ring, INVITE_TYP,
				 CLAIMS("{\"iss\":\"authd\",\"jti\":\"%s\",\"room\":\"demo\","
					"\"exp\":%d}",
					 row.id, (int)NOW + 100)),
		0);
	static const char *const bad[] = {
		"{\"iss\":\"other\",\"jti\":\"%s\",\"room\":\"demo\",\"exp\":2000000}",
		"{\"jti\":\"%s\",\"room\":\"demo\",\"exp\":2000000}",
		"{\"iss\":\"authd\",\"jti\":\"%s\",\"room\":\"other\",\"exp\":2000000}",
		"{\"iss\":\"authd\",\"jti\":\"%s\",\"exp\":2000000}",
		"{\"iss\":\"authd\",\"jti\":\"%s\",\"room\":\"demo\"}",
		"{\"iss\":\"authd\",\"jti\":{\"a\":\"%s\"},\"room\":\"demo\",\"exp\":2000000}",
		"{\"iss\":\"authd\",\"jti\":[\"%s\"],\"room\":\"demo\",\"exp\":2000000}",
		"{\"iss\":\"authd\",\"x\":\"%s\",\"room\":\"demo\",\"exp\":2000000}",
		"{\"iss\":\"authd\",\"jti\":\"%sA\",\"room\":\"demo\",\"exp\":2000000}",
	};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (check_signed(f, ring, INVITE_TYP, CLAIMS(bad[i], row.id)) != ERR_LOGIN) {
			fail_msg("%s", text);
		}
	}
#pragma GCC diagnostic pop
	/* a token for the reflector is no invite, whatever it says */
	assert_int_equal(check_signed(f, ring, "helio+jwt",
				 CLAIMS("{\"iss\":\"authd\",\"jti\":\"%s\",\"room\":\"demo\","
					"\"exp\":%d}",
					 row.id, (int)NOW + 100)),
		ERR_LOGIN);
	close_keys(f, ring);
}

static void encode(const char *text, char *out, size_t size)
{
	assert_int_equal(base64url_encode(text, strlen(text), out, size), 0);
}

/* The parts of a good link, to be put together wrongly. */
struct parts {
	char header[256], payload[512], signature[128], kid[44], x[44];
};

static struct parts take_apart(struct keyring *ring, const char *token)
{
	struct parts p;
	json_t *jwks = keyring_jwks(ring, NULL);
	const json_t *key = json_array_get(json_object_get(jwks, "keys"), 0);

	assert_int_equal(
		sscanf(token, "%255[^.].%511[^.].%127s", p.header, p.payload, p.signature), 3);
	snprintf(p.kid, sizeof(p.kid), "%s", json_string_value(json_object_get(key, "kid")));
	snprintf(p.x, sizeof(p.x), "%s", json_string_value(json_object_get(key, "x")));
	json_decref(jwks);
	return p;
}

static void forged(struct store_fixture *f, struct keyring *ring, const char *header,
	const struct parts *p, const char *signature)
{
	char head[1024], token[2048];

	encode(header, head, sizeof(head));
	snprintf(token, sizeof(token), "%s.%s.%s", head, p->payload, signature);
	if (check(f, ring, token, NOW) != ERR_LOGIN) {
		fail_msg("accepted: %s", header);
	}
}

static void forged_hmac(struct store_fixture *f, struct keyring *ring, const struct parts *p)
{
	char header[256], head[512], text[1024], mac[64];
	unsigned char x[32], digest[32];
	size_t len = sizeof(x);

	snprintf(header, sizeof(header),
		"{\"alg\":\"HS256\",\"typ\":\"" INVITE_TYP "\",\"kid\":\"%s\"}", p->kid);
	encode(header, head, sizeof(head));
	snprintf(text, sizeof(text), "%s.%s", head, p->payload);
	assert_int_equal(base64url_decode(p->x, strlen(p->x), x, &len), 0);
	assert_int_equal(
		gnutls_hmac_fast(GNUTLS_MAC_SHA256, x, len, text, strlen(text), digest), 0);
	assert_int_equal(base64url_encode(digest, sizeof(digest), mac, sizeof(mac)), 0);
	forged(f, ring, header, p, mac);
}

static void test_forgeries(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"" INVITE_TYP "\",\"kid\":\"%s\"}",
		"{\"alg\":\"None\",\"typ\":\"" INVITE_TYP "\",\"kid\":\"%s\"}",
		"{\"alg\":\"nOnE\",\"typ\":\"" INVITE_TYP "\",\"kid\":\"%s\"}",
		"{\"alg\":\"eddsa\",\"typ\":\"" INVITE_TYP "\",\"kid\":\"%s\"}",
		"{\"alg\":\"EdDSA\",\"alg\":\"none\",\"typ\":\"" INVITE_TYP "\",\"kid\":\"%s\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"" INVITE_TYP
		"\",\"kid\":\"%s\",\"jku\":\"https://x\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"" INVITE_TYP "\",\"kid\":\"%s\",\"jwk\":{}}",
		"{\"alg\":\"EdDSA\",\"typ\":\"" INVITE_TYP "\",\"kid\":\"%s\",\"crit\":[\"b64\"]}",
		"{\"alg\":\"EdDSA\",\"typ\":\"" INVITE_TYP "\",\"kid\":\"../%s\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"%s\"}",
		"{\"alg\":\"EdDSA\",\"kid\":\"%s\"}",
		"[\"%s\"]",
	};
	struct store_fixture *f = *state;
	struct keyring *ring = open_keys(f);
	char header[512], token[2048];

	store_fixture_room(f->st, "demo");
	struct store_invite row = make(f, 0, NOW + 100);
	char *url = link_of(ring, &row);
	const char *good = strchr(url, '#') + 1;
	struct parts p = take_apart(ring, good);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		snprintf(header, sizeof(header), headers[i], p.kid);
		forged(f, ring, header, &p, p.signature);
		forged(f, ring, header, &p, "");
	}
#pragma GCC diagnostic pop
	forged_hmac(f, ring, &p);
	/* every bit of the signature, and every shorter token */
	for (size_t i = 0; i < strlen(p.signature); i++) {
		snprintf(token, sizeof(token), "%s.%s.%s", p.header, p.payload, p.signature);
		char *c = token + strlen(p.header) + 1 + strlen(p.payload) + 1 + i;
		*c = *c == 'A' ? 'B' : 'A';
		assert_int_equal(check(f, ring, token, NOW), ERR_LOGIN);
	}
	for (size_t len = 0; len < strlen(good); len++) {
		snprintf(token, sizeof(token), "%.*s", (int)len, good);
		assert_int_equal(check(f, ring, token, NOW), ERR_LOGIN);
	}
	assert_int_equal(check(f, ring, good, NOW), 0);
	free(url);
	close_keys(f, ring);
}

struct race {
	struct store_fixture *f;
	const struct store_invite *row;
	pthread_barrier_t start;
	atomic_uint number, got, denied;
};

static void *racer(void *arg)
{
	struct race *r = arg;
	char jti[32];
	int64_t rev = 0;

	snprintf(jti, sizeof(jti), "jti-of-racer-%u", r->number++);
	struct store_token token = store_fixture_token(jti, "guest", "demo", NOW + 50);
	snprintf(token.source, sizeof(token.source), "invite");
	snprintf(token.source_id, sizeof(token.source_id), "%s", r->row->id);
	pthread_barrier_wait(&r->start);
	int err = store_token_add(r->f->st, &store_tester, &token, &rev);
	r->got += err == 0;
	r->denied += err == ERR_DENIED;
	return NULL;
}

static void test_uses_race(void **state)
{
	enum { RACERS = 16 };
	struct store_fixture *f = *state;
	struct keyring *ring = open_keys(f);
	pthread_t threads[RACERS];
	struct store_invite after;

	store_fixture_room(f->st, "demo");
	struct store_invite row = make(f, 3, NOW + 100);
	struct race r = { .f = f, .row = &row };
	char *url = link_of(ring, &row);
	pthread_barrier_init(&r.start, NULL, RACERS);
	for (size_t i = 0; i < RACERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, racer, &r), 0);
	}
	for (size_t i = 0; i < RACERS; i++) {
		pthread_join(threads[i], NULL);
	}
	pthread_barrier_destroy(&r.start);
	assert_int_equal(r.got, 3);
	assert_int_equal(r.denied, RACERS - 3);
	assert_int_equal(store_invite_get(f->st, row.id, &after), 0);
	assert_int_equal(after.uses, 3);
	assert_int_equal(check(f, ring, url, NOW), ERR_LOGIN); /* used up */
	free(url);
	close_keys(f, ring);
}

static void test_names(void **state)
{
	char a[LIMIT_NAME + 1], b[LIMIT_NAME + 1], label[INVITE_LABEL_SIZE],
		other[INVITE_LABEL_SIZE];

	(void)state;
	invite_make_guest(a);
	invite_make_guest(b);
	assert_int_equal(strlen(a), 14);
	assert_memory_equal(a, "guest-", 6);
	assert_string_not_equal(a, b);
	invite_label(URL "/join#abc", label);
	invite_label("abc", other);
	assert_string_equal(label, other);
	assert_null(strstr(label, "abc"));
	invite_label("abd", other);
	assert_string_not_equal(label, other);
}

#define WITH_STORE(test)                                                                           \
	cmocka_unit_test_setup_teardown(test, store_fixture_sqlite, store_fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(test_link),
		WITH_STORE(test_wrong_claims),
		WITH_STORE(test_forgeries),
		WITH_STORE(test_uses_race),
		cmocka_unit_test(test_names),
	};

	log_setup("test", LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	if (sodium_init() < 0) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
