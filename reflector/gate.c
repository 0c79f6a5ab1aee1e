/*
 * gate: the process and its loop. Opens nothing after its start; what links and queries mean is in
 * gate_link.c and gate_query.c.
 */
#include "reflector/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/tls_creds.h"
#include "proto/msg.h"
#include "reflector/family.h"

#define TICK_S 0.1
#define REVOCATION_SWEEP_S 60

static void gate_stop(struct gate *gate)
{
	gate->stopping = true;
	ev_break(gate->loop, EVBREAK_ALL);
}

/* A worker that misses a revocation or a change of keys would let in who must stay outside, or
 * nobody. A new gate is told everything again by authd, and tells the workers. */
static void missed(struct gate_worker *worker, int err)
{
	log_event(LOG_LEVEL_ERROR, "message-failed", LOG_ERR(err), LOG_INT("port", worker->port));
	if (err == ERR_NOMEM) {
		gate_stop(worker->gate);
	}
}

void gate_tell_workers(struct gate *gate, const json_t *msg)
{
	for (size_t i = 0; i < gate->worker_count; i++) {
		struct gate_worker *worker = &gate->workers[i];
		int err = worker->chan != NULL ? chan_send(worker->chan, msg) : ERR_STATE;
		if (err != 0) {
			missed(worker, err);
		}
	}
}

static int send_page(const json_t *msg, void *user)
{
	struct gate_worker *worker = user;

	return chan_send(worker->chan, msg);
}

/*
 * A new worker knows nothing: it gets every revocation that still counts, the policies of rooms,
 * and then the keys. The other way round it could let in between who may not.
 */
static void welcome_worker(struct gate_worker *worker)
{
	struct gate *gate = worker->gate;

	json_decref(worker->report);
	worker->report = NULL;
	gate_query_worker_gone(worker);
	int err = revocation_each_page(&gate->revoked, send_page, worker);
	if (err == 0) {
		err = policy_table_each_page(&gate->policies, send_page, worker);
	}
	if (err == 0 && gate->keys != NULL) {
		err = chan_send(worker->chan, gate->keys);
	}
	if (err != 0) {
		missed(worker, err);
	}
}

static void on_worker_message(struct chan *ch, const char *type, const json_t *msg, void *user)
{
	struct gate_worker *worker = user;

	(void)ch;
	if (strcmp(type, "report") == 0) {
		json_decref(worker->report);
		worker->report = json_deep_copy(msg);
		gate_link_broadcast(worker->gate, msg);
	} else if (strcmp(type, "answer") == 0) {
		gate_query_answer(worker, msg);
	} else if (strcmp(type, "moderated") == 0) {
		gate_query_moderated(worker, msg);
	} else if (strcmp(type, "event") == 0) {
		gate_link_broadcast(worker->gate, msg);
	} else if (strcmp(type, "worker-started") == 0) {
		welcome_worker(worker);
	} else {
		log_event(LOG_LEVEL_ERROR, "message-failed", LOG_STR("type", type),
			LOG_ERR(ERR_UNKNOWN_MESSAGE), LOG_INT("port", worker->port));
	}
}

/* The supervisor holds the other end of the pair too: this is no worker's death but a fault. */
static void on_worker_end(struct chan *ch, int err, void *user)
{
	struct gate_worker *worker = user;

	chan_destroy(ch);
	worker->chan = NULL;
	if (!worker->gate->stopping) {
		log_event(LOG_LEVEL_ERROR, "message-failed", LOG_ERR(err),
			LOG_INT("port", worker->port));
		gate_stop(worker->gate);
	}
}

static const struct chan_events worker_events = { .on_message = on_worker_message,
	.on_end = on_worker_end };

static int take_credentials(struct gate *gate, const json_t *msg)
{
	const char *chain;
	struct key *key;
	char pin[TLS_PEER_PIN_SIZE];

	int err = family_read_credentials(msg, &key, &chain);
	if (err == 0) {
		err = tls_creds_pin(chain, strlen(chain), pin, NULL);
		if (err != 0) {
			key_destroy(key);
		}
	}
	if (err != 0) {
		return err;
	}
	if (gate->key != NULL) {
		list_append(&gate->retired_keys, &gate->key->node);
	}
	bool pin_changed = gate->key != NULL && strcmp(pin, gate->pin) != 0;
	gate->key = key;
	memcpy(gate->pin, pin, sizeof(pin));
	ev_io_start(gate->loop, &gate->listener);
	if (pin_changed) {
		/* authd learns the new pin from the next welcome. */
		for (LIST_EACH(node, &gate->links)) {
			gate_link_close(LIST_ENTRY(node, struct gate_link, node), ERR_REPLACED);
		}
	}
	json_t *ready = json_pack("{s:s}", "type", "ready");
	err = ready != NULL ? chan_send(gate->supervisor, ready) : ERR_NOMEM;
	json_decref(ready);
	return err;
}

static void on_supervisor_message(struct chan *ch, const char *type, const json_t *msg, void *user)
{
	struct gate *gate = user;
	int err = ERR_UNKNOWN_MESSAGE;

	(void)ch;
	if (strcmp(type, "credentials") == 0) {
		err = take_credentials(gate, msg);
	} else if (strcmp(type, "settings") == 0) {
		err = family_read_settings(msg, "gate", &gate->limits);
	}
	if (err != 0) {
		log_event(LOG_LEVEL_ERROR, "message-failed", LOG_STR("type", type), LOG_ERR(err));
	}
	if (gate->key == NULL) {
		gate_stop(gate); /* of no use without: the supervisor tries again */
	}
}

