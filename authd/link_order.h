/*
 * link_order: something that one reflector is asked to do and that somebody waits for. The owner
 * (link_ask) guards every call but init and finish with its mutex.
 */
#ifndef AUTHD_LINK_ORDER_H
#define AUTHD_LINK_ORDER_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "proto/errcode.h"

#define LINK_ORDER_CODE_MAX 33u
#define LINK_ORDER_MS 2000u

struct link_order {
	struct list node; /* in the owner's list while somebody waits */
	int64_t id;
	const char *reflector; /* the waiting thread's */
	json_t *msg; /* the whole "moderate" message */
	bool sent, done;
	int err; /* when done; 0: code says what came of it */
	char code[LINK_ORDER_CODE_MAX]; /* "" or the name of an error */
	pthread_cond_t changed;
};

/* fields: the message without type and id; copied. */
int link_order_init(
	struct link_order *order, const char *reflector, const json_t *fields) MUST_CHECK;
void link_order_finish(struct link_order *order);

int link_order_number(struct link_order *order, int64_t id) MUST_CHECK;
/* Whether this reflector has it and has not answered yet. */
bool link_order_waits_for(const struct link_order *order, const char *reflector);
void link_order_settle(struct link_order *order, int err, const char *code);

/* Waits with mutex until it is settled: its err, or ERR_TIMEOUT. */
int link_order_wait(struct link_order *order, pthread_mutex_t *mutex) MUST_CHECK;

#endif
