/*
 * Each scenario is run again and again with its 1st, 2nd, 3rd ... allocation failing, until it gets
 * through. It must never crash, never leak, and never accept what it would have refused. Linked
 * with malloc, calloc and free wrapped, so that our own allocations are seen; those of jansson and
 * GnuTLS come through their hooks.
 */
#include <ev.h>
#include <gnutls/abstract.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/chan.h"
#include "common/tls_creds.h"
#include "proto/base64url.h"
#include "proto/jws_verify.h"
#include "proto/msg.h"
#include "proto/token_claims.h"
#include "tests/unit/tls_fixture.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *p);

static bool counting;
static unsigned fail_at; /* 0: never */
static unsigned allocations;
static bool failed;
static long live;

static bool refuse_now(void)
{
	if (!counting) {
		return false;
	}
	if (++allocations == fail_at) {
		failed = true;
		return true;
	}
	live++;
	return false;
}

void *__wrap_malloc(size_t size)
{
	return refuse_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return refuse_now() ? NULL : __real_calloc(count, size);
}

void __wrap_free(void *p)
{
	live -= counting && p != NULL;
	__real_free(p);
}

/* GnuTLS frees with free() what it allocates through its hooks, so these are not balanced here. */
static void *gnutls_malloc_hook(size_t size)
{
	bool no = refuse_now();

	live -= counting && !no;
	return no ? NULL : __real_malloc(size);
}

static void *gnutls_calloc_hook(size_t count, size_t size)
{
	bool no = refuse_now();

	live -= counting && !no;
	return no ? NULL : __real_calloc(count, size);
}

/* Runs the scenario until no allocation of it failed any more. */
static void exhaust(void (*scenario)(void *arg), void *arg)
{
	for (unsigned n = 1;; n++) {
		assert_true(n < 2000);
		fail_at = n;
		allocations = 0;
		failed = false;
		live = 0;
		counting = true;
		scenario(arg);
		counting = false;
		assert_int_equal(live, 0);
		if (!failed) {
			assert_true(n > 1); /* otherwise nothing was tested */
			return;
		}
	}
}

/* err is evaluated before. */
#define expect(err) assert_int_equal((err), failed ? ERR_NOMEM : 0)

static void messages(void *arg)
{
	static const char text[] =
		"{\"type\":\"x\",\"a\":[1,2.5,\"s\",{\"b\":null}],\"long\":\"0123456789\"}";
	json_t *msg = NULL;
	const char *type = NULL;

	(void)arg;
	int err = msg_parse(text, strlen(text), &msg, &type);
	/* jansson calls some of what it cannot allocate a bad token: that is still no */
	assert_true(failed ? err == ERR_NOMEM || err == ERR_BAD_JSON : err == 0);
	if (err == 0) {
		char *dump = msg_dump(msg, NULL);
		assert_true((dump == NULL) == failed);
		free(dump);
		json_decref(msg);
	}
}

static void test_messages(void **state)
{
	(void)state;
	exhaust(messages, NULL);
}

static void claims(void *arg)
{
	struct token_claims out;
	json_t *payload = token_claims_build(arg);

	assert_true((payload == NULL) == failed);
	if (payload != NULL) {
		assert_int_equal(token_claims_parse(&out, payload), 0);
		json_decref(payload);
	}
}

static void test_claims(void **state)
{
	struct token_claims c = { .issuer = "authd",
		.audience = "c",
		.participant = "a",
		.user = "a",
		.display_name = "A",
		.room = "r",
		.jti = "j",
		.issued_at = 1,
		.not_before = 1,
		.expires_at = 2,
		.publish = 15,
		.source = "user",
		.session_s = 60,
		.net_count = 1,
		.nets = { { .len = 4, .bits = 0 } },
		.duplicate = TOKEN_DUP_ALLOW,
		.bitrate = { 1, 2 },
		.policy = ROOM_POLICY_INIT,
		.place_count = 1,
		.places = { "r1:1" } };

	(void)state;
	exhaust(claims, &c);
}

struct tokens {
	json_t *jwks;
	char good[512];
	char forged[512];
};

static void verify(void *arg)
{
	const struct tokens *t = arg;
	struct jws_keyset *set = NULL;
	json_t *payload = NULL;
	int err = jws_keyset_create(&set, t->jwks);

	expect(err);
	if (err != 0) {
		return;
	}
	err = jws_verify(set, t->good, TOKEN_TYP, &payload);
	/* a library may call what it cannot allocate an invalid token: that is still no */
	assert_true(failed ? err != 0 : err == 0);
	json_decref(payload);
	payload = NULL;
	assert_int_not_equal(jws_verify(set, t->forged, TOKEN_TYP, &payload), 0);
	assert_null(payload);
	jws_keyset_destroy(set);
}

