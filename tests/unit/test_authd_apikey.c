/*
 * API keys against a real store: what a key looks like, who is let in, and that all refusals are
 * one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "authd/apikey.h"
#include "common/log.h"
#include "tests/unit/store_fixture.h"

static struct store_apikey make(struct store *st, const char *name, char text[APIKEY_TEXT_SIZE])
{
	struct store_apikey key = { .rooms = "[\"demo\",\"team-*\"]", .grants = "{}" };

	snprintf(key.name, sizeof(key.name), "%s", name);
	key.created_at = NOW;
	assert_int_equal(apikey_make(&key, text), 0);
	assert_int_equal(store_apikey_add(st, &store_tester, &key), 0);
	return key;
}

static void test_text(void **state)
{
	struct store_apikey a = { 0 }, b = { 0 };
	char text[APIKEY_TEXT_SIZE], other[APIKEY_TEXT_SIZE];

	(void)state;
	assert_int_equal(apikey_make(&a, text), 0);
	assert_int_equal(apikey_make(&b, other), 0);
	assert_int_equal(strlen(text), 3 + 12 + 1 + 43);
	assert_memory_equal(text, "hk_", 3);
	assert_memory_equal(text + 3, a.id, 12);
	assert_int_equal(strspn(a.id, "abcdefghijklmnopqrstuvwxyz234567"), 12);
	assert_int_equal(strlen(a.hash), 43);
	assert_null(strstr(text, a.hash));
	assert_string_not_equal(a.id, b.id);
	assert_string_not_equal(a.hash, b.hash);
}

static void test_bearer(void **state)
{
	(void)state;
	assert_string_equal(apikey_of_bearer("Bearer hk_abc"), "hk_abc");
	assert_string_equal(apikey_of_bearer("bearer hk_abc"), "hk_abc");
	assert_null(apikey_of_bearer(NULL));
	assert_null(apikey_of_bearer(""));
	assert_null(apikey_of_bearer("Bearer eyJh"));
	assert_null(apikey_of_bearer("Basic aGs="));
	assert_null(apikey_of_bearer("hk_abc"));
}

static void test_check(void **state)
{
	struct store_fixture *f = *state;
	struct store_apikey out;
	char text[APIKEY_TEXT_SIZE], bad[APIKEY_TEXT_SIZE + 8];
	struct store_apikey key = make(f->st, "shop", text);

	assert_int_equal(apikey_check(f->st, text, NOW, &out), 0);
	assert_string_equal(out.name, "shop");
	/* each single character counts */
	for (size_t i = 0; i < strlen(text); i++) {
		memcpy(bad, text, sizeof(text));
		bad[i] = bad[i] == 'a' ? 'b' : 'a';
		assert_int_equal(apikey_check(f->st, bad, NOW, &out), ERR_LOGIN);
	}
	snprintf(bad, sizeof(bad), "%sA", text);
	assert_int_equal(apikey_check(f->st, bad, NOW, &out), ERR_LOGIN);
	memcpy(bad, text, sizeof(text));
	bad[strlen(text) - 1] = '\0';
	assert_int_equal(apikey_check(f->st, bad, NOW, &out), ERR_LOGIN);
	assert_int_equal(apikey_check(f->st, "", NOW, &out), ERR_LOGIN);
	assert_int_equal(apikey_check(f->st, "hk_", NOW, &out), ERR_LOGIN);
	assert_int_equal(apikey_check(f->st, "shop", NOW, &out), ERR_LOGIN);
	/* the hash is no secret that opens */
	snprintf(bad, sizeof(bad), "hk_%s_%s", key.id, key.hash);
	assert_int_equal(apikey_check(f->st, bad, NOW, &out), ERR_LOGIN);
}

/* A key whose name is another one's id, or looks like one, is not found by it. */
static void test_name_is_no_id(void **state)
{
	struct store_fixture *f = *state;
	struct store_apikey out;
	char text[APIKEY_TEXT_SIZE], bad[APIKEY_TEXT_SIZE];

	(void)make(f->st, "abcdefghijkl", text);
	snprintf(bad, sizeof(bad), "hk_abcdefghijkl_%s", text + 3 + 12 + 1);
	assert_int_equal(apikey_check(f->st, bad, NOW, &out), ERR_LOGIN);
	(void)make(f->st, "000000000000", text);
	assert_int_equal(apikey_check(f->st, "hk_", NOW, &out), ERR_LOGIN);
}

