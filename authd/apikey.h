/*
 * apikey: keys of applications' backends and of remote administrators: "hk_ID_SECRET", where ID is
 * 12 characters of [a-z2-7] and SECRET 32 random bytes in base64url. The store has the SHA-256 of
 * the secret only, so a key is shown once: when it is made.
 */
#ifndef AUTHD_APIKEY_H
#define AUTHD_APIKEY_H

#include <stdbool.h>
#include <stdint.h>

#include "authd/store_apikeys.h"

#define APIKEY_SECRET 43u /* characters */
#define APIKEY_TEXT_SIZE (sizeof("hk_") + STORE_KEY_ID + 1 + APIKEY_SECRET)

/* Sets id and hash of a new key; text is the key itself, which the caller shows and wipes. */
int apikey_make(struct store_apikey *key, char text[APIKEY_TEXT_SIZE]) MUST_CHECK;

/* The key in an Authorization header ("Bearer hk_..."), borrowed; NULL when there is none. */
const char *apikey_of_bearer(const char *authorization);

/*
 * 0 and the key's row when text is a key that holds at now (seconds since the epoch). ERR_LOGIN for
 * every other reason, after the same work: malformed, unknown, wrong, expired, revoked. ERR_STORE.
 * Any thread.
 */
int apikey_check(
	struct store *st, const char *text, int64_t now, struct store_apikey *out) MUST_CHECK;

/* May this key have tokens for the room, by its patterns? */
bool apikey_allows_room(const struct store_apikey *key, const char *room);

#endif
