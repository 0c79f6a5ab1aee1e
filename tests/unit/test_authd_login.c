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
#include "authd/login_password.h"
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
		assert_int_equal(login_rate_take(rate, address, "alice", now, NULL), 0);
	}
	unsigned wait = login_rate_take(rate, "192.0.2.200", "alice", now, NULL);
	assert_in_range(wait, 1, LOGIN_RATE_USER_MS / 1000);
	assert_int_equal(login_rate_take(rate, "192.0.2.200", "bob", now, NULL), 0);
	/* one is forgiven in time, and not two */
	now += LOGIN_RATE_USER_MS;
	assert_int_equal(login_rate_take(rate, "192.0.2.201", "alice", now, NULL), 0);
	assert_true(login_rate_take(rate, "192.0.2.202", "alice", now, NULL) > 0);
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
		assert_int_equal(login_rate_take(rate, "2001:db8::1", user, now, NULL), 0);
	}
	assert_true(login_rate_take(rate, "2001:db8::1", "another", now, NULL) > 0);
	/* the same network, the next one, and an IPv4 address */
	assert_true(login_rate_take(rate, "2001:db8::ffff", "another", now, NULL) > 0);
	assert_int_equal(login_rate_take(rate, "2001:db8:0:1::1", "another", now, NULL), 0);
	assert_int_equal(login_rate_take(rate, "192.0.2.1", "another", now, NULL), 0);
	login_rate_destroy(rate);
}

static void test_success_costs_nothing(void **state)
{
	struct login_rate *rate = NULL;
	const uint64_t now = 1000000;

	(void)state;
	assert_int_equal(login_rate_create(&rate), 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(login_rate_take(rate, "192.0.2.1", "alice", now, NULL), 0);
		login_rate_success(rate, "192.0.2.1", "alice", now);
		assert_int_equal(login_rate_take(rate, "192.0.2.1", "bob", now, NULL), 0);
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
	assert_int_equal(login_rate_take(rate, "198.51.100.7", "alice", now, NULL), 0);
	login_rate_success(rate, "198.51.100.7", "alice", now);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "192.0.2.%u", i);
		(void)login_rate_take(rate, address, "alice", now, NULL);
	}
	assert_true(login_rate_take(rate, "192.0.2.200", "alice", now, NULL) > 0);
	/* and strangers behind her own address use up that */
	for (unsigned i = 0; i < 100; i++) {
		snprintf(user, sizeof(user), "user%u", i);
		(void)login_rate_take(rate, "198.51.100.7", user, now, NULL);
	}
	assert_true(login_rate_take(rate, "198.51.100.7", "another", now, NULL) > 0);
	for (unsigned i = 0; i < LOGIN_RATE_USER_BURST; i++) {
		assert_int_equal(login_rate_take(rate, "198.51.100.7", "alice", now, NULL), 0);
	}
	assert_true(login_rate_take(rate, "198.51.100.7", "alice", now, NULL) > 0);
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
		assert_int_equal(login_rate_take(rate, address, "alice", now, NULL), 0);
	}
	for (unsigned i = 0; i < 50000; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
		(void)login_rate_take(rate, address, user, now, NULL);
	}
	assert_true(login_rate_take(rate, "192.0.2.200", "alice", now, NULL) > 0);
	login_rate_destroy(rate);
}

/* A pair that logged in stays known whatever strangers do: their entries give way first. */
static void test_known_pairs_survive_a_flood(void **state)
{
	struct login_rate *rate = NULL;
	const uint64_t now = 1000000;
	char user[32], address[32];
	bool known = false;

	(void)state;
	assert_int_equal(login_rate_create(&rate), 0);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(user, sizeof(user), "user%u", i);
		login_rate_success(rate, "198.51.100.7", user, now);
	}
	for (unsigned i = 0; i < 300000; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
		(void)login_rate_take(rate, address, user, now, NULL);
	}
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(user, sizeof(user), "user%u", i);
		assert_int_equal(login_rate_take(rate, "198.51.100.7", user, now, &known), 0);
		assert_true(known);
	}
	assert_int_equal(login_rate_take(rate, "198.51.100.8", "user1", now, &known), 0);
	assert_false(known);
	login_rate_destroy(rate);
}

/* ---- login against a store of three rows ---- */

static struct store_user alice, mallory;
static int store_err;
static unsigned upgrades;

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

int store_user_set_hash(struct store *st, const struct store_actor *who, const char *name,
	const char *hash, bool upgrade, const char *old, int64_t now)
{
	(void)st;
	(void)who;
	(void)now;
	assert_true(upgrade);
	assert_string_equal(name, "alice");
	assert_string_equal(old, alice.hash);
	snprintf(alice.hash, sizeof(alice.hash), "%s", hash);
	upgrades++;
	return 0;
}

int store_room_get(struct store *st, const char *name, struct store_room *out)
{
	(void)st;
	(void)out;
	return strcmp(name, "demo") == 0 ? 0 : ERR_NOT_FOUND;
}

struct fixture {
	struct pass_hash *ph;
	struct login_password password;
	struct login *login;
};

static void begin(struct fixture *f, uint64_t memory, uint64_t passes)
{
	assert_int_equal(pass_hash_create(&f->ph, 0, memory, passes), 0);
	f->password = (struct login_password){ .ph = f->ph };
	const struct login_backend backend = login_password_backend(&f->password);
	assert_int_equal(login_create(&f->login, NULL, &backend, 1), 0);
	assert_int_equal(pass_hash_make(f->ph, PASS_HASH_KNOWN, "correct horse", alice.hash), 0);
	assert_int_equal(pass_hash_make(f->ph, PASS_HASH_KNOWN, "correct horse", mallory.hash), 0);
	mallory.disabled = true;
	store_err = 0;
	upgrades = 0;
}

