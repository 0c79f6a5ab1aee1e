/*
 * room_keys: makes media keys and puts them into the store. They may never be logged, nor stand in
 * an audit record.
 */
#include "authd/room_keys.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "authd/store_tokens.h"
#include "proto/base64url.h"

#define KEY_BYTES 32u
#define TOKENS_PAGE 500u

int room_keys_make(char out[STORE_MEDIA_KEY + 1])
{
	unsigned char bytes[KEY_BYTES];

	randombytes_buf(bytes, sizeof(bytes));
	int err = base64url_encode(bytes, sizeof(bytes), out, STORE_MEDIA_KEY + 1);
	sodium_memzero(bytes, sizeof(bytes));
	return err == 0 ? 0 : ERR_INTERNAL;
}

int room_keys_renew(struct store *st, const struct store_actor *who, const char *room)
{
	char key[STORE_MEDIA_KEY + 1];
	int err = room_keys_make(key);

	if (err == 0) {
		err = store_room_rekey(st, who, room, key);
	}
	sodium_memzero(key, sizeof(key));
	return err;
}

/* Rooms of a user's tokens: names as keys. */
struct held {
	json_t *rooms;
	char last[LIMIT_JTI + 1];
	unsigned count;
};

static int hold(const struct store_token *row, void *arg)
{
	struct held *held = arg;

	memcpy(held->last, row->jti, sizeof(held->last));
	held->count++;
	return json_object_set_new(held->rooms, row->room, json_true()) == 0 ? 0 : ERR_NOMEM;
}

static int find_rooms(struct store *st, const char *user, int64_t now, struct held *held)
{
	/* revoked ones too: whoever had one has the key */
	const struct store_token_filter filter = { .user = user, .all = true, .now = now };
	char after[LIMIT_JTI + 1];
	int err = 0;

	do {
		const struct store_page page = { .after = after, .limit = TOKENS_PAGE };
		memcpy(after, held->last, sizeof(after));
		held->count = 0;
		err = store_token_list(st, &filter, &page, hold, held);
	} while (err == 0 && held->count == TOKENS_PAGE);
	return err;
}

int room_keys_renew_user(struct store *st, const struct store_actor *who, const char *user,
	int64_t now, size_t *renewed)
{
	struct held held = { .rooms = json_object() };
	const char *room;
	json_t *value;
	size_t count = 0;
	int err = held.rooms != NULL ? find_rooms(st, user, now, &held) : ERR_NOMEM;

	json_object_foreach(held.rooms, room, value) {
		int one = room_keys_renew(st, who, room);
		if (one == 0) {
			count++;
		} else if (err == 0 && one != ERR_NOT_FOUND) {
			err = one;
		}
	}
	json_decref(held.rooms);
	if (renewed != NULL) {
		*renewed = count;
	}
	return err;
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
