/*
 * store_revocations: what may not come in any more: the numbered list that control links carry to
 * every reflector. See store.h for what holds for all.
 */
#ifndef AUTHD_STORE_REVOCATIONS_H
#define AUTHD_STORE_REVOCATIONS_H

#include "authd/store.h"

#define STORE_BAN_SAME_S 5

struct store_txn;

struct store_revocation {
	int64_t seq; /* grows with every entry and is never given twice */
	char kind[8]; /* "token", "user", "room", "apikey", "invite", "lift" */
	char id[LIMIT_PARTICIPANT_ID + 1]; /* of what: jti, name, id; of a lift: the number */
	char room[LIMIT_NAME + 1]; /* user, apikey: in this room only; "": everywhere */
	/* false: tokens made before this entry (claim rev < seq). true: every token, and no new one
	 * is issued, until the end. */
	bool ban;
	int64_t until; /* when the entry ends; without a ban when the last token it meets ends */
	int64_t created_at;
	char reason[LIMIT_DISPLAY_NAME + 1]; /* for people */
};

typedef int (*store_revocation_fn)(const struct store_revocation *row, void *arg);

/* Adds the entry (seq is given) and marks the tokens it meets as revoked; *revoked: how many. Every
 * room that one of them is for begins a new epoch of its media key in the same change. until
 * 0 without a ban: the end of the last token it meets. ERR_NOT_FOUND: no such user, room, key or
 * invite (a user of an API key needs not to be known: kind "user" is taken as it is). */
int store_revocation_add(struct store *st, const struct store_actor *who,
	struct store_revocation *entry, int64_t now, size_t *revoked) MUST_CHECK;
/* The same for a ban that several may report, each by its own clock: ERR_EXISTS when one of the
 * same is there that ends STORE_BAN_SAME_S earlier at most. */
int store_revocation_add_once(struct store *st, const struct store_actor *who,
	struct store_revocation *entry, int64_t now, size_t *revoked) MUST_CHECK;
/* Whoever came with this token was sent away without a ban: all that its user holds for that room
 * ends, for another of them would give the room's next media key as well. Done once, however many
 * report it. ERR_NOT_FOUND: no such token. */
int store_revocation_kick(struct store *st, const struct store_actor *who, const char *jti,
	const char *reason, int64_t now) MUST_CHECK;
/* Ends a ban (or any entry) before its time. ERR_NOT_FOUND. */
int store_revocation_lift(
	struct store *st, const struct store_actor *who, int64_t seq, int64_t now) MUST_CHECK;
/* Entries with seq > after that have not ended by now, limit at most, in the order of seq. */
int store_revocation_list(struct store *st, int64_t after, int64_t now, unsigned limit,
	store_revocation_fn each, void *arg) MUST_CHECK;

/* The same inside a change of another kind (a user that is disabled), which writes the record. */
int store_revocation_put(struct store_txn *txn, const struct store_actor *who,
	struct store_revocation *entry, int64_t now, size_t *revoked) MUST_CHECK;

#endif
