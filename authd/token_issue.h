/*
 * token_issue: from "this user may enter this room" to a signed token and where to go with it.
 */
#ifndef AUTHD_TOKEN_ISSUE_H
#define AUTHD_TOKEN_ISSUE_H

#include <jansson.h>
#include <stdint.h>

#include "authd/jws_sign.h"
#include "authd/placement.h"
#include "authd/store.h"

struct token_issue;

struct token_issue_conf {
	const char *issuer, *cluster; /* borrowed, as all here; all outlive it */
	const struct jws_signer *signer;
	struct store *store;
	struct placement *placement;
	uint64_t life_s;
};

struct token_order {
	const char *user, *room;
	const char *device; /* NULL: none */
	const char *name; /* shown to others; NULL: the user's */
};

struct token_issued {
	char *token; /* the caller's to free() */
	char jti[LIMIT_JTI + 1], participant[LIMIT_PARTICIPANT_ID + 1];
	int64_t expires_at;
	struct placement_spot spot;
};

int token_issue_create(struct token_issue **out, const struct token_issue_conf *conf) MUST_CHECK;
void token_issue_destroy(struct token_issue *ti);

/* For tokens from now on (reload). Any thread. */
void token_issue_set_life(struct token_issue *ti, uint64_t life_s);

/* Places the room, records the token, then signs it: there is no token without its record.
 * ERR_LOGIN when user or room went away meanwhile, ERR_NO_REFLECTOR, ERR_STORE, ERR_INTERNAL. Any
 * thread. */
int token_issue_make(struct token_issue *ti, const struct store_actor *who,
	const struct token_order *order, struct token_issued *out) MUST_CHECK;

/* The public key set, a new reference; NULL when out of memory. */
json_t *token_issue_jwks(const struct token_issue *ti);

#endif
