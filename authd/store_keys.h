/* store_keys: the public halves of signing keys, of every authd on this database. See store.h. */
#ifndef AUTHD_STORE_KEYS_H
#define AUTHD_STORE_KEYS_H

#include "authd/store.h"

struct store_key {
	char kid[44]; /* RFC 7638 thumbprint */
	char x[44]; /* the Ed25519 public key, base64url */
	int64_t created_at;
	int64_t active_at; /* signs from then on; published before */
	int64_t retired_at; /* signs no more from then on; published until its tokens and invites
			       ended; 0: not */
};

typedef int (*store_key_fn)(const struct store_key *row, void *arg);

/* New, or the times of one that is there; wakes the links. */
int store_key_put(
	struct store *st, const struct store_actor *who, const struct store_key *key) MUST_CHECK;
int store_key_list(struct store *st, store_key_fn each, void *arg) MUST_CHECK; /* by created_at */
int store_key_delete(struct store *st, const struct store_actor *who,
	const char *kid) MUST_CHECK; /* ERR_NOT_FOUND */
/* Whether a token or invite that was made until then is still good: its key must stay published. */
int store_key_needed(struct store *st, int64_t made_until, int64_t now, bool *needed) MUST_CHECK;

#endif
