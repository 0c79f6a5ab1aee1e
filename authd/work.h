/*
 * work: a bounded pool of threads for jobs. Each job has a key (where it comes from); keys take
 * turns, so that one who sends much waits behind himself and not in front of others. When the queue
 * is full, the newest job of whoever has most in it gives way.
 */
#ifndef AUTHD_WORK_H
#define AUTHD_WORK_H

#include <stdint.h>

#include "common/list.h"
#include "proto/errcode.h"

#define WORK_KEY_SIZE 64u

struct work_job {
	struct list node; /* the pool's, as all here but run */
	uint64_t since_ms;
	/* Called exactly once for each job that work_add() took: err 0 in a thread of the pool to
	 * do it; else it will not be done: ERR_DEADLINE (waited too long), ERR_FULL (gave way to
	 * others; in a thread that adds), ERR_SHUTDOWN. The job is no longer the pool's when this
	 * begins. */
	void (*run)(struct work_job *job, int err);
};

struct work_conf {
	const char
		*name; /* static text, of at most 15 characters: the threads are called like this */
	unsigned threads;
	unsigned queue_max; /* jobs that wait */
	unsigned key_max; /* of one key */
	unsigned wait_ms; /* a job that waited for longer is not begun */
};

struct work_stats {
	unsigned threads, running, waiting, waiting_max; /* now; the most ever */
	uint64_t done, refused, expired; /* since the start */
};

struct work;

int work_create(struct work **out, const struct work_conf *conf) MUST_CHECK;

/* 0; ERR_FULL; ERR_SHUTDOWN. Not 0: the job was not taken and run will not be called. Any thread.
 */
int work_add(struct work *w, struct work_job *job, const char *key) MUST_CHECK;

/* Takes no more jobs, gives up those that wait, and waits for those that run. */
void work_stop(struct work *w);
/* After work_stop(), which it does when nobody did. */
void work_destroy(struct work *w);

void work_stats(struct work *w, struct work_stats *out);

#endif
