/*
 * token_issue: from "this user may enter this room" to a signed token and where to go with it.
 */
#ifndef AUTHD_TOKEN_ISSUE_H
#define AUTHD_TOKEN_ISSUE_H

#include <jansson.h>
#include <stdint.h>

#include "authd/keyring.h"
#include "authd/placement.h"
#include "authd/policy.h"
#include "authd/store_rooms.h"
#include "common/day_clock.h"

struct token_issue;

struct token_issue_conf {
	const char *issuer, *cluster; /* borrowed, as all here; all outlive it */
	struct keyring *keyring;
	struct store *store;
	struct placement *placement;
	const struct day_clock *clock;
	uint64_t life_s;
};

/* Who has shown who he is, and what he wants. All borrowed. */
struct token_order {
	enum policy_source source;
	const char *source_id; /* of the API key or invite; NULL for a user */
	const char *source_name; /* of the API key; NULL for others */
	const struct store_actor *actor; /* for the audit record */
	const char *user, *room;
	const char *device; /* NULL: none */
	const char *name; /* shown to others; NULL: the user's */
	const char *grants; /* text from the store: the user's, key's or invite's */
	const json_t *requested; /* an API key's request for fewer; NULL: none */
	int64_t life_s; /* 0: as long as the settings allow */
	const char *address; /* of the person; NULL: not known (API key, Unix socket) */
};

struct token_issued {
	char *token;
	struct token_claims claims;
	json_t *endpoints; /* where to go, as in the answer */
	char media_key[STORE_MEDIA_KEY + 1];
};

int token_issue_create(struct token_issue **out, const struct token_issue_conf *conf) MUST_CHECK;
void token_issue_destroy(struct token_issue *ti);

/* For tokens from now on (reload). Any thread. */
void token_issue_set_life(struct token_issue *ti, uint64_t life_s);

/*
 * Judges by policy, places the room, records the token, then signs it: there is no token without
 * its record. ERR_LOGIN for what a stranger must not know (no such room; user, key or invite ended
 * meanwhile), ERR_DENIED with why (a sentence for who was recognised), ERR_BAD_FIELD with why
 * (requested), ERR_NO_REFLECTOR, ERR_STORE, ERR_INTERNAL. Any thread.
 */
int token_issue_make(struct token_issue *ti, const struct token_order *order,
	struct token_issued *out, char why[POLICY_WHY]) MUST_CHECK;
void token_issued_finish(struct token_issued *issued);

/* The whole answer of POST /v1/token, a new reference; NULL when out of memory. */
json_t *token_issue_answer(struct token_issue *ti, const struct token_issued *issued);

/* The claims of a token of ours that holds now and was not revoked. ERR_TOKEN_INVALID for any
 * other, whatever is wrong with it; ERR_STORE, ERR_NOMEM. */
int token_issue_verify(
	struct token_issue *ti, const char *token, struct token_claims *claims) MUST_CHECK;

/* The public key set, a new reference; NULL when out of memory. */
json_t *token_issue_jwks(const struct token_issue *ti);

#endif
