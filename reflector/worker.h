/*
 * worker: one process, one thread, one loop, one port, and the rooms placed on that port. After its
 * start it opens nothing: listening sockets, stderr and two sockets to its own family are all it
 * has.
 *
 * A turn of the loop: every readable lane of a session is read; then, before the loop waits again,
 * a few of those that shake hands or join go on, doomed sessions are closed, every session that has
 * something queued is flushed once, and what died is reaped.
 */
#ifndef REFLECTOR_WORKER_H
#define REFLECTOR_WORKER_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/chan.h"
#include "common/day_clock.h"
#include "common/list.h"
#include "proto/jws_verify.h"
#include "reflector/bucket.h"
#include "reflector/conn_accept.h"
#include "reflector/frame_policy.h"
#include "reflector/frame_queue.h"
#include "reflector/half_open.h"
#include "reflector/key.h"
#include "reflector/policy_table.h"
#include "reflector/revocation.h"
#include "reflector/room_table.h"
#include "reflector/settings.h"
#include "reflector/stats.h"

#define WORKER_RECORD 16384u /* bytes, the most one TLS record carries */

struct worker {
	struct ev_loop *loop;
	ev_check turn_begins;
	ev_prepare turn_ends;
	ev_idle more_to_read; /* active while a lane stopped at its budget: the loop must not wait
			       */
	ev_timer tick;
	ev_timer report;
	ev_signal end;
	uint64_t now_ms; /* monotonic, taken once per turn */
	struct day_clock clock;
	int64_t day_s; /* the time of day for what ends, taken with now_ms */

	uint16_t port;
	char place[LIMIT_NAME + 8]; /* "name:port", as tokens name it */
	struct settings_limits limits;
	struct frame_policy policy;
	bool stopping;
	uint64_t stop_ms; /* when what is left is cut */
	uint64_t started_ms;

	struct chan *supervisor, *gate;
	struct key *key; /* for new handshakes; NULL until the supervisor sent it */
	struct list retired_keys; /* still borrowed by lanes */
	struct jws_keyset *keys; /* authd's; NULL until the gate sent them */
	char issuer[LIMIT_NAME + 1], cluster[LIMIT_NAME + 1];
	struct revocation_table revoked;
	struct policy_table policies;

	struct conn_accept accept;
	struct list lanes; /* all of them */
	struct half_open half_open; /* lanes that have not joined yet */
	struct list reread; /* lanes that stopped at their budget */
	struct list opening; /* lanes with something of a handshake or hello to read */
	struct list sessions;
	struct list dirty; /* sessions with something to flush */
	struct list doomed; /* sessions to be closed at the end of the turn */
	struct list dead; /* lanes to be reaped */
	struct list empty_rooms; /* candidates for the end */
	struct room_table rooms;
	struct frame_pool pool;
	unsigned participant_count, stream_count;
	struct stats stats;
	struct stats reported;
	uint64_t reported_ms;
	unsigned reported_participants, reported_streams, reported_rooms;
	struct bucket log_refusals, log_moves; /* lines that peers can cause */
	struct bucket events, events_moderation; /* messages to authd that peers can cause */
	uint64_t events_dropped;

	uint8_t read_buf[WORKER_RECORD];
	uint8_t write_buf[WORKER_RECORD];
};

struct worker_start {
	const struct reflector_settings *settings;
	uint16_t port;
	const int *listen_fds; /* taken over */
	size_t listen_count;
	int supervisor_fd, gate_fd; /* taken over */
};

/* Runs until the supervisor says so or is gone; returns the process's exit status. */
int worker_run(const struct worker_start *start);

/* Credentials, settings, keys, revocations and queries as they come in. */
extern const struct chan_events worker_supervisor_events, worker_gate_events;

void worker_apply_limits(struct worker *worker, const struct settings_limits *limits);
/* Says bye to everybody and ends the loop when all are gone, or after a few seconds. */
void worker_stop(struct worker *worker);

#endif
