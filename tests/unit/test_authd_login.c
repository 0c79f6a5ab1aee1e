/*
 * Logins: the limits on failures, and that a stranger cannot tell what was wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <sodium.h>

#include "authd/login.h"
#include "authd/login_rate.h"
#include "authd/pass_hash.h"
#include "authd/store_rooms.h"
#include "authd/store_users.h"
#include "common/log.h"

#define MEMORY (8u << 20)
#define PASSES 1u

static void test_rate_by_user(void **state)
{
	struct login_rate *rate = NULL;
	uint64_t now = 1000000;
	char address[32];

	(void)state;
	assert_int_equal(login_rate_create(&rate), 0);
	for (unsigned i = 0; i < LOGIN_RATE_USER_BURST; i++) {
		snprintf(address, sizeof(address), "192.0.2.%u", i);
		assert_int_equal(login_rate_take(rate, address, "alice", now), 0);
	}
	unsigned wait = login_rate_take(rate, "192.0.2.200", "alice", now);
	assert_in_range(wait, 1, LOGIN_RATE_USER_MS / 1000);
	assert_int_equal(login_rate_take(rate, "192.0.2.200", "bob", now), 0);
	/* one is forgiven in time, and not two */
	now += LOGIN_RATE_USER_MS;
	assert_int_equal(login_rate_take(rate, "192.0.2.201", "alice", now), 0);
	assert_true(login_rate_take(rate, "192.0.2.202", "alice", now) > 0);
	login_rate_destroy(rate);
}

static void test_rate_by_address(void **state)
{
	struct login_rate *rate = NULL;
	const uint64_t now = 1000000;
	char user[32];

	(void)state;
	assert_int_equal(login_rate_create(&rate), 0);
	for (unsigned i = 0; i < LOGIN_RATE_ADDRESS_BURST; i++) {
		snprintf(user, sizeof(user), "user%u", i);
		assert_int_equal(login_rate_take(rate, "2001:db8::1", user, now), 0);
	}
	assert_true(login_rate_take(rate, "2001:db8::1", "another", now) > 0);
	/* the same network, the next one, and an IPv4 address */
	assert_true(login_rate_take(rate, "2001:db8::ffff", "another", now) > 0);
	assert_int_equal(login_rate_take(rate, "2001:db8:0:1::1", "another", now), 0);
	assert_int_equal(login_rate_take(rate, "192.0.2.1", "another", now), 0);
	login_rate_destroy(rate);
}

static void test_success_costs_nothing(void **state)
{
	struct login_rate *rate = NULL;
	const uint64_t now = 1000000;

	(void)state;
	assert_int_equal(login_rate_create(&rate), 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(login_rate_take(rate, "192.0.2.1", "alice", now), 0);
		login_rate_success(rate, "192.0.2.1", "alice", now);
		assert_int_equal(login_rate_take(rate, "192.0.2.1", "bob", now), 0);
		login_rate_return(rate, "192.0.2.1", "bob", now);
	}
	login_rate_destroy(rate);
}

/* Strangers use up alice's budget; from where she logged in before she still can. */
static void test_no_lockout_from_elsewhere(void **state)
{
	struct login_rate *rate = NULL;
	const uint64_t now = 1000000;
	char address[32], user[32];

	(void)state;
	assert_int_equal(login_rate_create(&rate), 0);
	assert_int_equal(login_rate_take(rate, "198.51.100.7", "alice", now), 0);
	login_rate_success(rate, "198.51.100.7", "alice", now);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "192.0.2.%u", i);
		(void)login_rate_take(rate, address, "alice", now);
	}
	assert_true(login_rate_take(rate, "192.0.2.200", "alice", now) > 0);
	/* and strangers behind her own address use up that */
	for (unsigned i = 0; i < 100; i++) {
		snprintf(user, sizeof(user), "user%u", i);
		(void)login_rate_take(rate, "198.51.100.7", user, now);
	}
	assert_true(login_rate_take(rate, "198.51.100.7", "another", now) > 0);
	for (unsigned i = 0; i < LOGIN_RATE_USER_BURST; i++) {
		assert_int_equal(login_rate_take(rate, "198.51.100.7", "alice", now), 0);
	}
	assert_true(login_rate_take(rate, "198.51.100.7", "alice", now) > 0);
	login_rate_destroy(rate);
}

