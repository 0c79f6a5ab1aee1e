/*
 * store: what authd keeps, as domain operations. They stand in one header per noun (store_users.h,
 * store_rooms.h, store_tokens.h ...), are written once, in SQL that every driver of db.h
 * understands, and may be called from any thread.
 *
 * Every change goes through one writer thread, which puts the changes of all callers who wait into
 * one transaction, commits it and then lets them go: a call that returned 0 is durable, and so is
 * its audit record, which is part of the same transaction. Reads have a connection of their own and
 * see what was committed.
 *
 * Times are seconds since the epoch. ERR_STORE from any of them: the database failed, which was
 * logged where it happened; nothing was changed, unless the answer of a commit was lost: that one
 * may hold.
 */
#ifndef AUTHD_STORE_H
#define AUTHD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"
#include "proto/limits.h"

#define STORE_PAGE_MAX 1000u /* rows in one page of a list */
#define STORE_JSON_MAX 4096u /* bytes of a policy or of grants */

struct store;

/* Who does it, for the audit record. */
struct store_actor {
	/* "admin:root", "apikey:shop", "user:alice", "invite:ID", "reflector:r1", "authd" */
	char name[96];
	char address[64]; /* "" for the Unix socket and for authd itself */
	/* Of a reflector: the participant whose doing it was, as the reflector claims; ""
	 * nobody's. It becomes the field moderator of the detail. */
	char moderator[LIMIT_PARTICIPANT_ID + 1];
};

/* One page of a list, in the order of its key: limit rows at most (1 to STORE_PAGE_MAX) with a key
 * behind after ("" for the first page). */
struct store_page {
	const char *after;
	unsigned limit;
};

/*
 * Opens the database and brings its schema up to date. database: "" for SQLite in state_dir, else a
 * postgresql:// URI. ERR_STORE with why.
 */
int store_open(
	struct store **out, const char *state_dir, const char *database, char why[512]) MUST_CHECK;
/* Finishes what is under way. */
void store_close(struct store *st);

/* 0 when the database answers and takes changes. */
int store_check(struct store *st) MUST_CHECK;

/* The time of the database's server; ERR_STATE where it has none of its own (SQLite). */
int store_clock(struct store *st, int64_t *now) MUST_CHECK;

/* Numbers of revocations and policies go on from here where they are lower: a database that was
 * restored from a backup must not give those again that reflectors and tokens know already. */
int store_numbers_raise(struct store *st, int64_t least) MUST_CHECK;

#define STORE_SIZES 9u /* groups of up to 1, 2, 4 ... 256 changes */

struct store_stats {
	uint64_t commits, changes; /* done since the start */
	uint64_t failures; /* changes that the database did not take */
	uint64_t sizes[STORE_SIZES]; /* how many commits had how many changes */
	size_t waiting; /* changes, now */
};

void store_stats(struct store *st, struct store_stats *out);

/* For people and for helioctl doctor: "sqlite" or "postgresql", and the number of the schema. */
const char *store_kind(const struct store *st);
int store_schema(const struct store *st);

/*
 * Calls changed(arg) after every commit, of this process or another one on the same database, that
 * control links have to know of (revocations, policies, reflectors, keys). It may come without
 * need, comes at least every 5 s with PostgreSQL, and runs in a thread of the store: wake somebody
 * and return. Once, before other threads use the store; with changed NULL it ends: no call is under
 * way any more when that returns.
 */
void store_watch(struct store *st, void (*changed)(void *arg), void *arg);

/* The same for every commit of this process that has audit records. */
void store_watch_records(struct store *st, void (*grown)(void *arg), void *arg);

#endif
