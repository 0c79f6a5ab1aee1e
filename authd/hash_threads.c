/*
 * hash_threads: owns the threads and the queue before them. A thread without privileges cannot take
 * its priority up again, so these do nothing else. Must never call work with the mutex held.
 */
#include "authd/hash_threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include "common/list.h"

/* On the stack of who waits. */
struct task {
	struct list node;
	void (*work)(void *arg);
	void *arg;
	bool done;
	pthread_cond_t changed;
};

struct hash_threads {
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t more;
	struct list tasks;
	bool stop;
	unsigned started;
	pthread_t threads[];
};

unsigned hash_threads_cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n > 0 ? (unsigned)n : 1;
}

static void *run(void *arg)
{
	struct hash_threads *ht = arg;

	/* best effort: without it the work is done just as well */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), HASH_THREADS_NICE);
	pthread_mutex_lock(&ht->mutex);
	for (;;) {
		while (list_empty(&ht->tasks) && !ht->stop) {
			pthread_cond_wait(&ht->more, &ht->mutex);
		}
		if (list_empty(&ht->tasks)) {
			break;
		}
		struct task *task = LIST_ENTRY(ht->tasks.next, struct task, node);
		list_remove(&task->node);
		pthread_mutex_unlock(&ht->mutex);
		task->work(task->arg);
		pthread_mutex_lock(&ht->mutex);
		task->done = true;
		pthread_cond_signal(&task->changed);
	}
	pthread_mutex_unlock(&ht->mutex);
	return NULL;
}

int hash_threads_create(struct hash_threads **out, unsigned count)
{
	struct hash_threads *ht = calloc(1, sizeof(*ht) + count * sizeof(ht->threads[0]));

	if (ht == NULL) {
		return ERR_NOMEM;
	}
	pthread_mutex_init(&ht->mutex, NULL);
	pthread_cond_init(&ht->more, NULL);
	list_init(&ht->tasks);
	while (ht->started < count) {
		if (pthread_create(&ht->threads[ht->started], NULL, run, ht) != 0) {
			hash_threads_destroy(ht);
			return ERR_SYSTEM;
		}
		(void)pthread_setname_np(ht->threads[ht->started], "hash");
		ht->started++;
	}
	*out = ht;
	return 0;
}

void hash_threads_destroy(struct hash_threads *ht)
{
	if (ht == NULL) {
		return;
	}
	pthread_mutex_lock(&ht->mutex);
	ht->stop = true;
	pthread_cond_broadcast(&ht->more);
	pthread_mutex_unlock(&ht->mutex);
	while (ht->started > 0) {
		pthread_join(ht->threads[--ht->started], NULL);
	}
	pthread_cond_destroy(&ht->more);
	pthread_mutex_destroy(&ht->mutex);
	free(ht);
}

void hash_threads_run(struct hash_threads *ht, void (*work)(void *arg), void *arg)
{
	struct task task = { .work = work, .arg = arg };

	pthread_cond_init(&task.changed, NULL);
	pthread_mutex_lock(&ht->mutex);
	list_append(&ht->tasks, &task.node);
	pthread_cond_signal(&ht->more);
	while (!task.done) {
		pthread_cond_wait(&task.changed, &ht->mutex);
	}
	pthread_mutex_unlock(&ht->mutex);
	pthread_cond_destroy(&task.changed);
}
