/*
 * link_query: keeps the books of one question. Never calls a link and never locks.
 */
#include "authd/link_query.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/cond.h"

#define VALUE_BYTES 64u

int link_query_init(struct link_query *q, const char *what, const char *room)
{
	memset(q, 0, sizeof(*q));
	q->what = what;
	q->room = room;
	q->items = json_array();
	q->missing = json_array();
	list_init(&q->node);
	cond_init(&q->changed);
	if (q->items == NULL || q->missing == NULL) {
		link_query_finish(q);
		return ERR_NOMEM;
	}
	return 0;
}

void link_query_finish(struct link_query *q)
{
	json_decref(q->items);
	json_decref(q->missing);
	q->items = q->missing = NULL;
	pthread_cond_destroy(&q->changed);
}

/* Index in pending, or pending_count. */
static size_t find(const struct link_query *q, const char *reflector)
{
	size_t i = 0;

	while (i < q->pending_count && strcmp(q->pending[i].reflector, reflector) != 0) {
		i++;
	}
	return i;
}

static void settle(struct link_query *q, size_t i)
{
	q->pending[i] = q->pending[--q->pending_count];
	if (q->pending_count == 0) {
		pthread_cond_signal(&q->changed);
	}
}

void link_query_expect(struct link_query *q, const char *reflector)
{
	if (q->pending_count < AUTHD_REFLECTORS_MAX) {
		size_t i = q->pending_count++;
		snprintf(q->pending[i].reflector, sizeof(q->pending[i].reflector), "%s", reflector);
		q->pending[i].items = q->pending[i].bytes = 0;
	}
}

void link_query_lost(struct link_query *q, const char *reflector)
{
	size_t i = find(q, reflector);

	if (i < q->pending_count) {
		(void)json_array_append_new(q->missing, json_string(q->pending[i].reflector));
		settle(q, i);
	}
}

/* About the memory that a value takes: a small one costs much more than its text. As deep as the
 * parser lets through. */
static size_t weight(const json_t *value)
{
	size_t sum = VALUE_BYTES, i;
	const char *key;
	json_t *member;

	if (json_is_string(value)) {
		return sum + json_string_length(value);
	}
	json_array_foreach(value, i, member) {
		sum += weight(member);
	}
	json_object_foreach((json_t *)value, key, member) {
		sum += VALUE_BYTES + strlen(key) + weight(member);
	}
	return sum;
}

void link_query_answer(struct link_query *q, const char *reflector, json_t *items, bool done)
{
	size_t i = find(q, reflector);

	if (i == q->pending_count) {
		json_decref(items);
		return;
	}
	q->pending[i].items += json_array_size(items);
	q->pending[i].bytes += weight(items);
	bool fits = q->pending[i].items <= LINK_QUERY_ITEMS_MAX &&
		q->pending[i].bytes <= LINK_QUERY_BYTES_MAX;
	if (items != NULL && fits && json_array_extend(q->items, items) != 0) {
		fits = false;
	}
	json_decref(items);
	if (!fits) {
		link_query_lost(q, reflector);
	} else if (done) {
		settle(q, i);
	}
}

void link_query_wait(struct link_query *q, pthread_mutex_t *mutex)
{
	uint64_t until_ms = clock_now_ms() + LINK_QUERY_MS;

	while ((!q->asked || q->pending_count > 0) &&
		cond_wait_until(&q->changed, mutex, until_ms)) {
	}
	while (q->pending_count > 0) {
		link_query_lost(q, q->pending[q->pending_count - 1].reflector);
	}
}
