/*
 * frame_police: mute, bitrate and the loudest speakers, before the fan-out. Never allocates, sends
 * or makes text: heartbeat tells the publisher what was dropped.
 */
#include "reflector/frame_police.h"

#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/stream.h"

#define SECOND_MS 1000u
#define KEYFRAME_SECONDS 2u /* of credit beside the one second that is for every frame */

void frame_police_init(struct frame_police *police, uint64_t bitrate, uint64_t now_ms)
{
	police->bitrate = bitrate;
	police->credit = bitrate * SECOND_MS;
	police->keyframe_credit = bitrate * SECOND_MS * KEYFRAME_SECONDS;
	police->filled_ms = now_ms;
}

static void fill(struct frame_police *police, uint64_t now_ms)
{
	const uint64_t full = police->bitrate * SECOND_MS;
	uint64_t passed = now_ms - police->filled_ms;

	/* more than fills both says nothing, and would overflow */
	passed = passed < SECOND_MS * (KEYFRAME_SECONDS + 1) ? passed
							     : SECOND_MS * (KEYFRAME_SECONDS + 1);
	police->filled_ms = now_ms;
	police->credit += passed * police->bitrate;
	if (police->credit > full) {
		police->keyframe_credit += police->credit - full;
		police->credit = full;
	}
	if (police->keyframe_credit > full * KEYFRAME_SECONDS) {
		police->keyframe_credit = full * KEYFRAME_SECONDS;
	}
}

bool frame_police_take(struct frame_police *police, uint64_t bits, bool keyframe, uint64_t now_ms)
{
	uint64_t cost = bits * 1000u;

	if (police->bitrate == 0) {
		return true;
	}
	fill(police, now_ms);
	uint64_t spare = keyframe ? police->keyframe_credit : 0;
	if (cost > police->credit + spare) {
		return false;
	}
	uint64_t of_spare = cost < spare ? cost : spare;
	police->keyframe_credit -= of_spare;
	police->credit -= cost - of_spare;
	return true;
}

static bool drop(struct stream *stream, const struct frame *frame, enum frame_police_why why)
{
	stream->policed.drops[why].count++;
	stream->policed.drops[why].bytes += frame->len;
	stream->policed.skipping = stream->frame_kind != FRAME_AUDIO;
	stream->policed.skipping_why = (uint8_t)why;
	stream->publisher->policed = true;
	return false;
}

/* Can a receiver that has missed something begin with this frame? */
static bool begins_anew(const struct frame *frame)
{
	unsigned needed =
		frame->hdr.kind == FRAME_VIDEO ? FRAME_KEYFRAME | FRAME_FIRST : FRAME_FIRST;

	return (frame->hdr.flags & needed) == needed;
}

bool frame_police_admit(struct stream *stream, const struct frame *frame, uint64_t now_ms)
{
	struct session *publisher = stream->publisher;
	bool keyframe = frame->hdr.kind == FRAME_VIDEO && (frame->hdr.flags & FRAME_KEYFRAME) != 0;

	if ((publisher->muted & 1u << stream->kind_index) != 0) {
		return drop(stream, frame, FRAME_POLICE_MUTED);
	}
	if (stream->policed.skipping && !begins_anew(frame)) {
		return drop(stream, frame, (enum frame_police_why)stream->policed.skipping_why);
	}
	if (!frame_police_take(&publisher->police[stream->kind_index], frame->len * UINT64_C(8),
		    keyframe, now_ms)) {
		return drop(stream, frame, FRAME_POLICE_BITRATE);
	}
	stream->policed.skipping = false;
	if (frame->hdr.kind == FRAME_AUDIO &&
		!frame_loudest_admit(&publisher->room->loudest, publisher->room->policy.loudest,
			stream->id, frame->hdr.level, now_ms)) {
		return drop(stream, frame, FRAME_POLICE_LOUDEST);
	}
	return true;
}
