/*
 * keyring: which key signs when, which ones are published, what becomes of files that are not what
 * they should be, and of a store that fails.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/jws_sign.h"
#include "authd/keyring.h"
#include "authd/store_keys.h"
#include "tests/unit/store_fixture.h"

#define TYP "test+jwt"
#define SETTLE 60 /* past the end of the last token */

struct fixture {
	struct store_fixture *base;
	struct keyring *ring;
	char why[512];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(store_fixture_sqlite(state), 0);
	f->base = *state;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[160];

	keyring_destroy(f->ring);
	snprintf(command, sizeof(command), "rm -rf '%s/keys' '%s/signing-key.pem'", f->base->dir,
		f->base->dir);
	assert_int_equal(system(command), 0);
	*state = f->base;
	free(f);
	return store_fixture_end(state);
}

static int open_at(struct fixture *f, int64_t now)
{
	keyring_destroy(f->ring);
	f->ring = NULL;
	f->why[0] = '\0';
	return keyring_open(&f->ring, f->base->dir, f->base->st, now, f->why);
}

static void open_good(struct fixture *f, int64_t now)
{
	if (open_at(f, now) != 0) {
		fail_msg("%s", f->why);
	}
}

static int64_t clock_s(void)
{
	return (int64_t)time(NULL);
}

struct seen {
	struct keyring_key keys[40];
	size_t count;
	const char *signs; /* NULL: none */
};

static int note(const struct keyring_key *key, void *arg)
{
	struct seen *seen = arg;

	seen->keys[seen->count] = *key;
	if (key->signs) {
		assert_null(seen->signs); /* never two */
		seen->signs = seen->keys[seen->count].kid;
	}
	seen->count++;
	return 0;
}

static void look(struct fixture *f, struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	assert_int_equal(keyring_each(f->ring, note, seen), 0);
	json_t *jwks = keyring_jwks(f->ring, NULL);
	assert_int_equal(json_array_size(json_object_get(jwks, "keys")), seen->count);
	json_decref(jwks);
}

static const struct keyring_key *find(const struct seen *seen, const char *kid)
{
	for (size_t i = 0; i < seen->count; i++) {
		if (strcmp(seen->keys[i].kid, kid) == 0) {
			return &seen->keys[i];
		}
	}
	return NULL;
}

static char *sign(struct fixture *f)
{
	json_t *payload = json_pack("{s:s}", "a", "b");
	char *token = NULL;

	assert_int_equal(keyring_sign(f->ring, TYP, payload, &token), 0);
	json_decref(payload);
	return token;
}

static int verify(struct fixture *f, const char *token)
{
	json_t *payload = NULL;
	int err = keyring_verify(f->ring, token, TYP, &payload);

	json_decref(payload);
	return err;
}

static void file_of(const struct fixture *f, const char *kid, char out[160])
{
	snprintf(out, 160, "%s/keys/%s.pem", f->base->dir, kid);
}

static size_t count_files(const struct fixture *f)
{
	char path[96];
	size_t count = 0;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "%s/keys", f->base->dir);
	DIR *dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		count += entry->d_name[0] != '.';
	}
	closedir(dir);
	return count;
}

static void rotate(struct fixture *f, int64_t at, char kid[44])
{
	assert_int_equal(keyring_rotate(f->ring, &store_tester, at, kid), 0);
}

