/*
 * room_keys: the media keys of rooms, one for each epoch. authd gives them to those who hold a
 * token of the room; no reflector ever sees one.
 */
#ifndef AUTHD_ROOM_KEYS_H
#define AUTHD_ROOM_KEYS_H

#include <jansson.h>

#include "authd/store_rooms.h"

/* A new random key, for a new room. ERR_INTERNAL. */
int room_keys_make(char out[STORE_MEDIA_KEY + 1]) MUST_CHECK;

/* A new epoch of the room with a new key. Reflectors are told, and have clients fetch it: to be
 * called when somebody who had the key may not listen any more. ERR_NOT_FOUND, ERR_STORE. */
int room_keys_renew(struct store *st, const struct store_actor *who, const char *room) MUST_CHECK;

/* The same for every room that the user holds a token of which has not ended, whatever came of the
 * others: the first error. *renewed (may be NULL): how many. */
int room_keys_renew_user(struct store *st, const struct store_actor *who, const char *user,
	int64_t now, size_t *renewed) MUST_CHECK;

/* {"room","epoch","key"}, a new reference; room NULL: without. NULL when out of memory. */
json_t *room_keys_json(const char *room, int64_t epoch, const char *key);

#endif
