/*
 * store: what authd keeps, as a table of domain operations; SQL stays inside the back ends
 * (store_sqlite.c). Every change is durable before its function returns. All functions may be
 * called from any thread. Times are seconds since the epoch. ERR_STORE: the database failed, it was
 * logged where it happened and nothing was changed.
 */
#ifndef AUTHD_STORE_H
#define AUTHD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"
#include "proto/limits.h"

#define STORE_HASH_MAX 127u /* characters of a password hash */
#define STORE_JTI_PREFIX_MIN 8u
#define STORE_LIST_MAX 100000u /* rows in one list */

struct store_user {
	char name[LIMIT_NAME + 1];
	char hash[STORE_HASH_MAX + 1];
	int64_t created_at;
	bool disabled;
};

struct store_room {
	char name[LIMIT_NAME + 1];
	int64_t created_at;
	char reflector[LIMIT_NAME + 1]; /* "" as long as it was never placed */
	uint16_t port;
};

struct store_place {
	char reflector[LIMIT_NAME + 1];
	uint16_t port;
	size_t rooms; /* in counts: how many rooms are placed there */
};

struct store_token {
	char jti[LIMIT_JTI + 1];
	char user[LIMIT_NAME + 1];
	char participant[LIMIT_PARTICIPANT_ID + 1];
	char room[LIMIT_NAME + 1];
	int64_t issued_at, expires_at;
	int64_t revoked_at; /* 0: not revoked */
};

struct store_revocation {
	int64_t seq; /* grows with every revocation and is never given twice */
	char jti[LIMIT_JTI + 1];
	int64_t until; /* when the token ends by itself */
};

struct store_token_filter {
	const char *room, *user; /* NULL: any */
	bool all; /* expired and revoked ones too */
	int64_t now;
};

/* Called for each row, with the store locked: it may not call the store. Not 0 ends the list, and
 * the list function returns it. */
typedef int (*store_user_fn)(const struct store_user *row, void *arg);
typedef int (*store_room_fn)(const struct store_room *row, void *arg);
typedef int (*store_place_fn)(const struct store_place *row, void *arg);
typedef int (*store_token_fn)(const struct store_token *row, void *arg);
typedef int (*store_revocation_fn)(const struct store_revocation *row, void *arg);

struct store;

struct store_ops {
	void (*destroy)(struct store *st);
	/* 0 when the database answers. */
	int (*check)(struct store *st);

	/* ERR_EXISTS. */
	int (*user_add)(struct store *st, const struct store_user *user);
	/* ERR_NOT_FOUND. */
	int (*user_get)(struct store *st, const char *name, struct store_user *out);
	int (*user_list)(struct store *st, store_user_fn each, void *arg);
	int (*user_set_hash)(struct store *st, const char *name, const char *hash);
	/* Disabling revokes all live tokens of the user in the same transaction; *revoked says how
	 * many. */
	int (*user_set_disabled)(
		struct store *st, const char *name, bool disabled, int64_t now, size_t *revoked);

	int (*room_add)(struct store *st, const char *name, int64_t now);
	int (*room_get)(struct store *st, const char *name, struct store_room *out);
	int (*room_list)(struct store *st, store_room_fn each, void *arg);

	/* Where the room lives from now on. */
	int (*place_set)(struct store *st, const char *room, const char *reflector, uint16_t port,
		int64_t now);
	/* One row for each place that has rooms. */
	int (*place_counts)(struct store *st, store_place_fn each, void *arg);

	/* Records a token before it leaves the house; ERR_DENIED when the user was disabled or the
	 * room is gone meanwhile, ERR_EXISTS for a jti that was there before. */
	int (*token_add)(struct store *st, const struct store_token *token);
	int (*token_list)(struct store *st, const struct store_token_filter *filter,
		store_token_fn each, void *arg);
	/* Revokes the unexpired token whose jti begins with prefix. ERR_NOT_FOUND; ERR_EXISTS when
	 * several begin so. Revoking twice is no error and changes nothing. */
	int (*token_revoke)(
		struct store *st, const char *prefix, int64_t now, struct store_token *out);

	/* Revocations with seq > after whose token has not expired by now, in the order of seq. */
	int (*revocation_list)(
		struct store *st, int64_t after, int64_t now, store_revocation_fn each, void *arg);

	/* Forgets tokens and revocations that expired before the given time; *gone says how many
	 * tokens. */
	int (*purge)(struct store *st, int64_t before, size_t *gone);
};

struct store {
	const struct store_ops *ops;
};

#endif
