/*
 * worker: the process and its loop: what happens in which order in a turn, and the orderly end.
 * Opens nothing after its start. What the messages of its family mean is in worker_inbox.c.
 */
#include "reflector/worker.h"

#include <gnutls/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "reflector/heartbeat.h"
#include "reflector/lane.h"
#include "reflector/room.h"
#include "reflector/room_rules.h"
#include "reflector/session.h"

#define STOP_MS 3000u /* after which whoever has not taken its bye is cut */
#define REVOCATION_SWEEP_S 60
#define OPENINGS_PER_TURN 8u
#define EVENTS_PER_SECOND 160u
#define EVENTS_MODERATION_PER_SECOND 40u

void worker_apply_limits(struct worker *worker, const struct settings_limits *limits)
{
	worker->limits = *limits;
	worker->policy = (struct frame_policy){ .audio_ms = limits->queue_audio_ms,
		.video_ms = limits->queue_video_ms,
		.bytes = limits->queue_bytes };
}

/* First in a turn: the time, and lanes that stopped at their budget in the last one. */
static void on_turn_begins(struct ev_loop *loop, ev_check *check, int events)
{
	struct worker *worker = check->data;
	struct list again;

	(void)loop;
	(void)events;
	worker->now_ms = clock_now_ms();
	worker->day_s = day_clock_now(&worker->clock);
	list_init(&again);
	while (!list_empty(&worker->reread)) {
		struct list *node = worker->reread.next;
		list_remove(node);
		list_append(&again, node);
	}
	while (!list_empty(&again)) {
		struct lane *lane = LIST_ENTRY(again.next, struct lane, reread);
		list_remove(&lane->reread);
		frame_read_lane(lane);
	}
}

static void close_doomed(struct worker *worker)
{
	while (!list_empty(&worker->doomed)) {
		struct session *session = LIST_ENTRY(worker->doomed.next, struct session, doomed);
		list_remove(&session->doomed);
		session_bye(session, session->doom);
	}
}

/* Asking for a keyframe makes a publisher dirty again, and a full one doomed: until both are empty.
 */
static void flush_all(struct worker *worker)
{
	do {
		close_doomed(worker);
		while (!list_empty(&worker->dirty)) {
			struct session *session =
				LIST_ENTRY(worker->dirty.next, struct session, dirty);
			list_remove(&session->dirty);
			session_flush(session);
		}
	} while (!list_empty(&worker->doomed));
}

static void reap_lane(struct lane *lane)
{
	struct session *session = lane->session;

	lane_destroy(lane);
	if (session == NULL) {
		return;
	}
	for (unsigned i = 0; i < session->lane_count; i++) {
		if (session->lanes[i] == lane) {
			session->lanes[i] = session->lanes[--session->lane_count];
		}
	}
	if (session->lane_count == 0) {
		session_destroy(session);
	}
}

static void reap(struct worker *worker)
{
	while (!list_empty(&worker->dead)) {
		reap_lane(LIST_ENTRY(worker->dead.next, struct lane, dead));
	}
	while (!list_empty(&worker->empty_rooms)) {
		room_destroy(LIST_ENTRY(worker->empty_rooms.next, struct room, empty));
	}
	for (LIST_EACH_SAFE(node, next, &worker->retired_keys)) {
		struct key *key = LIST_ENTRY(node, struct key, node);
		if (key->sessions == 0) {
			key_destroy(key);
		}
	}
}

/* A handshake or a join costs as much as some thousand frames: media never waits for more than a
 * few of them, however many come at once. Who came first is served first. */
static void open_some(struct worker *worker)
{
	for (unsigned i = 0; i < OPENINGS_PER_TURN && !list_empty(&worker->opening); i++) {
		struct lane *lane = LIST_ENTRY(worker->opening.next, struct lane, opening);
		list_remove(&lane->opening);
		lane_go_on_opening(lane);
	}
}

/* Last in a turn, before the loop waits. */
static void on_turn_ends(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	struct worker *worker = prepare->data;

	(void)events;
	open_some(worker);
	flush_all(worker);
	reap(worker);
	if (list_empty(&worker->reread) && list_empty(&worker->opening)) {
		ev_idle_stop(loop, &worker->more_to_read);
	} else {
		ev_idle_start(loop, &worker->more_to_read);
	}
	if (worker->stopping && (list_empty(&worker->lanes) || worker->now_ms >= worker->stop_ms)) {
		ev_break(loop, EVBREAK_ALL);
	}
}

static void on_idle(struct ev_loop *loop, ev_idle *idle, int events)
{
	(void)loop;
	(void)idle;
	(void)events;
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	heartbeat_tick(timer->data);
}

static void on_report(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct worker *worker = timer->data;

	(void)loop;
	(void)events;
	stats_report(worker, false);
	room_rules_tick(worker);
	if (day_clock_look(&worker->clock, time(NULL), clock_now_s()) != 0) {
		worker->day_s = day_clock_now(&worker->clock);
	}
	if (worker->day_s % REVOCATION_SWEEP_S == 0 &&
		day_clock_steady(&worker->clock, clock_now_s())) {
		revocation_expire(&worker->revoked, worker->day_s);
	}
}

static void on_end(struct ev_loop *loop, ev_signal *sig, int events)
{
	(void)loop;
	(void)events;
	worker_stop(sig->data);
}