/* A flood of other keys does not make the table grow, and rarely lets a penalty be forgotten. */
static void test_rate_table_is_fixed(void **state)
{
	struct login_rate *rate = NULL;
	const uint64_t now = 1000000;
	char user[32], address[32];

	(void)state;
	assert_int_equal(login_rate_create(&rate), 0);
	for (unsigned i = 0; i < LOGIN_RATE_USER_BURST; i++) {
		snprintf(address, sizeof(address), "192.0.2.%u", i);
		assert_int_equal(login_rate_take(rate, address, "alice", now), 0);
	}
	for (unsigned i = 0; i < 50000; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
		(void)login_rate_take(rate, address, user, now);
	}
	assert_true(login_rate_take(rate, "192.0.2.200", "alice", now) > 0);
	login_rate_destroy(rate);
}

/* ---- login against a store of three rows ---- */

static struct store_user alice, mallory;
static int store_err;

int store_user_get(struct store *st, const char *name, struct store_user *out)
{
	(void)st;
	if (store_err != 0) {
		return store_err;
	}
	if (strcmp(name, "alice") == 0 || strcmp(name, "mallory") == 0) {
		*out = name[0] == 'a' ? alice : mallory;
		return 0;
	}
	return ERR_NOT_FOUND;
}

int store_room_get(struct store *st, const char *name, struct store_room *out)
{
	(void)st;
	(void)out;
	return strcmp(name, "demo") == 0 ? 0 : ERR_NOT_FOUND;
}

static double thread_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double cost_of(struct login *login, const struct login_attempt *attempt, int want)
{
	enum { TIMES = 5 };
	double best = 1e9;

	for (int i = 0; i < TIMES; i++) {
		struct login_attempt one = *attempt;
		unsigned retry_after = 0;
		char address[32];
		snprintf(address, sizeof(address), "198.51.%d.%d", rand() % 256, rand() % 256);
		one.address = address;
		double begin = thread_ms();
		assert_int_equal(login_check(login, &one, &retry_after), want);
		double took = thread_ms() - begin;
		best = took < best ? took : best;
	}
	return best;
}

static void test_all_failures_cost_the_same(void **state)
{
	static const struct login_attempt wrong[] = {
		{ .user = "alice", .password = "wrong wrong", .room = "demo" },
		{ .user = "nobody", .password = "correct horse", .room = "demo" },
		{ .user = "mallory", .password = "correct horse", .room = "demo" },
		{ .user = "alice", .password = "correct horse", .room = "none" },
	};
	const struct login_attempt right = {
		.user = "alice", .password = "correct horse", .room = "demo"
	};
	struct pass_hash *ph = NULL;
	struct login *login = NULL;

	(void)state;
	assert_int_equal(pass_hash_create(&ph, 0, 16u << 20, 2), 0);
	assert_int_equal(login_create(&login, NULL, ph), 0);
	assert_int_equal(pass_hash_make(ph, PASS_HASH_KNOWN, "correct horse", alice.hash), 0);
	assert_int_equal(pass_hash_make(ph, PASS_HASH_KNOWN, "correct horse", mallory.hash), 0);
	mallory.disabled = true;
	double base = cost_of(login, &right, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		double cost = cost_of(login, &wrong[i], ERR_LOGIN);
		if (cost < base * 0.5 || cost > base * 2) {
			fail_msg("case %zu costs %.2f ms, a good login %.2f ms", i, cost, base);
		}
	}
	login_destroy(login);
	pass_hash_destroy(ph);
}

/* A store that fails is no wrong password: it is said, and costs no budget. */
static void test_store_failure_is_not_a_failed_login(void **state)
{
	const struct login_attempt attempt = {
		.user = "alice", .password = "correct horse", .room = "demo", .address = "192.0.2.1"
	};
	struct pass_hash *ph = NULL;
	struct login *login = NULL;
	unsigned retry_after = 0;

	(void)state;
	assert_int_equal(pass_hash_create(&ph, 0, MEMORY, PASSES), 0);
	assert_int_equal(login_create(&login, NULL, ph), 0);
	store_err = ERR_STORE;
	for (unsigned i = 0; i < 3 * LOGIN_RATE_USER_BURST; i++) {
		assert_int_equal(login_check(login, &attempt, &retry_after), ERR_STORE);
	}
	store_err = 0;
	login_destroy(login);
	pass_hash_destroy(ph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_by_user),
		cmocka_unit_test(test_rate_by_address),
		cmocka_unit_test(test_success_costs_nothing),
		cmocka_unit_test(test_no_lockout_from_elsewhere),
		cmocka_unit_test(test_rate_table_is_fixed),
		cmocka_unit_test(test_all_failures_cost_the_same),
		cmocka_unit_test(test_store_failure_is_not_a_failed_login),
	};

	log_setup("test", LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	if (sodium_init() < 0) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
