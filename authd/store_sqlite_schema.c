/*
 * store_sqlite_schema: the schema as numbered migrations. A migration that was released is never
 * changed; a new one is put behind it. Each runs in a transaction together with its number.
 */
#include "authd/store_sqlite_impl.h"

#include <stdio.h>

static const char *const migrations[] = {
	/* 1: the first schema. revocation.seq is AUTOINCREMENT so that no number is ever given
	 * twice: control links remember the last one they have sent. */
	"CREATE TABLE user (name TEXT PRIMARY KEY, hash TEXT NOT NULL, created_at INTEGER NOT NULL,"
	" disabled INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
	"CREATE TABLE room (name TEXT PRIMARY KEY, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE placement (room TEXT PRIMARY KEY REFERENCES room(name) ON DELETE CASCADE,"
	" reflector TEXT NOT NULL, port INTEGER NOT NULL, placed_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE token (jti TEXT PRIMARY KEY, user TEXT NOT NULL, participant TEXT NOT NULL,"
	" room TEXT NOT NULL, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
	" revoked_at INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
	"CREATE INDEX token_by_expiry ON token (expires_at);"
	"CREATE INDEX token_by_user ON token (user);"
	"CREATE TABLE revocation (seq INTEGER PRIMARY KEY AUTOINCREMENT, jti TEXT NOT NULL,"
	" until INTEGER NOT NULL) STRICT;"
	"CREATE INDEX revocation_by_until ON revocation (until);",
};

#define MIGRATION_COUNT ((int)(sizeof(migrations) / sizeof(migrations[0])))

static int read_version(sqlite3 *db, int *version)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(
		db, "SELECT coalesce(max(number), 0) FROM schema_version", -1, &stmt, NULL);

	if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
		*version = sqlite3_column_int(stmt, 0);
	} else {
		rc = SQLITE_ERROR;
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_OK ? 0 : ERR_STORE;
}

static int apply(sqlite3 *db, int number)
{
	char record[128];

	snprintf(record, sizeof(record), "INSERT INTO schema_version VALUES (%d, unixepoch())",
		number);
	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
		sqlite3_exec(db, migrations[number - 1], NULL, NULL, NULL) == SQLITE_OK &&
		sqlite3_exec(db, record, NULL, NULL, NULL) == SQLITE_OK &&
		sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK) {
		return 0;
	}
	return ERR_STORE;
}

int store_sqlite_migrate(sqlite3 *db, char why[512])
{
	int version = 0;

	if (sqlite3_exec(db,
		    "CREATE TABLE IF NOT EXISTS schema_version"
		    " (number INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT",
		    NULL, NULL, NULL) != SQLITE_OK ||
		read_version(db, &version) != 0) {
		snprintf(why, 512, "its schema cannot be read: %s", sqlite3_errmsg(db));
		return ERR_STORE;
	}
	if (version > MIGRATION_COUNT) {
		snprintf(why, 512,
			"its schema is version %d, this program knows %d: use a newer helio-authd",
			version, MIGRATION_COUNT);
		return ERR_STORE;
	}
	for (int number = version + 1; number <= MIGRATION_COUNT; number++) {
		if (apply(db, number) != 0) {
			snprintf(why, 512, "migration %d failed: %s", number, sqlite3_errmsg(db));
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
			return ERR_STORE;
		}
	}
	return 0;
}