void worker_stop(struct worker *worker)
{
	if (worker->stopping) {
		return;
	}
	worker->stopping = true;
	worker->stop_ms = worker->now_ms + STOP_MS;
	conn_accept_finish(&worker->accept);
	for (LIST_EACH(node, &worker->lanes)) {
		struct lane *lane = LIST_ENTRY(node, struct lane, all);
		if (lane->session != NULL) {
			session_bye(lane->session, ERR_SHUTDOWN);
		} else if (lane->state == LANE_GREETING) {
			lane_fail(lane, ERR_SHUTDOWN);
		} else if (lane->state == LANE_HANDSHAKE) {
			lane_kill(lane);
		}
	}
}

static void start_watchers(struct worker *worker)
{
	ev_check_init(&worker->turn_begins, on_turn_begins);
	ev_set_priority(&worker->turn_begins, EV_MAXPRI);
	ev_prepare_init(&worker->turn_ends, on_turn_ends);
	ev_idle_init(&worker->more_to_read, on_idle);
	ev_timer_init(&worker->tick, on_tick, HEARTBEAT_TICK_S, HEARTBEAT_TICK_S);
	ev_timer_init(&worker->report, on_report, 0.1, 1.);
	ev_signal_init(&worker->end, on_end, SIGTERM);
	worker->turn_begins.data = worker->turn_ends.data = worker->tick.data =
		worker->report.data = worker->end.data = worker;
	ev_check_start(worker->loop, &worker->turn_begins);
	ev_prepare_start(worker->loop, &worker->turn_ends);
	ev_timer_start(worker->loop, &worker->tick);
	ev_timer_start(worker->loop, &worker->report);
	ev_signal_start(worker->loop, &worker->end);
}

static void init_lists(struct worker *worker)
{
	struct list *all[] = { &worker->retired_keys, &worker->lanes, &worker->reread,
		&worker->opening, &worker->sessions, &worker->dirty, &worker->doomed, &worker->dead,
		&worker->empty_rooms };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		list_init(all[i]);
	}
}

static int init(struct worker *worker, const struct worker_start *start)
{
	memset(worker, 0, sizeof(*worker));
	init_lists(worker);
	uint32_t seed = 0;
	(void)gnutls_rnd(GNUTLS_RND_NONCE, &seed, sizeof(seed));
	half_open_init(&worker->half_open, seed);
	frame_pool_init(&worker->pool);
	worker->now_ms = worker->started_ms = clock_now_ms();
	worker->day_s = time(NULL);
	day_clock_init(&worker->clock, worker->day_s, clock_now_s());
	worker->port = start->port;
	(void)snprintf(
		worker->place, sizeof(worker->place), "%s:%u", start->settings->name, start->port);
	worker_apply_limits(worker, &start->settings->limits);
	bucket_init(&worker->log_refusals, 10, 50, worker->now_ms);
	bucket_init(&worker->log_moves, 100, 2000, worker->now_ms);
	bucket_init(&worker->events, EVENTS_PER_SECOND, EVENTS_PER_SECOND, worker->now_ms);
	bucket_init(&worker->events_moderation, EVENTS_MODERATION_PER_SECOND,
		EVENTS_MODERATION_PER_SECOND, worker->now_ms);
	worker->loop = ev_loop_new(EVFLAG_AUTO);
	if (worker->loop == NULL) {
		return ERR_SYSTEM;
	}
	int err = revocation_init(&worker->revoked, REVOCATION_MAX);
	if (err == 0) {
		err = policy_table_init(&worker->policies, POLICY_TABLE_MAX);
	}
	if (err == 0) {
		err = conn_accept_init(
			&worker->accept, worker, start->listen_fds, start->listen_count);
	}
	if (err == 0) {
		err = chan_create_packet(&worker->supervisor, worker->loop, start->supervisor_fd,
			&worker_supervisor_events, worker);
	}
	if (err == 0) {
		err = chan_create_packet(
			&worker->gate, worker->loop, start->gate_fd, &worker_gate_events, worker);
	}
	return err;
}

/* Everything that is left, in the order of who points to whom. */
static void finish(struct worker *worker)
{
	if (worker->loop == NULL) {
		return;
	}
	while (!list_empty(&worker->sessions)) {
		struct session *session = LIST_ENTRY(worker->sessions.next, struct session, all);
		session_gone(session, ERR_SHUTDOWN);
		session_destroy(session);
	}
	while (!list_empty(&worker->lanes)) {
		lane_destroy(LIST_ENTRY(worker->lanes.next, struct lane, all));
	}
	reap(worker);
	conn_accept_finish(&worker->accept);
	chan_destroy(worker->supervisor);
	chan_destroy(worker->gate);
	key_destroy(worker->key);
	jws_keyset_destroy(worker->keys);
	revocation_finish(&worker->revoked);
	policy_table_finish(&worker->policies);
	frame_pool_finish(&worker->pool);
	ev_signal_stop(worker->loop, &worker->end);
	ev_loop_destroy(worker->loop);
}

int worker_run(const struct worker_start *start)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int err = worker != NULL ? init(worker, start) : ERR_NOMEM;

	if (err == 0) {
		start_watchers(worker);
		ev_run(worker->loop, 0);
	} else {
		log_event(LOG_LEVEL_ERROR, "worker-failed", LOG_ERR(err),
			LOG_INT("port", start->port));
	}
	if (worker != NULL) {
		finish(worker);
	}
	free(worker);
	return err == 0 ? 0 : 1;
}