static void test_end(void **state)
{
	struct store_fixture *f = *state;
	struct store_apikey key = { .rooms = "[]", .grants = "{}", .expires_at = NOW + 10 }, out;
	char text[APIKEY_TEXT_SIZE];

	snprintf(key.name, sizeof(key.name), "short");
	assert_int_equal(apikey_make(&key, text), 0);
	assert_int_equal(store_apikey_add(f->st, &store_tester, &key), 0);
	assert_int_equal(store_apikey_add(f->st, &store_tester, &key), ERR_EXISTS);
	assert_int_equal(apikey_check(f->st, text, NOW + 9, &out), 0);
	assert_int_equal(apikey_check(f->st, text, NOW + 10, &out), ERR_LOGIN);
	(void)make(f->st, "shop", text);
	assert_int_equal(apikey_check(f->st, text, NOW, &out), 0);
	assert_int_equal(store_apikey_revoke(f->st, &store_tester, "nobody", NOW), ERR_NOT_FOUND);
	assert_int_equal(store_apikey_revoke(f->st, &store_tester, "shop", NOW), 0);
	assert_int_equal(apikey_check(f->st, text, NOW, &out), ERR_LOGIN);
	assert_int_equal(store_apikey_revoke(f->st, &store_tester, "shop", NOW + 5), 0);
	assert_int_equal(store_apikey_get(f->st, "shop", &out), 0);
	assert_int_equal(out.revoked_at, NOW);
}

/* Every token that was made with it ends, and no other is made. */
static void test_revoking_ends_its_tokens(void **state)
{
	struct store_fixture *f = *state;
	char text[APIKEY_TEXT_SIZE];
	struct store_apikey key = make(f->st, "shop", text);
	struct store_token token =
		store_fixture_token("jti-of-the-key-1", "gast", "demo", NOW + 100);
	struct store_token row;
	int64_t rev = 0;

	store_fixture_room(f->st, "demo");
	snprintf(token.source, sizeof(token.source), "apikey");
	snprintf(token.source_id, sizeof(token.source_id), "%s", key.id);
	assert_int_equal(store_token_add(f->st, &store_tester, &token, &rev), 0);
	assert_int_equal(store_apikey_revoke(f->st, &store_tester, key.id, NOW + 1), 0);
	assert_int_equal(store_token_get(f->st, token.jti, &row), 0);
	assert_int_equal(row.revoked_at, NOW + 1);
	snprintf(token.jti, sizeof(token.jti), "jti-of-the-key-2");
	assert_int_equal(store_token_add(f->st, &store_tester, &token, &rev), ERR_DENIED);
}

static void test_rooms(void **state)
{
	struct store_apikey key = { .rooms = "[\"demo\",\"team-*\"]" };

	(void)state;
	assert_true(apikey_allows_room(&key, "demo"));
	assert_true(apikey_allows_room(&key, "team-x"));
	assert_false(apikey_allows_room(&key, "other"));
	snprintf(key.rooms, sizeof(key.rooms), "[]");
	assert_false(apikey_allows_room(&key, "demo"));
	snprintf(key.rooms, sizeof(key.rooms), "no JSON");
	assert_false(apikey_allows_room(&key, "demo"));
}

static int count_row(const struct store_apikey *row, void *arg)
{
	char *names = arg;

	strcat(names, row->name);
	return 0;
}

static void test_list(void **state)
{
	struct store_fixture *f = *state;
	char text[APIKEY_TEXT_SIZE], names[64] = "";
	struct store_page page = { .after = "", .limit = 2 };

	(void)make(f->st, "c", text);
	(void)make(f->st, "a", text);
	(void)make(f->st, "b", text);
	assert_int_equal(store_apikey_list(f->st, &page, count_row, names), 0);
	assert_string_equal(names, "ab");
	page.after = "b";
	assert_int_equal(store_apikey_list(f->st, &page, count_row, names), 0);
	assert_string_equal(names, "abc");
}

#define WITH_STORE(test)                                                                           \
	cmocka_unit_test_setup_teardown(test, store_fixture_sqlite, store_fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bearer),
		WITH_STORE(test_check),
		WITH_STORE(test_name_is_no_id),
		WITH_STORE(test_end),
		WITH_STORE(test_revoking_ends_its_tokens),
		cmocka_unit_test(test_rooms),
		WITH_STORE(test_list),
	};

	log_setup("test", LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	if (sodium_init() < 0) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