/* The first key is made, signs at once, and is the same after a restart. */
static void test_open(void **state)
{
	struct fixture *f = *state;
	struct seen first, again;
	struct stat sb;
	char file[160];

	open_good(f, clock_s());
	look(f, &first);
	assert_int_equal(first.count, 1);
	assert_non_null(first.signs);
	assert_int_equal(first.keys[0].retired_at, 0);
	file_of(f, first.signs, file);
	assert_int_equal(stat(file, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	char *token = sign(f);
	assert_int_equal(verify(f, token), 0);

	open_good(f, clock_s() + 5);
	look(f, &again);
	assert_int_equal(again.count, 1);
	assert_string_equal(again.signs, first.keys[0].kid);
	assert_int_equal(again.keys[0].created_at, first.keys[0].created_at);
	assert_int_equal(verify(f, token), 0);
	assert_int_equal(verify(f, "a.b.c"), ERR_TOKEN_INVALID);
	free(token);
}

/* The one key of an older version signs on, from where keys are kept now. */
static void test_take_over(void **state)
{
	struct fixture *f = *state;
	struct jws_signer *signer = NULL;
	struct seen seen;
	char old[96], kid[44];

	snprintf(old, sizeof(old), "%s/signing-key.pem", f->base->dir);
	assert_int_equal(jws_signer_open(&signer, old, f->why), 0);
	memcpy(kid, jws_signer_public(signer)->kid, sizeof(kid));
	json_t *payload = json_pack("{s:s}", "a", "b");
	char *token = NULL;
	assert_int_equal(jws_sign(signer, TYP, payload, &token), 0);
	json_decref(payload);
	jws_signer_destroy(signer);

	open_good(f, clock_s());
	look(f, &seen);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.signs, kid);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(verify(f, token), 0);
	free(token);
	/* no second key in place of the one that is gone from there */
	open_good(f, clock_s());
	look(f, &seen);
	assert_int_equal(seen.count, 1);
}

/* An older version's key that is no key: nothing is made in its place. */
static void test_take_over_bad(void **state)
{
	struct fixture *f = *state;
	char old[96];

	snprintf(old, sizeof(old), "%s/signing-key.pem", f->base->dir);
	FILE *file = fopen(old, "w");
	assert_non_null(file);
	fputs("no key\n", file);
	fclose(file);
	assert_int_equal(chmod(old, 0600), 0);
	assert_int_equal(open_at(f, clock_s()), ERR_CONFIG);
	assert_non_null(strstr(f->why, "signing-key.pem"));
	assert_int_equal(count_files(f), 0);
}

/* Published at once, signs when the overlap is over; the old one is retired then and still good. */
static void test_rotation(void **state)
{
	struct fixture *f = *state;
	struct seen seen;
	char first[44], second[44], third[44];
	uint64_t before = 0, after = 0;
	const int64_t now = clock_s();

	open_good(f, now - 1000);
	look(f, &seen);
	memcpy(first, seen.signs, sizeof(first));
	char *token = sign(f);
	json_decref(keyring_jwks(f->ring, &before));
	rotate(f, now, second);
	json_decref(keyring_jwks(f->ring, &after));
	assert_true(after > before); /* links send the set anew */
	look(f, &seen);
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.signs, first);
	assert_int_equal(find(&seen, second)->created_at, now);
	assert_int_equal(find(&seen, second)->active_at, now + KEYRING_OVERLAP_S);
	assert_int_equal(find(&seen, second)->retired_at, 0);
	assert_int_equal(find(&seen, first)->retired_at, now + KEYRING_OVERLAP_S);
	/* not twice within the overlap, and nothing is left of the attempt */
	assert_int_equal(keyring_rotate(f->ring, &store_tester, now, third), ERR_STATE);
	assert_int_equal(keyring_rotate(f->ring, &store_tester, now + KEYRING_OVERLAP_S - 1, third),
		ERR_STATE);
	assert_int_equal(count_files(f), 2);

	/* nothing changes by a restart; when its time has come, the new one signs */
	open_good(f, now);
	look(f, &seen);
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.signs, first);
	store_fixture_sql(f->base, "UPDATE signing_key SET active_at = active_at - 100,"
				   " retired_at = retired_at - (retired_at > 0) * 100");
	assert_int_equal(keyring_refresh(f->ring), 0);
	look(f, &seen);
	assert_string_equal(seen.signs, second);
	assert_int_equal(verify(f, token), 0);
	char *later = sign(f);
	open_good(f, now);
	look(f, &seen);
	assert_string_equal(seen.signs, second);
	assert_int_equal(verify(f, later), 0);
	assert_int_equal(verify(f, token), 0);
	free(later);
	free(token);
}

/* A clock that went back behind every key does not stop signing. */
static void test_clock_back(void **state)
{
	struct fixture *f = *state;
	struct seen seen;

	open_good(f, clock_s() + 86400);
	look(f, &seen);
	assert_int_equal(seen.count, 1);
	assert_non_null(seen.signs);
	char *token = sign(f);
	assert_int_equal(verify(f, token), 0);
	free(token);
}

