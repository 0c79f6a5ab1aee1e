/*
 * The argument vector of helioctl, and the suggestions for mistyped words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/options.h"
#include "ctl/suggest.h"

#define PARSE(options, error, ...)                                                                 \
	options_parse((options),                                                                   \
		(int)(sizeof((char *[]){ "helioctl", __VA_ARGS__ }) / sizeof(char *)),             \
		(char *[]){ "helioctl", __VA_ARGS__ }, (error))

static void test_anywhere(void **state)
{
	struct options options;
	char error[256];

	(void)state;
	assert_int_equal(
		PARSE(&options, error, "--json", "room", "--socket", "/s", "show", "-q", "demo"),
		0);
	assert_int_equal(options.operand_count, 3);
	assert_string_equal(options.operands[2], "demo");
	assert_string_equal(options.value[OPT_SOCKET], "/s");
	assert_non_null(options.value[OPT_JSON]);
	assert_non_null(options.value[OPT_QUIET]);
	assert_null(options.value[OPT_YES]);
}

static void test_values(void **state)
{
	struct options options;
	char error[256];

	(void)state;
	assert_int_equal(PARSE(&options, error, "--room=a=b", "--password-file", "-"), 0);
	assert_string_equal(options.value[OPT_ROOM], "a=b");
	assert_string_equal(options.value[OPT_PASSWORD_FILE], "-");
	assert_int_equal(options.operand_count, 0);
	assert_int_equal(PARSE(&options, error, "--", "--json", "-q"), 0);
	assert_int_equal(options.operand_count, 2);
	assert_null(options.value[OPT_JSON]);
}

static void test_refused(void **state)
{
	struct options options;
	char error[256];

	(void)state;
	assert_int_equal(PARSE(&options, error, "--jsno"), ERR_INVALID);
	assert_non_null(strstr(error, "did you mean --json?"));
	assert_int_equal(PARSE(&options, error, "--xyzzy"), ERR_INVALID);
	assert_null(strstr(error, "did you mean"));
	assert_int_equal(PARSE(&options, error, "--json=yes"), ERR_INVALID);
	assert_non_null(strstr(error, "takes no value"));
	assert_int_equal(PARSE(&options, error, "--room"), ERR_INVALID);
	assert_non_null(strstr(error, "needs a value"));
	assert_int_equal(PARSE(&options, error, "--room="), ERR_INVALID);
	char x[] = "x", *many[OPERANDS_MAX + 2];
	for (size_t i = 0; i < OPERANDS_MAX + 2; i++) {
		many[i] = x;
	}
	assert_int_equal(options_parse(&options, OPERANDS_MAX + 1, many, error), 0);
	assert_int_equal(options_parse(&options, OPERANDS_MAX + 2, many, error), ERR_INVALID);
}

static void test_ids_with_dashes(void **state)
{
	struct options options;
	char error[256];

	(void)state;
	assert_int_equal(PARSE(&options, error, "token", "revoke", "-aBcdEfgh", "--yes"), 0);
	assert_int_equal(options.operand_count, 3);
	assert_non_null(options.value[OPT_YES]);
	assert_int_equal(PARSE(&options, error, "token", "revoke", "--0123456789012345678_"), 0);
	assert_int_equal(options.operand_count, 3);
	assert_int_equal(PARSE(&options, error, "token", "revoke", "-aBcdEf"), ERR_INVALID);
}

static const char *suggestion(const char *typed)
{
	static const char *const words[] = { "room", "participant", "token", "user", "reflector",
		"list" };
	struct suggest near;

	suggest_init(&near, typed, strlen(typed));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		suggest_offer(&near, words[i]);
	}
	return near.best != NULL ? near.best : "";
}

static void test_suggest(void **state)
{
	(void)state;
	assert_string_equal(suggestion("rom"), "room");
	assert_string_equal(suggestion("rooms"), "room");
	assert_string_equal(suggestion("part"), "participant");
	assert_string_equal(suggestion("particpants"), "participant");
	assert_string_equal(suggestion("tokne"), "token");
	assert_string_equal(suggestion("lsit"), "list");
	assert_string_equal(suggestion("zebra"), "");
	assert_string_equal(suggestion(""), "");
	assert_string_equal(suggestion("a-word-that-is-longer-than-any-table-would-hold"), "");
}

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(suggest_distance("abc", 3, "abc", 3), 0);
	assert_int_equal(suggest_distance("", 0, "abc", 3), 3);
	assert_int_equal(suggest_distance("abcd", 4, "abdc", 4), 1);
	assert_int_equal(suggest_distance("kitten", 6, "sitting", 7), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anywhere),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ids_with_dashes),
		cmocka_unit_test(test_suggest),
		cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
