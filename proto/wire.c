/*
 * wire: the only file that turns network bytes into numbers. Lengths are checked before use.
 */
#include "proto/wire.h"

#include <string.h>

void wire_reader_init(struct wire_reader *r, const void *bytes, size_t len)
{
	r->at = bytes;
	r->left = len;
	r->err = 0;
}

const uint8_t *wire_read_bytes(struct wire_reader *r, size_t len)
{
	if (r->err != 0 || len > r->left) {
		r->err = ERR_BAD_FRAME;
		return NULL;
	}
	const uint8_t *bytes = r->at;
	r->at += len;
	r->left -= len;
	return bytes;
}

static uint64_t read_uint(struct wire_reader *r, size_t width)
{
	const uint8_t *bytes = wire_read_bytes(r, width);
	uint64_t v = 0;

	if (bytes == NULL) {
		return 0;
	}
	for (size_t i = 0; i < width; i++) {
		v = v << 8 | bytes[i];
	}
	return v;
}

uint8_t wire_read_u8(struct wire_reader *r)
{
	return (uint8_t)read_uint(r, 1);
}

uint16_t wire_read_u16(struct wire_reader *r)
{
	return (uint16_t)read_uint(r, 2);
}

uint32_t wire_read_u32(struct wire_reader *r)
{
	return (uint32_t)read_uint(r, 4);
}

uint64_t wire_read_u64(struct wire_reader *r)
{
	return read_uint(r, 8);
}

void wire_writer_init(struct wire_writer *w, void *bytes, size_t len)
{
	w->at = bytes;
	w->left = len;
	w->err = 0;
}

void wire_write_bytes(struct wire_writer *w, const void *bytes, size_t len)
{
	if (w->err != 0 || len > w->left) {
		w->err = ERR_FULL;
		return;
	}
	if (len > 0) {
		memcpy(w->at, bytes, len);
	}
	w->at += len;
	w->left -= len;
}

static void write_uint(struct wire_writer *w, uint64_t v, size_t width)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < width; i++) {
		bytes[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
	}
	wire_write_bytes(w, bytes, width);
}

void wire_write_u8(struct wire_writer *w, uint8_t v)
{
	write_uint(w, v, 1);
}

void wire_write_u16(struct wire_writer *w, uint16_t v)
{
	write_uint(w, v, 2);
}

void wire_write_u32(struct wire_writer *w, uint32_t v)
{
	write_uint(w, v, 4);
}

void wire_write_u64(struct wire_writer *w, uint64_t v)
{
	write_uint(w, v, 8);
}
