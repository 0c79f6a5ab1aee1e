/*
 * policy_hours: windows over midnight, over the end of the week, and over changes of the clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "authd/policy_hours.h"

#define VIENNA "Europe/Vienna"
#define NEW_YORK "America/New_York"
#define EVERY_DAY 127
#define MON 1
#define FRI 16
#define SAT 32
#define SUN 64

/* "2026-11-23 14:00" in UTC. */
static int64_t utc(const char *text)
{
	struct tm tm = { 0 };

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
	return (int64_t)timegm(&tm);
}

/* A zone, one or two windows, a moment, and what is to come out (UTC; NULL: 0). */
struct row {
	const char *name, *zone;
	struct policy_window windows[2];
	const char *now;
	bool open;
	const char *from, *until;
};

static const struct row look_rows[] = {
	{ "inside", "UTC", { { MON, 480, 1080 } }, "2026-11-23 14:00", true, "2026-11-23 08:00",
		"2026-11-23 18:00" },
	{ "the first second", "UTC", { { MON, 480, 1080 } }, "2026-11-23 08:00", true,
		"2026-11-23 08:00", "2026-11-23 18:00" },
	{ "the end is outside", "UTC", { { MON, 480, 1080 } }, "2026-11-23 18:00", false,
		"2026-11-30 08:00", NULL },
	{ "the day before", "UTC", { { MON, 480, 1080 } }, "2026-11-22 14:00", false,
		"2026-11-23 08:00", NULL },
	{ "over midnight, before it", "UTC", { { FRI, 1320, 360 } }, "2026-11-27 23:00", true,
		"2026-11-27 22:00", "2026-11-28 06:00" },
	{ "over midnight, behind it", "UTC", { { FRI, 1320, 360 } }, "2026-11-28 05:59", true,
		"2026-11-27 22:00", "2026-11-28 06:00" },
	{ "over midnight, the morning of the day", "UTC", { { FRI, 1320, 360 } },
		"2026-11-27 05:00", false, "2026-11-27 22:00", NULL },
	{ "over the end of the week", "UTC", { { SUN, 1320, 360 } }, "2026-11-23 01:00", true,
		"2026-11-22 22:00", "2026-11-23 06:00" },
	{ "until midnight", "UTC", { { SUN, 1320, 1440 } }, "2026-11-22 23:59", true,
		"2026-11-22 22:00", "2026-11-23 00:00" },
	{ "until 00:00 is the same", "UTC", { { SUN, 1320, 0 } }, "2026-11-22 23:59", true,
		"2026-11-22 22:00", "2026-11-23 00:00" },
	{ "two that touch are one", "UTC", { { SAT, 600, 1440 }, { SUN, 0, 120 } },
		"2026-11-28 23:00", true, "2026-11-28 10:00", "2026-11-29 02:00" },
	{ "two that overlap are one", "UTC", { { MON, 600, 720 }, { MON, 660, 900 } },
		"2026-11-23 14:30", true, "2026-11-23 10:00", "2026-11-23 15:00" },
	{ "the next of two", "UTC", { { SAT, 600, 720 }, { FRI, 600, 720 } }, "2026-11-23 14:30",
		false, "2026-11-27 10:00", NULL },
	{ "the day is that of the zone", "Asia/Tokyo", { { MON, 0, 60 } }, "2026-11-22 15:30", true,
		"2026-11-22 15:00", "2026-11-22 16:00" },
	{ "west of Greenwich", NEW_YORK, { { SUN, 1380, 1440 } }, "2026-11-23 04:30", true,
		"2026-11-23 04:00", "2026-11-23 05:00" },

	/* Vienna: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00. */
	{ "winter", VIENNA, { { EVERY_DAY, 480, 1080 } }, "2026-03-28 12:00", true,
		"2026-03-28 07:00", "2026-03-28 17:00" },
	{ "summer", VIENNA, { { EVERY_DAY, 480, 1080 } }, "2026-03-29 12:00", true,
		"2026-03-29 06:00", "2026-03-29 16:00" },
	{ "the night that is an hour shorter", VIENNA, { { SAT, 1320, 360 } }, "2026-03-29 00:30",
		true, "2026-03-28 21:00", "2026-03-29 04:00" },
	{ "the night that is an hour longer", VIENNA, { { SAT, 1320, 360 } }, "2026-10-25 00:30",
		true, "2026-10-24 20:00", "2026-10-25 05:00" },
	{ "begins in the hour that never comes", VIENNA, { { SUN, 150, 240 } }, "2026-03-29 01:00",
		true, "2026-03-29 01:00", "2026-03-29 02:00" },
	{ "all of it in the hour that never comes", VIENNA, { { SUN, 125, 175 } },
		"2026-03-29 00:59", false, "2026-04-05 00:05", NULL },
	{ "the hour that comes twice, first", VIENNA, { { SUN, 120, 150 } }, "2026-10-25 00:10",
		true, "2026-10-25 00:00", "2026-10-25 00:30" },
	{ "the hour that comes twice, between", VIENNA, { { SUN, 120, 150 } }, "2026-10-25 00:40",
		false, "2026-10-25 01:00", NULL },
	{ "the hour that comes twice, again", VIENNA, { { SUN, 120, 150 } }, "2026-10-25 01:10",
		true, "2026-10-25 01:00", "2026-10-25 01:30" },
	{ "opens next behind the change", VIENNA, { { MON, 480, 1080 } }, "2026-10-24 12:00", false,
		"2026-10-26 07:00", NULL },

	/* New York: 2026-03-08 02:00 becomes 03:00, 2026-11-01 02:00 becomes 01:00. */
	{ "winter there", NEW_YORK, { { EVERY_DAY, 540, 1020 } }, "2026-03-07 15:00", true,
		"2026-03-07 14:00", "2026-03-07 22:00" },
	{ "summer there", NEW_YORK, { { EVERY_DAY, 540, 1020 } }, "2026-03-08 15:00", true,
		"2026-03-08 13:00", "2026-03-08 21:00" },
	{ "the shorter night there", NEW_YORK, { { SAT, 1320, 360 } }, "2026-03-08 08:00", true,
		"2026-03-08 03:00", "2026-03-08 10:00" },
	{ "the longer night there", NEW_YORK, { { SAT, 1320, 360 } }, "2026-11-01 08:00", true,
		"2026-11-01 02:00", "2026-11-01 11:00" },
	{ "weeks when one has changed and the other has not", NEW_YORK,
		{ { EVERY_DAY, 540, 1020 } }, "2026-10-27 13:30", true, "2026-10-27 13:00",
		"2026-10-27 21:00" },
	{ "half an hour: Lord Howe", "Australia/Lord_Howe", { { SUN, 60, 180 } },
		"2026-04-04 15:00", true, "2026-04-04 14:00", "2026-04-04 16:30" },
};

