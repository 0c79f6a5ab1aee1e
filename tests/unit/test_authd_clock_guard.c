/*
 * clock_guard: steps of the clock hold back what would be forgotten, and small ones do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authd/clock_guard.h"

#define WALL INT64_C(1700000000)
#define DAY 86400

static void test_steps(void **state)
{
	struct clock_guard guard = { 0 };
	int64_t jump = -1;

	(void)state;
	assert_true(clock_guard_steady(&guard, WALL, 100, &jump));
	assert_int_equal(jump, 0);
	/* slewed, or late */
	assert_true(clock_guard_steady(&guard, WALL + 90, 160, &jump));
	assert_int_equal(jump, 0);
	/* two days ahead, and back: a day from the last step on */
	assert_false(clock_guard_steady(&guard, WALL + 150 + 2 * DAY, 220, &jump));
	assert_int_equal(jump, 2 * DAY);
	assert_false(clock_guard_steady(&guard, WALL + 210 + 2 * DAY, 280, &jump));
	assert_int_equal(jump, 0);
	assert_false(clock_guard_steady(&guard, WALL + 270, 340, &jump));
	assert_int_equal(jump, -2 * DAY);
	assert_false(clock_guard_steady(&guard, WALL + 269 + DAY, 339 + DAY, &jump));
	assert_true(clock_guard_steady(&guard, WALL + 270 + DAY, 340 + DAY, &jump));
	assert_int_equal(jump, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests_name("authd_clock_guard", tests, NULL, NULL);
}
