/*
 * conn_accept: accept(2) and nothing else. Never waits for a peer, and never lets a full descriptor
 * table turn into a busy loop.
 */
#include "reflector/conn_accept.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/net.h"
#include "reflector/lane.h"
#include "reflector/worker.h"

#define ACCEPT_BUDGET 16 /* connections per socket and turn: handshakes must not starve media */
#define PAUSE_S 0.1
#define CROWD 8u /* half-open connections of one source that need not all be honest */

static void listen_all(struct conn_accept *accept, bool on)
{
	for (size_t i = 0; i < accept->count; i++) {
		if (on) {
			ev_io_start(accept->worker->loop, &accept->listeners[i]);
		} else {
			ev_io_stop(accept->worker->loop, &accept->listeners[i]);
		}
	}
}

static void log_refused(struct worker *worker, const char *reason, const char *address)
{
	if (bucket_take(&worker->log_refusals, worker->now_ms)) {
		log_event(LOG_LEVEL_WARN, "conn-refused", LOG_INT("port", worker->port),
			LOG_STR("reason", reason), LOG_STR("addr", address),
			LOG_INT("suppressed", bucket_refused(&worker->log_refusals)));
	}
}

/* The table is full: take one connection with the reserve, close it so that its client knows, and
 * rest for a while. The reserve is a second descriptor of our own socket: nothing is opened. */
static void refuse_one(struct conn_accept *accept, int listener)
{
	int err = errno;

	if (accept->reserve >= 0) {
		(void)close(accept->reserve);
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			(void)close(fd);
		}
		accept->reserve = fcntl(listener, F_DUPFD_CLOEXEC, 0);
	}
	log_refused(accept->worker, strerror(err), "?");
	listen_all(accept, false);
	ev_timer_set(&accept->pause, PAUSE_S, 0.);
	ev_timer_start(accept->worker->loop, &accept->pause);
}

static void on_pause_over(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct conn_accept *accept = timer->data;

	(void)loop;
	(void)events;
	if (accept->reserve < 0 && accept->count > 0) {
		accept->reserve = fcntl(accept->listeners[0].fd, F_DUPFD_CLOEXEC, 0);
	}
	listen_all(accept, true);
}

/* One that has not joined gives way, the oldest of where most come from: an honest client is done
 * in a moment, and a network that opens many does it at its own cost. */
static bool make_room(struct worker *worker, unsigned min)
{
	struct half_open_node *node = half_open_crowd(&worker->half_open, min);

	if (node == NULL) {
		return false;
	}
	struct lane *lane = LIST_ENTRY(node, struct lane, half_open);
	log_refused(worker, "half-open", lane->address);
	lane_kill(lane);
	return true;
}

/* Where a crowd has not joined, one of it gives its descriptor back at the end of this turn, and
 * the next turn accepts. Else nothing is to be had, and the newcomer is told so. */
static void out_of_descriptors(struct conn_accept *accept, int listener)
{
	int saved_errno = errno;

	if (!make_room(accept->worker, CROWD)) {
		errno = saved_errno;
		refuse_one(accept, listener);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct conn_accept *accept = io->data;
	struct worker *worker = accept->worker;

	(void)loop;
	(void)events;
	for (int i = 0; i < ACCEPT_BUDGET; i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		int fd =
			accept4(io->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
				errno == ENOMEM) {
				out_of_descriptors(accept, io->fd);
				return;
			}
			if (errno == EAGAIN || errno == EWOULDBLOCK) {
				return;
			}
			continue; /* that connection died before it was ours */
		}
		if (worker->half_open.total >= CONN_ACCEPT_HALF_OPEN_MAX) {
			(void)make_room(worker, 1);
		}
		int err = lane_create(worker, fd, (struct sockaddr *)&sa, len);
		if (err != 0) {
			char address[64];
			net_addr_text((struct sockaddr *)&sa, len, address);
			log_refused(worker, errcode_name(err), address);
		}
	}
}

int conn_accept_init(
	struct conn_accept *accept, struct worker *worker, const int *fds, size_t count)
{
	memset(accept, 0, sizeof(*accept));
	accept->worker = worker;
	accept->reserve = -1;
	if (count == 0 || count > SETTINGS_LISTEN_MAX) {
		return ERR_INVALID;
	}
	for (size_t i = 0; i < count; i++) {
		ev_io_init(&accept->listeners[i], on_readable, fds[i], EV_READ);
		accept->listeners[i].data = accept;
	}
	accept->count = count;
	ev_timer_init(&accept->pause, on_pause_over, PAUSE_S, 0.);
	accept->pause.data = accept;
	accept->reserve = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
	return accept->reserve >= 0 ? 0 : ERR_SYSTEM;
}

void conn_accept_start(struct conn_accept *accept)
{
	if (!accept->started) {
		accept->started = true;
		listen_all(accept, true);
	}
}

void conn_accept_finish(struct conn_accept *accept)
{
	if (accept->worker == NULL) {
		return; /* never begun */
	}
	listen_all(accept, false);
	ev_timer_stop(accept->worker->loop, &accept->pause);
	for (size_t i = 0; i < accept->count; i++) {
		(void)close(accept->listeners[i].fd);
	}
	accept->count = 0;
	if (accept->reserve >= 0) {
		(void)close(accept->reserve);
		accept->reserve = -1;
	}
}