static void on_supervisor_end(struct chan *ch, int err, void *user)
{
	struct gate *gate = user;

	(void)err;
	chan_destroy(ch);
	gate->supervisor = NULL;
	gate_stop(gate);
}

static const struct chan_events supervisor_events = { .on_message = on_supervisor_message,
	.on_end = on_supervisor_end };

/* No descriptor left or any other failure: the watcher rests until the next tick. */
static void on_accept(struct ev_loop *loop, ev_io *io, int events)
{
	struct gate *gate = io->data;
	int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd >= 0) {
		gate_link_accept(gate, fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		ev_io_stop(loop, io);
	}
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct gate *gate = timer->data;

	(void)events;
	gate->now_ms = clock_now_ms();
	int64_t jump = day_clock_look(&gate->clock, time(NULL), clock_now_s());
	if (jump != 0) {
		log_event(LOG_LEVEL_WARN, "clock-set", LOG_INT("seconds", jump),
			LOG_STR("do", "check the clock; when it is right now and was not before, "
				      "restart the reflector"));
	}
	gate_query_sweep(gate);
	gate_link_sweep(gate);
	for (LIST_EACH_SAFE(node, next, &gate->retired_keys)) {
		struct key *key = LIST_ENTRY(node, struct key, node);
		if (key->sessions == 0) {
			key_destroy(key);
		}
	}
	int64_t now = day_clock_now(&gate->clock);
	if (now % REVOCATION_SWEEP_S == 0 && day_clock_steady(&gate->clock, clock_now_s())) {
		revocation_expire(&gate->revoked, now);
	}
	if (gate->key != NULL) {
		ev_io_start(loop, &gate->listener);
	}
}

static void on_end(struct ev_loop *loop, ev_signal *sig, int events)
{
	(void)loop;
	(void)events;
	gate_stop(sig->data);
}

static int init_workers(struct gate *gate, const int *fds)
{
	gate->workers = calloc(gate->settings->port_count, sizeof(*gate->workers));
	if (gate->workers == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < gate->settings->port_count; i++) {
		struct gate_worker *worker = &gate->workers[i];
		worker->gate = gate;
		worker->port = gate->settings->ports[i];
		int err = chan_create_packet(
			&worker->chan, gate->loop, fds[i], &worker_events, worker);
		if (err != 0) {
			return err;
		}
		gate->worker_count++;
	}
	return 0;
}

static int init(struct gate *gate, const struct gate_start *start)
{
	list_init(&gate->retired_keys);
	list_init(&gate->links);
	list_init(&gate->queries);
	gate->now_ms = clock_now_ms();
	day_clock_init(&gate->clock, time(NULL), clock_now_s());
	gate->settings = start->settings;
	gate->limits = start->settings->limits;
	bucket_init(&gate->log_refusals, 10, 50, gate->now_ms);
	gate->loop = ev_loop_new(EVFLAG_AUTO);
	if (gate->loop == NULL) {
		return ERR_SYSTEM;
	}
	int err = revocation_init(&gate->revoked, REVOCATION_MAX);
	if (err == 0) {
		err = policy_table_init(&gate->policies, POLICY_TABLE_MAX);
	}
	if (err == 0) {
		err = init_workers(gate, start->worker_fds);
	}
	if (err == 0) {
		err = chan_create_packet(&gate->supervisor, gate->loop, start->supervisor_fd,
			&supervisor_events, gate);
	}
	ev_io_init(&gate->listener, on_accept, start->control_fd, EV_READ);
	ev_timer_init(&gate->tick, on_tick, TICK_S, TICK_S);
	ev_signal_init(&gate->end, on_end, SIGTERM);
	gate->listener.data = gate->tick.data = gate->end.data = gate;
	return err;
}

static void finish(struct gate *gate)
{
	if (gate->loop == NULL) {
		return;
	}
	gate->stopping = true;
	while (!list_empty(&gate->links)) {
		gate_link_destroy(LIST_ENTRY(gate->links.next, struct gate_link, node));
	}
	for (size_t i = 0; i < gate->worker_count; i++) {
		chan_destroy(gate->workers[i].chan);
		json_decref(gate->workers[i].report);
	}
	free(gate->workers);
	chan_destroy(gate->supervisor);
	while (!list_empty(&gate->retired_keys)) {
		key_destroy(LIST_ENTRY(gate->retired_keys.next, struct key, node));
	}
	key_destroy(gate->key);
	json_decref(gate->keys);
	revocation_finish(&gate->revoked);
	policy_table_finish(&gate->policies);
	ev_signal_stop(gate->loop, &gate->end);
	ev_loop_destroy(gate->loop);
}

int gate_run(const struct gate_start *start)
{
	struct gate gate;

	memset(&gate, 0, sizeof(gate));
	int err = init(&gate, start);
	if (err == 0) {
		ev_timer_start(gate.loop, &gate.tick);
		ev_signal_start(gate.loop, &gate.end);
		ev_run(gate.loop, 0);
	} else {
		log_event(LOG_LEVEL_ERROR, "gate-failed", LOG_ERR(err));
	}
	finish(&gate);
	return err == 0 ? 0 : 1;
}
