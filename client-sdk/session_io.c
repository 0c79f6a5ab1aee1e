/*
 * session_io: moves bytes between the lane and the session, keeps the heartbeat, and ends the
 * connection in order. It never waits, and reads a bounded amount in one go.
 */
#include "client-sdk/session_io.h"

#include <string.h>

#include "client-sdk/control_out.h"
#include "client-sdk/frame_in.h"
#include "proto/wire.h"

#define READS_PER_RUN 16
#define DROPS_EVERY_MS 1000
#define LOST_EXTRA_MS 1000 /* beyond two heartbeats */

static bool leaving(const struct session *s)
{
	return s->state == SESSION_LEAVE || s->state == SESSION_BYE;
}

static void connection_ended(struct session *s, int64_t now, enum tls_io_result how)
{
	int error = ERR_LOST;
	const char *text = "the connection ended without a goodbye";

	if (how == TLS_IO_EOF) {
		error = ERR_CLOSED;
		text = "the reflector closed the connection";
	} else if (how == TLS_IO_FAILED) {
		error = s->lane.tls.err;
		text = s->lane.tls.detail;
	}
	if (leaving(s)) {
		session_close(s, 0, NULL);
	} else if (s->next.count > 0) {
		session_move(s, now); /* the goodbye was lost */
	} else if (s->state == SESSION_HELLO) {
		session_attempt_failed(s, now, error, text);
	} else {
		session_close(s, error, text);
	}
}

/* Handles all whole frames that are in the buffer. */
static void frames_handle(struct session *s, int64_t now)
{
	struct frame_hdr hdr;
	const uint8_t *payload;
	int err = 0;

	while (s->lane.open && s->state != SESSION_BYE) {
		enum parse parsed = lane_next(&s->lane, &hdr, &payload, &err);

		if (parsed == PARSE_MORE) {
			return;
		}
		if (parsed == PARSE_DONE) {
			err = frame_in_handle(s, &hdr, payload, now);
		}
		if (err != 0) {
			session_close(s, err, "what the reflector sent is not HRP/1");
			return;
		}
	}
	if (s->lane.open) {
		/* Behind our goodbye nothing is of interest but the end. */
		s->lane.in_len = 0;
	}
}

void session_io_step(struct session *s, int64_t now)
{
	bool must_read = s->lane_ready || s->lane.cut || lane_readable(&s->lane);

	s->lane_ready = false;
	for (int i = 0; must_read && i < READS_PER_RUN; i++) {
		enum tls_io_result result = lane_read(&s->lane);

		if (result == TLS_IO_WANT_READ || result == TLS_IO_WANT_WRITE) {
			if (s->lane.cut) {
				connection_ended(s, now, TLS_IO_LOST);
			}
			return;
		}
		if (result != TLS_IO_OK) {
			connection_ended(s, now, result);
			return;
		}
		s->last_heard = now;
		frames_handle(s, now);
		if (!s->lane.open) {
			return;
		}
	}
}

static void ping_send(struct session *s, int64_t now)
{
	uint8_t payload[8];
	struct wire_writer w;

	s->last_ping = now;
	if (s->out.pings > 0) {
		return; /* the last one has not even left */
	}
	s->ping_number++;
	wire_writer_init(&w, payload, sizeof(payload));
	wire_write_u64(&w, s->ping_number);
	if (send_ping(&s->out, payload, sizeof(payload)) == 0) {
		s->ping_answered = false;
	}
}

static bool has_heartbeat(const struct session *s)
{
	return s->state == SESSION_LOBBY || s->state == SESSION_ROSTER ||
		s->state == SESSION_JOINED;
}

static bool sends_pings(const struct session *s)
{
	return s->state == SESSION_LOBBY || s->state == SESSION_JOINED;
}

static int64_t lost_at(const struct session *s)
{
	return s->last_heard + 2 * s->heartbeat_ms + LOST_EXTRA_MS;
}

void session_io_tick(struct session *s, int64_t now)
{
	if (leaving(s) && now >= s->leave_deadline) {
		session_close(s, 0, NULL);
		return;
	}
	if (has_heartbeat(s) && now >= lost_at(s)) {
		session_close(s, ERR_LOST, "nothing was heard for two heartbeats");
		return;
	}
	if (sends_pings(s) && now >= s->last_ping + s->heartbeat_ms) {
		ping_send(s, now);
	}
}

