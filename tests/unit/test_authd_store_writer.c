/*
 * test_authd_store_writer: changes of many callers in one transaction: what fails takes nothing
 * else with it, what was answered is there after a kill, and a token is consumed once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/store_core.h"
#include "tests/unit/store_tests.h"

/* ---- a work that holds the writer up, so that others gather behind it ---- */

struct gate {
	struct store *st;
	sem_t reached, go;
	pthread_t thread;
};

static int wait_there(struct store_txn *txn, void *arg)
{
	struct gate *gate = arg;

	(void)txn;
	sem_post(&gate->reached);
	while (sem_wait(&gate->go) != 0) {
	}
	return 0;
}

static void *run_gate(void *arg)
{
	struct gate *gate = arg;

	assert_int_equal(store_write(gate->st, wait_there, gate), 0);
	return NULL;
}

static void gate_close(struct gate *gate, struct store *st)
{
	gate->st = st;
	sem_init(&gate->reached, 0, 0);
	sem_init(&gate->go, 0, 0);
	assert_int_equal(pthread_create(&gate->thread, NULL, run_gate, gate), 0);
	while (sem_wait(&gate->reached) != 0) {
	}
}

static void gate_open(struct gate *gate)
{
	sem_post(&gate->go);
	pthread_join(gate->thread, NULL);
	sem_destroy(&gate->go);
	sem_destroy(&gate->reached);
}

/* ---- works of many kinds ---- */

enum fault { NONE, REFUSES_AT_ONCE, REFUSES_LATE, SAYS_STORE, BAD_SQL };

struct caller {
	struct store *st;
	unsigned number;
	enum fault fault;
	unsigned runs;
	int result;
	pthread_t thread;
};

static int add_setting(struct store_txn *txn, const struct caller *c)
{
	char name[32];

	snprintf(name, sizeof(name), "test-%03u", c->number);
	int err = store_run(txn, "INSERT INTO setting (name, value) VALUES ($1, 'x')",
		STORE_VALUES(DB_T(name)), NULL, NULL);
	return err != 0 ? err : store_audit(txn, &store_tester, "test.add", name, NULL);
}

static int work(struct store_txn *txn, void *arg)
{
	struct caller *c = arg;

	c->runs++;
	if (c->fault == REFUSES_AT_ONCE) {
		return ERR_DENIED;
	}
	int err = add_setting(txn, c);
	if (err != 0) {
		return err;
	}
	switch (c->fault) {
	case REFUSES_LATE:
		return ERR_EXISTS;
	case SAYS_STORE:
		return ERR_STORE;
	case BAD_SQL: /* and keeps quiet about it */
		(void)!store_run(txn, "SELECT nothing FROM nowhere", NULL, 0, NULL, NULL);
		return 0;
	default:
		return 0;
	}
}

static void *call(void *arg)
{
	struct caller *c = arg;

	c->result = store_write(c->st, work, c);
	return NULL;
}

struct number {
	const struct store_txn *txn;
	int64_t value;
};

static int take_number(const struct db_row *row, void *arg)
{
	struct number *n = arg;

	n->value = store_row_int(n->txn, row, 0);
	return 0;
}

static int count_settings(struct store_txn *txn, void *arg)
{
	struct number *n = arg;

	n->txn = txn;
	return store_run(txn, "SELECT count(*) FROM setting WHERE name LIKE 'test-%'", NULL, 0,
		take_number, n);
}

static int64_t settings(struct store *st)
{
	struct number n = { .value = -1 };

	assert_int_equal(store_read(st, count_settings, &n), 0);
	return n.value;
}

static void assert_whole(struct store *st, int64_t records)
{
	struct store_audit_verdict v;

	assert_int_equal(store_audit_verify(st, &v), 0);
	assert_string_equal(v.why, "");
	assert_int_equal(v.records, records);
}

#define CALLERS 40u

static void wait_for_waiting(struct store *st, size_t count)
{
	size_t waiting = 0;

	while (waiting < count) {
		pthread_mutex_lock(&st->mutex);
		waiting = st->waiting_count;
		pthread_mutex_unlock(&st->mutex);
		sched_yield();
	}
}

