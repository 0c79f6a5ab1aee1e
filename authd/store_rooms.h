/* store_rooms: rooms, their policy and where they live. See store.h for what holds for all. */
#ifndef AUTHD_STORE_ROOMS_H
#define AUTHD_STORE_ROOMS_H

#include "authd/store.h"

#define STORE_ALTERNATES_MAX 511u
#define STORE_MEDIA_KEY 43u /* 32 bytes in base64url */

struct store_txn;

struct store_room {
	char name[LIMIT_NAME + 1];
	int64_t created_at;
	char policy[STORE_JSON_MAX + 1]; /* see policy.h */
	int64_t policy_rev; /* grows with every change of policy, lock or epoch, over all rooms */
	bool locked;
	int64_t expires_at; /* 0: never */
	int64_t epoch; /* of the media key, from 1 */
	char media_key[STORE_MEDIA_KEY + 1];
	char reflector[LIMIT_NAME + 1]; /* "" as long as it was never placed */
	uint16_t port;
	char alternates[STORE_ALTERNATES_MAX + 1]; /* "name:port,name:port" */
};

struct store_place {
	char reflector[LIMIT_NAME + 1];
	uint16_t port;
	size_t rooms; /* in counts: how many rooms are placed there */
};

struct store_setting {
	const char *name, *value; /* borrowed; "" is the same as "{}" */
};

typedef int (*store_room_fn)(const struct store_room *row, void *arg);
typedef int (*store_place_fn)(const struct store_place *row, void *arg);

/* name, policy, expires_at and a first media_key are taken. ERR_EXISTS. */
int store_room_add(struct store *st, const struct store_actor *who, const struct store_room *room,
	int64_t now) MUST_CHECK;
int store_room_get(
	struct store *st, const char *name, struct store_room *out) MUST_CHECK; /* ERR_NOT_FOUND */
int store_room_list(
	struct store *st, const struct store_page *page, store_room_fn each, void *arg) MUST_CHECK;
/* Those with policy_rev > after, in its order, limit rows at most: what links have to tell. */
int store_room_changes(
	struct store *st, int64_t after, unsigned limit, store_room_fn each, void *arg) MUST_CHECK;
/* policy NULL: stays; expires_at < 0: stays; locked < 0: stays. */
int store_room_set(struct store *st, const struct store_actor *who, const char *name,
	const char *policy, int locked, int64_t expires_at) MUST_CHECK;
/* ERR_EXISTS: it is so already, and nothing changes; ERR_NOT_FOUND. */
int store_room_lock(
	struct store *st, const struct store_actor *who, const char *name, bool locked) MUST_CHECK;
/* A new epoch with a new key. Reflectors are told, and have clients fetch it. What ends somebody's
 * token does this by itself: see store_revocations.h. ERR_NOT_FOUND. */
int store_room_rekey(
	struct store *st, const struct store_actor *who, const char *name) MUST_CHECK;
/* The same inside a change of another kind, with a record of its own. */
int store_room_rekey_put(
	struct store_txn *txn, const struct store_actor *who, const char *name) MUST_CHECK;
/* Revokes all tokens of the room, then forgets it. */
int store_room_delete(
	struct store *st, const struct store_actor *who, const char *name, int64_t now) MUST_CHECK;

/* Where the room lives from now on, if it still lives at from_reflector:from_port ("" and 0:
 * nowhere yet); ERR_STATE when another authd has moved it meanwhile. */
int store_place_set(struct store *st, const char *room, const struct store_place *from,
	const struct store_place *to, const char *alternates, int64_t now) MUST_CHECK;
/* True when the room lives at this reflector, or has an alternate there. */
bool store_room_is_at(const struct store_room *room, const char *reflector);
/* One row for each place that has rooms. */
int store_place_counts(struct store *st, store_place_fn each, void *arg) MUST_CHECK;

/* The default policies: name "grants" or "room"; "{}" when never set. */
int store_setting_get(
	struct store *st, const char *name, char value[STORE_JSON_MAX + 1]) MUST_CHECK;
/* All of them in one change, with one record. ERR_INVALID: there is no such one. */
int store_setting_set(struct store *st, const struct store_actor *who,
	const struct store_setting *settings, size_t count) MUST_CHECK;

#endif