/* Goes when the last token that was made with it has ended, not before; its file too. */
static void test_purge(void **state)
{
	struct fixture *f = *state;
	struct seen seen;
	char first[44], second[44], file[160];
	const int64_t now = clock_s(), end = now + 500;

	store_fixture_user(f->base->st, "alice");
	store_fixture_room(f->base->st, "demo");
	open_good(f, now - 1000);
	look(f, &seen);
	memcpy(first, seen.signs, sizeof(first));
	struct store_token token =
		store_fixture_token("aaaaaaaaaaaaaaaaaaaaaa", "alice", "demo", end);
	token.issued_at = now - 200;
	assert_int_equal(store_fixture_add(f->base->st, &token), 0);
	rotate(f, now - 100, second);
	look(f, &seen);
	assert_string_equal(seen.signs, second);
	char *old = sign(f);

	keyring_purge(f->ring, now);
	look(f, &seen);
	assert_int_equal(seen.count, 2);
	keyring_purge(f->ring, end + SETTLE - 1);
	look(f, &seen);
	assert_int_equal(seen.count, 2);
	keyring_purge(f->ring, end + SETTLE + 1);
	look(f, &seen);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.signs, second);
	file_of(f, first, file);
	assert_int_equal(access(file, F_OK), -1);
	/* the one that signs stays, whatever the time */
	keyring_purge(f->ring, end + 100 * 365 * INT64_C(86400));
	assert_int_equal(verify(f, old), 0);
	free(old);
	open_good(f, end + 100);
	look(f, &seen);
	assert_int_equal(seen.count, 1);
}

/* Right behind its end, and while an invite made with it holds, it stays. */
static void test_purge_not_yet(void **state)
{
	struct fixture *f = *state;
	struct seen seen;
	char second[44];
	const int64_t now = clock_s();

	open_good(f, now - 1000);
	rotate(f, now - 100, second);
	keyring_purge(f->ring, now - 100 + KEYRING_OVERLAP_S + SETTLE - 1);
	look(f, &seen);
	assert_int_equal(seen.count, 2);
	store_fixture_room(f->base->st, "demo");
	char sql[400];
	snprintf(sql, sizeof(sql),
		"INSERT INTO invite (id, room, created_at, expires_at) VALUES ('i1', 'demo', %lld, %lld)",
		(long long)now - 500, (long long)now + 5000);
	store_fixture_sql(f->base, sql);
	keyring_purge(f->ring, now + 4000);
	look(f, &seen);
	assert_int_equal(seen.count, 2);
	keyring_purge(f->ring, now + 5000 + SETTLE + 1);
	look(f, &seen);
	assert_int_equal(seen.count, 1);
}

