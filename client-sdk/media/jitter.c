/*
 * jitter: a sorted, bounded store of packets. It owns the packets in it and never looks into them,
 * nor at any clock.
 */
#include "client-sdk/media/jitter.h"

#include <stdlib.h>
#include <string.h>

void jitter_clear(struct jitter *j)
{
	for (unsigned i = 0; i < j->count; i++) {
		free(j->queue[i]);
	}
	memset(j, 0, sizeof(*j));
}

int64_t jitter_widen_ts(const struct jitter *j, uint32_t timestamp)
{
	if (!j->started) {
		return timestamp;
	}
	return j->newest_ts + (int32_t)(timestamp - (uint32_t)j->newest_ts);
}

bool jitter_is_full(const struct jitter *j, size_t len)
{
	return j->count == JITTER_PACKETS_MAX || j->bytes + len > JITTER_BYTES_MAX;
}

struct jitter_packet *jitter_push(
	struct jitter *j, int64_t ts, const void *data, size_t len, bool *duplicate)
{
	unsigned at = j->count;

	*duplicate = false;
	while (at > 0 && j->queue[at - 1]->ts > ts) {
		at--;
	}
	if (at > 0 && j->queue[at - 1]->ts == ts) {
		*duplicate = true;
		return NULL;
	}
	struct jitter_packet *p = calloc(1, sizeof(*p) + len);
	if (p == NULL) {
		return NULL;
	}
	p->ts = ts;
	p->len = len;
	memcpy(p->data, data, len);
	memmove(&j->queue[at + 1], &j->queue[at], (j->count - at) * sizeof(j->queue[0]));
	j->queue[at] = p;
	j->count++;
	j->bytes += len;
	return p;
}

struct jitter_packet *jitter_first(const struct jitter *j)
{
	return j->count > 0 ? j->queue[0] : NULL;
}

struct jitter_packet *jitter_last(const struct jitter *j)
{
	return j->count > 0 ? j->queue[j->count - 1] : NULL;
}

struct jitter_packet *jitter_pop(struct jitter *j)
{
	if (j->count == 0) {
		return NULL;
	}
	struct jitter_packet *p = j->queue[0];
	j->count--;
	j->bytes -= p->len;
	memmove(&j->queue[0], &j->queue[1], j->count * sizeof(j->queue[0]));
	return p;
}