static void end(struct fixture *f)
{
	login_destroy(f->login);
	pass_hash_destroy(f->ph);
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
		double started = thread_ms();
		assert_int_equal(login_check(login, &one, &retry_after), want);
		double took = thread_ms() - started;
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
	struct fixture f;

	(void)state;
	begin(&f, 16u << 20, 2);
	double base = cost_of(f.login, &right, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		double cost = cost_of(f.login, &wrong[i], ERR_LOGIN);
		if (cost < base * 0.5 || cost > base * 2) {
			fail_msg("case %zu costs %.2f ms, a good login %.2f ms", i, cost, base);
		}
	}
	assert_int_equal(upgrades, 0);
	end(&f);
}

/* A store that fails is no wrong password: it is said, and costs no budget. */
static void test_store_failure_is_not_a_failed_login(void **state)
{
	const struct login_attempt attempt = {
		.user = "alice", .password = "correct horse", .room = "demo", .address = "192.0.2.1"
	};
	struct fixture f;
	unsigned retry_after = 0;

	(void)state;
	begin(&f, MEMORY, PASSES);
	store_err = ERR_STORE;
	for (unsigned i = 0; i < 3 * LOGIN_RATE_USER_BURST; i++) {
		assert_int_equal(login_check(f.login, &attempt, &retry_after), ERR_STORE);
	}
	end(&f);
}

/* An imported hash is replaced at a good login, and only then, and only once. */
static void test_upgrade_at_login(void **state)
{
	const struct login_attempt right = {
		.user = "alice", .password = "correct horse", .room = "demo", .address = "192.0.2.1"
	};
	struct login_attempt wrong = right;
	struct fixture f;
	unsigned retry_after = 0;

	(void)state;
	begin(&f, MEMORY, PASSES);
	snprintf(alice.hash, sizeof(alice.hash), "%s",
		"$y$j9T$0123456789abcdef$FckL0.DRM2TcLu8cpWm5VeSXkoG9vaoT7PGDMgIX8iC");
	wrong.password = "wrong wrong";
	assert_int_equal(login_check(f.login, &wrong, &retry_after), ERR_LOGIN);
	assert_int_equal(upgrades, 0);
	assert_int_equal(login_check(f.login, &right, &retry_after), 0);
	assert_int_equal(upgrades, 1);
	assert_memory_equal(alice.hash, "$argon2id$v=19$m=8192,t=1,p=1$", 30);
	assert_int_equal(login_check(f.login, &right, &retry_after), 0);
	assert_int_equal(upgrades, 1);
	/* other costs in the settings */
	assert_int_equal(pass_hash_set_cost(f.ph, MEMORY, 2), 0);
	assert_int_equal(login_check(f.login, &right, &retry_after), 0);
	assert_int_equal(upgrades, 2);
	assert_memory_equal(alice.hash, "$argon2id$v=19$m=8192,t=2,p=1$", 30);
	end(&f);
}

static int answers[3];
static unsigned asked[3];

static int scripted(void *state, const struct login_ask *ask)
{
	int *answer = state;

	(void)ask;
	asked[answer - answers]++;
	return *answer;
}

static int ask_table(const int given[3])
{
	const struct login_attempt attempt = {
		.user = "alice", .password = "x", .room = "demo", .address = "192.0.2.1"
	};
	struct login_backend table[3];
	struct login *login = NULL;
	unsigned retry_after = 0;

	memset(asked, 0, sizeof(asked));
	memcpy(answers, given, sizeof(answers));
	for (size_t i = 0; i < 3; i++) {
		table[i] = (struct login_backend){ "scripted", scripted, &answers[i] };
	}
	assert_int_equal(login_create(&login, NULL, table, 3), 0);
	int err = login_check(login, &attempt, &retry_after);
	login_destroy(login);
	return err;
}

/* The first yes decides; who could not find out does not become a no. */
static void test_backends_in_order(void **state)
{
	(void)state;
	assert_int_equal(ask_table((int[]){ 0, ERR_LOGIN, ERR_LOGIN }), 0);
	assert_int_equal(asked[0] * 100 + asked[1] * 10 + asked[2], 100);
	assert_int_equal(ask_table((int[]){ ERR_LOGIN, 0, ERR_STORE }), 0);
	assert_int_equal(asked[0] * 100 + asked[1] * 10 + asked[2], 110);
	assert_int_equal(ask_table((int[]){ ERR_LOGIN, ERR_LOGIN, ERR_LOGIN }), ERR_LOGIN);
	assert_int_equal(ask_table((int[]){ ERR_TIMEOUT, ERR_LOGIN, ERR_LOGIN }), ERR_TIMEOUT);
	assert_int_equal(ask_table((int[]){ ERR_TIMEOUT, ERR_LOGIN, 0 }), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_by_user),
		cmocka_unit_test(test_rate_by_address),
		cmocka_unit_test(test_success_costs_nothing),
		cmocka_unit_test(test_no_lockout_from_elsewhere),
		cmocka_unit_test(test_rate_table_is_fixed),
		cmocka_unit_test(test_known_pairs_survive_a_flood),
		cmocka_unit_test(test_all_failures_cost_the_same),
		cmocka_unit_test(test_store_failure_is_not_a_failed_login),
		cmocka_unit_test(test_upgrade_at_login),
		cmocka_unit_test(test_backends_in_order),
	};

	log_setup("test", LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	if (sodium_init() < 0) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
