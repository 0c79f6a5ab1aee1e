/*
 * bucket: a token bucket, the measure of how often a peer may make us do something.
 */
#ifndef REFLECTOR_BUCKET_H
#define REFLECTOR_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint32_t per_second, burst;
	uint64_t milli; /* tokens, in thousandths */
	uint64_t filled_ms;
	uint64_t refused; /* since bucket_refused() was asked last */
};

static inline void bucket_init(
	struct bucket *b, uint32_t per_second, uint32_t burst, uint64_t now_ms)
{
	b->per_second = per_second;
	b->burst = burst;
	b->milli = (uint64_t)burst * 1000u;
	b->filled_ms = now_ms;
	b->refused = 0;
}

/* How often there was none since the last time it was asked; for the log line that comes through.
 */
static inline uint64_t bucket_refused(struct bucket *b)
{
	uint64_t refused = b->refused;

	b->refused = 0;
	return refused;
}

/* True and count tokens less, or false when there are not so many. */
static inline bool bucket_take_many(struct bucket *b, uint64_t count, uint64_t now_ms)
{
	b->milli += (now_ms - b->filled_ms) * b->per_second;
	b->filled_ms = now_ms;
	if (b->milli > (uint64_t)b->burst * 1000u) {
		b->milli = (uint64_t)b->burst * 1000u;
	}
	if (b->milli < count * 1000u) {
		b->refused++;
		return false;
	}
	b->milli -= count * 1000u;
	return true;
}

static inline bool bucket_take(struct bucket *b, uint64_t now_ms)
{
	return bucket_take_many(b, 1, now_ms);
}

#endif
