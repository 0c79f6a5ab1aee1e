/*
 * work: owns the threads of a pool and the queue before them. The queue is a ring of lanes, one for
 * each key that has jobs; a thread takes the first job of the first lane and sends the lane to the
 * end of the ring. Must never call a job with the mutex held.
 */
#include "authd/work.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

struct lane {
	struct list node; /* in ring while it has jobs, else in spare */
	char key[WORK_KEY_SIZE];
	struct list jobs;
	unsigned count;
};

struct work {
	struct work_conf conf;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t more;
	struct list ring, spare; /* lanes */
	struct lane *lanes; /* owned: as many as there may be jobs */
	struct work_stats stats;
	bool stopping;
	unsigned started;
	pthread_t threads[]; /* conf.threads of them */
};

/* A lane for the key; there is one, since a lane without a job is spare. */
static struct lane *lane_of(struct work *w, const char *key)
{
	for (LIST_EACH(node, &w->ring)) {
		struct lane *lane = LIST_ENTRY(node, struct lane, node);
		if (strncmp(lane->key, key, sizeof(lane->key) - 1) == 0) {
			return lane;
		}
	}
	struct lane *lane = LIST_ENTRY(w->spare.next, struct lane, node);
	snprintf(lane->key, sizeof(lane->key), "%s", key);
	list_remove(&lane->node);
	list_append(&w->ring, &lane->node);
	return lane;
}

static struct work_job *take(struct work *w, struct lane *lane, bool newest)
{
	struct list *node = newest ? lane->jobs.prev : lane->jobs.next;

	list_remove(node);
	lane->count--;
	w->stats.waiting--;
	list_remove(&lane->node);
	list_append(lane->count > 0 ? &w->ring : &w->spare, &lane->node);
	return LIST_ENTRY(node, struct work_job, node);
}

static struct work_job *take_next(struct work *w)
{
	return take(w, LIST_ENTRY(w->ring.next, struct lane, node), false);
}

/* The newest job of the longest lane, when that has more than the one with the key would have. */
static struct work_job *make_room(struct work *w, const char *key)
{
	struct lane *longest = NULL;
	unsigned mine = 0;

	for (LIST_EACH(node, &w->ring)) {
		struct lane *lane = LIST_ENTRY(node, struct lane, node);
		if (longest == NULL || lane->count > longest->count) {
			longest = lane;
		}
		if (strncmp(lane->key, key, sizeof(lane->key) - 1) == 0) {
			mine = lane->count;
		}
	}
	return longest != NULL && longest->count > mine + 1 ? take(w, longest, true) : NULL;
}

static int add_locked(
	struct work *w, struct work_job *job, const char *key, struct work_job **victim)
{
	if (w->stopping) {
		return ERR_SHUTDOWN;
	}
	if (w->stats.waiting == w->conf.queue_max) {
		*victim = make_room(w, key);
		w->stats.refused++;
		if (*victim == NULL) {
			return ERR_FULL;
		}
	}
	struct lane *lane = lane_of(w, key);
	if (lane->count == w->conf.key_max) {
		w->stats.refused++;
		return ERR_FULL;
	}
	job->since_ms = clock_now_ms();
	list_append(&lane->jobs, &job->node);
	lane->count++;
	w->stats.waiting++;
	if (w->stats.waiting > w->stats.waiting_max) {
		w->stats.waiting_max = w->stats.waiting;
	}
	pthread_cond_signal(&w->more);
	return 0;
}

int work_add(struct work *w, struct work_job *job, const char *key)
{
	struct work_job *victim = NULL;

	pthread_mutex_lock(&w->mutex);
	int err = add_locked(w, job, key, &victim);
	pthread_mutex_unlock(&w->mutex);
	if (victim != NULL) {
		victim->run(victim, ERR_FULL);
	}
	return err;
}

static void *run_thread(void *arg)
{
	struct work *w = arg;

	pthread_mutex_lock(&w->mutex);
	for (;;) {
		while (!w->stopping && list_empty(&w->ring)) {
			pthread_cond_wait(&w->more, &w->mutex);
		}
		if (list_empty(&w->ring)) {
			break;
		}
		struct work_job *job = take_next(w);
		int err = w->stopping ? ERR_SHUTDOWN : 0;
		if (err == 0 && clock_now_ms() - job->since_ms > w->conf.wait_ms) {
			err = ERR_DEADLINE;
			w->stats.expired++;
		}
		w->stats.running++;
		pthread_mutex_unlock(&w->mutex);
		job->run(job, err);
		pthread_mutex_lock(&w->mutex);
		w->stats.running--;
		w->stats.done += err == 0;
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

int work_create(struct work **out, const struct work_conf *conf)
{
	struct work *w = calloc(1, sizeof(*w) + conf->threads * sizeof(w->threads[0]));
	char name[16];

	if (w == NULL) {
		return ERR_NOMEM;
	}
	w->conf = *conf;
	w->stats.threads = conf->threads;
	w->lanes = calloc(conf->queue_max, sizeof(*w->lanes));
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->more, NULL);
	list_init(&w->ring);
	list_init(&w->spare);
	for (unsigned i = 0; w->lanes != NULL && i < conf->queue_max; i++) {
		list_init(&w->lanes[i].jobs);
		list_append(&w->spare, &w->lanes[i].node);
	}
	int err = w->lanes != NULL ? 0 : ERR_NOMEM;
	while (err == 0 && w->started < conf->threads) {
		if (pthread_create(&w->threads[w->started], NULL, run_thread, w) != 0) {
			err = ERR_SYSTEM;
		} else {
			snprintf(name, sizeof(name), "%.15s", conf->name);
			(void)pthread_setname_np(w->threads[w->started], name);
			w->started++;
		}
	}
	if (err != 0) {
		work_destroy(w);
		return err;
	}
	*out = w;
	return 0;
}

void work_stop(struct work *w)
{
	pthread_mutex_lock(&w->mutex);
	w->stopping = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->mutex);
	while (w->started > 0) {
		pthread_join(w->threads[--w->started], NULL);
	}
}

void work_destroy(struct work *w)
{
	if (w == NULL) {
		return;
	}
	work_stop(w);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->mutex);
	free(w->lanes);
	free(w);
}

void work_stats(struct work *w, struct work_stats *out)
{
	pthread_mutex_lock(&w->mutex);
	*out = w->stats;
	pthread_mutex_unlock(&w->mutex);
}
