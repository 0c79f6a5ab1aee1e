/*
 * call_ivf: reads and writes IVF files. Lengths in a file are judged before memory is asked for.
 */
#include "client-sdk/examples/call_ivf.h"

#include <stdlib.h>
#include <string.h>

#include <helio.h>

#define HEADER 32u
#define FRAME_HEADER 12u

static uint32_t get_le32(const uint8_t *b)
{
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void put_le(uint8_t *b, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		b[i] = (uint8_t)(v >> (8 * i));
	}
}

const char *call_ivf_read_header(FILE *f, struct call_ivf_header *h)
{
	uint8_t b[HEADER];

	memset(h, 0, sizeof(*h));
	if (fread(b, 1, HEADER, f) != HEADER || memcmp(b, "DKIF", 4) != 0 || b[4] != 0 ||
		b[5] != 0) {
		return "it is no IVF file";
	}
	memcpy(h->fourcc, b + 8, 4);
	h->width = b[12] | (unsigned)b[13] << 8;
	h->height = b[14] | (unsigned)b[15] << 8;
	h->rate = get_le32(b + 16);
	h->scale = get_le32(b + 20);
	if (h->rate == 0 || h->scale == 0 || h->rate > 100000000 || h->scale > 1000000) {
		return "its header has no usable time base";
	}
	unsigned length = b[6] | (unsigned)b[7] << 8;
	if (length < HEADER || fseek(f, (long)length, SEEK_SET) != 0) {
		return "its header is too short";
	}
	return NULL;
}

int call_ivf_read_frame(FILE *f, uint8_t **data, size_t *size, size_t *len, uint64_t *pts)
{
	uint8_t b[FRAME_HEADER];

	size_t got = fread(b, 1, FRAME_HEADER, f);
	if (got == 0 && feof(f)) {
		return 0;
	}
	*len = get_le32(b);
	*pts = get_le32(b + 4) | (uint64_t)get_le32(b + 8) << 32;
	if (got != FRAME_HEADER || *len > HELIO_FRAME_MAX) {
		return -1;
	}
	if (*len > *size || *data == NULL) {
		uint8_t *bigger = realloc(*data, *len + 1);
		if (bigger == NULL) {
			return -1;
		}
		*data = bigger;
		*size = *len + 1;
	}
	return fread(*data, 1, *len, f) == *len ? 1 : -1;
}

bool call_ivf_write_header(FILE *f, const struct call_ivf_header *h, uint32_t frames)
{
	uint8_t b[HEADER];

	memset(b, 0, sizeof(b));
	memcpy(b, "DKIF", 4);
	put_le(b + 6, HEADER, 2);
	memcpy(b + 8, h->fourcc, 4);
	put_le(b + 12, h->width, 2);
	put_le(b + 14, h->height, 2);
	put_le(b + 16, h->rate, 4);
	put_le(b + 20, h->scale, 4);
	put_le(b + 24, frames, 4);
	return fseek(f, 0, SEEK_SET) == 0 && fwrite(b, 1, HEADER, f) == HEADER;
}

bool call_ivf_write_frame(FILE *f, const void *data, size_t len, uint64_t pts)
{
	uint8_t b[FRAME_HEADER];

	put_le(b, len, 4);
	put_le(b + 4, pts, 8);
	return fwrite(b, 1, FRAME_HEADER, f) == FRAME_HEADER && fwrite(data, 1, len, f) == len;
}

bool call_ivf_is_keyframe(const char *codec, const uint8_t *data, size_t len)
{
	if (len == 0) {
		return false;
	}
	if (strcmp(codec, "vp8") == 0) {
		return (data[0] & 0x01) == 0;
	}
	/* VP9: marker (2 bits), profile (2; a reserved bit behind profile 3), show_existing,
	 * frame_type. */
	unsigned shift = (data[0] & 0x30) == 0x30 ? 1 : 2;
	return data[0] >> 6 == 2 && (data[0] >> shift & 0x03) == 0;
}
