/*
 * callcheck_video: the pictures of an IVF file, by hash.
 */
#include "tests/tools/callcheck.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t get_le32(const uint8_t *b)
{
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* The hash that traces hold: 64-bit FNV-1a. */
static bool hash_bytes(FILE *f, uint32_t length, uint64_t *hash)
{
	*hash = 0xcbf29ce484222325u;
	for (uint32_t i = 0; i < length; i++) {
		int c = getc(f);
		if (c == EOF) {
			return false;
		}
		*hash = (*hash ^ (uint64_t)c) * 0x100000001b3u;
	}
	return true;
}

static bool read_pictures(FILE *f, uint64_t **hashes, size_t *count)
{
	uint8_t b[32];
	size_t room = 0;

	if (fread(b, 1, 32, f) != 32 || memcmp(b, "DKIF", 4) != 0) {
		return false;
	}
	while (fread(b, 1, 12, f) == 12) {
		if (*count == room) {
			room = room != 0 ? room * 2 : 256;
			uint64_t *bigger = realloc(*hashes, room * sizeof(*bigger));
			if (bigger == NULL) {
				return false;
			}
			*hashes = bigger;
		}
		if (!hash_bytes(f, get_le32(b), &(*hashes)[*count])) {
			return false;
		}
		(*count)++;
	}
	return feof(f) != 0;
}

bool video_load(const char *path, uint64_t **hashes, size_t *count)
{
	*hashes = NULL;
	*count = 0;
	FILE *f = fopen(path, "rbe");
	bool ok = f != NULL && read_pictures(f, hashes, count) && *count > 0;
	if (!ok) {
		fprintf(stderr, "callcheck: %s cannot be read as IVF: %s\n", path,
			f == NULL ? strerror(errno) : "it is broken or empty");
		free(*hashes);
		*hashes = NULL;
	}
	if (f != NULL) {
		fclose(f);
	}
	return ok;
}
