/* store_invites: what a guest's link stands for. Its use is counted by store_token_add(). */
#ifndef AUTHD_STORE_INVITES_H
#define AUTHD_STORE_INVITES_H

#include "authd/store.h"
#include "authd/store_users.h"

#define STORE_INVITE_ID 22u /* 16 random bytes in base64url */

struct store_invite {
	char id[STORE_INVITE_ID + 1];
	char room[LIMIT_NAME + 1];
	char grants[STORE_JSON_MAX + 1];
	char label[LIMIT_DISPLAY_NAME + 1]; /* for the administrator: whom it is for */
	char passcode[STORE_HASH_MAX + 1]; /* its hash; "": none */
	int64_t uses_max, uses; /* uses_max 0: no limit */
	int64_t created_at, expires_at, revoked_at;
};

typedef int (*store_invite_fn)(const struct store_invite *row, void *arg);

/* ERR_NOT_FOUND: no such room. */
int store_invite_add(struct store *st, const struct store_actor *who,
	const struct store_invite *invite) MUST_CHECK;
int store_invite_get(struct store *st, const char *id, struct store_invite *out) MUST_CHECK;
int store_invite_list(struct store *st, const char *room, const struct store_page *page,
	store_invite_fn each, void *arg) MUST_CHECK;
/* The invite, and every token that was made with it. */
int store_invite_revoke(
	struct store *st, const struct store_actor *who, const char *id, int64_t now) MUST_CHECK;

#endif
