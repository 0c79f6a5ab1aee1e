/*
 * jitter: the packets of one stream that wait for their turn, in the order of their media time.
 * Bounded in packets and bytes; what that costs in milliseconds is playout's business. Media time
 * is widened to 64 bits here, so nobody else meets a wrap.
 */
#ifndef MEDIA_JITTER_H
#define MEDIA_JITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JITTER_PACKETS_MAX 512u
#define JITTER_BYTES_MAX 524288u

struct jitter_packet {
	int64_t ts; /* samples since the stream's first packet, plus where that one stood */
	unsigned samples;
	uint16_t seq;
	bool marker; /* first after silence */
	int64_t due_us; /* when it would have come on the fastest way of late */
	size_t len;
	uint8_t data[];
};

struct jitter {
	struct jitter_packet *queue[JITTER_PACKETS_MAX];
	unsigned count;
	size_t bytes;
	bool started; /* newest_ts means something */
	int64_t newest_ts; /* the highest ever pushed */
	uint16_t newest_seq; /* of that packet */
};

/* Zeroed memory is an empty store. Frees all packets; the store can be used again. */
void jitter_clear(struct jitter *j);

/* The wide form of a timestamp, by the one next to the newest. */
int64_t jitter_widen_ts(const struct jitter *j, uint32_t timestamp);

/*
 * Stores a copy of a packet at its place. Returns NULL and sets *duplicate when the store has one
 * of this time, NULL without it for no memory. The store must not be full.
 */
struct jitter_packet *jitter_push(
	struct jitter *j, int64_t ts, const void *data, size_t len, bool *duplicate);

/* No further packet of len bytes fits. */
bool jitter_is_full(const struct jitter *j, size_t len);

/* The earliest and the latest packet, NULL when there is none; owned by the store. */
struct jitter_packet *jitter_first(const struct jitter *j);
struct jitter_packet *jitter_last(const struct jitter *j);

/* Takes the earliest packet out; the caller frees it with free(). NULL when there is none. */
struct jitter_packet *jitter_pop(struct jitter *j);

#endif
