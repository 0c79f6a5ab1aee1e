/*
 * events: what has just happened, for administrators who watch: the last 4,096 in memory, each with
 * a number. Nothing is kept over a restart; the record is the audit log.
 */
#ifndef AUTHD_EVENTS_H
#define AUTHD_EVENTS_H

#include <jansson.h>
#include <stdint.h>

#include "proto/errcode.h"

#define EVENTS_MAX 4096u
#define EVENTS_BYTES_MAX 4096u /* of one, as text */
#define EVENTS_WAITERS_MAX 8u

struct events;

int events_create(struct events **out) MUST_CHECK;
/* Nobody may wait any more. */
void events_destroy(struct events *ev);
/* All who wait go at once, now and from now on. */
void events_stop(struct events *ev);

/* Adds one; fields is an object that is taken (NULL: none, or out of memory); "n", "what" and,
 * where it is not there, "at" are set here. One that is too long is counted, and left out. No
 * secrets. Any thread; waits for nothing. NULL for ev is fine. */
void events_add(struct events *ev, const char *what, json_t *fields);

/*
 * Those behind number after, limit at most; after < 0: the last limit ones. When there is none yet,
 * waits for wait_s seconds at most. *list is a new array, *next what to give for after the next
 * time. ERR_FULL when EVENTS_WAITERS_MAX wait already.
 */
int events_wait(struct events *ev, int64_t after, unsigned limit, unsigned wait_s, json_t **list,
	int64_t *next) MUST_CHECK;

/* The number of the newest, and how many were left out. */
void events_stats(struct events *ev, int64_t *last, uint64_t *dropped);

#endif