/* The last word, when all that was queued has left and every chat message was acknowledged. */
static void bye_queue(struct session *s)
{
	if (s->state != SESSION_LEAVE || s->bye_queued || s->chat.count > 0 ||
		!send_empty(&s->out)) {
		return;
	}
	s->bye_queued = true;
	if (control_out_bye(s) != 0) {
		session_close(s, 0, NULL);
	}
}

static bool may_send(const struct session *s)
{
	return s->state >= SESSION_HELLO && s->state <= SESSION_LEAVE && s->lane.open;
}

void session_flush(struct session *s, int64_t now)
{
	bool blocked = false;

	if (!may_send(s)) {
		return;
	}
	send_expire(&s->out, now);
	bye_queue(s);
	while (may_send(s) && (!send_empty(&s->out) || s->lane.tls.pending > 0)) {
		if (!lane_writable(&s->lane)) {
			blocked = true;
			break;
		}
		size_t len = send_gather(&s->out, s->lane.out, sizeof(s->lane.out));
		/* What went wrong is learnt from the next read. */
		if (len > 0 && lane_write(&s->lane, len) == TLS_IO_FAILED) {
			break;
		}
	}
	if (!may_send(s)) {
		return;
	}
	if (lane_watch(&s->lane, blocked && !s->lane.cut) != 0) {
		session_close(s, ERR_SYSTEM, "the descriptor cannot be watched");
	} else if (s->bye_queued && !blocked) {
		lane_shutdown(&s->lane);
		s->state = SESSION_BYE;
	}
}

void session_io_tell_drops(struct session *s, int64_t now, struct publication *all_of)
{
	static const char *const reasons[SEND_REASONS] = { "age", "full", "keyframe" };

	for (size_t i = 0; i < PUBLICATION_MAX; i++) {
		struct publication *p = &s->publications.entries[i];
		bool due = p->drops_told_at == 0 || now - p->drops_told_at >= DROPS_EVERY_MS;

		if (p->source.ask_keyframe) {
			p->source.ask_keyframe = false;
			events_add_publication(
				s->events, HELIO_EVENT_KEYFRAME_REQUEST, p->id, NULL, 0, NULL);
		}
		for (size_t r = 0; (due || p == all_of) && r < SEND_REASONS; r++) {
			const struct send_drops *drops = &p->source.drops[r];
			struct helio_drops told = { .stream = p->source.stream,
				.reason = reasons[r],
				.count = drops->count,
				.bytes = drops->bytes,
				.outgoing = 1 };

			if (told.count > 0) {
				events_add_drops(s->events, &told);
				memset(&p->source.drops[r], 0, sizeof(p->source.drops[r]));
				p->drops_told_at = now;
			}
		}
	}
}

static int64_t drops_next(const struct session *s)
{
	int64_t at = -1;

	for (size_t i = 0; i < PUBLICATION_MAX; i++) {
		const struct publication *p = &s->publications.entries[i];
		int64_t due = p->drops_told_at == 0 ? 0 : p->drops_told_at + DROPS_EVERY_MS;

		if (p->source.ask_keyframe) {
			return 0;
		}
		for (size_t r = 0; r < SEND_REASONS; r++) {
			if (p->source.drops[r].count > 0 && (at < 0 || due < at)) {
				at = due;
			}
		}
	}
	return at;
}

int64_t session_io_next(const struct session *s, int64_t now)
{
	int64_t at = drops_next(s);
	int64_t others[4] = { -1, -1, -1, -1 };

	if (!s->lane.open || s->state < SESSION_HELLO) {
		return at;
	}
	if (s->lane.cut || lane_readable(&s->lane)) {
		return now;
	}
	if (leaving(s)) {
		others[0] = s->leave_deadline;
	}
	if (has_heartbeat(s)) {
		others[1] = lost_at(s);
	}
	if (sends_pings(s)) {
		others[2] = s->last_ping + s->heartbeat_ms;
	}
	others[3] = send_next_expiry(&s->out);
	for (size_t i = 0; i < 4; i++) {
		if (others[i] >= 0 && (at < 0 || others[i] < at)) {
			at = others[i];
		}
	}
	return at;
}
