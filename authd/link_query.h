/*
 * link_query: a question to all reflectors that somebody waits for: who has been asked, what came,
 * who is still missing. The owner (link_ask) guards every call but init and finish with its mutex.
 */
#ifndef AUTHD_LINK_QUERY_H
#define AUTHD_LINK_QUERY_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "authd/settings.h"
#include "common/list.h"

#define LINK_QUERY_ITEMS_MAX 20000u /* from one reflector */
#define LINK_QUERY_BYTES_MAX 134217728u /* of memory, about, for what one reflector answers */
#define LINK_QUERY_MS 2000u

struct link_query {
	struct list node; /* in the owner's list while somebody waits */
	int64_t id;
	const char *what, *room; /* the waiting thread's */
	bool asked;
	struct {
		char reflector[LIMIT_NAME + 1];
		size_t items, bytes;
	} pending[AUTHD_REFLECTORS_MAX];
	size_t pending_count;
	json_t *items, *missing; /* arrays, taken by the waiting thread at the end */
	pthread_cond_t changed;
};

int link_query_init(struct link_query *q, const char *what, const char *room) MUST_CHECK;
void link_query_finish(struct link_query *q);

/* The reflector was asked, and an answer is due. */
void link_query_expect(struct link_query *q, const char *reflector);
/* The reflector whose answer is due cannot give it. Ignored when none is due. */
void link_query_lost(struct link_query *q, const char *reflector);
/* Part of an answer; items is taken (NULL: none). Ignored when no answer is due. */
void link_query_answer(struct link_query *q, const char *reflector, json_t *items, bool done);

/* Waits with mutex until all have answered or the deadline; who has not, is missing then. */
void link_query_wait(struct link_query *q, pthread_mutex_t *mutex);

#endif
