/*
 * Numbers and times as helioctl shows them, at the edges of each unit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/format.h"

static void test_relative(void **state)
{
	static const struct {
		int64_t when;
		const char *want;
	} cases[] = {
		{ 1000000, "now" },
		{ 999999, "1 s ago" },
		{ 1000000 - 119, "119 s ago" },
		{ 1000000 - 120, "2 min ago" },
		{ 1000000 - 7199, "119 min ago" },
		{ 1000000 - 7200, "2 h ago" },
		{ 1000000 - 2 * 86400, "2 days ago" },
		{ 1000001, "in 1 s" },
		{ 1000000 + 12 * 3600, "in 12 h" },
		{ INT64_MIN, "106751991167300 days ago" },
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		format_relative(out, cases[i].when, cases[i].when == INT64_MIN ? 0 : 1000000);
		assert_string_equal(out, cases[i].want);
	}
}

static void test_bytes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} cases[] = {
		{ 0, "0 B" },
		{ 999, "999 B" },
		{ 1000, "1.0 kB" },
		{ 1234567, "1.2 MB" },
		{ 99999999, "100 MB" },
		{ 999999, "1.0 MB" },
		{ UINT64_MAX, "18 EB" },
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		format_bytes(out, cases[i].bytes);
		assert_string_equal(out, cases[i].want);
	}
}

static void test_rfc3339(void **state)
{
	char out[32];

	(void)state;
	format_rfc3339(out, 0);
	assert_string_equal(out, "1970-01-01T00:00:00Z");
	format_rfc3339(out, 1790000000);
	assert_string_equal(out, "2026-09-21T14:13:20Z");
	format_rfc3339(out, INT64_C(253402300799));
	assert_string_equal(out, "9999-12-31T23:59:59Z");
	format_rfc3339(out, INT64_C(253402300800));
	assert_string_equal(out, "");
	format_rfc3339(out, -1);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_rfc3339),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
