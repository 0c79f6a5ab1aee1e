/*
 * link_ask: what other threads want of reflectors: questions to all of them (link_query), orders to
 * one (link_order). Whoever asks waits here until the loop of the link thread has sent it and has
 * heard, or until it was too long. For link_dial alone, whose loop and lock it works with.
 */
#ifndef AUTHD_LINK_ASK_H
#define AUTHD_LINK_ASK_H

#include <pthread.h>

#include "authd/link_order.h"
#include "authd/link_query.h"
#include "authd/link_set.h"

#define LINK_ASK_MAX 32u /* that wait at the same time */

struct link_ask {
	const struct link_env *env;
	ev_async *wake; /* of env's loop, which calls link_ask_send() then */
	pthread_mutex_t *mutex; /* guards what follows */
	struct list queries; /* struct link_query */
	struct list orders; /* struct link_order */
	size_t waiting; /* of both */
	int64_t last_id;
};

/* All three are borrowed. */
void link_ask_init(
	struct link_ask *ask, const struct link_env *env, ev_async *wake, pthread_mutex_t *mutex);

/* As link_dial_query() and link_dial_moderate(). */
int link_ask_query(struct link_ask *ask, const char *what, const char *room, json_t **items,
	json_t **missing) MUST_CHECK;
int link_ask_moderate(struct link_ask *ask, const char *reflector, const json_t *fields,
	char code[LINK_ORDER_CODE_MAX]) MUST_CHECK;

/* On the loop's thread, with the mutex: sends what was not sent yet; nobody may wait for this
 * reflector any more. */
void link_ask_send(struct link_ask *ask, const struct link_set *set);
void link_ask_lost(struct link_ask *ask, const char *reflector);

/* On the loop's thread, without the mutex: what a link heard, see struct link_events. */
void link_ask_answer(
	struct link_ask *ask, const char *reflector, int64_t id, const json_t *items, bool done);
void link_ask_moderated(struct link_ask *ask, const char *reflector, int64_t id, const char *code);

#endif
