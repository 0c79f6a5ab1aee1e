/*
 * events: owns the ring and whoever waits for its next entry. Entries are kept as text: JSON values
 * of jansson may not be shared between threads.
 */
#include "authd/events.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/cond.h"

struct events {
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t more;
	char *ring[EVENTS_MAX]; /* owned; number n stands at n % EVENTS_MAX */
	uint64_t dropped;
	int64_t last; /* number of the newest; 0: none */
	unsigned waiters;
	bool stopped;
};

int events_create(struct events **out)
{
	struct events *ev = calloc(1, sizeof(*ev));

	if (ev == NULL) {
		return ERR_NOMEM;
	}
	pthread_mutex_init(&ev->mutex, NULL);
	cond_init(&ev->more);
	*out = ev;
	return 0;
}

void events_destroy(struct events *ev)
{
	if (ev == NULL) {
		return;
	}
	for (size_t i = 0; i < EVENTS_MAX; i++) {
		free(ev->ring[i]);
	}
	pthread_cond_destroy(&ev->more);
	pthread_mutex_destroy(&ev->mutex);
	free(ev);
}

void events_stop(struct events *ev)
{
	pthread_mutex_lock(&ev->mutex);
	ev->stopped = true;
	pthread_cond_broadcast(&ev->more);
	pthread_mutex_unlock(&ev->mutex);
}

void events_add(struct events *ev, const char *what, json_t *fields)
{
	json_t *entry = fields != NULL ? fields : json_object();

	if (entry != NULL && json_object_get(entry, "at") == NULL) {
		(void)json_object_set_new(entry, "at", json_integer((json_int_t)time(NULL)));
	}
	if (ev == NULL || entry == NULL) {
		json_decref(entry);
		return;
	}
	pthread_mutex_lock(&ev->mutex);
	int64_t n = ev->last + 1;
	bool ok = json_object_set_new(entry, "n", json_integer(n)) == 0 &&
		json_object_set_new(entry, "what", json_string(what)) == 0;
	char *text = ok ? json_dumps(entry, JSON_COMPACT) : NULL;
	if (text != NULL && strlen(text) <= EVENTS_BYTES_MAX) {
		free(ev->ring[n % EVENTS_MAX]);
		ev->ring[n % EVENTS_MAX] = text;
		ev->last = n;
		pthread_cond_broadcast(&ev->more);
	} else {
		free(text);
		ev->dropped++;
	}
	pthread_mutex_unlock(&ev->mutex);
	json_decref(entry);
}

void events_stats(struct events *ev, int64_t *last, uint64_t *dropped)
{
	pthread_mutex_lock(&ev->mutex);
	*last = ev->last;
	*dropped = ev->dropped;
	pthread_mutex_unlock(&ev->mutex);
}

/* Mutex held. */
static int copy(struct events *ev, int64_t after, unsigned limit, json_t **list, int64_t *next)
{
	int64_t oldest = ev->last > (int64_t)EVENTS_MAX ? ev->last - (int64_t)EVENTS_MAX + 1 : 1;
	int64_t n = after < 0      ? ev->last - (int64_t)limit + 1
		: after < ev->last ? after + 1
				   : ev->last + 1;
	json_t *array = json_array();

	*next = after < 0 || after > ev->last ? ev->last : after;
	for (n = n < oldest ? oldest : n; n <= ev->last && limit > 0; n++, limit--) {
		if (json_array_append_new(array, json_loads(ev->ring[n % EVENTS_MAX], 0, NULL)) !=
			0) {
			json_decref(array);
			return ERR_NOMEM;
		}
		*next = n;
	}
	*list = array;
	return array != NULL ? 0 : ERR_NOMEM;
}

int events_wait(struct events *ev, int64_t after, unsigned limit, unsigned wait_s, json_t **list,
	int64_t *next)
{
	uint64_t until_ms = clock_now_ms() + wait_s * UINT64_C(1000);
	int err = 0;

	pthread_mutex_lock(&ev->mutex);
	/* a number from before a restart is behind the last: nothing was missed that is still here
	 */
	bool wait = wait_s > 0 && after >= 0 && after == ev->last;
	if (wait && ev->waiters >= EVENTS_WAITERS_MAX) {
		err = ERR_FULL;
	} else if (wait) {
		ev->waiters++;
		while (!ev->stopped && ev->last == after &&
			cond_wait_until(&ev->more, &ev->mutex, until_ms)) {
		}
		ev->waiters--;
	}
	if (err == 0) {
		err = copy(ev, after, limit, list, next);
	}
	pthread_mutex_unlock(&ev->mutex);
	return err;
}