static void test_look(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(look_rows) / sizeof(look_rows[0]); i++) {
		const struct row *r = &look_rows[i];
		struct policy_hours hours = { .count = r->windows[1].days != 0 ? 2 : 1 };
		bool open = false;
		int64_t from = -1, until = -1;

		memcpy(hours.windows, r->windows, sizeof(r->windows));
		snprintf(hours.zone, sizeof(hours.zone), "%s", r->zone);
		assert_int_equal(policy_hours_look(&hours, utc(r->now), &open, &from, &until), 0);
		if (open != r->open || from != (r->from != NULL ? utc(r->from) : 0) ||
			until != (r->until != NULL ? utc(r->until) : 0)) {
			fail_msg("%s: open %d, from %lld, until %lld; %+lld and %+lld off", r->name,
				open, (long long)from, (long long)until,
				(long long)(from - (r->from != NULL ? utc(r->from) : 0)),
				(long long)(until - (r->until != NULL ? utc(r->until) : 0)));
		}
	}
}

static void test_always(void **state)
{
	struct policy_hours hours = { .zone = VIENNA };
	const int64_t now = utc("2026-11-23 14:00");
	bool open = false;
	int64_t from = -1, until = -1;

	(void)state;
	assert_int_equal(policy_hours_look(&hours, now, &open, &from, &until), 0);
	assert_true(open);
	assert_int_equal(from, 0);
	assert_int_equal(until, 0);

	hours.count = 1; /* the whole day, every day: one window, further than a week */
	hours.windows[0] = (struct policy_window){ EVERY_DAY, 0, 1440 };
	assert_int_equal(policy_hours_look(&hours, now, &open, &from, &until), 0);
	assert_true(open && from < now && until > now + 7 * 86400);

	/* as many windows as there can be, in a week with a change of the clock */
	hours.count = POLICY_WINDOWS_MAX;
	for (unsigned i = 0; i < POLICY_WINDOWS_MAX; i++) {
		hours.windows[i] = (struct policy_window){ EVERY_DAY, i * 30, i * 30 + 15 };
	}
	assert_int_equal(
		policy_hours_look(&hours, utc("2026-10-25 14:10"), &open, &from, &until), 0);
	assert_true(open);
	assert_int_equal(from, utc("2026-10-25 14:00"));
	assert_int_equal(until, utc("2026-10-25 14:15"));

	snprintf(hours.zone, sizeof(hours.zone), "Europe/Entenhausen");
	assert_int_equal(policy_hours_look(&hours, now, &open, &from, &until), ERR_INVALID);
}

static void test_texts(void **state)
{
	char text[96];
	unsigned minutes = 0;

	(void)state;
	policy_hours_text(VIENNA, utc("2026-07-05 06:00"), text);
	assert_string_equal(text, "Sun 2026-07-05 08:00 Europe/Vienna");
	policy_hours_text("UTC", utc("2026-07-06 06:00"), text);
	assert_string_equal(text, "Mon 2026-07-06 06:00 UTC");
	policy_hours_text("nowhere", 0, text);
	assert_string_equal(text, "");
	assert_int_equal(policy_hours_parse_time("23:59", &minutes), 0);
	assert_int_equal(minutes, 1439);
	assert_int_equal(policy_hours_parse_time("24:00", &minutes), 0);
	assert_int_equal(minutes, 1440);
	assert_int_equal(policy_hours_parse_time("08:00 ", &minutes), ERR_INVALID);
	assert_int_equal(policy_hours_parse_time("25:00", &minutes), ERR_INVALID);
	assert_int_equal(policy_hours_parse_time("", &minutes), ERR_INVALID);
	assert_int_equal(policy_hours_parse_day("sun"), SUN);
	assert_int_equal(policy_hours_parse_day("sunday"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_always),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
