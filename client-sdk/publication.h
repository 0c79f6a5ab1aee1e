/*
 * publication: the streams we publish, from the request to the end. A fixed table: entries keep
 * their address, since queued frames point to their source.
 */
#ifndef CLIENT_SDK_PUBLICATION_H
#define CLIENT_SDK_PUBLICATION_H

#include <helio.h>
#include <stdbool.h>
#include <stdint.h>

#include "client-sdk/send.h"
#include "proto/limits.h"

/* Twice what a participant may have: some may be on their way out while others come. */
#define PUBLICATION_MAX (2u * LIMIT_STREAMS_PER_PARTICIPANT)

enum publication_state {
	PUBLICATION_FREE,
	PUBLICATION_REQUESTED, /* published or an error is to come */
	PUBLICATION_LIVE, /* may send */
	PUBLICATION_ENDING /* unpublish was said, unpublished is to come */
};

struct publication {
	enum publication_state state;
	bool unpublish; /* asked for before published came */
	int id; /* > 0, never used twice in a handle's life */
	int64_t req;
	char codec[LIMIT_CODEC + 1];
	char label[LIMIT_LABEL + 1];
	struct send_source source;
	int64_t drops_told_at; /* when DROPS was last given to the application */
	int64_t keyframe_told_at; /* likewise KEYFRAME_REQUEST */
};

struct publication_table {
	struct publication entries[PUBLICATION_MAX];
	int last_id;
};

/* A free entry with the next id, REQUESTED; NULL when the table is full. */
struct publication *publication_add(
	struct publication_table *table, const struct helio_stream *stream, int64_t req);
/* NULL when there is none. */
struct publication *publication_find(struct publication_table *table, int id);
struct publication *publication_find_req(struct publication_table *table, int64_t req);
struct publication *publication_find_stream(struct publication_table *table, uint16_t stream);
void publication_remove(struct publication *publication);
void publication_clear(struct publication_table *table);

/* The public view; it borrows. */
struct helio_stream publication_view(const struct publication *publication, uint16_t participant);

#endif
