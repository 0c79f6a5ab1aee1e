/*
 * store_txn: what the store_*.c files work with: a transaction of the writer thread, or the reading
 * connection. Nobody else includes it.
 */
#ifndef AUTHD_STORE_TXN_H
#define AUTHD_STORE_TXN_H

#include <jansson.h>

#include "authd/db.h"
#include "authd/store.h"

struct store_txn;

/*
 * One change (or one reading). Not 0 takes back all it did and is answered to the caller. It can be
 * run a second time after a failure of others in the same transaction, so it sets its results anew
 * each time. It may not wait for anything but the database.
 */
typedef int (*store_work)(struct store_txn *txn, void *arg);

/* Runs work in the writer thread and returns after the commit. ERR_FULL is never seen: it waits
 * while 1,024 others are before it. */
int store_write(struct store *st, store_work work, void *arg) MUST_CHECK;
/* Runs work on the reading connection in the caller's thread; others wait meanwhile, so a list is
 * read in pages. */
int store_read(struct store *st, store_work work, void *arg) MUST_CHECK;

/* One statement; values as DB_I() and DB_T(). each may be NULL. */
int store_run(struct store_txn *txn, const char *sql, const struct db_value *values, size_t count,
	db_row_fn each, void *arg) MUST_CHECK;
/* Rows that the last statement changed (or its RETURNING gave). */
int64_t store_changed(const struct store_txn *txn);
#define STORE_VALUES(...)                                                                          \
	((const struct db_value[]){ __VA_ARGS__ }),                                                \
		(sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value))

int64_t store_row_int(const struct store_txn *txn, const struct db_row *row, unsigned column);
/* Copies with a NUL; what does not fit is cut. */
void store_row_text(const struct store_txn *txn, const struct db_row *row, unsigned column,
	char *out, size_t size);

/* The next number of a counter ("revocation", "policy", "audit"): never given twice, and in the
 * order of commits. */
int store_next(struct store_txn *txn, const char *counter, int64_t *number) MUST_CHECK;

/*
 * The audit record of this change: action "token.issue", object what it was done to; detail (may be
 * NULL; borrowed) an object without secrets, and without what says nothing. Every change calls it,
 * in the same work.
 */
int store_audit(struct store_txn *txn, const struct store_actor *who, const char *action,
	const char *object, const json_t *detail) MUST_CHECK;

/* Stored JSON (a policy, grants, a list) as it stands in a record; a string when it is none. NULL:
 * out of memory. */
json_t *store_audit_json(const char *text) MUST_CHECK;
/* The same, but NULL for an empty object as well: for "s:o*". */
json_t *store_audit_json_or_none(const char *text) MUST_CHECK;

/* Control links have to know of this change: see store_watch(). */
void store_wake(struct store_txn *txn);

#endif
