/*
 * store: opens a database of either kind, and what all operations stand on: statements, readings,
 * counters, the watch. Domain operations are in store_*.c, the writer thread in store_writer.c.
 */
#include "authd/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/store_core.h"
#include "common/clock.h"
#include "common/log.h"

#define WATCH_STEP_MS 250
#define WATCH_EVERY_MS 5000
#define CHECK_EVERY_MS 1000

/* ---- opening and closing ---- */

/* The two connections, and for PostgreSQL one that waits for notifications. */
static int connect_sqlite(struct store *st, const char *state_dir, char why[DB_WHY_SIZE])
{
	char file[4096], reason[DB_WHY_SIZE];
	int n = snprintf(file, sizeof(file), "%s/authd.sqlite", state_dir);

	st->kind = "sqlite";
	if (n < 0 || (size_t)n >= sizeof(file)) {
		snprintf(why, DB_WHY_SIZE, "state-dir is too long: use a shorter path");
		return ERR_STORE;
	}
	int err = db_sqlite_open(&st->writer, file, why);
	if (err == 0) {
		err = store_migrate_check_old(st->writer, reason);
		if (err == 0) {
			err = store_migrate(st->writer, &st->schema, reason);
		}
		if (err != 0) {
			snprintf(why, DB_WHY_SIZE, "%.200s: %.300s", file, reason);
		}
	}
	return err != 0 ? err : db_sqlite_open(&st->reader, file, why);
}

static int connect_pgsql(struct store *st, const char *database, char why[DB_WHY_SIZE])
{
	char reason[DB_WHY_SIZE];
	int err = db_pgsql_open(&st->writer, database, why);

	st->kind = "postgresql";
	if (err == 0) {
		err = store_migrate(st->writer, &st->schema, reason);
		if (err != 0) {
			snprintf(why, DB_WHY_SIZE, "the database: %.400s", reason);
		}
	}
	if (err == 0) {
		err = db_pgsql_open(&st->reader, database, why);
	}
	return err != 0 ? err : db_pgsql_open(&st->watcher, database, why);
}

static bool is_pgsql(const char *database)
{
	return strncmp(database, "postgresql://", 13) == 0 ||
		strncmp(database, "postgres://", 11) == 0;
}

static int connect_any(
	struct store *st, const char *state_dir, const char *database, char why[DB_WHY_SIZE])
{
	if (is_pgsql(database)) {
		return connect_pgsql(st, database, why);
	}
	if (database[0] == '\0') {
		return connect_sqlite(st, state_dir, why);
	}
	snprintf(why, DB_WHY_SIZE,
		"the setting database is neither empty nor a URI: SQLite has none: leave it out, or"
		" write postgresql://USER@HOST/NAME");
	return ERR_STORE;
}

int store_open(struct store **out, const char *state_dir, const char *database, char why[512])
{
	struct store *st = calloc(1, sizeof(*st));

	if (st == NULL) {
		snprintf(why, DB_WHY_SIZE, "out of memory");
		return ERR_STORE;
	}
	pthread_mutex_init(&st->read_mutex, NULL);
	pthread_mutex_init(&st->mutex, NULL);
	pthread_mutex_init(&st->watch_mutex, NULL);
	pthread_cond_init(&st->more, NULL);
	pthread_cond_init(&st->space, NULL);
	list_init(&st->waiting);
	int err = connect_any(st, state_dir, database, why);
	if (err == 0 && store_writer_start(st) != 0) {
		snprintf(why, DB_WHY_SIZE, "no thread can be started: check the limit on threads");
		err = ERR_STORE;
	}
	if (err != 0) {
		store_close(st);
		return ERR_STORE;
	}
	*out = st;
	return 0;
}

void store_close(struct store *st)
{
	if (st == NULL) {
		return;
	}
	store_writer_stop(st);
	if (st->watching) {
		pthread_mutex_lock(&st->mutex);
		st->stop = true;
		pthread_mutex_unlock(&st->mutex);
		pthread_join(st->watch_thread, NULL);
	}
	db_close(st->watcher);
	db_close(st->reader);
	db_close(st->writer);
	pthread_cond_destroy(&st->space);
	pthread_cond_destroy(&st->more);
	pthread_mutex_destroy(&st->watch_mutex);
	pthread_mutex_destroy(&st->mutex);
	pthread_mutex_destroy(&st->read_mutex);
	free(st);
}

const char *store_kind(const struct store *st)
{
	return st->kind;
}

int store_schema(const struct store *st)
{
	return st->schema;
}

/* ---- statements ---- */

int store_read(struct store *st, store_work work, void *arg)
{
	struct store_txn txn = { .db = st->reader };

	pthread_mutex_lock(&st->read_mutex);
	int err = work(&txn, arg);
	pthread_mutex_unlock(&st->read_mutex);
	return err;
}

/* What each() answers is no failure of the database, so that is told apart. */
struct each_row {
	db_row_fn each;
	void *arg;
	int err;
};

static int hand_on(const struct db_row *row, void *arg)
{
	struct each_row *e = arg;

	e->err = e->each(row, e->arg);
	return e->err;
}

int store_run(struct store_txn *txn, const char *sql, const struct db_value *values, size_t count,
	db_row_fn each, void *arg)
{
	struct each_row e = { each, arg, 0 };
	int err = txn->db->ops->run(
		txn->db, sql, values, count, each != NULL ? hand_on : NULL, &e, &txn->changed);

	txn->touched = txn->touched || txn->changed > 0;
	if (err != 0 && e.err == 0) {
		txn->failed = true;
		return ERR_STORE;
	}
	return err;
}

int64_t store_changed(const struct store_txn *txn)
{
	return txn->changed;
}

