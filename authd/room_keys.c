/*
 * room_keys: makes media keys, and the answers that they stand in. They may never be logged, nor
 * stand in an audit record.
 */
#include "authd/room_keys.h"

#include <sodium.h>

#include "proto/base64url.h"

#define KEY_BYTES 32u

int room_keys_make(char out[STORE_MEDIA_KEY + 1])
{
	unsigned char bytes[KEY_BYTES];

	randombytes_buf(bytes, sizeof(bytes));
	int err = base64url_encode(bytes, sizeof(bytes), out, STORE_MEDIA_KEY + 1);
	sodium_memzero(bytes, sizeof(bytes));
	return err == 0 ? 0 : ERR_INTERNAL;
}

json_t *room_keys_json(const char *room, int64_t epoch, const char *key)
{
	json_t *object = json_pack("{s:I,s:s}", "epoch", (json_int_t)epoch, "key", key);

	if (object != NULL && room != NULL &&
		json_object_set_new(object, "room", json_string(room)) != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}
