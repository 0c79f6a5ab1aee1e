/*
 * supervisor_child: starts one gate or worker, notices its death and starts it again. A child keeps
 * only the descriptors that are its own and dies with its supervisor.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "proto/msg.h"
#include "reflector/family.h"
#include "reflector/gate.h"
#include "reflector/supervisor.h"
#include "reflector/worker.h"

#define BACKOFF_FIRST_S 0.1
#define BACKOFF_MAX_S 10.
#define BACKOFF_RESET_S 30. /* a child that lived so long starts again at once */

static uint16_t port_of(const struct supervisor_child *child)
{
	return child->is_gate ? 0 : child->supervisor->files.settings->ports[child->index];
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Everything above stderr that is not in the list. */
static void close_others(int *keep, size_t count)
{
	unsigned from = 3;

	qsort(keep, count, sizeof(*keep), compare_fds);
	for (size_t i = 0; i < count; i++) {
		if ((unsigned)keep[i] > from) {
			(void)close_range(from, (unsigned)keep[i] - 1, 0);
		}
		from = (unsigned)keep[i] + 1;
	}
	(void)close_range(from, ~0u, 0);
}

/* In the child: cut loose from what the supervisor watches. */
static void become_child(struct supervisor_child *child, pid_t parent)
{
	struct supervisor *supervisor = child->supervisor;

	ev_signal_stop(supervisor->loop, &supervisor->on_term);
	ev_signal_stop(supervisor->loop, &supervisor->on_int);
	ev_signal_stop(supervisor->loop, &supervisor->on_hup);
	ev_loop_destroy(supervisor->loop);
	(void)prctl(PR_SET_NAME, child->is_gate ? "helio-gate" : "helio-worker");
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) {
		_exit(1); /* it died before the line above */
	}
	/* A terminal's signals are for the supervisor, which ends its children in order. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	log_setup(child->is_gate ? "gate" : "worker", supervisor->files.settings->log_level,
		supervisor->files.settings->log_format);
}

static int run_gate(struct supervisor_child *child)
{
	struct supervisor *supervisor = child->supervisor;
	size_t ports = supervisor->files.settings->port_count;
	struct gate_start start = { .settings = supervisor->files.settings,
		.control_fd = supervisor->control_fd,
		.supervisor_fd = child->child_fd,
		.worker_fds = supervisor->gate_fds };
	int keep[SETTINGS_PORTS_MAX + 2];

	memcpy(keep, supervisor->gate_fds, ports * sizeof(keep[0]));
	keep[ports] = supervisor->control_fd;
	keep[ports + 1] = child->child_fd;
	close_others(keep, ports + 2);
	return gate_run(&start);
}

static int run_worker(struct supervisor_child *child)
{
	struct supervisor *supervisor = child->supervisor;
	const int *listening = supervisor->listen_fds[child->index];
	size_t count = supervisor->files.settings->listen_count;
	struct worker_start start = { .settings = supervisor->files.settings,
		.port = port_of(child),
		.listen_fds = listening,
		.listen_count = count,
		.supervisor_fd = child->child_fd,
		.gate_fd = supervisor->worker_fds[child->index] };
	int keep[SETTINGS_LISTEN_MAX + 2];

	memcpy(keep, listening, count * sizeof(keep[0]));
	keep[count] = child->child_fd;
	keep[count + 1] = start.gate_fd;
	close_others(keep, count + 2);
	return worker_run(&start);
}

/* Into the child's end of a pair, so that it stands in order with that child's own messages. */
static void announce(int fd, const char *type, uint16_t port)
{
	json_t *msg = json_pack("{s:s, s:i}", "type", type, "port", (int)port);
	size_t len = 0;
	char *text = msg != NULL ? msg_dump(msg, &len) : NULL;

	if (text == NULL || send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		log_event(LOG_LEVEL_ERROR, "announce-failed", LOG_STR("type", type),
			LOG_INT("port", port));
	}
	free(text);
	json_decref(msg);
}

static void announce_start(const struct supervisor_child *child)
{
	const struct supervisor *supervisor = child->supervisor;

	if (!child->is_gate) {
		announce(supervisor->worker_fds[child->index], "worker-started", port_of(child));
		return;
	}
	for (size_t i = 0; i < supervisor->files.settings->port_count; i++) {
		announce(supervisor->gate_fds[i], "gate-started",
			supervisor->files.settings->ports[i]);
	}
}

static void restart_later(struct supervisor_child *child)
{
	if (ev_now(child->supervisor->loop) - child->started >= BACKOFF_RESET_S) {
		child->backoff_s = BACKOFF_FIRST_S;
	}
	ev_timer_set(&child->restart, child->backoff_s, 0.);
	ev_timer_start(child->supervisor->loop, &child->restart);
	child->backoff_s =
		child->backoff_s * 2 < BACKOFF_MAX_S ? child->backoff_s * 2 : BACKOFF_MAX_S;
}

static void send_credentials(struct supervisor_child *child)
{
	const struct supervisor_files *files = &child->supervisor->files;
	json_t *msg = family_credentials_json(
		files->chain, files->key, child->is_gate ? files->ca : NULL);

	supervisor_child_send(child, msg);
	json_decref(msg);
}

void supervisor_child_start(struct supervisor_child *child)
{
	struct supervisor *supervisor = child->supervisor;
	pid_t parent = getpid();
	sigset_t all;
	sigset_t before;

	child->ready = false;
	child->started = ev_now(supervisor->loop);
	announce_start(child);
	/* Until the child has cut loose, a signal for it would end in a copy of our watchers. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0) {
		become_child(child, parent);
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		exit(child->is_gate ? run_gate(child) : run_worker(child));
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0) {
		log_event(LOG_LEVEL_ERROR, "fork-failed", LOG_INT("port", port_of(child)));
		restart_later(child);
		return;
	}
	child->pid = pid;
	ev_child_set(&child->watcher, pid, 0);
	ev_child_start(supervisor->loop, &child->watcher);
	log_event(LOG_LEVEL_INFO, child->is_gate ? "gate-started" : "worker-started",
		LOG_INT("port", port_of(child)), LOG_INT("pid", pid));
	send_credentials(child);
}

static void on_died(struct ev_loop *loop, ev_child *watcher, int events)
{
	struct supervisor_child *child = watcher->data;
	int status = watcher->rstatus;
	bool signalled = WIFSIGNALED(status);

	(void)events;
	ev_child_stop(loop, watcher);
	child->ready = false;
	if (!child->supervisor->stopping) {
		log_event(LOG_LEVEL_ERROR, child->is_gate ? "gate-died" : "worker-died",
			LOG_INT("port", port_of(child)), LOG_INT("pid", child->pid),
			LOG_STR("by", signalled ? "signal" : "exit"),
			LOG_INT("status", signalled ? WTERMSIG(status) : WEXITSTATUS(status)));
		restart_later(child);
	}
	child->pid = 0;
	supervisor_child_died(child->supervisor);
}

static void on_restart(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct supervisor_child *child = timer->data;

	(void)loop;
	(void)events;
	if (!child->supervisor->stopping) {
		supervisor_child_start(child);
	}
}

static void on_message(struct chan *ch, const char *type, const json_t *msg, void *user)
{
	struct supervisor_child *child = user;

	(void)ch;
	(void)msg;
	if (strcmp(type, "ready") == 0) {
		child->ready = true;
		supervisor_child_ready(child->supervisor);
	}
}

/* We hold the other end ourselves: only a fault or garbage from a child gets us here. */
static void on_end(struct chan *ch, int err, void *user)
{
	struct supervisor_child *child = user;

	chan_destroy(ch);
	child->chan = NULL;
	log_event(LOG_LEVEL_ERROR, "channel-lost", LOG_ERR(err), LOG_INT("port", port_of(child)));
}

static const struct chan_events child_events = { .on_message = on_message, .on_end = on_end };

int supervisor_child_init(struct supervisor *supervisor, size_t index, bool is_gate)
{
	struct supervisor_child *child = &supervisor->children[supervisor->child_count];
	int pair[2];

	child->supervisor = supervisor;
	child->is_gate = is_gate;
	child->index = index;
	child->backoff_s = BACKOFF_FIRST_S;
	child->child_fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
		return ERR_SYSTEM;
	}
	int err = chan_create_packet(&child->chan, supervisor->loop, pair[0], &child_events, child);
	if (err != 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return err;
	}
	child->child_fd = pair[1];
	ev_child_init(&child->watcher, on_died, 0, 0);
	ev_timer_init(&child->restart, on_restart, 0., 0.);
	child->watcher.data = child->restart.data = child;
	supervisor->child_count++;
	return 0;
}

void supervisor_child_finish(struct supervisor_child *child)
{
	ev_child_stop(child->supervisor->loop, &child->watcher);
	ev_timer_stop(child->supervisor->loop, &child->restart);
	chan_destroy(child->chan);
	child->chan = NULL;
	(void)close(child->child_fd);
}

void supervisor_child_send(struct supervisor_child *child, const json_t *msg)
{
	int err = msg == NULL         ? ERR_NOMEM
		: child->chan == NULL ? ERR_STATE
				      : chan_send(child->chan, msg);

	if (err != 0) {
		log_event(LOG_LEVEL_ERROR, "message-failed", LOG_ERR(err),
			LOG_INT("port", port_of(child)));
	}
}
