/*
 * store_sqlite_impl: what the files of the SQLite store share; nobody else includes it (its unit
 * test does, to make the disk look full).
 */
#ifndef AUTHD_STORE_SQLITE_IMPL_H
#define AUTHD_STORE_SQLITE_IMPL_H

#include <pthread.h>
#include <sqlite3.h>
#include <time.h>

#include "authd/store.h"

/* Prepared once at the opening; the SQL stands in store_sqlite.c in the same order. */
enum store_sqlite_stmt {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_CHECK,
	SQL_USER_ADD,
	SQL_USER_GET,
	SQL_USER_LIST,
	SQL_USER_SET_HASH,
	SQL_USER_SET_DISABLED,
	SQL_USER_REVOKE,
	SQL_USER_REVOKE_MARK,
	SQL_ROOM_ADD,
	SQL_ROOM_GET,
	SQL_ROOM_LIST,
	SQL_PLACE_SET,
	SQL_PLACE_COUNTS,
	SQL_TOKEN_ADD,
	SQL_TOKEN_LIST,
	SQL_TOKEN_FIND,
	SQL_TOKEN_REVOKE_MARK,
	SQL_REVOCATION_ADD,
	SQL_REVOCATION_LIST,
	SQL_PURGE_TOKENS,
	SQL_PURGE_REVOCATIONS,
	SQL_COUNT
};

struct store_sqlite {
	struct store base; /* first */
	sqlite3 *db;
	pthread_mutex_t mutex; /* guards db and stmts */
	sqlite3_stmt *stmts[SQL_COUNT];
	time_t logged_at; /* of the last failure in the log */
};

static inline struct store_sqlite *store_sqlite_of(struct store *st)
{
	return (struct store_sqlite *)(void *)st;
}

/* Locks the mutex and begins a transaction; on failure it is unlocked again. */
int store_sqlite_begin(struct store_sqlite *s) MUST_CHECK;
/* Commits when err is 0, else takes everything back; unlocks; answers what came of it. */
int store_sqlite_finish(struct store_sqlite *s, int err) MUST_CHECK;

/* Runs a statement without rows, with the mutex held. format: 's' const char * (may be NULL), 'i'
 * int64_t, for ?1, ?2 ... ERR_EXISTS for a broken constraint, ERR_STORE. */
int store_sqlite_run(
	struct store_sqlite *s, enum store_sqlite_stmt id, const char *format, ...) MUST_CHECK;
/* Runs a query, with the mutex held, and hands each row to each(). */
int store_sqlite_each(struct store_sqlite *s, enum store_sqlite_stmt id,
	int (*each)(sqlite3_stmt *, void *), void *arg, const char *format, ...) MUST_CHECK;
void store_sqlite_text(sqlite3_stmt *stmt, int col, char *out, size_t size);

/* The operations of store_ops: store_sqlite_names.c and store_sqlite_tokens.c. */
int store_sqlite_user_add(struct store *st, const struct store_user *user);
int store_sqlite_user_get(struct store *st, const char *name, struct store_user *out);
int store_sqlite_user_list(struct store *st, store_user_fn each, void *arg);
int store_sqlite_user_set_hash(struct store *st, const char *name, const char *hash);
int store_sqlite_user_set_disabled(
	struct store *st, const char *name, bool disabled, int64_t now, size_t *revoked);
int store_sqlite_room_add(struct store *st, const char *name, int64_t now);
int store_sqlite_room_get(struct store *st, const char *name, struct store_room *out);
int store_sqlite_room_list(struct store *st, store_room_fn each, void *arg);
int store_sqlite_place_set(
	struct store *st, const char *room, const char *reflector, uint16_t port, int64_t now);
int store_sqlite_place_counts(struct store *st, store_place_fn each, void *arg);
int store_sqlite_token_add(struct store *st, const struct store_token *t);
int store_sqlite_token_list(
	struct store *st, const struct store_token_filter *f, store_token_fn each, void *arg);
int store_sqlite_token_revoke(
	struct store *st, const char *prefix, int64_t now, struct store_token *out);
int store_sqlite_revocation_list(
	struct store *st, int64_t after, int64_t now, store_revocation_fn each, void *arg);
int store_sqlite_purge(struct store *st, int64_t before, size_t *gone);

/* Creates what is missing, migration by migration. ERR_STORE with why. */
int store_sqlite_migrate(sqlite3 *db, char why[512]) MUST_CHECK;

#endif