static void make_tokens(struct tokens *t)
{
	static const char header[] = "{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}";
	gnutls_privkey_t key;
	gnutls_ecc_curve_t curve;
	gnutls_datum_t x;
	gnutls_datum_t sig;
	char text[64];

	assert_int_equal(gnutls_privkey_init(&key), 0);
	assert_int_equal(gnutls_privkey_generate(key, GNUTLS_PK_EDDSA_ED25519, 256, 0), 0);
	assert_int_equal(gnutls_privkey_export_ecc_raw(key, &curve, &x, NULL, NULL), 0);
	assert_int_equal(base64url_encode(x.data, x.size, text, sizeof(text)), 0);
	t->jwks = json_pack("{s:[{s:s, s:s, s:s, s:s}]}", "keys", "kty", "OKP", "crv", "Ed25519",
		"kid", "k1", "x", text);
	assert_int_equal(base64url_encode(header, strlen(header), t->good, sizeof(t->good)), 0);
	strcat(t->good, ".e30."); /* {} */
	size_t n = strlen(t->good);
	const gnutls_datum_t data = { (unsigned char *)t->good, (unsigned)n - 1 };
	assert_int_equal(
		gnutls_privkey_sign_data2(key, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &sig), 0);
	assert_int_equal(base64url_encode(sig.data, sig.size, t->good + n, sizeof(t->good) - n), 0);
	strcpy(t->forged, t->good);
	t->forged[n] = t->good[n] == 'A' ? 'B' : 'A';
	gnutls_free(sig.data);
	gnutls_free(x.data);
	gnutls_privkey_deinit(key);
}

static void test_tokens(void **state)
{
	struct tokens t;

	(void)state;
	make_tokens(&t);
	gnutls_malloc = gnutls_malloc_hook;
	gnutls_calloc = gnutls_calloc_hook;
	exhaust(verify, &t);
	gnutls_malloc = __real_malloc;
	gnutls_calloc = __real_calloc;
	json_decref(t.jwks);
}

struct two_ends {
	struct ev_loop *loop;
	json_t *msg;
	unsigned messages;
	int ended;
};

static void on_message(struct chan *ch, const char *type, const json_t *msg, void *user)
{
	struct two_ends *e = user;

	(void)ch;
	(void)type;
	(void)msg;
	e->messages++;
}

static void on_end(struct chan *ch, int err, void *user)
{
	struct two_ends *e = user;

	(void)ch;
	e->ended = err;
}

static void channels(void *arg)
{
	static const struct chan_events events = { on_message, NULL, on_end };
	struct two_ends *e = arg;
	struct chan *a = NULL;
	struct chan *b = NULL;
	int fds[2];

	e->messages = 0;
	e->ended = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	int err = chan_create_packet(&a, e->loop, fds[0], &events, e);
	expect(err);
	if (err != 0) {
		close(fds[0]);
		close(fds[1]);
		return;
	}
	err = chan_create_packet(&b, e->loop, fds[1], &events, e);
	expect(err);
	if (err != 0) {
		close(fds[1]);
	} else {
		err = chan_send(a, e->msg);
		expect(err);
		for (int i = 0; i < 5; i++) {
			ev_run(e->loop, EVRUN_NOWAIT);
		}
		/* delivered, or the send failed, or the end says why not */
		assert_true(failed ? e->messages == 0 : e->messages == 1);
		assert_true(e->ended == 0 || e->ended == ERR_NOMEM || e->ended == ERR_CLOSED);
	}
	chan_destroy(a);
	chan_destroy(b);
}

static void test_channels(void **state)
{
	struct two_ends e = { .loop = ev_loop_new(EVFLAG_AUTO),
		.msg = json_pack("{s:s, s:[i,i]}", "type", "x", "list", 1, 2) };

	(void)state;
	exhaust(channels, &e);
	json_decref(e.msg);
	ev_loop_destroy(e.loop);
}

struct chain {
	struct tls_identity id;
	gnutls_privkey_t key;
	gnutls_certificate_credentials_t creds;
};

static int sign(void *user, gnutls_sign_algorithm_t algo, const gnutls_datum_t *data,
	gnutls_datum_t *signature)
{
	return tls_creds_sign(user, algo, data, signature);
}

/* Our own allocations only: the big number library below GnuTLS ends the process without memory. */
static void credentials(void *arg)
{
	const struct chain *c = arg;
	gnutls_certificate_credentials_t creds = NULL;
	const struct tls_io_server conf = { .creds = c->creds, .alpn = "helio/1" };
	struct tls_io io;
	char *text = NULL;
	size_t len = 0;

	int err = tls_creds_create_external(
		&creds, (const char *)c->id.cert.data, c->id.cert.size, sign, c->key);
	expect(err);
	if (err == 0) {
		gnutls_certificate_free_credentials(creds);
	}
	err = tls_io_init_server(&io, -1, &conf);
	assert_true(err == 0 || (failed && err == ERR_NOMEM));
	if (err == 0) {
		tls_io_finish(&io);
	}
	err = tls_creds_read_file("/proc/self/stat", 100000, &text, &len);
	assert_true(err == 0 || (failed && err == ERR_NOMEM));
	free(text);
}

static void test_credentials(void **state)
{
	struct tls_ca ca;
	struct chain c;

	(void)state;
	tls_ca_init(&ca);
	tls_identity_init(&c.id, &ca, &(struct tls_wish){ .name = "r1.example" });
	assert_int_equal(gnutls_privkey_init(&c.key), 0);
	assert_int_equal(
		gnutls_privkey_import_x509_raw(c.key, &c.id.key, GNUTLS_X509_FMT_PEM, NULL, 0), 0);
	c.creds = tls_fixture_creds(&c.id, NULL);
	exhaust(credentials, &c);
	gnutls_certificate_free_credentials(c.creds);
	gnutls_privkey_deinit(c.key);
	tls_identity_finish(&c.id);
	tls_ca_finish(&ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_channels),
		cmocka_unit_test(test_credentials),
	};

	json_set_alloc_funcs(__wrap_malloc, __wrap_free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
