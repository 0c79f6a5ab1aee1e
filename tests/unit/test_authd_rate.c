/*
 * Token buckets: the burst, filling up, keys apart, a table that is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "authd/rate.h"

#define T0 1000000u

static void test_burst(void **state)
{
	struct rate *rate = NULL;

	(void)state;
	assert_int_equal(rate_create(&rate, 60), 0);
	for (int i = 0; i < 60; i++) {
		assert_int_equal(rate_take(rate, "192.0.2.1", T0), 0);
	}
	assert_int_equal(rate_take(rate, "192.0.2.1", T0), 1);
	assert_int_equal(rate_take(rate, "192.0.2.2", T0), 0);
	/* one a second comes back, not earlier and no more */
	assert_int_equal(rate_take(rate, "192.0.2.1", T0 + 999), 1);
	assert_int_equal(rate_take(rate, "192.0.2.1", T0 + 1000), 0);
	assert_int_equal(rate_take(rate, "192.0.2.1", T0 + 1000), 1);
	/* never more than a minute's */
	for (int i = 0; i < 60; i++) {
		assert_int_equal(rate_take(rate, "192.0.2.1", T0 + 9000000), 0);
	}
	assert_int_equal(rate_take(rate, "192.0.2.1", T0 + 9000000), 1);
	rate_destroy(rate);
}

static void test_slow(void **state)
{
	struct rate *rate = NULL;

	(void)state;
	assert_int_equal(rate_create(&rate, 1), 0);
	assert_int_equal(rate_take(rate, "k", T0), 0);
	assert_int_equal(rate_take(rate, "k", T0), 60);
	assert_int_equal(rate_take(rate, "k", T0 + 59000), 1);
	assert_int_equal(rate_take(rate, "k", T0 + 60000), 0);
	rate_destroy(rate);
}

/* Many who ask once do not push out one who asks much. */
static void test_full(void **state)
{
	struct rate *rate = NULL;
	char key[32];

	(void)state;
	assert_int_equal(rate_create(&rate, 60), 0);
	for (int i = 0; i < 60; i++) {
		assert_int_equal(rate_take(rate, "busy", T0), 0);
	}
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "10.%d.%d", i / 256, i % 256);
		assert_int_equal(rate_take(rate, key, T0), 0);
	}
	assert_int_equal(rate_take(rate, "busy", T0), 1);
	rate_destroy(rate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
