/*
 * gate: the only process of the reflector that talks to authd. It accepts authd's control links,
 * passes keys, revocations, policies, questions and orders on to the workers, and what the workers
 * say back. It remembers keys, revocations and policies for workers that are started anew. Several
 * links at once are fine: the last keys count, revocations add up, the newest policy holds.
 */
#ifndef REFLECTOR_GATE_H
#define REFLECTOR_GATE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/chan.h"
#include "common/day_clock.h"
#include "common/list.h"
#include "proto/tls_peer.h"
#include "reflector/bucket.h"
#include "reflector/key.h"
#include "reflector/policy_table.h"
#include "reflector/revocation.h"
#include "reflector/settings.h"

#define GATE_LINKS_MAX 16u
#define GATE_QUERIES_MAX 64u /* of all links together */
#define GATE_QUERY_MS 2000u /* a worker that has not answered by then is missing */

struct gate;

struct gate_worker {
	struct gate *gate;
	uint16_t port;
	struct chan *chan;
	json_t *report; /* the last one, or NULL */
};

struct gate_link {
	struct gate *gate;
	struct chan *chan;
	struct key *key; /* whose credentials the session borrows */
	bool welcome; /* link-hello was good: takes part */
	bool ended;
	uint64_t deadline_ms; /* for the link-hello */
	char address[64];
	char authd[LIMIT_NAME + 1];
	struct list node;
};

/* A question ("query"), or an order ("moderate") that one worker can carry out. */
struct gate_query {
	struct gate_link *link;
	bool moderate;
	int64_t id; /* the link's */
	int64_t our_id;
	uint64_t deadline_ms;
	bool pending[SETTINGS_PORTS_MAX]; /* per worker */
	struct list node;
};

struct gate {
	struct ev_loop *loop;
	ev_io listener;
	ev_timer tick;
	ev_signal end;
	uint64_t now_ms;
	struct day_clock clock;
	bool stopping;
	const struct reflector_settings *settings;
	struct settings_limits limits;
	struct chan *supervisor;
	struct gate_worker *workers;
	size_t worker_count;
	struct key *key;
	char pin[TLS_PEER_PIN_SIZE];
	struct list retired_keys;
	struct list links;
	unsigned link_count;
	struct list queries;
	unsigned query_count;
	int64_t last_query_id;
	json_t *keys; /* the last keys message, or NULL */
	struct revocation_table revoked;
	struct policy_table policies;
	struct bucket log_refusals;
};

struct gate_start {
	const struct reflector_settings *settings;
	int control_fd, supervisor_fd; /* taken over */
	const int *worker_fds; /* one per port, in their order; taken over */
};

/* Runs until the supervisor says so or is gone; returns the process's exit status. */
int gate_run(const struct gate_start *start);

/* gate_link.c */
void gate_link_accept(struct gate *gate, int fd);
/* Deadlines, and links that ended. */
void gate_link_sweep(struct gate *gate);
/* Logs the end; the link is destroyed by the next sweep. */
void gate_link_close(struct gate_link *link, int err);
void gate_link_destroy(struct gate_link *link);
/* To all that are welcome. */
void gate_link_broadcast(struct gate *gate, const json_t *msg);
/* To all workers. */
void gate_tell_workers(struct gate *gate, const json_t *msg);

/* gate_query.c */
void gate_query_begin(struct gate_link *link, const json_t *msg, bool moderate);
void gate_query_answer(struct gate_worker *worker, const json_t *msg);
/* The first worker that has the room and the participant answers for all. */
void gate_query_moderated(struct gate_worker *worker, const json_t *msg);
/* The worker died: nothing more comes from it. */
void gate_query_worker_gone(struct gate_worker *worker);
void gate_query_link_gone(struct gate_link *link);
void gate_query_sweep(struct gate *gate);

#endif
