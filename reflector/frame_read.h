/*
 * frame_read: bytes of a lane to frames. The bytes are decrypted into the worker's one buffer; a
 * lane itself holds only the beginning of a frame that is not all there yet.
 */
#ifndef REFLECTOR_FRAME_READ_H
#define REFLECTOR_FRAME_READ_H

#include <stddef.h>
#include <stdint.h>

#include "reflector/frame.h"

struct lane;

struct frame_reader {
	uint8_t head[FRAME_HDR_LEN];
	size_t have; /* bytes of head */
	struct frame *frame; /* header complete, payload being filled */
	size_t filled; /* bytes of the payload */
};

void frame_reader_finish(struct frame_reader *reader);

/*
 * Takes bytes up to the end of one frame; *used says how many. PARSE_DONE: *out is the caller's
 * reference. PARSE_MORE: all bytes were used. PARSE_BROKEN: *err is ERR_BAD_FRAME, ERR_TOO_LARGE or
 * ERR_NOMEM, and the reader is of no more use.
 */
enum parse frame_reader_take(struct frame_reader *reader, const uint8_t *bytes, size_t len,
	uint32_t max_payload, uint64_t now_ms, size_t *used, struct frame **out,
	int *err) MUST_CHECK;

/* Reads what the lane has, up to the budget of a turn, and hands each frame on: before the join to
 * conn_join, then to frame_route. */
void frame_read_lane(struct lane *lane);

#endif
