/* Patterns of names: what matches, what is refused, and that none takes long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "authd/pattern.h"
#include "proto/limits.h"

static void test_match(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool want;
	} cases[] = {
		{ "demo", "demo", true },
		{ "demo", "demo2", false },
		{ "demo", "dem", false },
		{ "demo", "Demo", false },
		{ "*", "anything", true },
		{ "*", "", true },
		{ "team-*", "team-a", true },
		{ "team-*", "team-", true },
		{ "team-*", "xteam-a", false },
		{ "*-team", "a-team", true },
		{ "*-team", "a-teams", false },
		{ "a*b*c", "abc", true },
		{ "a*b*c", "a1b2b3c", true },
		{ "a*b*c", "acb", false },
		{ "**", "x", true },
		{ "a**", "a", true },
		{ "*a*", "bab", true },
		{ "*a*", "bbb", false },
		{ "", "", true },
		{ "", "a", false },
		{ "*ab", "aab", true },
		{ "a.c", "abc", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (pattern_match(cases[i].pattern, cases[i].name) != cases[i].want) {
			fail_msg("\"%s\" on \"%s\"", cases[i].pattern, cases[i].name);
		}
	}
}

static void test_valid(void **state)
{
	char long_one[LIMIT_NAME + 2];

	(void)state;
	memset(long_one, 'a', sizeof(long_one));
	long_one[LIMIT_NAME + 1] = '\0';
	assert_false(pattern_is_valid(long_one));
	long_one[LIMIT_NAME] = '\0';
	assert_true(pattern_is_valid(long_one));
	assert_true(pattern_is_valid("*"));
	assert_true(pattern_is_valid("a*@x.example"));
	assert_false(pattern_is_valid(""));
	assert_false(pattern_is_valid("a b"));
	assert_false(pattern_is_valid("a?"));
	assert_false(pattern_is_valid("[a]"));
}

static int check_text(const char *text)
{
	json_t *list = json_loads(text, JSON_DECODE_ANY, NULL);
	int err = pattern_list_check(list);

	json_decref(list);
	return err;
}

static void test_list(void **state)
{
	json_t *list = json_loads("[\"demo\",\"team-*\"]", 0, NULL);

	(void)state;
	assert_int_equal(pattern_list_check(list), 0);
	assert_true(pattern_list_match(list, "demo"));
	assert_true(pattern_list_match(list, "team-7"));
	assert_false(pattern_list_match(list, "other"));
	json_decref(list);
	assert_int_equal(check_text("[]"), 0);
	assert_int_equal(check_text("[1]"), ERR_BAD_FIELD);
	assert_int_equal(check_text("[\"\"]"), ERR_BAD_FIELD);
	assert_int_equal(check_text("[\"a b\"]"), ERR_BAD_FIELD);
	assert_int_equal(check_text("\"*\""), ERR_BAD_FIELD);
	assert_int_equal(check_text("{}"), ERR_BAD_FIELD);
	assert_int_equal(pattern_list_check(NULL), ERR_BAD_FIELD);
	list = json_array();
	assert_false(pattern_list_match(list, "demo"));
	for (unsigned i = 0; i < PATTERN_LIST_MAX; i++) {
		json_array_append_new(list, json_string("*"));
	}
	assert_int_equal(pattern_list_check(list), 0);
	json_array_append_new(list, json_string("*"));
	assert_int_equal(pattern_list_check(list), ERR_BAD_FIELD);
	json_decref(list);
}

/* The patterns that take others for ever. */
static void test_no_explosion(void **state)
{
	char name[LIMIT_NAME + 1];
	clock_t begin = clock();

	(void)state;
	memset(name, 'a', LIMIT_NAME);
	name[LIMIT_NAME] = '\0';
	for (int i = 0; i < 1000; i++) {
		assert_false(pattern_match("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name));
	}
	assert_true(clock() - begin < CLOCKS_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_no_explosion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
