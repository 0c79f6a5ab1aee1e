/*
 * frame_route: media to its stream's fan-out, everything else to who handles it. Never looks into a
 * payload of media.
 */
#include "reflector/frame_route.h"

#include "proto/limits.h"
#include "reflector/chat.h"
#include "reflector/control.h"
#include "reflector/frame_fanout.h"
#include "reflector/lobby.h"
#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/stream.h"
#include "reflector/worker.h"

#define PONGS_MAX 32u
#define STREAM_ERROR_MS 1000u

static void count_in(struct session *session, const struct frame *frame)
{
	struct stats *all[] = { &session->stats, &session->room->stats, &session->worker->stats };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		all[i]->frames_in++;
		all[i]->bytes_in += frame->len;
	}
}

/* The frame is dropped; the error is sent at most once a second. */
static void refuse_stream(struct session *session, unsigned stream)
{
	uint64_t now = session->worker->now_ms;

	if (session->stream_error_sent && now - session->stream_error_ms < STREAM_ERROR_MS) {
		return;
	}
	session->stream_error_sent = true;
	session->stream_error_ms = now;
	session_send(
		session, control_error_json(ERR_UNKNOWN_STREAM, false, -1, json_integer(stream)));
}

static void route_media(struct session *session, struct frame *frame)
{
	struct stream *stream = stream_ids_find(&session->room->streams, frame->hdr.stream);

	if (stream == NULL || stream->publisher != session ||
		stream->frame_kind != frame->hdr.kind) {
		refuse_stream(session, frame->hdr.stream);
		return;
	}
	count_in(session, frame);
	if (frame_police_admit(stream, frame, session->worker->now_ms)) {
		frame_fanout(stream, frame);
	} else {
		session->room->stats.dropped++;
		session->worker->stats.dropped++;
	}
}

/* Answers with the same payload, as long as the peer reads its answers. */
static void answer_ping(struct session *session, struct frame *frame)
{
	struct frame_hdr hdr = { .kind = FRAME_PONG, .length = frame->hdr.length };
	struct frame *pong;

	if (session->queue.pongs >= PONGS_MAX) {
		return;
	}
	pong = frame_create(&hdr, frame_payload(frame), session->worker->now_ms);
	session_push(session, FRAME_CLASS_CONTROL, pong);
	frame_unref(pong);
}

void frame_route_ping(struct session *session, struct frame *frame)
{
	if (frame->hdr.length > LIMIT_PING_PAYLOAD) {
		session_fail(session, ERR_BAD_FRAME);
	} else if (frame->hdr.kind == FRAME_PING) {
		answer_ping(session, frame);
	}
}

void frame_route(struct session *session, struct frame *frame)
{
	if (session->waiting) {
		lobby_frame(session, frame);
		return;
	}
	switch (frame->hdr.kind) {
	case FRAME_AUDIO:
	case FRAME_VIDEO:
	case FRAME_DATA:
		route_media(session, frame);
		break;
	case FRAME_CONTROL:
		control_handle(session, frame);
		break;
	case FRAME_CHAT:
		count_in(session, frame);
		chat_handle(session, frame);
		break;
	case FRAME_PING:
	case FRAME_PONG:
		frame_route_ping(session, frame);
		break;
	default:
		break; /* frame_hdr has refused other kinds */
	}
}
