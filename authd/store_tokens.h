/* store_tokens: tokens from their making to their end. See store.h for what holds for all. */
#ifndef AUTHD_STORE_TOKENS_H
#define AUTHD_STORE_TOKENS_H

#include "authd/store.h"

#define STORE_SOURCE_ID_MAX 32u
#define STORE_JTI_PREFIX_MIN 8u

struct store_token {
	char jti[LIMIT_JTI + 1];
	char user[LIMIT_NAME + 1];
	char participant[LIMIT_PARTICIPANT_ID + 1];
	char room[LIMIT_NAME + 1];
	char source[8]; /* "user", "apikey", "invite" */
	char source_id[STORE_SOURCE_ID_MAX + 1]; /* "" for a user */
	int64_t issued_at, expires_at;
	int64_t revoked_at, consumed_at; /* 0: not */
	char consumed_by[LIMIT_NAME + 1];
	char asked[STORE_JSON_MAX + 1]; /* grants that an API key asked for; "": none */
};

struct store_token_filter {
	const char *room, *user, *source_id; /* NULL: any */
	bool all; /* expired and revoked ones too */
	int64_t now;
};

typedef int (*store_token_fn)(const struct store_token *row, void *arg);

/*
 * Records a token before it leaves the house. In the same transaction: a user must be there and not
 * disabled, an API key not revoked nor over (and its user not an account that is disabled), an
 * invite not revoked, not over and with a use left (which is taken), the room there and not over,
 * and no ban in force for user and room: else ERR_DENIED. *rev: the number of the last revocation
 * before it, for the token's claim "rev".
 * ERR_EXISTS.
 */
int store_token_add(struct store *st, const struct store_actor *who,
	const struct store_token *token, int64_t *rev) MUST_CHECK;
int store_token_list(struct store *st, const struct store_token_filter *filter,
	const struct store_page *page, store_token_fn each, void *arg) MUST_CHECK;
/* ERR_NOT_FOUND. */
int store_token_get(struct store *st, const char *jti, struct store_token *out) MUST_CHECK;
/* One conditional UPDATE: 0 for one caller only, ever. Else ERR_TOKEN_REVOKED, ERR_TOKEN_EXPIRED,
 * ERR_TOKEN_USED, ERR_NOT_FOUND; no audit record then. by: a reflector's or key's name. */
int store_token_consume(struct store *st, const struct store_actor *who, const char *jti,
	const char *by, int64_t now) MUST_CHECK;
/* Revokes the unexpired token whose jti begins with prefix. ERR_NOT_FOUND; ERR_EXISTS when several
 * begin so. Revoking twice is no error and changes nothing. */
int store_token_revoke(struct store *st, const struct store_actor *who, const char *prefix,
	int64_t now, struct store_token *out) MUST_CHECK;
/* Forgets tokens and revocations that ended before the given time; *gone says how many tokens. */
int store_purge(struct store *st, int64_t before, size_t *gone) MUST_CHECK;

#endif
