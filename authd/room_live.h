/*
 * room_live: what the workers say about rooms now. A reflector is believed only about rooms that
 * are placed on it, and only what is asked of it: numbers.
 */
#ifndef AUTHD_ROOM_LIVE_H
#define AUTHD_ROOM_LIVE_H

#include <jansson.h>

#include "authd/link_dial.h"
#include "authd/store_rooms.h"

struct room_live {
	json_t *items, *missing; /* arrays: answers, names of reflectors that did not answer */
};

/* Asks all reflectors once: what is "rooms" or "participants", room NULL: all. Errors as
 * link_dial_query(). Waits. */
int room_live_ask(struct room_live *live, struct link_dial *links, const char *what,
	const char *room) MUST_CHECK;
void room_live_finish(struct room_live *live);

/* Whether the room may live on the reflector that the item came from. */
bool room_live_believed(const struct store_room *row, const json_t *item);

/* Adds an item of "rooms" to the room's object: live, live_since, participants and so on. */
int room_live_add(json_t *room, const json_t *item) MUST_CHECK;
/* The same of "participants" of this room, and participants_list. */
int room_live_add_people(
	json_t *room, const struct store_room *row, const json_t *items) MUST_CHECK;

/* Adds partial and missing; takes answer and gives it back, NULL when out of memory. */
json_t *room_live_with_missing(json_t *answer, const struct room_live *live);

#endif
