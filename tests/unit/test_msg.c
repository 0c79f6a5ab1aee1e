/*
 * msg: bounds before the parser, strict JSON, and getters that never trust a type.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/limits.h"
#include "proto/msg.h"
#include "proto/utf8.h"

static int parse(const char *text)
{
	json_t *object = NULL;
	int err = msg_parse_object(text, strlen(text), &object);

	assert_true((err == 0) == (object != NULL));
	json_decref(object);
	return err;
}

static void test_json(void **state)
{
	static const char *const good[] = { "{}", " {\"a\":1}\n", "{\"a\":{\"a\":1}}",
		"{\"a\":\"[{\\\"[\"}", "{\"a\":\"\xf0\x9f\x98\x80\"}",
		"{\"a\":9223372036854775807}" };
	static const char *const bad[] = { "", " ", "[]", "1", "null", "\"x\"", "{", "}", "{}{}",
		"{} x", "{\"a\":1,}", "{a:1}", "{'a':1}", "{\"a\":01}", "{\"a\":1,\"a\":2}",
		"{\"a\":NaN}", "{\"a\":\"\\u0000\"}", "{\"\\u0000\":1}", "{\"a\":\"\xff\"}",
		"{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\\ud800\"}",
		"{\"a\":\"\n\"}", "{\"a\":1e999}", "{\"a\":9223372036854775808}",
		"{\"a\":-9223372036854775809}", "{\"a\":99999999999999999999999999999999999999}",
		"\xef\xbb\xbf{}", "{\"a\":tru}", "// x\n{}", "{\"x\":{\"b\":1,\"b\":1}}" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse(good[i]), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i]) != ERR_BAD_JSON) {
			fail_msg("accepted: %s", bad[i]);
		}
	}
	json_t *object = NULL;
	assert_int_equal(msg_parse_object("{}\0", 3, &object), ERR_BAD_JSON);
	assert_int_equal(msg_parse_object("\0{}", 3, &object), ERR_BAD_JSON);
	assert_int_equal(msg_parse_object("{\"a\":\"\0\"}", 9, &object), ERR_BAD_JSON);
}

static void test_depth(void **state)
{
	static const char *const open_close[] = { "[", "]", "{\"a\":", "}" };

	(void)state;
	for (int objects = 0; objects < 2; objects++) {
		for (unsigned depth = LIMIT_JSON_DEPTH - 1; depth <= LIMIT_JSON_DEPTH + 1;
			depth++) {
			char text[256] = "{\"a\":";

			for (unsigned i = 1; i < depth; i++) {
				strcat(text, open_close[2 * objects]);
			}
			strcat(text, "1");
			for (unsigned i = 1; i < depth; i++) {
				strcat(text, open_close[2 * objects + 1]);
			}
			strcat(text, "}");
			assert_int_equal(parse(text), depth <= LIMIT_JSON_DEPTH ? 0 : ERR_BAD_JSON);
		}
	}
	char *deep = malloc(60001);
	memset(deep, '[', 60000);
	deep[60000] = '\0';
	memcpy(deep, "{\"a\":", 5);
	assert_int_equal(parse(deep), ERR_BAD_JSON);
	free(deep);
}

static void test_size(void **state)
{
	char *text = malloc(LIMIT_JSON_BYTES + 2);

	(void)state;
	for (size_t len = LIMIT_JSON_BYTES - 1; len <= LIMIT_JSON_BYTES + 1; len++) {
		json_t *object = NULL;

		memset(text, ' ', len);
		memcpy(text, "{\"type\":\"x\"}", 12);
		assert_int_equal(msg_parse_object(text, len, &object),
			len <= LIMIT_JSON_BYTES ? 0 : ERR_TOO_LARGE);
		json_decref(object);
	}
	const char *type = NULL;
	json_t *object = NULL;
	assert_int_equal(msg_parse(text, LIMIT_JSON_BYTES + 1, &object, &type), ERR_TOO_LARGE);
	assert_int_equal(
		msg_parse_max(text, LIMIT_JSON_BYTES + 1, LIMIT_JSON_BYTES + 1, &object, &type), 0);
	json_decref(object);
	free(text);
}

static void test_type(void **state)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = { { "{\"type\":\"a\"}", 0 }, { "{}", ERR_BAD_FIELD },
		{ "{\"type\":\"\"}", ERR_BAD_FIELD }, { "{\"type\":7}", ERR_BAD_FIELD },
		{ "{\"type\":null}", ERR_BAD_FIELD },
		{ "{\"type\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", 0 },
		{ "{\"type\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", ERR_BAD_FIELD },
		{ "{\"type\"", ERR_BAD_JSON } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *object = NULL;
		const char *type = NULL;

		assert_int_equal(msg_parse(cases[i].text, strlen(cases[i].text), &object, &type),
			cases[i].err);
		assert_true((cases[i].err == 0) == (object != NULL && type != NULL));
		json_decref(object);
	}
}

static void test_getters(void **state)
{
	const char *text =
		"{\"s\":\"abc\",\"i\":5,\"r\":5.0,\"t\":true,\"f\":false,\"n\":null,\"a\":[1,2],"
		"\"o\":{}}";
	json_t *m = NULL;
	const char *s = "unset";
	int64_t i = -7;
	bool b = true;
	const json_t *j = NULL;

	(void)state;
	assert_int_equal(msg_parse_object(text, strlen(text), &m), 0);
	assert_int_equal(msg_get_string(m, "s", 2, &s), ERR_BAD_FIELD);
	assert_int_equal(msg_get_string(m, "i", 9, &s), ERR_BAD_FIELD);
	assert_int_equal(msg_get_string(m, "none", 9, &s), ERR_BAD_FIELD);
	assert_int_equal(msg_opt_string(m, "none", 9, &s), 0);
	assert_int_equal(msg_opt_string(m, "n", 9, &s), ERR_BAD_FIELD);
	assert_string_equal(s, "unset");
	assert_int_equal(msg_get_string(m, "s", 3, &s), 0);
	assert_string_equal(s, "abc");
	assert_int_equal(msg_get_int(m, "i", 6, 9, &i), ERR_BAD_FIELD);
	assert_int_equal(msg_get_int(m, "i", 0, 4, &i), ERR_BAD_FIELD);
	assert_int_equal(msg_get_int(m, "r", 0, 9, &i), ERR_BAD_FIELD);
	assert_int_equal(msg_get_int(m, "t", 0, 9, &i), ERR_BAD_FIELD);
	assert_int_equal(msg_get_int(m, "none", 0, 9, &i), ERR_BAD_FIELD);
	assert_int_equal(msg_opt_int(m, "none", 0, 9, &i), 0);
	assert_int_equal(msg_opt_int(m, "s", 0, 9, &i), ERR_BAD_FIELD);
	assert_int_equal(i, -7);
	assert_int_equal(msg_get_int(m, "i", 5, 5, &i), 0);
	assert_int_equal(i, 5);
	assert_int_equal(msg_opt_bool(m, "none", &b), 0);
	assert_true(b);
	assert_int_equal(msg_opt_bool(m, "i", &b), ERR_BAD_FIELD);
	assert_int_equal(msg_opt_bool(m, "f", &b), 0);
	assert_false(b);
	assert_int_equal(msg_opt_bool(m, "t", &b), 0);
	assert_true(b);
	assert_int_equal(msg_get_array(m, "a", 1, &j), ERR_BAD_FIELD);
	assert_int_equal(msg_get_array(m, "o", 9, &j), ERR_BAD_FIELD);
	assert_int_equal(msg_get_array(m, "a", 2, &j), 0);
	assert_int_equal(msg_get_object(m, "a", &j), ERR_BAD_FIELD);
	assert_int_equal(msg_get_object(m, "none", &j), ERR_BAD_FIELD);
	assert_int_equal(msg_get_object(m, "o", &j), 0);
	size_t len = 0;
	char *dump = msg_dump(j, &len);
	assert_string_equal(dump, "{}");
	assert_int_equal(len, 2);
	free(dump);
	json_decref(m);
}

static char *repeat(char c, size_t n)
{
	static char buf[512];

	memset(buf, c, n);
	buf[n] = '\0';
	return buf;
}

static void test_names(void **state)
{
	static const char *const bad[] = { "", "a b", "a/b", "a+b", "a\n", "\xc3\xa4", "a:b",
		"a\"" };

	(void)state;
	assert_true(msg_is_name("aZ09._@-"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(msg_is_name(bad[i]));
	}
	assert_true(msg_is_name(repeat('a', LIMIT_NAME - 1)));
	assert_true(msg_is_name(repeat('a', LIMIT_NAME)));
	assert_false(msg_is_name(repeat('a', LIMIT_NAME + 1)));
	assert_true(msg_is_participant_id("alice"));
	assert_true(msg_is_participant_id("a@b.c+lap_top-1"));
	assert_false(msg_is_participant_id("+laptop"));
	assert_false(msg_is_participant_id("alice+"));
	assert_false(msg_is_participant_id("alice+a+b"));
	assert_false(msg_is_participant_id("alice+a.b"));
	char id[200];
	strcpy(id, repeat('u', LIMIT_NAME));
	strcat(id, "+");
	memset(id + LIMIT_NAME + 1, 'd', LIMIT_DEVICE + 1);
	id[LIMIT_NAME + 1 + LIMIT_DEVICE] = '\0';
	assert_int_equal(strlen(id), LIMIT_PARTICIPANT_ID);
	assert_true(msg_is_participant_id(id));
	strcat(id, "d");
	assert_false(msg_is_participant_id(id));
	assert_false(msg_is_participant_id(repeat('u', LIMIT_NAME + 1)));
}

static void test_display_names(void **state)
{
	static const char *const good[] = { "Alice", "J\xc3\xbcrgen M\xc3\xbcller",
		"\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80", "a \" ' <b>", "\xc2\xa0" };
	static const char *const bad[] = { "", "a\nb", "a\tb", "\x1b[31m", "a\x7f", "\xc2\x85",
		"\xc2\x9b",
		"a\xe2\x80\xae"
		"b",
		"\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x81\xa6", "\xe2\x81\xa9", "\xd8\x9c",
		"\xe2\x80\xa8", "\xe2\x80\xa9", "\xff", "\xc3", "a\xc3", "\xc0\x80", "\xc1\xbf",
		"\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\x80",
		"\xf5\x80\x80\x80", "\x80", "\xe6\x97",
		"\xe6"
		"a"
		"a" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(msg_is_display_name(good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (msg_is_display_name(bad[i])) {
			fail_msg("accepted number %zu", i);
		}
	}
	assert_true(msg_is_display_name(repeat('a', LIMIT_DISPLAY_NAME)));
	assert_false(msg_is_display_name(repeat('a', LIMIT_DISPLAY_NAME + 1)));
}

static void test_codecs_and_labels(void **state)
{
	static const char *const bad[] = { "a\nb", "\x1b[2J", "a\xe2\x80\xae!", "\xff", "\x7f" };

	(void)state;
	assert_true(msg_is_codec("opus"));
	assert_true(msg_is_codec("av01.0.04M.10;x=\"1\""));
	assert_true(msg_is_codec(repeat('c', LIMIT_CODEC)));
	assert_false(msg_is_codec(repeat('c', LIMIT_CODEC + 1)));
	assert_false(msg_is_codec(""));
	assert_false(msg_is_codec("a b"));
	assert_false(msg_is_codec("op\xc3\xbcs"));
	assert_true(msg_is_label(""));
	assert_true(msg_is_label("my screen \xe2\x80\x94 2"));
	assert_true(msg_is_label(repeat('l', LIMIT_LABEL)));
	assert_false(msg_is_label(repeat('l', LIMIT_LABEL + 1)));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(msg_is_codec(bad[i]));
		assert_false(msg_is_label(bad[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_type),
		cmocka_unit_test(test_getters),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_display_names),
		cmocka_unit_test(test_codecs_and_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
