/*
 * room_table: the rooms of a worker by name.
 */
#ifndef REFLECTOR_ROOM_TABLE_H
#define REFLECTOR_ROOM_TABLE_H

#include <stddef.h>

#define ROOM_TABLE_BUCKETS 1024u

struct room;

struct room_table {
	struct room *buckets[ROOM_TABLE_BUCKETS];
	size_t count;
};

/* NULL when there is none. */
struct room *room_table_find(const struct room_table *table, const char *name);
/* The caller has seen that the name is free. The table borrows the room. */
void room_table_add(struct room_table *table, struct room *room);
void room_table_remove(struct room_table *table, struct room *room);

/* Calls each for every room; each may not add or remove. */
void room_table_each(
	const struct room_table *table, void (*each)(struct room *room, void *user), void *user);

#endif
