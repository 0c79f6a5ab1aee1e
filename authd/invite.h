/*
 * invite: links for guests: PUBLIC-URL/join#TOKEN, where TOKEN is a JWS of type "helio-invite+jwt"
 * with iss, jti (the invite's id), room and exp. The signature keeps strangers from guessing; what
 * the link is worth (end, uses, passcode, revoked) stands in the store alone.
 */
#ifndef AUTHD_INVITE_H
#define AUTHD_INVITE_H

#include <stdint.h>

#include "authd/keyring.h"
#include "authd/store_invites.h"

#define INVITE_TYP "helio-invite+jwt"
#define INVITE_PATH "/join#"
#define INVITE_TOKEN_MAX 1024u /* bytes of the JWS */
#define INVITE_LINK_MAX 2048u /* bytes of what a guest may send: the link or its token */
#define INVITE_LIFE_MAX_S (366 * 86400)
#define INVITE_USES_MAX 1000000
#define INVITE_PASSCODE_MIN 4u /* bytes */
#define INVITE_PASSCODE_MAX 64u

/* A new id for the row. */
int invite_make_id(char id[STORE_INVITE_ID + 1]) MUST_CHECK;

/* The link of a row that is in the store; the caller frees it. ERR_NOMEM, ERR_INTERNAL. */
int invite_make_url(struct keyring *ring, const char *issuer, const char *public_url,
	const struct store_invite *row, char **url) MUST_CHECK;

/*
 * From a link or its token to the row. 0 when it is ours by any key that is published, and is not
 * revoked, over or used up at now; the passcode is the caller's business. ERR_LOGIN for every other
 * reason, after the same work; ERR_STORE. out->id is "" when the link is not ours. Any thread.
 */
int invite_check(struct store *st, struct keyring *ring, const char *issuer, const char *text,
	int64_t now, struct store_invite *out) MUST_CHECK;

/* A name for budgets and logs that tells two links apart and gives neither away. */
#define INVITE_LABEL_SIZE 32u
void invite_label(const char *text, char label[INVITE_LABEL_SIZE]);

/* "guest-" and eight random characters. */
void invite_make_guest(char user[LIMIT_NAME + 1]);

#endif
