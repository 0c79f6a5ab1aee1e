/*
 * The pool of work threads: turns, bounds, deadlines, the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdbool.h>

#include "authd/work.h"
#include "common/clock.h"

#define JOBS 16

/* One thread that a plug keeps busy until the test has put everything into the queue. */
struct bench {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool plugged, open;
	char order[JOBS + 1];
	size_t done;
	int errs[256]; /* by letter; -1: not yet */
};

struct letter {
	struct work_job job;
	struct bench *bench;
	char letter;
};

static void note(struct work_job *job, int err)
{
	struct letter *l = LIST_ENTRY(job, struct letter, job);

	pthread_mutex_lock(&l->bench->mutex);
	l->bench->errs[(unsigned char)l->letter] = err;
	if (err == 0) {
		l->bench->order[l->bench->done++] = l->letter;
	}
	pthread_cond_broadcast(&l->bench->changed);
	pthread_mutex_unlock(&l->bench->mutex);
}

static void plug(struct work_job *job, int err)
{
	struct letter *l = LIST_ENTRY(job, struct letter, job);

	(void)err; /* late where deadlines are short: it keeps the thread busy all the same */
	pthread_mutex_lock(&l->bench->mutex);
	l->bench->plugged = true;
	pthread_cond_broadcast(&l->bench->changed);
	while (!l->bench->open) {
		pthread_cond_wait(&l->bench->changed, &l->bench->mutex);
	}
	pthread_mutex_unlock(&l->bench->mutex);
}

static void bench_init(struct bench *b, struct letter *jobs, struct work *w)
{
	memset(b, 0, sizeof(*b));
	memset(b->errs, 0xff, sizeof(b->errs));
	pthread_mutex_init(&b->mutex, NULL);
	pthread_cond_init(&b->changed, NULL);
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = (struct letter){ .job.run = note, .bench = b };
	}
	jobs[JOBS - 1].job.run = plug;
	assert_int_equal(work_add(w, &jobs[JOBS - 1].job, "plug"), 0);
	pthread_mutex_lock(&b->mutex);
	while (!b->plugged) {
		pthread_cond_wait(&b->changed, &b->mutex);
	}
	pthread_mutex_unlock(&b->mutex);
}

static void bench_open(struct bench *b, size_t want)
{
	pthread_mutex_lock(&b->mutex);
	b->open = true;
	pthread_cond_broadcast(&b->changed);
	while (b->done < want) {
		pthread_cond_wait(&b->changed, &b->mutex);
	}
	pthread_mutex_unlock(&b->mutex);
}

/* What the job was told, when it was. */
static int wait_told(struct bench *b, char letter)
{
	pthread_mutex_lock(&b->mutex);
	while (b->errs[(unsigned char)letter] == -1) {
		pthread_cond_wait(&b->changed, &b->mutex);
	}
	int err = b->errs[(unsigned char)letter];
	pthread_mutex_unlock(&b->mutex);
	return err;
}

static int add(struct work *w, struct letter *l, char letter, const char *key)
{
	l->letter = letter;
	return work_add(w, &l->job, key);
}

static struct work *make(unsigned queue_max, unsigned key_max, unsigned wait_ms)
{
	const struct work_conf conf = { .name = "test",
		.threads = 1,
		.queue_max = queue_max,
		.key_max = key_max,
		.wait_ms = wait_ms };
	struct work *w = NULL;

	assert_int_equal(work_create(&w, &conf), 0);
	return w;
}

/* However much one sends, another one's first job is the next but one. */
static void test_turns(void **state)
{
	struct work *w = make(JOBS, JOBS, 60000);
	struct letter jobs[JOBS];
	struct bench b;

	(void)state;
	bench_init(&b, jobs, w);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(add(w, &jobs[i], (char)('a' + i), "192.0.2.1"), 0);
	}
	assert_int_equal(add(w, &jobs[6], 'X', "192.0.2.2"), 0);
	assert_int_equal(add(w, &jobs[7], 'Y', "192.0.2.2"), 0);
	assert_int_equal(add(w, &jobs[8], 'Z', "2001:db8::"), 0);
	bench_open(&b, 9);
	assert_string_equal(b.order, "aXZbYcdef");
	work_destroy(w);
}

static void test_bounds(void **state)
{
	struct work *w = make(4, 3, 60000);
	struct letter jobs[JOBS];
	struct work_stats stats;
	struct bench b;

	(void)state;
	bench_init(&b, jobs, w);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(add(w, &jobs[i], (char)('a' + i), "one"), 0);
	}
	assert_int_equal(add(w, &jobs[3], 'd', "one"), ERR_FULL);
	assert_int_equal(add(w, &jobs[4], 'X', "two"), 0);
	/* full: whoever has most gives way, as long as he has more than the new one then has */
	assert_int_equal(add(w, &jobs[5], 'Y', "two"), 0);
	assert_int_equal(b.errs['c'], ERR_FULL);
	assert_int_equal(add(w, &jobs[6], 'e', "one"), ERR_FULL);
	assert_int_equal(add(w, &jobs[7], 'Z', "three"), 0);
	assert_int_equal(b.errs['Y'], ERR_FULL);
	bench_open(&b, 4);
	assert_string_equal(b.order, "aXZb");
	work_stop(w);
	work_stats(w, &stats);
	assert_int_equal(stats.done, 5);
	assert_int_equal(stats.refused, 4);
	assert_int_equal(stats.waiting_max, 4);
	assert_int_equal(stats.waiting, 0);
	work_destroy(w);
}

static void test_deadline(void **state)
{
	struct work *w = make(4, 4, 5);
	struct letter jobs[JOBS];
	struct bench b;

	(void)state;
	bench_init(&b, jobs, w);
	assert_int_equal(add(w, &jobs[0], 'a', "one"), 0);
	uint64_t begin = clock_now_ms();
	while (clock_now_ms() - begin < 20) {
	}
	bench_open(&b, 0);
	assert_int_equal(wait_told(&b, 'a'), ERR_DEADLINE);
	work_destroy(w);
}

/* Each job that was taken is told, and no new one is taken. */
static void *stop(void *arg)
{
	work_stop(arg);
	return NULL;
}

static void test_stop(void **state)
{
	struct work *w = make(4, 4, 60000);
	struct letter jobs[JOBS];
	struct bench b;
	pthread_t stopper;

	(void)state;
	bench_init(&b, jobs, w);
	assert_int_equal(add(w, &jobs[0], 'a', "one"), 0);
	assert_int_equal(pthread_create(&stopper, NULL, stop, w), 0);
	bench_open(&b, 0);
	pthread_join(stopper, NULL);
	assert_int_equal(add(w, &jobs[1], 'b', "one"), ERR_SHUTDOWN);
	work_destroy(w);
	assert_true(b.errs['a'] == 0 || b.errs['a'] == ERR_SHUTDOWN);
	assert_int_equal(b.errs['b'], -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
