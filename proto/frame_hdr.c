/*
 * frame_hdr: the header's bytes to fields and back.
 */
#include "proto/frame_hdr.h"

#include <stdbool.h>

#include "proto/limits.h"

static bool fields_valid(const struct frame_hdr *hdr)
{
	if (hdr->kind < FRAME_CONTROL || hdr->kind > FRAME_PONG) {
		return false;
	}
	if ((hdr->flags & ~FRAME_FLAGS_KNOWN) != 0) {
		return false;
	}
	return hdr->level <= FRAME_LEVEL_SILENT;
}

enum parse frame_hdr_parse(
	struct frame_hdr *hdr, const void *bytes, size_t len, uint32_t max_payload, int *err)
{
	struct wire_reader r;

	*err = 0;
	if (len < FRAME_HDR_LEN) {
		return PARSE_MORE;
	}
	wire_reader_init(&r, bytes, len);
	hdr->kind = wire_read_u8(&r);
	hdr->flags = wire_read_u8(&r);
	hdr->layer = wire_read_u8(&r);
	hdr->level = wire_read_u8(&r);
	hdr->stream = wire_read_u16(&r);
	hdr->seq = wire_read_u16(&r);
	hdr->timestamp = wire_read_u32(&r);
	hdr->length = wire_read_u32(&r);
	if (!fields_valid(hdr)) {
		*err = ERR_BAD_FRAME;
		return PARSE_BROKEN;
	}
	/* Chat is never dropped, so whoever takes part must take all of it. */
	if (hdr->kind == FRAME_CHAT && max_payload < LIMIT_CHAT_PAYLOAD) {
		max_payload = LIMIT_CHAT_PAYLOAD;
	}
	if (hdr->length > max_payload) {
		*err = ERR_TOO_LARGE;
		return PARSE_BROKEN;
	}
	return PARSE_DONE;
}

void frame_hdr_write(const struct frame_hdr *hdr, uint8_t out[FRAME_HDR_LEN])
{
	struct wire_writer w;

	wire_writer_init(&w, out, FRAME_HDR_LEN);
	wire_write_u8(&w, hdr->kind);
	wire_write_u8(&w, hdr->flags);
	wire_write_u8(&w, hdr->layer);
	wire_write_u8(&w, hdr->level);
	wire_write_u16(&w, hdr->stream);
	wire_write_u16(&w, hdr->seq);
	wire_write_u32(&w, hdr->timestamp);
	wire_write_u32(&w, hdr->length);
}
