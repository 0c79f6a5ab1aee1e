/*
 * roster: two sorted tables with binary search. What the reflector says is bounded here: more
 * participants or streams than the protocol allows are refused.
 */
#include "client-sdk/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each entry begins with its number. */
static uint16_t key_of(const void *item)
{
	uint16_t key;

	memcpy(&key, item, sizeof(key));
	return key;
}

/* Where key is, or would have to be put. */
static size_t table_find(const struct roster_table *table, uint16_t key)
{
	size_t low = 0;
	size_t high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (key_of(table->items[middle]) < key) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static void *table_get(const struct roster_table *table, uint16_t key)
{
	size_t at = table_find(table, key);

	return at < table->count && key_of(table->items[at]) == key ? table->items[at] : NULL;
}

static int table_add(struct roster_table *table, void *item)
{
	size_t at = table_find(table, key_of(item));

	if (table->count == table->cap) {
		size_t cap = table->cap > 0 ? table->cap * 2 : 16;
		void **grown = realloc(table->items, cap * sizeof(*grown));

		if (grown == NULL) {
			return ERR_NOMEM;
		}
		table->items = grown;
		table->cap = cap;
	}
	memmove(&table->items[at + 1], &table->items[at], (table->count - at) * sizeof(void *));
	table->items[at] = item;
	table->count++;
	return 0;
}

static void table_remove(struct roster_table *table, void *item)
{
	size_t at = table_find(table, key_of(item));

	table->count--;
	memmove(&table->items[at], &table->items[at + 1], (table->count - at) * sizeof(void *));
	free(item);
}

static void table_finish(struct roster_table *table)
{
	free(table->items);
	memset(table, 0, sizeof(*table));
}

void roster_clear(struct roster *roster)
{
	while (roster->streams.count > 0) {
		roster_remove_stream(roster, roster->streams.items[roster->streams.count - 1]);
	}
	while (roster->participants.count > 0) {
		roster_remove(roster, roster->participants.items[roster->participants.count - 1]);
	}
	table_finish(&roster->streams);
	table_finish(&roster->participants);
}

struct roster_participant *roster_find(const struct roster *roster, uint16_t number)
{
	return table_get(&roster->participants, number);
}

struct roster_stream *roster_find_stream(const struct roster *roster, uint16_t id)
{
	return table_get(&roster->streams, id);
}

size_t roster_count(const struct roster *roster)
{
	return roster->participants.count;
}

struct roster_participant *roster_at(const struct roster *roster, size_t index)
{
	return roster->participants.items[index];
}

int roster_add(struct roster *roster, uint16_t number, const char *id, const char *name)
{
	struct roster_participant *participant;

	if (roster->participants.count >= LIMIT_PARTICIPANTS_PER_ROOM) {
		return ERR_LIMIT;
	}
	if (roster_find(roster, number) != NULL) {
		return ERR_BAD_FIELD;
	}
	participant = calloc(1, sizeof(*participant));
	if (participant == NULL) {
		return ERR_NOMEM;
	}
	participant->number = number;
	snprintf(participant->id, sizeof(participant->id), "%s", id);
	snprintf(participant->name, sizeof(participant->name), "%s", name);
	if (table_add(&roster->participants, participant) != 0) {
		free(participant);
		return ERR_NOMEM;
	}
	return 0;
}

int roster_add_stream(struct roster *roster, const struct helio_stream *from)
{
	struct roster_participant *participant = roster_find(roster, from->participant);
	struct roster_stream *stream;

	if (participant == NULL || roster_find_stream(roster, from->id) != NULL) {
		return ERR_BAD_FIELD;
	}
	if (participant->streams >= LIMIT_STREAMS_PER_PARTICIPANT ||
		roster->streams.count >= LIMIT_STREAM_IDS) {
		return ERR_LIMIT;
	}
	stream = calloc(1, sizeof(*stream));
	if (stream == NULL) {
		return ERR_NOMEM;
	}
	stream->id = from->id;
	stream->participant = from->participant;
	stream->kind = from->kind;
	stream->recv.pictures = from->kind == HELIO_VIDEO || from->kind == HELIO_SCREEN;
	snprintf(stream->codec, sizeof(stream->codec), "%s", from->codec);
	snprintf(stream->label, sizeof(stream->label), "%s", from->label);
	if (table_add(&roster->streams, stream) != 0) {
		free(stream);
		return ERR_NOMEM;
	}
	participant->streams++;
	return 0;
}

struct roster_stream *roster_next_stream(
	const struct roster *roster, uint16_t participant, size_t *at)
{
	while (*at < roster->streams.count) {
		struct roster_stream *stream = roster->streams.items[(*at)++];

		if (stream->participant == participant) {
			return stream;
		}
	}
	return NULL;
}

void roster_remove(struct roster *roster, struct roster_participant *participant)
{
	table_remove(&roster->participants, participant);
}

void roster_remove_stream(struct roster *roster, struct roster_stream *stream)
{
	struct roster_participant *participant = roster_find(roster, stream->participant);

	if (participant != NULL) {
		participant->streams--;
	}
	recv_reset(&roster->recv, &stream->recv);
	table_remove(&roster->streams, stream);
}

struct helio_stream roster_stream_view(const struct roster_stream *stream)
{
	struct helio_stream view = {
		.size = sizeof(view),
		.kind = stream->kind,
		.codec = stream->codec,
		.label = stream->label,
		.id = stream->id,
		.participant = stream->participant,
	};

	return view;
}