/* All in one transaction; those with a fault from the table are every fourth. */
static void run_group(struct store *st, struct caller *callers, const enum fault *faults)
{
	struct gate gate;

	gate_close(&gate, st);
	for (unsigned i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){ .st = st, .number = i };
		callers[i].fault = i % 4 == 0 ? faults[i / 4 % 2] : NONE;
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
	wait_for_waiting(st, CALLERS);
	gate_open(&gate);
	for (unsigned i = 0; i < CALLERS; i++) {
		pthread_join(callers[i].thread, NULL);
	}
}

static void assert_results(const struct caller *callers, unsigned runs)
{
	static const int want[] = { [NONE] = 0,
		[REFUSES_AT_ONCE] = ERR_DENIED,
		[REFUSES_LATE] = ERR_EXISTS,
		[SAYS_STORE] = ERR_STORE,
		[BAD_SQL] = ERR_STORE };

	for (unsigned i = 0; i < CALLERS; i++) {
		assert_int_equal(callers[i].result, want[callers[i].fault]);
		if (callers[i].fault == NONE) {
			assert_in_range(callers[i].runs, 1, runs);
		}
	}
}

void store_test_group(void **state)
{
	static const enum fault at_once[] = { NONE, REFUSES_AT_ONCE },
				late[] = { REFUSES_LATE, REFUSES_AT_ONCE };
	struct store_fixture *f = *state;
	struct caller callers[CALLERS];

	run_group(f->st, callers, at_once);
	assert_results(callers, 1);
	assert_int_equal(settings(f->st), CALLERS - 5);
	assert_whole(f->st, CALLERS - 5);
	store_fixture_sql(f, "DELETE FROM setting WHERE name LIKE 'test-%'");
	/* one that has to be taken back: the same again, once, with savepoints */
	run_group(f->st, callers, late);
	assert_results(callers, 2);
	assert_int_equal(settings(f->st), CALLERS - 10);
	assert_whole(f->st, 2 * CALLERS - 15);
}

void store_test_group_with_a_failure(void **state)
{
	static const enum fault failing[] = { SAYS_STORE, BAD_SQL },
				mixed[] = { REFUSES_LATE, BAD_SQL };
	struct store_fixture *f = *state;
	struct caller callers[CALLERS];

	run_group(f->st, callers, failing);
	assert_results(callers, 2);
	assert_int_equal(settings(f->st), CALLERS - 10);
	assert_whole(f->st, CALLERS - 10);
	store_fixture_sql(f, "DELETE FROM setting WHERE name LIKE 'test-%'");
	run_group(f->st, callers, mixed);
	assert_results(callers, 3);
	assert_int_equal(settings(f->st), CALLERS - 10);
	assert_whole(f->st, 2 * (CALLERS - 10));
	/* and by itself */
	struct caller one = { .st = f->st, .number = 500, .fault = BAD_SQL };
	call(&one);
	assert_int_equal(one.result, ERR_STORE);
	one = (struct caller){ .st = f->st, .number = 500, .fault = REFUSES_LATE };
	call(&one);
	assert_int_equal(one.result, ERR_EXISTS);
	assert_int_equal(settings(f->st), CALLERS - 10);
	assert_whole(f->st, 2 * (CALLERS - 10));
}

/* ---- one token, one success ---- */

#define RACERS 8u
#define TOKENS 200u /* HELIO_TEST_TOKENS: more */

struct race {
	struct store *st;
	unsigned tokens;
	pthread_barrier_t begin;
	_Atomic unsigned good, used, other;
};

static void *race(void *arg)
{
	struct race *r = arg;

	pthread_barrier_wait(&r->begin);
	for (unsigned i = 0; i < r->tokens; i++) {
		char jti[32];

		snprintf(jti, sizeof(jti), "race-%06u", i);
		int err = store_token_consume(r->st, &store_tester, jti, "r1", NOW);
		r->good += err == 0;
		r->used += err == ERR_TOKEN_USED;
		r->other += err != 0 && err != ERR_TOKEN_USED;
	}
	return NULL;
}

static int insert_tokens(struct store_txn *txn, void *arg)
{
	int err = 0;

	for (unsigned i = 0; i < *(unsigned *)arg && err == 0; i++) {
		char jti[32];

		snprintf(jti, sizeof(jti), "race-%06u", i);
		err = store_run(txn,
			"INSERT INTO token (jti, account, participant, room, source, issued_at,"
			" expires_at) VALUES ($1, 'alice', 'alice', 'demo', 'user', 0, $2)",
			STORE_VALUES(DB_T(jti), DB_I(NOW + 100)), NULL, NULL);
	}
	return err;
}

