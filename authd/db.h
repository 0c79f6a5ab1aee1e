/*
 * db: one connection to a database, behind a table of driver operations: SQLite (db_sqlite.c) or
 * PostgreSQL (db_pgsql.c). The SQL is the same text for both: the part they share, with $1, $2 ...
 * for values, ON CONFLICT, RETURNING; integers (BIGINT) and text only. What one statement means
 * must not differ between them; tests/unit/test_authd_store.c runs everything against both.
 *
 * A connection belongs to one thread at a time. Every call answers 0 or ERR_STORE, which was logged
 * where it happened (rate-limited), unless something else is said.
 */
#ifndef AUTHD_DB_H
#define AUTHD_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

#define DB_WHY_SIZE 512u
#define DB_PARAMS_MAX 16u

struct db;
struct db_row; /* one row of a result; valid inside the callback */

enum db_type { DB_INT, DB_TEXT };

/* text may be NULL (SQL's NULL); it is UTF-8 and borrowed until the call returns. */
struct db_value {
	enum db_type type;
	int64_t integer;
	const char *text;
};

#define DB_I(value) ((struct db_value){ DB_INT, (int64_t)(value), NULL })
#define DB_T(value) ((struct db_value){ DB_TEXT, 0, (value) })

/* Not 0 ends the statement, and db_run() answers it. May not use the connection. */
typedef int (*db_row_fn)(const struct db_row *row, void *arg);

struct db_ops {
	void (*close)(struct db *db);
	/* Prepared at the first use and kept by the address of sql: pass string literals. */
	int (*run)(struct db *db, const char *sql, const struct db_value *values, size_t count,
		db_row_fn each, void *arg, int64_t *changed);
	/* Several statements without values. Columns made as TEXT compare by their bytes, whatever
	 * the language of the database. */
	int (*script)(struct db *db, const char *sql);
	/* A transaction that writes: serialised against every other writer of this database, in
	 * this process or another (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock). */
	int (*begin)(struct db *db);
	/* Durable when it returns 0. PostgreSQL: when the connection is lost in the middle of it,
	 * ERR_STORE can mean that it was committed all the same. */
	int (*commit)(struct db *db);
	void (*rollback)(struct db *db);
	/* Tells everybody who watches this database, at the commit (PostgreSQL: NOTIFY). */
	int (*notify)(struct db *db);
	int64_t (*row_int)(const struct db_row *row, unsigned column);
	const char *(*row_text)(const struct db_row *row, unsigned column); /* "" for NULL */
};

/* The drivers embed it as their first member. */
struct db {
	const struct db_ops *ops;
};

/* file is made with mode 0600 when it is not there. WAL, synchronous FULL, foreign keys on. why
 * says what, why and what to do. */
int db_sqlite_open(struct db **out, const char *file, char why[DB_WHY_SIZE]) MUST_CHECK;

/* conninfo: a libpq connection string or URI. A connection that was lost is made anew by the next
 * begin() or by a run() outside of a transaction; what was under way fails with ERR_STORE. */
int db_pgsql_open(struct db **out, const char *conninfo, char why[DB_WHY_SIZE]) MUST_CHECK;

/* Waits up to timeout_ms for a notification of another connection (LISTEN); *notified says whether
 * one came. A wait can end early. ERR_STORE when the connection is away: ask the tables. */
int db_pgsql_wait(struct db *db, int timeout_ms, bool *notified) MUST_CHECK;

static inline void db_close(struct db *db)
{
	if (db != NULL) {
		db->ops->close(db);
	}
}

#endif
