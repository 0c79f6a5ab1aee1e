/*
 * frame_loudest: which speakers of a room are forwarded, where its policy names a number. Runs for
 * every audio frame: it walks a short table, nothing else.
 */
#ifndef REFLECTOR_FRAME_LOUDEST_H
#define REFLECTOR_FRAME_LOUDEST_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_LOUDEST_MAX 64u

/* One to a room; all zero at first. */
struct frame_loudest {
	struct {
		uint64_t heard_ms;
		uint16_t stream;
		uint8_t level; /* -dBov: rises at once, falls slowly */
	} speakers[FRAME_LOUDEST_MAX];
	unsigned count;
};

/* True when this audio frame goes on: its stream is among the most loudest ones (0: all are). */
bool frame_loudest_admit(struct frame_loudest *loudest, unsigned most, uint16_t stream,
	uint8_t level, uint64_t now_ms);

#endif
