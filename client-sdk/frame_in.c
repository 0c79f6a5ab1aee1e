/*
 * frame_in: gives each frame to the part that knows it. Frames of streams that are not known are
 * left out in silence: control overtakes media, so the last frames of a stream may come behind its
 * end.
 */
#include "client-sdk/frame_in.h"

#include <stdlib.h>
#include <string.h>

#include "client-sdk/control.h"
#include "client-sdk/control_out.h"

/* All streams together: the reflector ends a session that sends more than 50 control messages a
 * second, and how many streams lose pictures at once is up to those who send them. */
#define KEYFRAME_EVERY_MS 50

static int on_ping(struct session *s, const struct frame_hdr *hdr, const uint8_t *payload)
{
	if (hdr->length > LIMIT_PING_PAYLOAD) {
		return ERR_BAD_FRAME;
	}
	return send_pong(&s->out, payload, hdr->length);
}

static int on_pong(
	struct session *s, const struct frame_hdr *hdr, const uint8_t *payload, int64_t now)
{
	struct wire_reader r;

	if (hdr->length > LIMIT_PING_PAYLOAD) {
		return ERR_BAD_FRAME;
	}
	wire_reader_init(&r, payload, hdr->length);
	if (wire_read_u64(&r) == s->ping_number && r.err == 0 && !s->ping_answered) {
		s->ping_answered = true;
		s->rtt_ms = now - s->last_ping < 1 ? 1 : (unsigned)(now - s->last_ping);
	}
	return 0;
}

static int on_chat(struct session *s, const struct frame_hdr *hdr, const uint8_t *payload)
{
	const struct roster_participant *from = roster_find(&s->roster, hdr->stream);
	struct helio_chat chat = {
		.from = hdr->stream,
		.from_id = from != NULL ? from->id : "",
		.from_name = from != NULL ? from->name : "",
		.is_private = (hdr->flags & FRAME_MARKER) != 0,
		.number = hdr->timestamp,
		.text = (const char *)payload,
		.length = hdr->length,
	};

	if (hdr->length > LIMIT_CHAT_PAYLOAD) {
		return ERR_TOO_LARGE;
	}
	if (hdr->length == 0) {
		return ERR_BAD_FRAME;
	}
	if (s->joined) {
		events_add_chat(s->events, &chat);
	}
	return 0;
}

static struct helio_frame frame_view(
	const struct roster_stream *stream, const struct frame_hdr *hdr, size_t length)
{
	struct helio_frame frame = {
		.stream = stream->id,
		.kind = stream->kind,
		.flags = hdr->flags & (HELIO_KEYFRAME | HELIO_DISCARDABLE | HELIO_MARKER),
		.spatial = frame_hdr_spatial(hdr),
		.temporal = frame_hdr_temporal(hdr),
		.level = hdr->level,
		.timestamp = hdr->timestamp,
		.seq = hdr->seq,
		.length = length,
	};

	return frame;
}

static void on_packet(struct session *s, const struct roster_stream *stream,
	const struct frame_hdr *hdr, const uint8_t *payload)
{
	struct helio_frame frame = frame_view(stream, hdr, hdr->length);
	uint8_t *copy = NULL;

	if (hdr->length > 0) {
		copy = malloc(hdr->length);
		if (copy == NULL) {
			s->events->nomem = true;
			return;
		}
		memcpy(copy, payload, hdr->length);
	}
	events_add_frame(s->events, &frame, copy);
}

static int on_fragment(struct session *s, struct roster_stream *stream, const struct frame_hdr *hdr,
	const uint8_t *payload, int64_t now)
{
	struct recv_picture picture;

	if (recv_fragment(&s->roster.recv, &stream->recv, hdr, payload, &picture)) {
		struct helio_frame frame = frame_view(stream, &picture.hdr, picture.length);

		events_add_frame(s->events, &frame, picture.payload);
	}
	if (now - s->keyframe_asked_at >= KEYFRAME_EVERY_MS &&
		recv_keyframe_due(&stream->recv, now)) {
		s->keyframe_asked_at = now;
		int err = control_out_keyframe(s, stream->id);

		/* A full queue means that the next frame asks again. */
		return err == ERR_FULL ? 0 : err;
	}
	return 0;
}

static int on_media(
	struct session *s, const struct frame_hdr *hdr, const uint8_t *payload, int64_t now)
{
	struct roster_stream *stream = roster_find_stream(&s->roster, hdr->stream);

	if (!s->joined || stream == NULL) {
		return 0;
	}
	if (hdr->kind != send_frame_kind(stream->kind)) {
		return ERR_BAD_FRAME;
	}
	if (stream->kind == HELIO_AUDIO) {
		on_packet(s, stream, hdr, payload);
		return 0;
	}
	return on_fragment(s, stream, hdr, payload, now);
}

static void count(struct session *s, const struct frame_hdr *hdr)
{
	if (hdr->kind >= FRAME_AUDIO && hdr->kind <= FRAME_CHAT) {
		s->frames_received++;
		s->bytes_received += FRAME_HDR_LEN + (uint64_t)hdr->length;
	}
}

/* Nothing of a room may stand before the welcome. */
static bool opening(const struct session *s)
{
	return s->state == SESSION_HELLO || s->state == SESSION_LOBBY;
}

int frame_in_handle(
	struct session *s, const struct frame_hdr *hdr, const uint8_t *payload, int64_t now)
{
	if (s->state == SESSION_LEAVE && !s->joined) {
		return 0; /* we leave before we were in: nobody is to be told anything */
	}
	count(s, hdr);
	switch (hdr->kind) {
	case FRAME_CONTROL:
		return control_handle(s, payload, hdr->length, now);
	case FRAME_PING:
		return on_ping(s, hdr, payload);
	case FRAME_PONG:
		return on_pong(s, hdr, payload, now);
	case FRAME_CHAT:
		return opening(s) ? ERR_BAD_FRAME : on_chat(s, hdr, payload);
	default:
		return opening(s) ? ERR_BAD_FRAME : on_media(s, hdr, payload, now);
	}
}
