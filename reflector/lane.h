/*
 * lane: one TLS connection of a client. The worker owns it; a session borrows its lanes. A lane is
 * never freed where it fails: lane_kill() marks it, and the worker reaps it at the end of the turn.
 */
#ifndef REFLECTOR_LANE_H
#define REFLECTOR_LANE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/list.h"
#include "proto/errcode.h"
#include "proto/tls_io.h"
#include "reflector/frame_read.h"
#include "reflector/half_open.h"

struct key;
struct session;
struct worker;

enum lane_state {
	LANE_HANDSHAKE, /* TLS */
	LANE_GREETING, /* waits for the hello */
	LANE_JOINED, /* belongs to a session */
	LANE_CLOSING, /* sends what is left (a bye or an error), reads nothing */
	LANE_LINGER, /* has sent close_notify and waits for the peer's end, so that nothing is cut
		      */
	LANE_DEAD /* waits to be reaped */
};

struct lane {
	struct worker *worker;
	struct session *session; /* NULL before the join */
	enum lane_state state;
	int fd;
	struct tls_io io;
	struct key *key; /* whose credentials io borrows */
	ev_io readable, writable; /* writable is active only while a send waits */
	struct frame_reader reader;
	uint64_t deadline_ms; /* of the state; 0: none */
	uint64_t heard_ms, sent_ms;
	struct list all, reread, opening, dead;
	struct half_open_node half_open;
	char address[64]; /* for logs and queries only */
	char host[64]; /* without the port, as tokens name networks */
};

/* Takes fd over, also when it fails. */
int lane_create(struct worker *worker, int fd, const struct sockaddr *sa, socklen_t len) MUST_CHECK;
/* The worker's, at the end of a turn, for a dead lane. */
void lane_destroy(struct lane *lane);

/* Changes the state, and with it the deadline (0: none), milliseconds from now. */
void lane_enter(struct lane *lane, enum lane_state state, uint64_t deadline_ms);

/* Goes on with the handshake or the hello, with what has come of it. The worker's, when it is this
 * lane's turn. */
void lane_go_on_opening(struct lane *lane);

/* Before the join: sends an error with "fatal" and closes. */
void lane_fail(struct lane *lane, int err);
/* What is queued is still sent, then the connection is closed in order. */
void lane_close(struct lane *lane);
/* Everything is sent: close_notify, then the peer's end is awaited for a moment. */
void lane_finish(struct lane *lane);
/* Cuts at once. */
void lane_kill(struct lane *lane);

/* Waits until the descriptor can be written (or no longer). */
void lane_await_writable(struct lane *lane, bool on);

#endif
