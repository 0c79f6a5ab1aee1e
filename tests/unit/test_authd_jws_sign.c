/*
 * The signing key and what is signed with it: made private, kept, refused when it is not private;
 * what is signed verifies, and nothing else does.
 */
#include <fcntl.h>
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
#include <sodium.h>

#include "authd/jwks.h"
#include "authd/jws_sign.h"
#include "proto/jws_verify.h"
#include "proto/token_claims.h"

struct fixture {
	char dir[64], file[96], why[512];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/helio-sign.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/key.pem", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->file);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static struct jws_signer *open_signer(struct fixture *f)
{
	struct jws_signer *signer = NULL;

	if (jws_signer_open(&signer, f->file, f->why) != 0) {
		fail_msg("%s", f->why);
	}
	return signer;
}

static struct jws_keyset *keyset_of(const struct jws_signer *signer)
{
	const struct jws_public *const keys[] = { jws_signer_public(signer) };
	struct jws_keyset *set = NULL;
	json_t *jwks = jwks_build(keys, 1);

	assert_int_equal(jws_keyset_create(&set, jwks), 0);
	json_decref(jwks);
	return set;
}

static void test_round_trip(void **state)
{
	struct jws_signer *signer = open_signer(*state);
	struct jws_keyset *set = keyset_of(signer);
	json_t *payload = json_pack("{s:s,s:i}", "room", "demo", "exp", 123), *out = NULL;
	char *token = NULL;

	assert_int_equal(jws_sign(signer, TOKEN_TYP, payload, &token), 0);
	assert_int_equal(jws_verify(set, token, TOKEN_TYP, &out), 0);
	assert_true(json_equal(payload, out));
	json_decref(out);
	assert_int_equal(jws_verify(set, token, "other+jwt", &out), ERR_TOKEN_INVALID);
	for (size_t i = 0; i < strlen(token); i++) {
		char was = token[i];
		token[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(jws_verify(set, token, TOKEN_TYP, &out), ERR_TOKEN_INVALID);
		token[i] = was;
	}
	free(token);
	json_decref(payload);
	jws_keyset_destroy(set);
	jws_signer_destroy(signer);
	jws_signer_destroy(NULL);
}

static void test_key_is_private_and_kept(void **state)
{
	struct fixture *f = *state;
	struct jws_signer *first = open_signer(f);
	struct stat sb;

	assert_int_equal(stat(f->file, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0600);
	struct jws_signer *second = open_signer(f);
	assert_string_equal(jws_signer_public(first)->kid, jws_signer_public(second)->kid);
	jws_signer_destroy(first);
	jws_signer_destroy(second);
}

static void test_two_keys_differ(void **state)
{
	struct fixture *f = *state;
	struct jws_signer *first = open_signer(f), *second = NULL;
	struct jws_keyset *set;
	json_t *payload = json_pack("{s:s}", "a", "b"), *out = NULL;
	char *token = NULL;

	unlink(f->file);
	second = open_signer(f);
	set = keyset_of(second);
	assert_string_not_equal(jws_signer_public(first)->kid, jws_signer_public(second)->kid);
	assert_int_equal(jws_sign(first, TOKEN_TYP, payload, &token), 0);
	assert_int_equal(jws_verify(set, token, TOKEN_TYP, &out), ERR_TOKEN_INVALID);
	free(token);
	json_decref(payload);
	jws_keyset_destroy(set);
	jws_signer_destroy(first);
	jws_signer_destroy(second);
}

static void test_readable_key_is_refused(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0644, 0660, 0601 };
	struct fixture *f = *state;
	struct jws_signer *signer = open_signer(f);

	jws_signer_destroy(signer);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(f->file, modes[i]), 0);
		assert_int_equal(jws_signer_open(&signer, f->file, f->why), ERR_CONFIG);
		assert_non_null(strstr(f->why, "chmod 600"));
		assert_non_null(strstr(f->why, f->file));
	}
	assert_int_equal(chmod(f->file, 0600), 0);
	jws_signer_destroy(open_signer(f));
}

static void test_other_files_are_refused(void **state)
{
	static const char *const texts[] = { "", "garbage\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" };
	struct fixture *f = *state;
	struct jws_signer *signer = NULL;
	char target[128];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *fp = fopen(f->file, "w");
		assert_non_null(fp);
		fputs(texts[i], fp);
		fclose(fp);
		assert_int_equal(chmod(f->file, 0600), 0);
		assert_int_equal(jws_signer_open(&signer, f->file, f->why), ERR_CONFIG);
	}
	/* a link could point anywhere */
	snprintf(target, sizeof(target), "%s.target", f->file);
	unlink(f->file);
	assert_int_equal(symlink(target, f->file), 0);
	assert_int_not_equal(jws_signer_open(&signer, f->file, f->why), 0);
	assert_int_not_equal(access(target, F_OK), 0);
	/* a pipe must not make the start wait for a writer */
	unlink(f->file);
	assert_int_equal(mkfifo(f->file, 0600), 0);
	assert_int_equal(jws_signer_open(&signer, f->file, f->why), ERR_CONFIG);
	unlink(f->file);
	/* a folder that is not there */
	assert_int_equal(jws_signer_open(&signer, "/nonexistent/key.pem", f->why), ERR_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key_is_private_and_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_keys_differ, setup, teardown),
		cmocka_unit_test_setup_teardown(test_readable_key_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_files_are_refused, setup, teardown),
	};

	if (sodium_init() < 0) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