int64_t store_row_int(const struct store_txn *txn, const struct db_row *row, unsigned column)
{
	return txn->db->ops->row_int(row, column);
}

void store_row_text(const struct store_txn *txn, const struct db_row *row, unsigned column,
	char *out, size_t size)
{
	snprintf(out, size, "%s", txn->db->ops->row_text(row, column));
}

struct number {
	const struct store_txn *txn;
	int64_t value;
};

static int take_number(const struct db_row *row, void *arg)
{
	struct number *n = arg;

	n->value = store_row_int(n->txn, row, 0);
	return 0;
}

int store_next(struct store_txn *txn, const char *counter, int64_t *number)
{
	struct number n = { .txn = txn };
	int err = store_run(txn,
		"UPDATE counter SET value = value + 1 WHERE name = $1 RETURNING value",
		STORE_VALUES(DB_T(counter)), take_number, &n);

	if (err == 0 && n.value == 0) {
		txn->failed = true; /* somebody took the counter away */
		return ERR_STORE;
	}
	*number = n.value;
	return err;
}

static int raise_numbers(struct store_txn *txn, void *arg)
{
	const int64_t *least = arg;

	return store_run(txn,
		"UPDATE counter SET value = $1 WHERE name IN ('revocation', 'policy')"
		" AND value < $1",
		STORE_VALUES(DB_I(*least)), NULL, NULL);
}

int store_numbers_raise(struct store *st, int64_t least)
{
	return store_write(st, raise_numbers, &least);
}

void store_wake(struct store_txn *txn)
{
	txn->wake = true;
}

/* ---- does it take changes ---- */

static int touch(struct store_txn *txn, void *arg)
{
	char text[24];

	(void)arg;
	snprintf(text, sizeof(text), "%lld", (long long)time(NULL));
	return store_run(txn,
		"INSERT INTO setting (name, value) VALUES ('checked-at', $1)"
		" ON CONFLICT (name) DO UPDATE SET value = $1",
		STORE_VALUES(DB_T(text)), NULL, NULL);
}

static int look(struct store_txn *txn, void *arg)
{
	struct number n = { .txn = txn };

	(void)arg;
	return store_run(txn, "SELECT count(*) FROM counter", NULL, 0, take_number, &n);
}

/* Strangers may ask, so no more than one change a second is made for it. */
int store_check(struct store *st)
{
	pthread_mutex_lock(&st->mutex);
	int64_t now = (int64_t)clock_now_ms();
	bool fresh = st->checked_ms != 0 && now - st->checked_ms < CHECK_EVERY_MS;
	pthread_mutex_unlock(&st->mutex);
	int err = fresh ? 0 : store_write(st, touch, NULL);
	return err != 0 ? err : store_read(st, look, NULL);
}

static int ask_clock(struct store_txn *txn, void *arg)
{
	struct number n = { .txn = txn };
	int err = store_run(txn, "SELECT CAST(extract(epoch FROM clock_timestamp()) AS bigint)",
		NULL, 0, take_number, &n);

	*(int64_t *)arg = n.value;
	return err;
}

/* The only statement that one of the databases alone understands. */
int store_clock(struct store *st, int64_t *now)
{
	return st->watcher != NULL ? store_read(st, ask_clock, now) : ERR_STATE;
}

void store_stats(struct store *st, struct store_stats *out)
{
	pthread_mutex_lock(&st->mutex);
	*out = st->stats;
	out->waiting = st->waiting_count;
	pthread_mutex_unlock(&st->mutex);
}

/* ---- the watch ---- */

static bool stopping(struct store *st)
{
	pthread_mutex_lock(&st->mutex);
	bool stop = st->stop;
	pthread_mutex_unlock(&st->mutex);
	return stop;
}

static void nap(int ms)
{
	const struct timespec ts = { .tv_nsec = ms * 1000000L };

	(void)nanosleep(&ts, NULL);
}

/* With watch_mutex, so that whoever ends the watch knows that no call is under way. */
void store_changed_tell(struct store *st, struct store_news news)
{
	pthread_mutex_lock(&st->watch_mutex);
	if (news.links && st->watch_fn != NULL) {
		st->watch_fn(st->watch_arg);
	}
	if (news.records && st->records_fn != NULL) {
		st->records_fn(st->records_arg);
	}
	pthread_mutex_unlock(&st->watch_mutex);
}

static void *watch(void *arg)
{
	struct store *st = arg;
	uint64_t told_ms = 0;

	while (!stopping(st)) {
		bool notified = false;

		if (db_pgsql_wait(st->watcher, WATCH_STEP_MS, &notified) != 0) {
			nap(WATCH_STEP_MS);
		}
		if (notified || clock_now_ms() - told_ms >= WATCH_EVERY_MS) {
			told_ms = clock_now_ms();
			store_changed_tell(st, (struct store_news){ .links = true });
		}
	}
	return NULL;
}

void store_watch_records(struct store *st, void (*grown)(void *arg), void *arg)
{
	pthread_mutex_lock(&st->watch_mutex);
	st->records_fn = grown;
	st->records_arg = arg;
	pthread_mutex_unlock(&st->watch_mutex);
}

void store_watch(struct store *st, void (*changed)(void *arg), void *arg)
{
	pthread_mutex_lock(&st->watch_mutex);
	st->watch_fn = changed;
	st->watch_arg = arg;
	pthread_mutex_unlock(&st->watch_mutex);
	if (changed != NULL && st->watcher != NULL && !st->watching) {
		st->watching = pthread_create(&st->watch_thread, NULL, watch, st) == 0;
		if (!st->watching) {
			log_event(LOG_LEVEL_ERROR, "store-watch",
				LOG_STR("why", "no thread can be started"));
		}
	}
}