/* Another authd's key is published, never signs here, and is left to it for 31 days. */
static void test_stranger(void **state)
{
	struct fixture *f = *state;
	struct store_key row = { .kid = "sssssssssssssssssssssssssssssssssssssssssss",
		.x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
	struct seen seen;
	const int64_t now = clock_s();

	row.created_at = row.active_at = now - 10;
	open_good(f, now - 1000);
	assert_int_equal(store_key_put(f->base->st, &store_tester, &row), 0);
	look(f, &seen);
	assert_int_equal(seen.count, 1);
	assert_int_equal(keyring_refresh(f->ring), 0);
	look(f, &seen);
	assert_int_equal(seen.count, 2);
	assert_string_not_equal(seen.signs, row.kid);
	row.retired_at = now;
	assert_int_equal(store_key_put(f->base->st, &store_tester, &row), 0);
	keyring_purge(f->ring, now + 30 * 86400);
	look(f, &seen);
	assert_int_equal(seen.count, 2);
	keyring_purge(f->ring, now + 31 * 86400);
	look(f, &seen);
	assert_int_equal(seen.count, 1);
}

/* As many as may be published at once, then a refusal that changes nothing. */
static void test_full(void **state)
{
	struct fixture *f = *state;
	struct seen seen;
	char kid[44];
	const int64_t now = clock_s();

	open_good(f, now - 10000);
	for (unsigned i = 1; i < KEYRING_OWN_MAX; i++) {
		rotate(f, now - 9000 + i * 60, kid);
	}
	assert_int_equal(keyring_rotate(f->ring, &store_tester, now, kid), ERR_FULL);
	look(f, &seen);
	assert_int_equal(seen.count, KEYRING_OWN_MAX);
	assert_string_equal(seen.signs, seen.keys[KEYRING_OWN_MAX - 1].kid);
	assert_int_equal(count_files(f), KEYRING_OWN_MAX);
	open_good(f, now);
}

static void refuse_file(struct fixture *f, const char *says)
{
	assert_int_equal(open_at(f, clock_s()), ERR_CONFIG);
	if (strstr(f->why, says) == NULL) {
		fail_msg("%s", f->why);
	}
}

/* A key that others can read, that is no key, that is a link to nowhere. */
static void test_bad_files(void **state)
{
	struct fixture *f = *state;
	struct seen seen;
	char file[160], away[176];

	open_good(f, clock_s());
	look(f, &seen);
	file_of(f, seen.signs, file);
	assert_int_equal(chmod(file, 0640), 0);
	refuse_file(f, file);
	assert_int_equal(chmod(file, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(file, 65534, (gid_t)-1), 0);
		refuse_file(f, file);
		assert_int_equal(chown(file, 0, (gid_t)-1), 0);
	}
	snprintf(away, sizeof(away), "%s.away", file);
	assert_int_equal(rename(file, away), 0);
	FILE *junk = fopen(file, "w");
	assert_non_null(junk);
	fputs("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", junk);
	fclose(junk);
	assert_int_equal(chmod(file, 0600), 0);
	refuse_file(f, file);
	assert_int_equal(rename(away, file), 0);
	open_good(f, clock_s());
	/* what a rotation that was cut off left behind is no key of ours */
	char fresh[160];
	file_of(f, "fresh", fresh);
	assert_int_equal(link(file, fresh), 0);
	open_good(f, clock_s());
	look(f, &seen);
	assert_int_equal(seen.count, 1);
}

/* The folder of keys cannot be made. */
static void test_no_folder(void **state)
{
	struct fixture *f = *state;
	char path[96];

	snprintf(path, sizeof(path), "%s/keys", f->base->dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	refuse_file(f, "keys");
}

/* What the store does not take is not published and does not sign, nor comes it back later. */
static void test_store_fails(void **state)
{
	struct fixture *f = *state;
	struct seen seen;
	char kid[44] = "";
	const int64_t now = clock_s();

	store_fixture_sql(f->base, "CREATE TRIGGER no_key BEFORE INSERT ON signing_key"
				   " BEGIN SELECT RAISE(FAIL, 'no'); END");
	assert_int_not_equal(open_at(f, now), 0);
	assert_string_not_equal(f->why, "");
	store_fixture_sql(f->base, "DROP TRIGGER no_key");
	open_good(f, now - 1000);
	assert_int_equal(count_files(f), 1);
	store_fixture_sql(f->base, "CREATE TRIGGER no_key BEFORE INSERT ON signing_key"
				   " BEGIN SELECT RAISE(FAIL, 'no'); END");
	assert_int_not_equal(keyring_rotate(f->ring, &store_tester, now, kid), 0);
	assert_int_equal(count_files(f), 1);
	look(f, &seen);
	assert_int_equal(seen.count, 1);
	assert_non_null(seen.signs);
	store_fixture_sql(f->base, "DROP TRIGGER no_key");
	rotate(f, now, kid);
	/* the set that is known goes on being served */
	store_fixture_sql(f->base, "ALTER TABLE signing_key RENAME TO elsewhere");
	assert_int_not_equal(keyring_refresh(f->ring), 0);
	keyring_purge(f->ring, now + 86400);
	look(f, &seen);
	assert_int_equal(seen.count, 2);
	char *token = sign(f);
	assert_int_equal(verify(f, token), 0);
	free(token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_take_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_take_over_bad, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_purge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_purge_not_yet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stranger, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_fails, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
