/*
 * wire: a cursor over bytes from or for the network. It remembers its first error, so a parser
 * reads all its fields and asks once at the end. All integers are in network byte order.
 * Nothing here allocates; the cursor borrows the caller's memory.
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

/* What a parser of a byte stream answers. */
enum parse {
	PARSE_DONE, /* one item was read */
	PARSE_MORE, /* the bytes so far are good, but not all there */
	PARSE_BROKEN /* no continuation can make these bytes valid */
};

struct wire_reader {
	const uint8_t *at;
	size_t left;
	int err; /* 0, or ERR_BAD_FRAME after a read past the end */
};

void wire_reader_init(struct wire_reader *r, const void *bytes, size_t len);
/* Each returns 0 (or NULL) after a read past the end and sets r->err. */
uint8_t wire_read_u8(struct wire_reader *r);
uint16_t wire_read_u16(struct wire_reader *r);
uint32_t wire_read_u32(struct wire_reader *r);
uint64_t wire_read_u64(struct wire_reader *r);
const uint8_t *wire_read_bytes(struct wire_reader *r, size_t len);

struct wire_writer {
	uint8_t *at;
	size_t left;
	int err; /* 0, or ERR_FULL after a write past the end */
};

void wire_writer_init(struct wire_writer *w, void *bytes, size_t len);
void wire_write_u8(struct wire_writer *w, uint8_t v);
void wire_write_u16(struct wire_writer *w, uint16_t v);
void wire_write_u32(struct wire_writer *w, uint32_t v);
void wire_write_u64(struct wire_writer *w, uint64_t v);
void wire_write_bytes(struct wire_writer *w, const void *bytes, size_t len);

#endif
