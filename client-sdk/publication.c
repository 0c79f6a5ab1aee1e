/*
 * publication: a table of our own streams. It never sends: session and control do.
 */
#include "client-sdk/publication.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

struct publication *publication_add(
	struct publication_table *table, const struct helio_stream *stream, int64_t req)
{
	for (size_t i = 0; i < PUBLICATION_MAX; i++) {
		struct publication *entry = &table->entries[i];

		if (entry->state != PUBLICATION_FREE) {
			continue;
		}
		if (table->last_id == INT_MAX) {
			return NULL;
		}
		memset(entry, 0, sizeof(*entry));
		entry->state = PUBLICATION_REQUESTED;
		entry->id = ++table->last_id;
		entry->req = req;
		entry->source.kind = stream->kind;
		snprintf(entry->codec, sizeof(entry->codec), "%s", stream->codec);
		snprintf(entry->label, sizeof(entry->label), "%s",
			stream->label != NULL ? stream->label : "");
		return entry;
	}
	return NULL;
}

struct publication *publication_find(struct publication_table *table, int id)
{
	for (size_t i = 0; i < PUBLICATION_MAX; i++) {
		if (table->entries[i].state != PUBLICATION_FREE && table->entries[i].id == id) {
			return &table->entries[i];
		}
	}
	return NULL;
}

struct publication *publication_find_req(struct publication_table *table, int64_t req)
{
	for (size_t i = 0; i < PUBLICATION_MAX; i++) {
		if (table->entries[i].state == PUBLICATION_REQUESTED &&
			table->entries[i].req == req) {
			return &table->entries[i];
		}
	}
	return NULL;
}

struct publication *publication_find_stream(struct publication_table *table, uint16_t stream)
{
	for (size_t i = 0; i < PUBLICATION_MAX; i++) {
		struct publication *entry = &table->entries[i];

		if ((entry->state == PUBLICATION_LIVE || entry->state == PUBLICATION_ENDING) &&
			entry->source.stream == stream) {
			return entry;
		}
	}
	return NULL;
}

void publication_remove(struct publication *publication)
{
	memset(publication, 0, sizeof(*publication));
}

void publication_clear(struct publication_table *table)
{
	memset(table->entries, 0, sizeof(table->entries));
}

struct helio_stream publication_view(const struct publication *publication, uint16_t participant)
{
	struct helio_stream view = {
		.size = sizeof(view),
		.kind = publication->source.kind,
		.codec = publication->codec,
		.label = publication->label,
		.id = publication->source.stream,
		.participant = participant,
	};

	return view;
}
