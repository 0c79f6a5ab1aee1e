/* store_apikeys: keys of applications' backends and of remote administrators. See store.h. */
#ifndef AUTHD_STORE_APIKEYS_H
#define AUTHD_STORE_APIKEYS_H

#include "authd/store.h"

#define STORE_KEY_ID 12u /* characters: [a-z2-7] */
#define STORE_KEY_HASH 43u /* SHA-256 in base64url */

struct store_apikey {
	char id[STORE_KEY_ID + 1];
	char name[LIMIT_NAME + 1];
	char hash[STORE_KEY_HASH + 1];
	char rooms[STORE_JSON_MAX +
		1]; /* JSON list of patterns, "*" matches any run of characters */
	char grants[STORE_JSON_MAX + 1]; /* the most it may give, see policy.h */
	bool admin; /* it opens the admin API */
	int64_t created_at, expires_at, revoked_at; /* 0: never, not */
};

typedef int (*store_apikey_fn)(const struct store_apikey *row, void *arg);

int store_apikey_add(struct store *st, const struct store_actor *who,
	const struct store_apikey *key) MUST_CHECK; /* ERR_EXISTS: the name */
/* By id or by name. ERR_NOT_FOUND. */
int store_apikey_get(struct store *st, const char *id_or_name, struct store_apikey *out) MUST_CHECK;
int store_apikey_list(struct store *st, const struct store_page *page, store_apikey_fn each,
	void *arg) MUST_CHECK;
/* The key, and (store_revocation_put) every token that was made with it. */
int store_apikey_revoke(struct store *st, const struct store_actor *who, const char *id_or_name,
	int64_t now) MUST_CHECK;

#endif
