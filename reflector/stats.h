/*
 * stats: what a session, a room and a worker count, and the report a worker sends the gate.
 */
#ifndef REFLECTOR_STATS_H
#define REFLECTOR_STATS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct worker;

struct stats {
	uint64_t frames_in, bytes_in; /* media and chat from clients, whole frames */
	uint64_t frames_out,
		bytes_out; /* queued for receivers: what was dropped later is in dropped */
	uint64_t dropped;
};

/* Adds the five counters to object under their names; 0 or ERR_NOMEM. */
int stats_put(json_t *object, const struct stats *stats);

/* Sends the gate a report when something changed since the last one, or 5 s have passed. Once a
 * second. force: in any case. */
void stats_report(struct worker *worker, bool force);

#endif
