/*
 * frame_hdr: the fixed 16-byte header that stands before every HRP/1 payload (doc/protocol.md,
 * "Frames"). Parsing checks what can be checked without knowing the session; nothing allocates.
 */
#ifndef PROTO_FRAME_HDR_H
#define PROTO_FRAME_HDR_H

#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"

#define FRAME_HDR_LEN 16u

enum frame_kind {
	FRAME_CONTROL = 1, /* payload: one JSON object */
	FRAME_AUDIO = 2,
	FRAME_VIDEO = 3,
	FRAME_DATA = 4,
	FRAME_CHAT = 5,
	FRAME_PING = 6,
	FRAME_PONG = 7
};

enum frame_flag {
	FRAME_KEYFRAME = 0x01, /* the picture can be decoded without others */
	FRAME_FIRST = 0x02, /* first fragment of a picture or message */
	FRAME_LAST = 0x04, /* last fragment; an unfragmented frame has both */
	FRAME_DISCARDABLE = 0x08, /* no other frame depends on this one */
	FRAME_REPEAT = 0x10, /* second copy of an audio frame, on another lane */
	FRAME_MARKER = 0x20 /* audio: first frame after silence; chat: to one participant */
};

#define FRAME_FLAGS_KNOWN 0x3fu
#define FRAME_LEVEL_SILENT 127u

struct frame_hdr {
	uint8_t kind; /* enum frame_kind */
	uint8_t flags; /* enum frame_flag, or-ed */
	uint8_t layer; /* spatial << 4 | temporal */
	uint8_t level; /* audio level in -dBov, 0 loudest, 127 silent (RFC 6464) */
	uint16_t stream; /* unique in the room; 0 for control, ping, pong */
	uint16_t seq; /* per stream and layer, wraps */
	uint32_t timestamp; /* media clock: 48 kHz audio, 90 kHz video; wraps */
	uint32_t length; /* of the payload, bytes */
};

/*
 * Reads a header from the start of bytes. PARSE_MORE below 16 bytes. PARSE_BROKEN for an unknown
 * kind, unknown flags, a level over 127 or a length over max_payload; *err then says which
 * (ERR_BAD_FRAME or ERR_TOO_LARGE). err may not be NULL.
 */
enum parse frame_hdr_parse(struct frame_hdr *hdr, const void *bytes, size_t len,
	uint32_t max_payload, int *err) MUST_CHECK;

/* Writes the 16 bytes. The caller vouches for the fields; nothing is checked. */
void frame_hdr_write(const struct frame_hdr *hdr, uint8_t out[FRAME_HDR_LEN]);

static inline unsigned frame_hdr_spatial(const struct frame_hdr *hdr)
{
	return hdr->layer >> 4;
}

static inline unsigned frame_hdr_temporal(const struct frame_hdr *hdr)
{
	return hdr->layer & 0x0f;
}

#endif
