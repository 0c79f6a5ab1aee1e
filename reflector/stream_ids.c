/*
 * stream_ids: a two-level table, its pages made when an id in them is given. Owns no stream.
 */
#include "reflector/stream_ids.h"

#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"

#define PAGES (65536u / STREAM_IDS_PAGE)

void stream_ids_init(struct stream_ids *ids)
{
	memset(ids, 0, sizeof(*ids));
}

void stream_ids_finish(struct stream_ids *ids)
{
	for (size_t i = 0; i < PAGES; i++) {
		free(ids->pages[i]);
	}
	memset(ids, 0, sizeof(*ids));
}

int stream_ids_add(struct stream_ids *ids, struct stream *stream, uint16_t *id)
{
	uint16_t next = ids->last;

	if (ids->count >= LIMIT_STREAM_IDS) {
		return ERR_LIMIT;
	}
	do {
		next++;
	} while (next == 0 || stream_ids_find(ids, next) != NULL);
	struct stream_ids_page **page = &ids->pages[next / STREAM_IDS_PAGE];
	if (*page == NULL) {
		*page = calloc(1, sizeof(**page));
		if (*page == NULL) {
			return ERR_NOMEM;
		}
	}
	(*page)->streams[next % STREAM_IDS_PAGE] = stream;
	(*page)->used++;
	ids->count++;
	ids->last = next;
	*id = next;
	return 0;
}

void stream_ids_remove(struct stream_ids *ids, uint16_t id)
{
	struct stream_ids_page **page = &ids->pages[id / STREAM_IDS_PAGE];

	if (stream_ids_find(ids, id) == NULL) {
		return;
	}
	(*page)->streams[id % STREAM_IDS_PAGE] = NULL;
	ids->count--;
	if (--(*page)->used == 0) {
		free(*page);
		*page = NULL;
	}
}

struct stream *stream_ids_next(const struct stream_ids *ids, unsigned from)
{
	for (unsigned id = from; id < 65536u; id++) {
		const struct stream_ids_page *page = ids->pages[id / STREAM_IDS_PAGE];
		if (page == NULL) {
			id |= STREAM_IDS_PAGE - 1;
		} else if (page->streams[id % STREAM_IDS_PAGE] != NULL) {
			return page->streams[id % STREAM_IDS_PAGE];
		}
	}
	return NULL;
}
