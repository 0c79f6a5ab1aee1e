/*
 * event_feed: owns the thread that reads new audit records and adds them to the ring. It is woken
 * by commits of this process; those of others it finds by looking once a second. Must never tell a
 * record twice or out of order.
 */
#include "authd/event_feed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/store_audit.h"
#include "common/clock.h"
#include "common/cond.h"

#define PAGE 100u
#define LOOK_EVERY_MS 1000u
#define GATHER_NS 10000000L /* commits that follow closely are read together */
#define DETAIL_MAX 3072u /* bytes; one that is longer is left out, so that the event fits */

struct event_feed {
	struct store *store;
	struct events *events;
	pthread_t thread;
	int64_t last; /* number of the record told last; the thread's alone */
	unsigned count; /* of this page; likewise */
	bool shared; /* others write to this database */
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t more;
	bool woken, stop;
};

static int tell(const struct store_audit_record *row, void *arg)
{
	struct event_feed *feed = arg;
	bool fits = strlen(row->detail) <= DETAIL_MAX;
	json_t *detail = fits ? json_loads(row->detail, 0, NULL) : NULL;
	json_t *fields = json_pack("{s:I,s:I,s:s,s:s*,s:s*}", "at", (json_int_t)row->at, "seq",
		(json_int_t)row->seq, "actor", row->actor, "address",
		row->address[0] != '\0' ? row->address : NULL, "object",
		row->object[0] != '\0' ? row->object : NULL);

	if (json_is_object(detail)) {
		(void)json_object_update_missing(fields, detail);
	}
	if (!fits) {
		(void)json_object_set_new(
			fields, "detail", json_string("too long: see the audit log"));
	}
	json_decref(detail);
	events_add(feed->events, row->action, fields);
	feed->last = row->seq;
	feed->count++;
	return 0;
}

/* Who is so far behind that the ring could not hold it skips what would be overwritten at once. */
static int skip(struct event_feed *feed)
{
	char hash[STORE_AUDIT_HASH + 1];
	int64_t head = 0;
	int err = store_audit_head(feed->store, &head, hash);

	if (err == 0 && head - feed->last > (int64_t)EVENTS_MAX) {
		feed->last = head - (int64_t)EVENTS_MAX;
	}
	return err;
}

static void tell_new(struct event_feed *feed)
{
	static const struct store_audit_filter all = { .since = INT64_MIN };
	int err;

	do {
		feed->count = 0;
		err = store_audit_list(feed->store, &all, feed->last, PAGE, tell, feed);
		if (err == 0 && feed->count == PAGE) {
			err = skip(feed);
		}
	} while (err == 0 && feed->count == PAGE);
	/* an error was logged where it happened; what is missing comes the next time */
}

/* Mutex held. False: it is over. */
static bool wait_for_more(struct event_feed *feed)
{
	uint64_t until_ms = clock_now_ms() + LOOK_EVERY_MS;

	while (!feed->woken && !feed->stop) {
		if (!feed->shared) {
			pthread_cond_wait(&feed->more, &feed->mutex);
		} else if (!cond_wait_until(&feed->more, &feed->mutex, until_ms)) {
			break;
		}
	}
	return !feed->stop;
}

static void *run(void *arg)
{
	const struct timespec gather = { .tv_nsec = GATHER_NS };
	struct event_feed *feed = arg;

	pthread_mutex_lock(&feed->mutex);
	while (wait_for_more(feed)) {
		feed->woken = false;
		pthread_mutex_unlock(&feed->mutex);
		tell_new(feed);
		(void)nanosleep(&gather, NULL);
		pthread_mutex_lock(&feed->mutex);
	}
	pthread_mutex_unlock(&feed->mutex);
	return NULL;
}

static void free_all(struct event_feed *feed)
{
	pthread_cond_destroy(&feed->more);
	pthread_mutex_destroy(&feed->mutex);
	free(feed);
}

int event_feed_create(struct event_feed **out, struct store *store, struct events *events)
{
	struct event_feed *feed = calloc(1, sizeof(*feed));
	char hash[STORE_AUDIT_HASH + 1];

	if (feed == NULL) {
		return ERR_NOMEM;
	}
	feed->store = store;
	feed->events = events;
	feed->shared = strcmp(store_kind(store), "sqlite") != 0;
	pthread_mutex_init(&feed->mutex, NULL);
	cond_init(&feed->more);
	int err = store_audit_head(store, &feed->last, hash);
	if (err == 0 && pthread_create(&feed->thread, NULL, run, feed) != 0) {
		err = ERR_SYSTEM;
	}
	if (err != 0) {
		free_all(feed);
		return err;
	}
	(void)pthread_setname_np(feed->thread, "events");
	*out = feed;
	return 0;
}

void event_feed_destroy(struct event_feed *feed)
{
	if (feed == NULL) {
		return;
	}
	pthread_mutex_lock(&feed->mutex);
	feed->stop = true;
	pthread_cond_signal(&feed->more);
	pthread_mutex_unlock(&feed->mutex);
	pthread_join(feed->thread, NULL);
	free_all(feed);
}

void event_feed_wake(struct event_feed *feed)
{
	pthread_mutex_lock(&feed->mutex);
	feed->woken = true;
	pthread_cond_signal(&feed->more);
	pthread_mutex_unlock(&feed->mutex);
}
