/*
 * frame_write: one TLS record per lane and pass. Never waits, never allocates; the record is
 * gathered in the worker's one buffer, which TLS copies when it cannot send at once.
 */
#include "reflector/frame_write.h"

#include "reflector/frame_policy.h"
#include "reflector/lane.h"
#include "reflector/session.h"
#include "reflector/worker.h"

static void cut(struct lane *lane)
{
	if (lane->session != NULL) {
		session_gone(lane->session, ERR_LOST);
	}
	lane_kill(lane);
}

/* Nothing waits any more: a lane that is closing can say goodbye. */
static void drained(struct lane *lane)
{
	lane_await_writable(lane, false);
	if (lane->state == LANE_CLOSING) {
		lane_finish(lane);
	}
}

void frame_write_lane(struct lane *lane)
{
	struct worker *worker = lane->worker;
	struct frame_queue *queue = &lane->session->queue;

	if (lane->state != LANE_JOINED && lane->state != LANE_CLOSING) {
		return;
	}
	if (ev_is_active(&lane->writable)) {
		return; /* the socket is full; on_writable comes back here */
	}
	frame_policy_expire(&worker->policy, queue, worker->now_ms);
	size_t len = frame_queue_gather(queue, worker->write_buf, sizeof(worker->write_buf));
	if (len == 0) {
		drained(lane);
		return;
	}
	lane->sent_ms = worker->now_ms;
	switch (tls_io_send(&lane->io, worker->write_buf, len)) {
	case TLS_IO_OK:
		if (!frame_queue_empty(queue)) {
			lane_await_writable(lane, true);
		} else {
			drained(lane);
		}
		break;
	case TLS_IO_WANT_READ:
	case TLS_IO_WANT_WRITE:
		lane_await_writable(lane, true);
		break;
	case TLS_IO_EOF:
	case TLS_IO_LOST:
	case TLS_IO_FAILED:
		cut(lane);
		break;
	}
}

void frame_write_ready(struct lane *lane)
{
	enum tls_io_result result = lane->io.pending > 0 ? tls_io_flush(&lane->io) : TLS_IO_OK;

	switch (result) {
	case TLS_IO_OK:
		lane_await_writable(lane, false);
		if (lane->session != NULL) {
			session_mark_dirty(lane->session);
		} else if (lane->state == LANE_CLOSING) {
			lane_finish(lane);
		}
		break;
	case TLS_IO_WANT_READ:
	case TLS_IO_WANT_WRITE:
		break;
	case TLS_IO_EOF:
	case TLS_IO_LOST:
	case TLS_IO_FAILED:
		cut(lane);
		break;
	}
}
