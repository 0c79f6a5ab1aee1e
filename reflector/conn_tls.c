/*
 * conn_tls: drives the handshake and says in the log why one failed. Garbage instead of TLS ends
 * here; nothing of the peer's is believed yet.
 */
#include "reflector/conn_tls.h"

#include "common/log.h"
#include "proto/limits.h"
#include "reflector/lane.h"
#include "reflector/worker.h"

static void log_failed(struct lane *lane, int err, const char *detail)
{
	struct worker *worker = lane->worker;

	if (bucket_take(&worker->log_refusals, worker->now_ms)) {
		log_event(LOG_LEVEL_INFO, "tls-failed", LOG_INT("port", worker->port), LOG_ERR(err),
			LOG_STR("detail", detail), LOG_STR("addr", lane->address),
			LOG_INT("suppressed", bucket_refused(&worker->log_refusals)));
	}
}

void conn_tls_step(struct lane *lane)
{
	switch (tls_io_handshake(&lane->io)) {
	case TLS_IO_OK:
		lane_await_writable(lane, false);
		lane->heard_ms = lane->worker->now_ms;
		lane_enter(lane, LANE_GREETING, LIMIT_HELLO_MS);
		/* The hello may have come with the last flight. */
		frame_read_lane(lane);
		break;
	case TLS_IO_WANT_READ:
		lane_await_writable(lane, false);
		break;
	case TLS_IO_WANT_WRITE:
		lane_await_writable(lane, true);
		break;
	case TLS_IO_EOF:
	case TLS_IO_LOST:
		log_failed(lane, ERR_LOST, NULL);
		lane_kill(lane);
		break;
	case TLS_IO_FAILED:
		log_failed(lane, lane->io.err, lane->io.detail);
		lane_close(lane);
		break;
	}
}

void conn_tls_expire(struct lane *lane)
{
	log_failed(lane, ERR_DEADLINE, NULL);
	lane_kill(lane);
}
