/*
 * room_table: a chained hash table. Owns no room.
 */
#include "reflector/room_table.h"

#include <stdint.h>
#include <string.h>

#include "reflector/room.h"

/* FNV-1a. Names come from tokens, so that only authd could choose colliding ones. */
static size_t bucket_of(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++) {
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	}
	return hash % ROOM_TABLE_BUCKETS;
}

struct room *room_table_find(const struct room_table *table, const char *name)
{
	struct room *room = table->buckets[bucket_of(name)];

	while (room != NULL && strcmp(room->name, name) != 0) {
		room = room->next;
	}
	return room;
}

void room_table_add(struct room_table *table, struct room *room)
{
	size_t i = bucket_of(room->name);

	room->next = table->buckets[i];
	table->buckets[i] = room;
	table->count++;
}

void room_table_remove(struct room_table *table, struct room *room)
{
	struct room **link = &table->buckets[bucket_of(room->name)];

	while (*link != NULL && *link != room) {
		link = &(*link)->next;
	}
	if (*link != NULL) {
		*link = room->next;
		table->count--;
	}
}

void room_table_each(
	const struct room_table *table, void (*each)(struct room *room, void *user), void *user)
{
	for (size_t i = 0; i < ROOM_TABLE_BUCKETS; i++) {
		for (struct room *room = table->buckets[i]; room != NULL; room = room->next) {
			each(room, user);
		}
	}
}
