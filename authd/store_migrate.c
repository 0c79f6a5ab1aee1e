/*
 * store_migrate: brings a database to the newest schema; all that is missing comes in one
 * transaction, with the numbers. Must never touch a database that is newer than the program, or
 * somebody else's.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "authd/store_core.h"
#include "authd/store_schema.h"

struct answer {
	struct db *db;
	int64_t value;
};

static int take_int(const struct db_row *row, void *arg)
{
	struct answer *answer = arg;

	answer->value = answer->db->ops->row_int(row, 0);
	return 0;
}

static int ask(struct db *db, const char *sql, int64_t *value)
{
	struct answer answer = { .db = db };
	int err = db->ops->run(db, sql, NULL, 0, take_int, &answer, NULL);

	*value = answer.value;
	return err;
}

int store_migrate_check_old(struct db *db, char why[DB_WHY_SIZE])
{
	int64_t old = 0;
	int err = ask(db, "SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'", &old);

	if (err == 0 && old == 0) {
		return 0;
	}
	snprintf(why, DB_WHY_SIZE, "%s",
		err != 0
			? "its tables cannot be read: it is damaged, or no database: restore it"
			  " from a backup, or move it away to begin anew"
			: "its tables are those of a development version: they have no audit record"
			  " and cannot be taken over: move it away, then add users and rooms again");
	return ERR_STORE;
}

static int apply(struct db *db, int number)
{
	const struct db_value values[] = { DB_I(number), DB_I(time(NULL)) };
	int err = db->ops->script(db, store_migrations[number - 1]);

	if (err == 0) {
		err = db->ops->run(db,
			"INSERT INTO schema_migration (number, applied_at) VALUES ($1, $2)", values,
			2, NULL, NULL, NULL);
	}
	return err;
}

/* Inside the transaction: several authd may start on an empty database at once. */
static int migrate(struct db *db, char why[DB_WHY_SIZE])
{
	int64_t number = 0;
	int err = db->ops->script(db,
		"CREATE TABLE IF NOT EXISTS schema_migration"
		" (number BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL);");

	if (err == 0) {
		err = ask(db, "SELECT coalesce(max(number), 0) FROM schema_migration", &number);
	}
	if (err == 0 && number > store_migration_count) {
		snprintf(why, DB_WHY_SIZE,
			"its schema is number %lld, this program knows %d: use a newer helio-authd",
			(long long)number, store_migration_count);
		return ERR_STORE;
	}
	for (int next = (int)number + 1; err == 0 && next <= store_migration_count; next++) {
		err = apply(db, next);
		if (err != 0) {
			snprintf(why, DB_WHY_SIZE,
				"migration %d failed: the log says why: correct that and start again",
				next);
		}
	}
	return err;
}

int store_migrate(struct db *db, int *schema, char why[DB_WHY_SIZE])
{
	snprintf(why, DB_WHY_SIZE,
		"its schema cannot be read or made: the log says why: check space and rights");
	int err = db->ops->begin(db);
	if (err == 0) {
		err = migrate(db, why);
	}
	if (err == 0) {
		err = db->ops->commit(db);
	}
	if (err != 0) {
		db->ops->rollback(db);
		return ERR_STORE;
	}
	*schema = store_migration_count;
	return 0;
}
