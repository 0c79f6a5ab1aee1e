/*
 * store_sqlite_impl: what the two files of the SQLite store share; nobody else includes it (its unit
 * test does, to make the disk look full).
 */
#ifndef AUTHD_STORE_SQLITE_IMPL_H
#define AUTHD_STORE_SQLITE_IMPL_H

#include <pthread.h>
#include <sqlite3.h>

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
};

/* Creates what is missing, migration by migration. ERR_STORE with why. */
int store_sqlite_migrate(sqlite3 *db, char why[512]) MUST_CHECK;

#endif
