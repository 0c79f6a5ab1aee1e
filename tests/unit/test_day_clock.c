/*
 * day_clock: a clock that is set does not bring back what has ended, nor let it be forgotten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/day_clock.h"

#define WALL INT64_C(1700000000)
#define MONO 100
#define DAY 86400

static void test_steps(void **state)
{
	struct day_clock clock;

	(void)state;
	day_clock_init(&clock, WALL, MONO);
	assert_true(day_clock_steady(&clock, MONO));
	/* slewed, or late */
	assert_int_equal(day_clock_look(&clock, WALL + 90, MONO + 60), 0);
	assert_true(day_clock_steady(&clock, MONO + 60));
	/* two days ahead, and back: a day from the last step on */
	assert_int_equal(day_clock_look(&clock, WALL + 120 + 2 * DAY, MONO + 120), 2 * DAY);
	assert_false(day_clock_steady(&clock, MONO + 120));
	assert_int_equal(day_clock_look(&clock, WALL + 180 + 2 * DAY, MONO + 180), 0);
	assert_int_equal(day_clock_look(&clock, WALL + 240, MONO + 240), -2 * DAY);
	assert_false(day_clock_steady(&clock, MONO + 239 + DAY));
	assert_true(day_clock_steady(&clock, MONO + 240 + DAY));
	/* by little, again and again */
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(day_clock_look(&clock, WALL + 240 - 30 * i, MONO + 240), 0);
	}
	assert_int_equal(day_clock_look(&clock, WALL + 150, MONO + 240), -90);
}

static void test_back(void **state)
{
	struct day_clock clock;

	(void)state;
	day_clock_init(&clock, WALL, MONO);
	/* an hour later it is set back by two: what ended in between has */
	assert_int_equal(day_clock_look(&clock, WALL + 3600, MONO + 3600), 0);
	assert_int_equal(day_clock_look(&clock, WALL - 3599, MONO + 3601), -7200);
	int64_t now = day_clock_at(&clock, WALL - 3599, MONO + 3601);
	assert_int_equal(now, WALL + 3601);
	assert_true(day_clock_over(&clock, now, WALL, WALL + 3600));
	assert_false(day_clock_over(&clock, now, WALL, WALL + 3700));
	/* and time goes on */
	assert_int_equal(day_clock_at(&clock, WALL - 3499, MONO + 3701), WALL + 3701);
	/* a correction is believed */
	assert_int_equal(day_clock_at(&clock, WALL + 3650, MONO + 3701), WALL + 3650);
}

static void test_ahead_and_back(void **state)
{
	struct day_clock clock;

	(void)state;
	day_clock_init(&clock, WALL, MONO);
	assert_int_equal(day_clock_look(&clock, WALL + 10 + DAY, MONO + 10), DAY);
	int64_t now = day_clock_at(&clock, WALL + 10 + DAY, MONO + 10);
	assert_int_equal(now, WALL + 10 + DAY);
	assert_true(day_clock_over(&clock, now, WALL, WALL + 100));
	/* also before anybody looks */
	assert_true(day_clock_over(&clock, WALL + 20, WALL, WALL + 100));
	assert_false(day_clock_over(&clock, WALL + 20, WALL + 20, WALL + 100));
	assert_int_equal(day_clock_look(&clock, WALL + 20, MONO + 20), -DAY);
	now = day_clock_at(&clock, WALL + 20, MONO + 20);
	assert_int_equal(now, WALL + 20);
	/* ended once is ended; what would have outlasted that day, and what is new, is not */
	assert_true(day_clock_over(&clock, now, WALL, WALL + 100));
	assert_true(day_clock_over(&clock, now, WALL + 17, WALL + 10 + DAY));
	assert_false(day_clock_over(&clock, now, WALL, WALL + 11 + DAY));
	assert_false(day_clock_over(&clock, now, WALL + 20, WALL + 100));
}

static void test_seen(void **state)
{
	struct day_clock clock;

	(void)state;
	day_clock_init(&clock, WALL, MONO);
	assert_int_equal(day_clock_seen(&clock, 0, WALL, MONO), 0);
	assert_int_equal(day_clock_seen(&clock, WALL + DAY_CLOCK_STEP_S, WALL, MONO), 0);
	assert_int_equal(day_clock_seen(&clock, WALL - DAY, WALL, MONO), 0);
	assert_true(day_clock_steady(&clock, MONO));
	assert_int_equal(day_clock_seen(&clock, WALL - DAY - 1, WALL, MONO), DAY + 1);
	assert_false(day_clock_steady(&clock, MONO));
	assert_false(day_clock_over(&clock, WALL, WALL - 100, WALL + 1));
	/* behind: what had ended when the last record was made */
	assert_int_equal(day_clock_seen(&clock, WALL + 3600, WALL, MONO), -3600);
	assert_true(day_clock_over(&clock, WALL, WALL - 100, WALL + 3600));
	assert_false(day_clock_over(&clock, WALL, WALL - 100, WALL + 3601));
	assert_false(day_clock_over(&clock, WALL, WALL, WALL + 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_ahead_and_back),
		cmocka_unit_test(test_seen),
	};

	return cmocka_run_group_tests_name("day_clock", tests, NULL, NULL);
}
