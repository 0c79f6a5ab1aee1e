/*
 * What people type to helioctl: times, hours, KEY=VALUE pairs; and the names and addresses of
 * contexts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/contexts.h"
#include "ctl/hours.h"
#include "ctl/pairs.h"
#include "ctl/when.h"

static int64_t duration(const char *text)
{
	int64_t seconds;

	return when_parse_duration(text, &seconds) ? seconds : -1;
}

static void test_duration(void **state)
{
	(void)state;
	assert_int_equal(duration("90"), 90);
	assert_int_equal(duration("90s"), 90);
	assert_int_equal(duration("30m"), 1800);
	assert_int_equal(duration("30min"), 1800);
	assert_int_equal(duration("12h"), 43200);
	assert_int_equal(duration("7d"), 604800);
	assert_int_equal(duration("2w"), 1209600);
	static const char *const bad[] = { "", "0", "0s", "h", "-1h", "1x", "1 h", "1.5h", "11000d",
		"9999999999999", "99999999999999999999" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(duration(bad[i]), -1);
	}
}

static int64_t when(const char *text, bool past)
{
	int64_t at;

	return when_parse(text, 1000000, past, &at) ? at : -1;
}

static void test_when(void **state)
{
	(void)state;
	assert_int_equal(when("never", false), 0);
	assert_int_equal(when("never", true), -1);
	assert_int_equal(when("1h", false), 1003600);
	assert_int_equal(when("1h", true), 996400);
	assert_int_equal(when("@1800000000", false), 1800000000);
	assert_int_equal(when("2026-12-01", false), 1796083200);
	assert_int_equal(when("2026-12-01T08:30Z", false), 1796083200 + 8 * 3600 + 1800);
	assert_int_equal(when("2026-12-01T08:30:05Z", false), 1796083200 + 8 * 3600 + 1805);
	assert_int_equal(when("2026-02-31", false), -1);
	assert_int_equal(when("2026-13-01", false), -1);
	assert_int_equal(when("tomorrow", false), -1);
	assert_int_equal(when("@", false), -1);
	assert_int_equal(when("@12x", false), -1);
	assert_int_equal(when("", false), -1);
}

/* The text that comes back from what was typed; "" for what is refused. */
static char *hours(const char *text)
{
	json_t *json = hours_parse(text);
	char *back = json != NULL ? hours_text(json) : strdup("refused");

	json_decref(json);
	return back;
}

static void check_hours(const char *text, const char *want)
{
	char *got = hours(text);

	assert_string_equal(got, want);
	free(got);
}

static void test_hours(void **state)
{
	(void)state;
	check_hours("", "");
	check_hours("mon 08:00-18:00", "mon 08:00-18:00");
	check_hours("mon-wed 08:00-18:00; sat,sun 10:00-24:00",
		"mon,tue,wed 08:00-18:00; sat,sun 10:00-24:00");
	check_hours("fri-mon 22:00-02:00", "fri,sat,sun,mon 22:00-02:00");
	check_hours("mon 08:00-18:00;", "mon 08:00-18:00");
	static const char *const bad[] = { "mon", "mon 8:00-18:00", "mon 08:00", "mon 08:00-24:01",
		"mon 25:00-26:00", "mon 08:60-09:00", "day 08:00-18:00", "mon- 08:00-18:00",
		"mon, 08:00-18:00", "mon 08:00-18:00 tue", "mon 08:00-18:00 ;; tue", "mo" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		check_hours(bad[i], "refused");
	}
	json_t *odd = json_string("x");
	assert_null(hours_text(odd));
	assert_null(hours_text(NULL));
	json_decref(odd);
}

/* Applies the pairs to {} and compares with the JSON. */
static void check_pairs(enum pairs_of of, const char *const *pairs, const char *want)
{
	json_t *object = json_object(), *wanted = json_loads(want, 0, NULL);
	char error[256];

	assert_non_null(wanted);
	for (; *pairs != NULL; pairs++) {
		assert_int_equal(pairs_apply(object, of, *pairs, error), 0);
	}
	assert_true(json_equal(object, wanted));
	json_decref(object);
	json_decref(wanted);
}

static void test_pairs(void **state)
{
	(void)state;
	check_pairs(PAIRS_GRANTS,
		(const char *const[]){ "publish=audio,video", "moderate=yes", "chat=off",
			"bitrate.audio=128k", "bitrate.video=4M", "session=4h",
			"networks=10.0.0.0/8", "duplicate=reject", "rooms=", NULL },
		"{\"publish\":[\"audio\",\"video\"],\"moderate\":true,\"chat\":false,"
		"\"bitrate\":{\"audio\":128000,\"video\":4000000},\"session_s\":14400,"
		"\"networks\":[\"10.0.0.0/8\"],\"duplicate\":\"reject\",\"rooms\":[]}");
	check_pairs(PAIRS_ROOM,
		(const char *const[]){ "capacity=5", "users=a", "users=default", "loudest=0",
			"hours=mon 08:00-09:00", NULL },
		"{\"capacity\":5,\"loudest\":0,\"hours\":[{\"days\":[\"mon\"],\"from\":\"08:00\","
		"\"to\":\"09:00\"}]}");
	check_pairs(PAIRS_GRANTS,
		(const char *const[]){ "bitrate.audio=1", "bitrate.audio=default", NULL }, "{}");
}

static void test_pairs_refused(void **state)
{
	static const char *const bad[] = { "capacity", "=5", "capacity=", "capacity=-1",
		"capacity=5x", "capacity=9999999999999", "lobby=maybe", "users=a,", "users=,a",
		"zone=", "publish=audio", "hours=never", "users=\xff" };
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *object = json_object();

		assert_int_equal(pairs_apply(object, PAIRS_ROOM, bad[i], error), ERR_INVALID);
		assert_int_equal(json_object_size(object), 0);
		assert_true(error[0] != '\0');
		json_decref(object);
	}
}

static void test_context_names(void **state)
{
	(void)state;
	assert_null(contexts_judge_name("prod-1.example"));
	static const char *const names[] = { "", "local", "-x", "a b", "a/b", "\x1b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_non_null(contexts_judge_name(names[i]));
	}
	assert_null(contexts_judge_url("https://authd.example"));
	assert_null(contexts_judge_url("https://192.0.2.1:8444"));
	assert_null(contexts_judge_url("https://[2001:db8::1]:8444"));
	static const char *const urls[] = { "", "http://a", "https://", "https://a/", "https://u@h",
		"https://a?b", "https://a b", "ftp://a", "https://a\\b", "authd.example" };
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		assert_non_null(contexts_judge_url(urls[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_when),
		cmocka_unit_test(test_hours),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_pairs_refused),
		cmocka_unit_test(test_context_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
