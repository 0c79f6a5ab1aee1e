/*
 * frame: one HRP/1 frame, header and payload as they stand on the wire. Immutable once it is
 * shared, and reference-counted: every receiver's queue entry holds one reference, never a copy.
 * It is the only counted type of the reflector.
 */
#ifndef REFLECTOR_FRAME_H
#define REFLECTOR_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "proto/frame_hdr.h"

struct frame {
	unsigned refs;
	uint64_t arrived_ms; /* worker clock; ages are counted from here */
	struct frame_hdr hdr;
	size_t len; /* of bytes: header and payload */
	uint8_t bytes[];
};

/* A frame with this header, one reference. payload may be NULL: the caller fills frame_payload()
 * before anybody else sees the frame. NULL when out of memory. */
struct frame *frame_create(const struct frame_hdr *hdr, const void *payload, uint64_t now_ms);

/* As above without payload, with the 16 header bytes as they were received. */
struct frame *frame_create_received(
	const struct frame_hdr *hdr, const uint8_t raw[FRAME_HDR_LEN], uint64_t now_ms);

struct frame *frame_ref(struct frame *frame);
/* Frees with the last reference. NULL is fine. */
void frame_unref(struct frame *frame);

static inline uint8_t *frame_payload(struct frame *frame)
{
	return frame->bytes + FRAME_HDR_LEN;
}

#endif
