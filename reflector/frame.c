/*
 * frame: memory of one frame. Owns the count; never changes a byte after the frame was shared.
 */
#include "reflector/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct frame *frame_create_received(
	const struct frame_hdr *hdr, const uint8_t raw[FRAME_HDR_LEN], uint64_t now_ms)
{
	size_t len = (size_t)FRAME_HDR_LEN + hdr->length;
	struct frame *frame = malloc(sizeof(*frame) + len);

	if (frame == NULL) {
		return NULL;
	}
	frame->refs = 1;
	frame->arrived_ms = now_ms;
	frame->hdr = *hdr;
	frame->len = len;
	memcpy(frame->bytes, raw, FRAME_HDR_LEN);
	return frame;
}

struct frame *frame_create(const struct frame_hdr *hdr, const void *payload, uint64_t now_ms)
{
	uint8_t raw[FRAME_HDR_LEN];
	struct frame *frame;

	frame_hdr_write(hdr, raw);
	frame = frame_create_received(hdr, raw, now_ms);
	if (frame != NULL && payload != NULL && hdr->length > 0) {
		memcpy(frame_payload(frame), payload, hdr->length);
	}
	return frame;
}

struct frame *frame_ref(struct frame *frame)
{
	frame->refs++;
	return frame;
}

void frame_unref(struct frame *frame)
{
	if (frame == NULL) {
		return;
	}
	assert(frame->refs > 0);
	if (--frame->refs == 0) {
		free(frame);
	}
}
