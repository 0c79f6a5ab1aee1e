/*
 * call_ivf: the IVF container, both ways: a 32-byte header, then pictures behind 12 bytes of length
 * and time, all little-endian.
 */
#ifndef CALL_IVF_H
#define CALL_IVF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct call_ivf_header {
	char fourcc[5];
	unsigned width, height;
	uint32_t rate, scale; /* a tick is scale / rate seconds */
};

/* Reads and judges the header at the beginning of the file. NULL, or why not. */
const char *call_ivf_read_header(FILE *f, struct call_ivf_header *h);

/*
 * Reads the next picture into *data (grown with realloc, capacity in *size). Returns 1, 0 at the
 * end, -1 when the file is broken or memory ran out.
 */
int call_ivf_read_frame(FILE *f, uint8_t **data, size_t *size, size_t *len, uint64_t *pts);

bool call_ivf_write_header(FILE *f, const struct call_ivf_header *h, uint32_t frames);
bool call_ivf_write_frame(FILE *f, const void *data, size_t len, uint64_t pts);

/* Whether a VP8 or VP9 picture can be decoded without others. */
bool call_ivf_is_keyframe(const char *codec, const uint8_t *data, size_t len);

#endif
