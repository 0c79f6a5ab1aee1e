/*
 * revocation: who opens no door any more: tokens, users (in a room or everywhere), rooms, API keys
 * and invites, each until its end. Bounded: when it is full the entry with the least time left
 * gives way. Entries of authd have a number; those of moderators, which authd has not recorded yet,
 * have 0.
 */
#ifndef REFLECTOR_REVOCATION_H
#define REFLECTOR_REVOCATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"
#include "proto/limits.h"

#define REVOCATION_MAX 65536u
#define REVOCATION_PAGE 500u /* entries in one revoke message */

enum revocation_kind {
	REVOCATION_TOKEN,
	REVOCATION_USER,
	REVOCATION_ROOM,
	REVOCATION_APIKEY,
	REVOCATION_INVITE,
	REVOCATION_LIFT /* takes the entry back whose number is the id, also one that comes later */
};

struct revocation {
	int64_t seq;
	enum revocation_kind kind;
	char id[LIMIT_PARTICIPANT_ID + 1];
	char room[LIMIT_NAME + 1]; /* in this room only; "": everywhere */
	bool ban; /* every token until the end; false: those with rev < seq */
	int64_t until; /* seconds since the epoch */
};

/* What a token or a session is known by. Borrows. */
struct revocation_subject {
	const char *jti, *user, *room, *source;
	int64_t rev;
};

struct revocation_entry;

struct revocation_table {
	struct revocation_entry **by_id; /* buckets: kind and id */
	struct revocation_entry **by_seq; /* buckets: number */
	struct revocation_entry **heap; /* all, the one that ends first at the top */
	size_t count, room_for;
	size_t max;
};

int revocation_init(struct revocation_table *table, size_t max) MUST_CHECK;
void revocation_finish(struct revocation_table *table);

/* Adds, or replaces the entry of the same number. What was lifted is passed over; what has ended
 * (until <= now) is kept while there is room, for the clock may go back. ERR_FULL: added, but
 * another one had to give way; ERR_NOMEM: not added. */
int revocation_add(
	struct revocation_table *table, const struct revocation *entry, int64_t now) MUST_CHECK;
/* 0, ERR_TOKEN_REVOKED or ERR_BANNED. */
int revocation_check(const struct revocation_table *table, const struct revocation_subject *subject,
	int64_t now) MUST_CHECK;
void revocation_expire(struct revocation_table *table, int64_t now);
/* The one at this place, in no order; at < count. */
const struct revocation *revocation_at(const struct revocation_table *table, size_t at);

/* One entry of a revoke message. ERR_BAD_FIELD. */
int revocation_read(struct revocation *entry, const json_t *item) MUST_CHECK;
/* As revocation_check() for this one entry, in the table or not. */
int revocation_meets(
	const struct revocation *entry, const struct revocation_subject *subject) MUST_CHECK;

/* Adds what a revoke message lists. ERR_BAD_FIELD: nothing was added. ERR_FULL as above. */
int revocation_add_message(
	struct revocation_table *table, const json_t *msg, int64_t now) MUST_CHECK;

/* Calls send with one revoke message per page of all entries, in the order of their numbers; stops
 * at its first failure. */
int revocation_each_page(const struct revocation_table *table,
	int (*send)(const json_t *msg, void *user), void *user) MUST_CHECK;

#endif
