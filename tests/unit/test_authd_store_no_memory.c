/*
 * test_authd_store_no_memory: changes of several statements with each allocation of SQLite and of
 * jansson failing in turn: all of a change or none of it, and the store goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "tests/unit/store_fixture.h"

#define AT_MOST 4000

static _Atomic int fail_in; /* allocations until one fails; 0: none does */
static _Atomic bool failed;

static bool fails(void)
{
	if (fail_in > 0 && atomic_fetch_sub(&fail_in, 1) == 1) {
		failed = true;
		return true;
	}
	return false;
}

static void *take(size_t size)
{
	return fails() ? NULL : malloc(size);
}

static void *sqlite_take(int size)
{
	return take((size_t)size);
}

static void *sqlite_retake(void *old, int size)
{
	return fails() ? NULL : realloc(old, (size_t)size);
}

static int sqlite_size(void *mem)
{
	return mem != NULL ? (int)malloc_usable_size(mem) : 0;
}

static int sqlite_roundup(int size)
{
	return (size + 7) & ~7;
}

static int sqlite_init(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void sqlite_shutdown(void *arg)
{
	(void)arg;
}

static int use_our_memory(void **state)
{
	static const sqlite3_mem_methods methods = { .xMalloc = sqlite_take,
		.xFree = free,
		.xRealloc = sqlite_retake,
		.xSize = sqlite_size,
		.xRoundup = sqlite_roundup,
		.xInit = sqlite_init,
		.xShutdown = sqlite_shutdown };

	(void)state;
	json_set_alloc_funcs(take, free);
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
	return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

static int count_token(const struct store_token *row, void *arg)
{
	(void)row;
	(*(size_t *)arg)++;
	return 0;
}

static int count_revocation(const struct store_revocation *row, void *arg)
{
	(void)row;
	(*(size_t *)arg)++;
	return 0;
}

struct state {
	size_t live, revocations;
	int64_t records;
	bool disabled;
};

/* What is there; the chain is whole whatever happened. */
static struct state look(struct store *st)
{
	const struct store_token_filter filter = { .now = NOW };
	const struct store_page page = { "", STORE_PAGE_MAX };
	struct state s = { 0 };
	struct store_audit_verdict v;
	struct store_user user;

	assert_int_equal(store_token_list(st, &filter, &page, count_token, &s.live), 0);
	assert_int_equal(
		store_revocation_list(st, 0, NOW, 1000, count_revocation, &s.revocations), 0);
	assert_int_equal(store_user_get(st, "alice", &user), 0);
	assert_int_equal(store_audit_verify(st, &v), 0);
	assert_string_equal(v.why, "");
	s.disabled = user.disabled;
	s.records = v.records;
	return s;
}

static void assert_same(const struct state *a, const struct state *b)
{
	assert_int_equal(a->live, b->live);
	assert_int_equal(a->revocations, b->revocations);
	assert_int_equal(a->records, b->records);
	assert_int_equal(a->disabled, b->disabled);
}

/* The nth allocation fails. True when there was one. */
static bool disable_with_failure(struct store *st, int n, unsigned *refused)
{
	struct state before = look(st);

	failed = false;
	fail_in = n;
	int err = store_user_set_disabled(st, &store_tester, "alice", true, NOW);
	fail_in = 0;
	struct state after = look(st);
	if (err != 0) {
		assert_true(failed);
		assert_true(err == ERR_STORE || err == ERR_NOMEM);
		assert_same(&before, &after);
		(*refused)++;
	} else {
		assert_true(after.disabled);
		assert_int_equal(after.live, 0);
		assert_int_equal(after.revocations, before.revocations + 1);
		/* and one for the new epoch of the room */
		assert_int_equal(after.records, before.records + 2);
	}
	return failed;
}

static void test_disable(void **state)
{
	struct store_fixture *f = *state;
	unsigned refused = 0;
	int n = 0;

	store_fixture_user(f->st, "alice");
	store_fixture_room(f->st, "demo");
	do {
		char jti[32];

		assert_int_equal(
			store_user_set_disabled(f->st, &store_tester, "alice", false, NOW), 0);
		snprintf(jti, sizeof(jti), "jti-%06d", n);
		struct store_token t = store_fixture_token(jti, "alice", "demo", NOW + 100);
		assert_int_equal(store_fixture_add(f->st, &t), 0);
		/* anew every time: statements are prepared again, and that can fail too */
		store_fixture_reopen(f);
		n += n < 60 ? 1 : 5; /* many of them are alike, and each round waits for the disk */
		assert_true(n < AT_MOST);
	} while (disable_with_failure(f->st, n, &refused));
	assert_true(refused > 10);
}

static void test_open(void **state)
{
	struct store_fixture *f = *state;
	int err = ERR_STORE;

	for (int n = 1; err != 0; n++) {
		char why[512] = "";

		store_close(f->st);
		f->st = NULL;
		fail_in = n;
		err = store_open(&f->st, f->dir, "", why);
		bool over = fail_in > 0;
		fail_in = 0;
		assert_true(err == 0 || why[0] != '\0');
		assert_true(err == 0 || !over);
		assert_true(n < AT_MOST);
		if (err == 0 && !over) {
			err = ERR_STORE; /* it could do without that one */
		}
	}
	store_fixture_user(f->st, "alice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open, store_fixture_sqlite, store_fixture_end),
		cmocka_unit_test_setup_teardown(
			test_disable, store_fixture_sqlite, store_fixture_end),
	};

	return cmocka_run_group_tests(tests, use_our_memory, NULL);
}
