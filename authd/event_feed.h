/*
 * event_feed: turns new audit records into events, in their order: those of this process and those
 * of others on the same database. So events are called as the record calls them, and nothing that
 * was not committed is ever told. Own thread.
 */
#ifndef AUTHD_EVENT_FEED_H
#define AUTHD_EVENT_FEED_H

#include "authd/events.h"
#include "authd/store.h"

struct event_feed;

/* Begins behind the last record that there is. store and events outlive it. ERR_STORE, ERR_SYSTEM,
 * ERR_NOMEM. */
int event_feed_create(
	struct event_feed **out, struct store *store, struct events *events) MUST_CHECK;
void event_feed_destroy(struct event_feed *feed);

/* There may be new records. Any thread; waits for nothing. For store_watch_records(). */
void event_feed_wake(struct event_feed *feed);

#endif
