/*
 * recv: pictures out of fragments, one at a time per stream. A picture with a missing part, and
 * those that depend on it, are left out until the next keyframe; the caller is told when to ask for
 * one. Memory is bounded per picture and in total: the stream that waited longest gives way.
 */
#ifndef CLIENT_SDK_RECV_H
#define CLIENT_SDK_RECV_H

#include <helio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/frame_hdr.h"

#define RECV_LAYERS 256u /* values of a header's layer field */
#define RECV_HELD_MAX 33554432u /* bytes of unfinished pictures, all streams together */

/* State of one stream. Zeroed, with `pictures` set for video and screen, it is ready. */
struct recv_stream {
	bool pictures; /* a picture may depend on the ones before it */
	bool have_keyframe; /* what depends on it can be decoded */
	/* each layer counts its own frames, so that layers left out on the way are no loss */
	uint8_t have_seq[RECV_LAYERS / 8]; /* a bit per layer: next_seq is known */
	uint16_t next_seq[RECV_LAYERS];
	int64_t asked_at; /* when a keyframe was last asked for; 0: never */
	/* the picture under way; NULL buffer: none */
	struct frame_hdr first;
	uint8_t *buf;
	size_t len, cap;
	struct recv_stream *older, *newer; /* among those with a picture under way */
};

struct recv {
	size_t held; /* bytes of all buffers */
	uint64_t incomplete; /* pictures with a part missing */
	struct recv_stream *oldest, *newest;
};

struct recv_picture {
	struct frame_hdr hdr; /* of the first fragment, seq of the last */
	uint8_t *payload; /* malloc()ed, for the caller to free; NULL when length is 0 */
	size_t length;
};

/* Takes a frame of video or data. True when it completes a picture, which *out then has. */
bool recv_fragment(struct recv *recv, struct recv_stream *stream, const struct frame_hdr *hdr,
	const uint8_t *payload, struct recv_picture *out);

/* True when a keyframe should be asked for now: none is there, and the last request is a while ago.
 */
bool recv_keyframe_due(struct recv_stream *stream, int64_t now);

/* Forgets the picture under way and starts anew with the next keyframe. */
void recv_reset(struct recv *recv, struct recv_stream *stream);

#endif
