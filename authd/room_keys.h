/*
 * room_keys: the media keys of rooms, one for each epoch. authd gives them to those who hold a
 * token of the room; no reflector ever sees one.
 */
#ifndef AUTHD_ROOM_KEYS_H
#define AUTHD_ROOM_KEYS_H

#include <jansson.h>

#include "authd/store_rooms.h"

/* A new random key: of a new room, or of a new epoch. ERR_INTERNAL. */
int room_keys_make(char out[STORE_MEDIA_KEY + 1]) MUST_CHECK;

/* {"room","epoch","key"}, a new reference; room NULL: without. NULL when out of memory. */
json_t *room_keys_json(const char *room, int64_t epoch, const char *key);

#endif
