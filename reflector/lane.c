/*
 * lane: life of one connection, from accept to close, as a state machine. Knows nothing of what the
 * frames say. Never frees below a callback.
 */
#include "reflector/lane.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "common/net.h"
#include "proto/limits.h"
#include "reflector/conn_tls.h"
#include "reflector/control.h"
#include "reflector/frame_write.h"
#include "reflector/session.h"
#include "reflector/worker.h"

#define NOTSENT_LOWAT 16384
#define USER_TIMEOUT_MS 15000u
#define CLOSING_MS 2000u
#define LINGER_MS 1000u
#define LINGER_READS 4 /* of the worker's buffer, per turn */

void lane_enter(struct lane *lane, enum lane_state state, uint64_t deadline_ms)
{
	bool was_open = lane->state <= LANE_GREETING;

	lane->state = state;
	lane->deadline_ms = deadline_ms > 0 ? lane->worker->now_ms + deadline_ms : 0;
	if (was_open && state > LANE_GREETING) {
		half_open_remove(&lane->worker->half_open, &lane->half_open);
	}
}

void lane_await_writable(struct lane *lane, bool on)
{
	if (on) {
		ev_io_start(lane->worker->loop, &lane->writable);
	} else {
		ev_io_stop(lane->worker->loop, &lane->writable);
	}
}

/* The peer may still be sending: its bytes are read and forgotten, since closing a socket with
 * unread bytes would reset the connection and take our last words with it. */
static void linger(struct lane *lane)
{
	for (int i = 0; i < LINGER_READS; i++) {
		ssize_t n = recv(lane->fd, lane->worker->read_buf, sizeof(lane->worker->read_buf),
			MSG_DONTWAIT);
		if (n == 0 ||
			(n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
			lane_kill(lane);
			return;
		}
		if (n < 0) {
			return;
		}
	}
}

void lane_go_on_opening(struct lane *lane)
{
	if (lane->state == LANE_HANDSHAKE) {
		conn_tls_step(lane);
	} else if (lane->state == LANE_GREETING) {
		frame_read_lane(lane);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct lane *lane = io->data;

	(void)loop;
	(void)events;
	switch (lane->state) {
	case LANE_HANDSHAKE:
	case LANE_GREETING:
		if (list_empty(&lane->opening)) {
			list_append(&lane->worker->opening, &lane->opening);
		}
		break;
	case LANE_JOINED:
		frame_read_lane(lane);
		break;
	case LANE_LINGER:
		linger(lane);
		break;
	case LANE_CLOSING:
	case LANE_DEAD:
		break;
	}
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
	struct lane *lane = io->data;

	(void)loop;
	(void)events;
	switch (lane->state) {
	case LANE_HANDSHAKE:
		conn_tls_step(lane);
		break;
	case LANE_GREETING:
	case LANE_JOINED:
	case LANE_CLOSING:
		frame_write_ready(lane);
		break;
	case LANE_LINGER:
	case LANE_DEAD:
		lane_await_writable(lane, false);
		break;
	}
}

static int tls_begin(struct lane *lane)
{
	struct worker *worker = lane->worker;
	struct tls_io_server conf = { .creds = worker->key->creds, .alpn = "helio/1" };

	int err = tls_io_init_server(&lane->io, lane->fd, &conf);
	if (err == 0) {
		lane->key = worker->key;
		lane->key->sessions++;
	}
	return err;
}

static void tune(int fd)
{
	int lowat = NOTSENT_LOWAT;

	net_tune(fd, USER_TIMEOUT_MS);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat));
}

int lane_create(struct worker *worker, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct lane *lane = worker->key != NULL ? calloc(1, sizeof(*lane)) : NULL;

	if (lane == NULL) {
		(void)close(fd);
		return worker->key != NULL ? ERR_NOMEM : ERR_STATE;
	}
	lane->worker = worker;
	lane->fd = fd;
	int err = tls_begin(lane);
	if (err != 0) {
		(void)close(fd);
		free(lane);
		return err;
	}
	net_addr_text(sa, len, lane->address);
	net_host_text(sa, len, lane->host);
	tune(fd);
	lane->heard_ms = lane->sent_ms = worker->now_ms;
	list_append(&worker->lanes, &lane->all);
	half_open_add(&worker->half_open, &lane->half_open, sa);
	list_init(&lane->reread);
	list_init(&lane->opening);
	list_init(&lane->dead);
	ev_io_init(&lane->readable, on_readable, fd, EV_READ);
	ev_io_init(&lane->writable, on_writable, fd, EV_WRITE);
	lane->readable.data = lane->writable.data = lane;
	lane_enter(lane, LANE_HANDSHAKE, LIMIT_TLS_HANDSHAKE_MS);
	ev_io_start(worker->loop, &lane->readable);
	return 0;
}

void lane_destroy(struct lane *lane)
{
	ev_io_stop(lane->worker->loop, &lane->readable);
	ev_io_stop(lane->worker->loop, &lane->writable);
	list_remove(&lane->all);
	list_remove(&lane->reread);
	list_remove(&lane->opening);
	list_remove(&lane->dead);
	tls_io_finish(&lane->io);
	lane->key->sessions--;
	frame_reader_finish(&lane->reader);
	(void)close(lane->fd);
	free(lane);
}

/* Nothing else was sent on this lane, so the error fits into the socket's buffer; should it not,
 * the writable watcher brings the rest. */
void lane_fail(struct lane *lane, int err)
{
	struct frame *frame = control_error_frame(lane->worker, err);

	if (frame != NULL) {
		enum tls_io_result sent = tls_io_send(&lane->io, frame->bytes, frame->len);
		frame_unref(frame);
		if (sent != TLS_IO_OK && sent != TLS_IO_WANT_WRITE) {
			lane_kill(lane);
			return;
		}
	}
	lane_close(lane);
}

void lane_close(struct lane *lane)
{
	if (lane->state >= LANE_CLOSING) {
		return;
	}
	lane_enter(lane, LANE_CLOSING, CLOSING_MS);
	list_remove(&lane->reread);
	list_remove(&lane->opening);
	ev_io_stop(lane->worker->loop, &lane->readable);
	if (lane->session != NULL) {
		session_mark_dirty(lane->session);
	} else if (lane->io.pending > 0) {
		lane_await_writable(lane, true);
	} else {
		lane_finish(lane);
	}
}

void lane_finish(struct lane *lane)
{
	if (lane->state >= LANE_LINGER) {
		return;
	}
	lane_await_writable(lane, false);
	tls_io_bye(&lane->io);
	(void)shutdown(lane->fd, SHUT_WR);
	lane_enter(lane, LANE_LINGER, LINGER_MS);
	ev_io_start(lane->worker->loop, &lane->readable);
}

void lane_kill(struct lane *lane)
{
	if (lane->state == LANE_DEAD) {
		return;
	}
	lane_enter(lane, LANE_DEAD, 0);
	ev_io_stop(lane->worker->loop, &lane->readable);
	ev_io_stop(lane->worker->loop, &lane->writable);
	list_remove(&lane->reread);
	list_remove(&lane->opening);
	list_append(&lane->worker->dead, &lane->dead);
}
