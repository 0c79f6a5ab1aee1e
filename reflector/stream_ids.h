/*
 * stream_ids: a room's streams by id. Ids are given in a circle from 1 to 65535, so that an id is
 * not used again soon; finding one takes two steps, whatever the room's size.
 */
#ifndef REFLECTOR_STREAM_IDS_H
#define REFLECTOR_STREAM_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

struct stream;

#define STREAM_IDS_PAGE 256u

struct stream_ids_page {
	unsigned used;
	struct stream *streams[STREAM_IDS_PAGE];
};

struct stream_ids {
	struct stream_ids_page *pages[65536u / STREAM_IDS_PAGE];
	unsigned count;
	uint16_t last; /* given last */
};

void stream_ids_init(struct stream_ids *ids);
void stream_ids_finish(struct stream_ids *ids);

/* Gives the next free id. ERR_LIMIT at LIMIT_STREAM_IDS streams, ERR_NOMEM. Borrows the stream. */
int stream_ids_add(struct stream_ids *ids, struct stream *stream, uint16_t *id) MUST_CHECK;
void stream_ids_remove(struct stream_ids *ids, uint16_t id);

static inline struct stream *stream_ids_find(const struct stream_ids *ids, uint16_t id)
{
	const struct stream_ids_page *page = ids->pages[id / STREAM_IDS_PAGE];

	return page != NULL ? page->streams[id % STREAM_IDS_PAGE] : NULL;
}

/* The first stream with an id of at least from; NULL when there is none. To walk over all. */
struct stream *stream_ids_next(const struct stream_ids *ids, unsigned from);

#endif
