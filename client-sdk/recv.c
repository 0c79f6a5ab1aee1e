/*
 * recv: reassembly. Everything here comes from strangers: each length is checked against the bounds
 * before memory is taken for it, and running out of memory costs a picture, not the session.
 */
#include "client-sdk/recv.h"

#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"

static void unlink_stream(struct recv *recv, struct recv_stream *stream)
{
	if (stream->older != NULL) {
		stream->older->newer = stream->newer;
	} else {
		recv->oldest = stream->newer;
	}
	if (stream->newer != NULL) {
		stream->newer->older = stream->older;
	} else {
		recv->newest = stream->older;
	}
	stream->older = NULL;
	stream->newer = NULL;
}

static void link_newest(struct recv *recv, struct recv_stream *stream)
{
	stream->older = recv->newest;
	stream->newer = NULL;
	if (recv->newest != NULL) {
		recv->newest->newer = stream;
	} else {
		recv->oldest = stream;
	}
	recv->newest = stream;
}

/* Takes the buffer out of the stream; the caller has it now. */
static uint8_t *picture_detach(struct recv *recv, struct recv_stream *stream)
{
	uint8_t *buf = stream->buf;

	unlink_stream(recv, stream);
	recv->held -= stream->cap;
	stream->buf = NULL;
	stream->len = 0;
	stream->cap = 0;
	return buf;
}

/* A picture is lost, and with it those that depend on it. */
static void picture_lost(struct recv *recv, struct recv_stream *stream)
{
	if (stream->buf != NULL) {
		free(picture_detach(recv, stream));
	}
	recv->incomplete++;
	stream->have_keyframe = false;
}

void recv_reset(struct recv *recv, struct recv_stream *stream)
{
	if (stream->buf != NULL) {
		free(picture_detach(recv, stream));
	}
	memset(stream->have_seq, 0, sizeof(stream->have_seq));
	stream->have_keyframe = false;
}

/* Makes room for total bytes of one picture, at the cost of older ones of other streams. */
static bool picture_grow(struct recv *recv, struct recv_stream *stream, size_t total)
{
	size_t cap = stream->cap > 0 ? stream->cap : 4096;
	uint8_t *grown;

	if (total > HELIO_FRAME_MAX) {
		return false;
	}
	while (cap < total) {
		cap *= 2;
	}
	if (stream->buf != NULL && cap == stream->cap) {
		return true;
	}
	while (recv->held - stream->cap + cap > RECV_HELD_MAX) {
		struct recv_stream *victim = recv->oldest != stream ? recv->oldest : stream->newer;

		picture_lost(recv, victim);
	}
	grown = realloc(stream->buf, cap);
	if (grown == NULL) {
		return false;
	}
	if (stream->buf == NULL) {
		link_newest(recv, stream);
	}
	recv->held += cap - stream->cap;
	stream->buf = grown;
	stream->cap = cap;
	return true;
}

static bool picture_add(struct recv *recv, struct recv_stream *stream, const struct frame_hdr *hdr,
	const uint8_t *payload)
{
	if (!picture_grow(recv, stream, stream->len + hdr->length)) {
		return false;
	}
	if (hdr->length > 0) {
		memcpy(stream->buf + stream->len, payload, hdr->length);
	}
	stream->len += hdr->length;
	unlink_stream(recv, stream);
	link_newest(recv, stream);
	return true;
}

static bool belongs(const struct frame_hdr *first, const struct frame_hdr *hdr)
{
	return first->timestamp == hdr->timestamp && first->layer == hdr->layer &&
		(first->flags & FRAME_KEYFRAME) == (hdr->flags & FRAME_KEYFRAME);
}

static bool have_seq(const struct recv_stream *stream, uint8_t layer)
{
	return (stream->have_seq[layer / 8] >> layer % 8 & 1) != 0;
}

/* Follows the layer's sequence numbers; what is missing makes the picture under way, or one
 * between, lost. */
static void follow_seq(struct recv *recv, struct recv_stream *stream, const struct frame_hdr *hdr)
{
	bool first = (hdr->flags & FRAME_FIRST) != 0;
	bool gap = have_seq(stream, hdr->layer) && hdr->seq != stream->next_seq[hdr->layer];

	stream->have_seq[hdr->layer / 8] |= (uint8_t)(1u << hdr->layer % 8);
	stream->next_seq[hdr->layer] = (uint16_t)(hdr->seq + 1);
	if (gap || (stream->buf != NULL && first)) {
		picture_lost(recv, stream);
	}
}

static bool may_begin(const struct recv_stream *stream, const struct frame_hdr *hdr)
{
	return !stream->pictures || stream->have_keyframe || (hdr->flags & FRAME_KEYFRAME) != 0;
}

static void picture_finish(struct recv *recv, struct recv_stream *stream,
	const struct frame_hdr *last, struct recv_picture *out)
{
	out->hdr = stream->first;
	out->hdr.seq = last->seq;
	out->length = stream->len;
	out->payload = picture_detach(recv, stream);
	if ((stream->first.flags & FRAME_KEYFRAME) != 0) {
		stream->have_keyframe = true;
	}
}

bool recv_fragment(struct recv *recv, struct recv_stream *stream, const struct frame_hdr *hdr,
	const uint8_t *payload, struct recv_picture *out)
{
	bool repeat = (hdr->flags & FRAME_REPEAT) != 0;

	if (repeat && have_seq(stream, hdr->layer) &&
		(int16_t)(uint16_t)(hdr->seq - stream->next_seq[hdr->layer]) < 0) {
		return false; /* the copy of a frame that is here already */
	}
	follow_seq(recv, stream, hdr);
	if ((hdr->flags & FRAME_FIRST) != 0) {
		if (!may_begin(stream, hdr)) {
			return false;
		}
		stream->first = *hdr;
	} else if (stream->buf == NULL) {
		return false; /* the rest of a picture that is lost already */
	} else if (!belongs(&stream->first, hdr)) {
		picture_lost(recv, stream);
		return false;
	}
	if (!picture_add(recv, stream, hdr, payload)) {
		picture_lost(recv, stream);
		return false;
	}
	if ((hdr->flags & FRAME_LAST) == 0) {
		return false;
	}
	picture_finish(recv, stream, hdr, out);
	return true;
}

bool recv_keyframe_due(struct recv_stream *stream, int64_t now)
{
	if (!stream->pictures || stream->have_keyframe || stream->buf != NULL) {
		return false;
	}
	if (stream->asked_at != 0 && now - stream->asked_at < LIMIT_KEYFRAME_REQUEST_MS) {
		return false;
	}
	stream->asked_at = now;
	return true;
}