void store_test_consume_race(void **state)
{
	struct store_fixture *f = *state;
	const char *many = getenv("HELIO_TEST_TOKENS");
	struct race r = { .st = f->st, .tokens = many != NULL ? (unsigned)atoi(many) : TOKENS };
	pthread_t threads[RACERS];

	assert_int_equal(store_write(f->st, insert_tokens, &r.tokens), 0);
	pthread_barrier_init(&r.begin, NULL, RACERS);
	for (unsigned i = 0; i < RACERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, race, &r), 0);
	}
	for (unsigned i = 0; i < RACERS; i++) {
		pthread_join(threads[i], NULL);
	}
	pthread_barrier_destroy(&r.begin);
	assert_int_equal(r.good, r.tokens);
	assert_int_equal(r.used, r.tokens * (RACERS - 1));
	assert_int_equal(r.other, 0);
	assert_whole(f->st, r.tokens);
}

/* ---- kill -9 ---- */

#define KILLS 3u
#define WRITERS 4u

struct writer {
	struct store *st;
	int fd;
	unsigned number, round;
};

/* Tells of each token as soon as it was answered. */
static void *write_until_killed(void *arg)
{
	struct writer *w = arg;

	for (unsigned i = 0;; i++) {
		struct store_token t = store_fixture_token("", "alice", "demo", NOW + 100);
		char line[32] = "";

		snprintf(t.jti, sizeof(t.jti), "kill-%u-%u-%06u", w->round, w->number, i);
		if (store_fixture_add(w->st, &t) != 0) {
			_exit(3);
		}
		memcpy(line, t.jti, sizeof(line) - 1);
		if (write(w->fd, line, sizeof(line)) != sizeof(line)) {
			_exit(4);
		}
	}
	return NULL;
}

static void be_killed(struct store_fixture *f, int fd, unsigned round)
{
	struct writer writers[WRITERS];
	pthread_t thread;
	char why[512];
	struct store *st = NULL;

	if (store_open(&st, f->dir, f->database, why) != 0) {
		_exit(2);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ st, fd, i, round };
		if (pthread_create(&thread, NULL, write_until_killed, &writers[i]) != 0) {
			_exit(5);
		}
	}
	for (;;) {
		pause();
	}
}

/* Everything that was answered before the kill is there, and the chain is whole. */
static void kill_once(struct store_fixture *f, unsigned round)
{
	char line[32];
	struct store_token t;
	int fds[2], status = 0;
	unsigned told = 0;

	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		be_killed(f, fds[1], round);
	}
	close(fds[1]);
	char(*lines)[32] = calloc(100000, sizeof(*lines));
	while (told < 100000 && read(fds[0], line, sizeof(line)) == sizeof(line)) {
		memcpy(lines[told++], line, sizeof(line));
		if (told == 100 + 37 * round) {
			kill(pid, SIGKILL);
		}
	}
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	store_fixture_reopen(f);
	for (unsigned i = 0; i < told; i++) {
		assert_int_equal(store_token_get(f->st, lines[i], &t), 0);
	}
	assert_true(told >= 100);
	free(lines);
	struct store_audit_verdict v;
	assert_int_equal(store_audit_verify(f->st, &v), 0);
	assert_string_equal(v.why, "");
}

void store_test_kill(void **state)
{
	struct store_fixture *f = *state;

	store_fixture_user(f->st, "alice");
	store_fixture_room(f->st, "demo");
	for (unsigned i = 0; i < KILLS; i++) {
		store_close(f->st); /* nobody forks with threads */
		f->st = NULL;
		kill_once(f, i);
	}
}

/* ---- the watch ---- */

static void count_call(void *arg)
{
	atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

void store_test_watch(void **state)
{
	struct store *st = ((struct store_fixture *)*state)->st;
	_Atomic unsigned calls = 0;

	store_watch(st, count_call, (void *)&calls);
	store_fixture_user(st, "alice"); /* nothing for links */
	store_fixture_room(st, "demo");
	/* the call may come a moment behind the answer: one more change is behind it */
	store_fixture_user(st, "bob");
	assert_true(calls >= 1);
	store_watch(st, NULL, NULL);
	unsigned before = calls;
	assert_int_equal(store_user_set_disabled(st, &store_tester, "alice", true, NOW), 0);
	store_fixture_user(st, "carol");
	assert_int_equal(calls, before);
}
