/*
 * test_authd_db: what db.h promises, on both drivers; what only PostgreSQL can do (a connection
 * that goes away, notifications) behind it. tests/unit/test_authd_db.sh starts the server.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/db.h"
#include "common/clock.h"
#include "common/log.h"

#define VALUES(...)                                                                                \
	((const struct db_value[]){ __VA_ARGS__ }),                                                \
		(sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value))
#define NONE NULL, 0

struct fixture {
	const char *kind;
	struct db *db, *other;
};

static int open_db(const char *kind, struct db **out)
{
	char why[DB_WHY_SIZE] = "", file[256];

	if (strcmp(kind, "pgsql") == 0) {
		int err = db_pgsql_open(out, getenv("HELIO_TEST_PG"), why);
		assert_string_equal(why, "");
		return err;
	}
	(void)snprintf(file, sizeof(file), "%s/test.sqlite", getenv("HELIO_TEST_DIR"));
	return db_sqlite_open(out, file, why);
}

static int exec(struct db *db, const char *sql)
{
	return db->ops->run(db, sql, NULL, 0, NULL, NULL, NULL);
}

static int set_up(void **state, const char *kind)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->kind = kind;
	assert_int_equal(open_db(kind, &f->db), 0);
	assert_int_equal(open_db(kind, &f->other), 0);
	assert_int_equal(f->db->ops->script(f->db,
				 "DROP TABLE IF EXISTS t;"
				 "CREATE TABLE t (k TEXT PRIMARY KEY, n BIGINT, s TEXT);"
				 "CREATE INDEX t_by_n ON t (n);"),
		0);
	*state = f;
	return 0;
}

static int set_up_sqlite(void **state)
{
	return set_up(state, "sqlite");
}

static int set_up_pgsql(void **state)
{
	return set_up(state, "pgsql");
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	db_close(f->db);
	db_close(f->other);
	free(f);
	return 0;
}

/* The rows as "text|text;" */
struct rows {
	struct db *db;
	unsigned columns;
	char text[1024];
	int64_t last;
};

static int take_row(const struct db_row *row, void *arg)
{
	struct rows *rows = arg;

	for (unsigned i = 0; i < rows->columns; i++) {
		size_t used = strlen(rows->text);
		(void)snprintf(rows->text + used, sizeof(rows->text) - used, "%s%s",
			rows->db->ops->row_text(row, i), i + 1 < rows->columns ? "|" : ";");
	}
	rows->last = rows->db->ops->row_int(row, 0);
	return 0;
}

static int query(struct rows *rows, struct db *db, unsigned columns, const char *sql,
	const struct db_value *values, size_t count)
{
	*rows = (struct rows){ .db = db, .columns = columns };
	return db->ops->run(db, sql, values, count, take_row, rows, NULL);
}

static int64_t count_rows(struct db *db)
{
	struct rows rows;

	assert_int_equal(query(&rows, db, 1, "SELECT count(*) FROM t", NONE), 0);
	return rows.last;
}

static int add(struct db *db, const char *k, int64_t n, const char *s, int64_t *changed)
{
	return db->ops->run(db,
		"INSERT INTO t (k, n, s) VALUES ($1, $2, $3) ON CONFLICT (k) DO NOTHING",
		VALUES(DB_T(k), DB_I(n), DB_T(s)), NULL, NULL, changed);
}

static void values_come_back(void **state)
{
	struct fixture *f = *state;
	struct rows rows;
	int64_t changed;

	static const char odd[] = "it's \"quoted\"; $1 \\ \xc3\xa9";
	assert_int_equal(add(f->db, "a", INT64_MIN, odd, &changed), 0);
	assert_int_equal(changed, 1);
	assert_int_equal(add(f->db, "b", INT64_MAX, NULL, &changed), 0);
	assert_int_equal(add(f->db, "b", 1, "again", &changed), 0);
	assert_int_equal(changed, 0);
	assert_int_equal(query(&rows, f->db, 3, "SELECT k, n, s FROM t ORDER BY k", NONE), 0);
	assert_string_equal(rows.text,
		"a|-9223372036854775808|it's \"quoted\"; $1 \\ \xc3\xa9;b|9223372036854775807|;");
	assert_int_equal(query(&rows, f->db, 1, "SELECT n FROM t WHERE s IS NULL", NONE), 0);
	assert_true(rows.last == INT64_MAX);
	/* A value that may be missing. */
	static const char any[] = "SELECT k FROM t"
				  " WHERE ($1 IS NULL OR s = $1) AND n > $2 ORDER BY k";
	assert_int_equal(query(&rows, f->db, 1, any, VALUES(DB_T(NULL), DB_I(0))), 0);
	assert_string_equal(rows.text, "b;");
	assert_int_equal(query(&rows, f->db, 1, any, VALUES(DB_T("x"), DB_I(0))), 0);
	assert_string_equal(rows.text, "");
	/* A comparison is 1 or 0. */
	assert_int_equal(query(&rows, f->db, 1, "SELECT n > 0 FROM t WHERE k = 'b'", NONE), 0);
	assert_int_equal(rows.last, 1);
	assert_int_equal(query(&rows, f->db, 1, "SELECT n > 0 FROM t WHERE k = 'a'", NONE), 0);
	assert_int_equal(rows.last, 0);
}

static void changes_are_counted(void **state)
{
	struct fixture *f = *state;
	struct rows rows;
	int64_t changed = 9;

	for (int i = 0; i < 5; i++) {
		char key[8];
		(void)snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(add(f->db, key, i, "", NULL), 0);
	}
	assert_int_equal(f->db->ops->run(f->db, "UPDATE t SET n = n + $1 WHERE n >= $2",
				 VALUES(DB_I(10), DB_I(3)), NULL, NULL, &changed),
		0);
	assert_int_equal(changed, 2);
	rows = (struct rows){ .db = f->db, .columns = 1 };
	assert_int_equal(f->db->ops->run(f->db, "UPDATE t SET n = 0 WHERE n > 10 RETURNING k", NONE,
				 take_row, &rows, &changed),
		0);
	assert_int_equal(changed, 2);
	assert_int_equal(f->db->ops->run(f->db, "DELETE FROM t WHERE k = 'nobody'", NONE, NULL,
				 NULL, &changed),
		0);
	assert_int_equal(changed, 0);
	assert_int_equal(f->db->ops->run(f->db,
				 "INSERT INTO t (k, n) VALUES ('k0', 5)"
				 " ON CONFLICT (k) DO UPDATE SET n = t.n + 7 RETURNING n",
				 NONE, take_row, &rows, &changed),
		0);
	assert_int_equal(changed, 1);
	assert_int_equal(rows.last, 7);
}

/* By bytes, whatever language the database is in. */
static void text_is_ordered_by_its_bytes(void **state)
{
	static const char *const keys[] = { "b", "a", "B", "A", "_", "-", "a~", "a1", "aB" };
	struct fixture *f = *state;
	struct rows rows;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_int_equal(add(f->db, keys[i], 0, "", NULL), 0);
	}
	assert_int_equal(query(&rows, f->db, 1, "SELECT k FROM t ORDER BY k", NONE), 0);
	assert_string_equal(rows.text, "-;A;B;_;a;a1;aB;a~;b;");
	assert_int_equal(query(&rows, f->db, 1,
				 "SELECT k FROM t WHERE k > $1 AND k < $1 || '~' ORDER BY k LIMIT $2",
				 VALUES(DB_T("a"), DB_I(5))),
		0);
	assert_string_equal(rows.text, "a1;aB;");
}

static int stop_at_second(const struct db_row *row, void *arg)
{
	(void)row;
	return ++*(int *)arg == 2 ? ERR_FULL : 0;
}

static void a_row_can_end_it(void **state)
{
	struct fixture *f = *state;
	int seen = 0;

	for (int i = 0; i < 4; i++) {
		char key[8];
		(void)snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(add(f->db, key, i, "", NULL), 0);
	}
	assert_int_equal(
		f->db->ops->run(f->db, "SELECT k FROM t", NONE, stop_at_second, &seen, NULL),
		ERR_FULL);
	assert_int_equal(seen, 2);
	assert_int_equal(count_rows(f->db), 4);
}

static void transactions(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(add(f->db, "a", 1, "", NULL), 0);
	assert_int_equal(count_rows(f->other), 0);
	assert_int_equal(f->db->ops->commit(f->db), 0);
	assert_int_equal(count_rows(f->other), 1);
	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(add(f->db, "b", 1, "", NULL), 0);
	f->db->ops->rollback(f->db);
	assert_int_equal(count_rows(f->db), 1);
	f->db->ops->rollback(f->db); /* there is none: nothing happens */
	assert_int_equal(f->db->ops->begin(f->db), 0);
	f->db->ops->rollback(f->db);
}

static void a_savepoint_takes_back_its_own(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(add(f->db, "kept", 1, "", NULL), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(exec(f->db, "SAVEPOINT change"), 0);
		assert_int_equal(add(f->db, "lost", 1, "", NULL), 0);
		/* An error, and all behind it. */
		assert_int_equal(exec(f->db, "INSERT INTO t (k) VALUES ('kept')"), ERR_STORE);
		assert_int_equal(exec(f->db, "ROLLBACK TO SAVEPOINT change"), 0);
		assert_int_equal(exec(f->db, "RELEASE SAVEPOINT change"), 0);
	}
	assert_int_equal(exec(f->db, "SAVEPOINT change"), 0);
	assert_int_equal(add(f->db, "too", 1, "", NULL), 0);
	assert_int_equal(exec(f->db, "RELEASE SAVEPOINT change"), 0);
	assert_int_equal(f->db->ops->notify(f->db), 0);
	assert_int_equal(f->db->ops->commit(f->db), 0);
	assert_int_equal(count_rows(f->other), 2);
}

static void errors_are_survived(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(exec(f->db, "SELECT nothing FROM nowhere"), ERR_STORE);
	assert_int_equal(exec(f->db, "this is no SQL"), ERR_STORE);
	assert_int_equal(f->db->ops->script(f->db, "CREATE TABLE u (k TEXT); nonsense"), ERR_STORE);
	f->db->ops->rollback(f->db);
	assert_int_equal(add(f->db, "a", 1, "", NULL), 0);
	/* Twice begun is a mistake of the caller, and does no harm. */
	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(f->db->ops->begin(f->db), ERR_STORE);
	assert_int_equal(f->db->ops->commit(f->db), 0);
	assert_int_equal(f->db->ops->commit(f->db), ERR_STORE);
	(void)f->db->ops->script(f->db, "DROP TABLE IF EXISTS u");
}

/* ---- PostgreSQL alone ---- */

static void an_error_in_a_transaction_is_no_commit(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(add(f->db, "a", 1, "", NULL), 0);
	assert_int_equal(exec(f->db, "SELECT nothing FROM nowhere"), ERR_STORE);
	assert_int_equal(add(f->db, "b", 1, "", NULL), ERR_STORE);
	assert_int_equal(f->db->ops->commit(f->db), ERR_STORE);
	f->db->ops->rollback(f->db);
	assert_int_equal(count_rows(f->db), 0);
	assert_int_equal(add(f->db, "c", 1, "", NULL), 0);
}

static void bad_utf8_is_an_error(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f->db, "\xff\xfe", 1, "\xc3", NULL), ERR_STORE);
	assert_int_equal(add(f->db, "a", 1, "", NULL), 0);
}

/* Ends all connections but its own. */
static void cut(struct db *db)
{
	assert_int_equal(exec(db, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
				  " WHERE pid <> pg_backend_pid() AND datname = current_database()"),
		0);
}

static void a_lost_connection_is_made_anew(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f->db, "a", 1, "", NULL), 0);
	cut(f->other);
	assert_int_equal(count_rows(f->db), 1); /* it was idle: nobody notices */
	cut(f->other);
	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(add(f->db, "b", 1, "", NULL), 0);
	cut(f->other);
	assert_int_equal(add(f->db, "c", 1, "", NULL), ERR_STORE);
	assert_int_equal(add(f->db, "d", 1, "", NULL), ERR_STORE); /* half of it would be missing */
	assert_int_equal(f->db->ops->commit(f->db), ERR_STORE);
	f->db->ops->rollback(f->db);
	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(add(f->db, "e", 1, "", NULL), 0);
	cut(f->other);
	assert_int_equal(f->db->ops->commit(f->db), ERR_STORE);
	f->db->ops->rollback(f->db);
	assert_int_equal(count_rows(f->db), 1);
}

static void a_server_that_restarts(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(add(f->db, "kept", 1, "", NULL), 0);
	assert_int_equal(f->db->ops->commit(f->db), 0);
	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(add(f->db, "lost", 1, "", NULL), 0);
	assert_int_equal(system(getenv("HELIO_TEST_PG_RESTART")), 0);
	assert_int_equal(f->db->ops->commit(f->db), ERR_STORE);
	f->db->ops->rollback(f->db);
	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(add(f->db, "more", 1, "", NULL), 0);
	assert_int_equal(f->db->ops->commit(f->db), 0);
	assert_int_equal(count_rows(f->other), 2);
}

/* Who writes waits for who writes, but not for ever. */
static void writers_are_one_behind_the_other(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(add(f->db, "a", 1, "", NULL), 0);
	assert_int_equal(exec(f->other, "SET lock_timeout = 200"), 0);
	assert_int_equal(f->other->ops->begin(f->other), ERR_STORE);
	assert_int_equal(f->db->ops->commit(f->db), 0);
	assert_int_equal(f->other->ops->begin(f->other), 0);
	assert_int_equal(add(f->other, "b", 1, "", NULL), 0);
	assert_int_equal(f->other->ops->commit(f->other), 0);
	assert_int_equal(count_rows(f->db), 2);
}

static void a_statement_has_an_end(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(exec(f->db, "SET statement_timeout = 200"), 0);
	uint64_t begin_ms = clock_now_ms();
	assert_int_equal(exec(f->db, "SELECT pg_sleep(30)"), ERR_STORE);
	assert_true(clock_now_ms() - begin_ms < 25000);
	assert_int_equal(count_rows(f->db), 0);
}

/* A server that stops in the middle, and one that never says a word: both are given up. */
static void a_silent_server_is_given_up(void **state)
{
	struct fixture *f = *state;
	struct rows rows;
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	char url[96], why[DB_WHY_SIZE];

	assert_int_equal(query(&rows, f->db, 1, "SELECT pg_backend_pid()", NONE), 0);
	pid_t backend = (pid_t)rows.last;
	assert_int_equal(kill(backend, SIGSTOP), 0);
	uint64_t begin_ms = clock_now_ms();
	int err = exec(f->db, "SELECT 1");
	uint64_t took_ms = clock_now_ms() - begin_ms;
	assert_int_equal(kill(backend, SIGCONT), 0);
	assert_int_equal(err, ERR_STORE);
	assert_in_range(took_ms, 5000, 60000);
	assert_int_equal(count_rows(f->db), 0); /* by a new connection */

	int fd = socket(AF_INET, SOCK_STREAM, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	(void)snprintf(url, sizeof(url), "postgresql://helio:geheim@127.0.0.1:%u/x",
		ntohs(sin.sin_port));
	struct db *db;
	begin_ms = clock_now_ms();
	assert_int_equal(db_pgsql_open(&db, url, why), ERR_STORE);
	assert_in_range(clock_now_ms() - begin_ms, 1000, 40000);
	assert_non_null(strstr(why, "did not answer"));
	assert_null(strstr(why, "geheim"));
	(void)close(fd);
}

static void notifications(void **state)
{
	struct fixture *f = *state;
	struct db *watch;
	bool notified;

	assert_int_equal(open_db("pgsql", &watch), 0);
	assert_int_equal(db_pgsql_wait(watch, 0, &notified), 0);
	assert_true(notified); /* it begins to listen: anything may have been before */
	assert_int_equal(db_pgsql_wait(watch, 20, &notified), 0);
	assert_false(notified);
	assert_int_equal(f->db->ops->begin(f->db), 0);
	assert_int_equal(f->db->ops->notify(f->db), 0);
	assert_int_equal(db_pgsql_wait(watch, 50, &notified), 0);
	assert_false(notified); /* not before the commit */
	assert_int_equal(f->db->ops->commit(f->db), 0);
	assert_int_equal(db_pgsql_wait(watch, 5000, &notified), 0);
	assert_true(notified);
	cut(f->db);
	int err = db_pgsql_wait(watch, 1000, &notified);
	for (int i = 0; i < 5 && err == 0 && !notified; i++) {
		err = db_pgsql_wait(watch, 1000, &notified);
	}
	if (err != 0) { /* told of the end; the next listens again */
		assert_int_equal(db_pgsql_wait(watch, 1000, &notified), 0);
	}
	assert_true(notified);
	db_close(watch);
}

static void refused(const char *conninfo, const char *says)
{
	struct db *db = NULL;
	char why[DB_WHY_SIZE] = "";

	assert_int_equal(db_pgsql_open(&db, conninfo, why), ERR_STORE);
	assert_null(db);
	if (strstr(why, says) == NULL || strstr(why, "geheim") != NULL ||
		strchr(why, '\n') != NULL) {
		fail_msg("%s: %s", conninfo, why);
	}
}

static void what_cannot_be_opened(void **state)
{
	char url[512];

	(void)state;
	refused("postgresql://helio:geheim@[::1/db", "libpq");
	refused("nonsense geheim", "libpq");
	refused("postgresql://helio:geheim@/x?host=/nonexistent", "cannot use the PostgreSQL");
	refused("postgresql://helio:geheim@127.0.0.1:1/x", "see that the server runs");
	(void)snprintf(url, sizeof(url), "%s&dbname=nobody", getenv("HELIO_TEST_PG"));
	refused(url, "does not exist");
	struct db *db;
	assert_int_equal(open_db("pgsql", &db), 0);
	(void)exec(db, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc"
		       " TEMPLATE template0");
	db_close(db);
	(void)snprintf(url, sizeof(url), "%s&dbname=latin", getenv("HELIO_TEST_PG"));
	refused(url, "UTF8");
}

#define BOTH(test)                                                                                 \
	{ "sqlite: " #test, test, set_up_sqlite, tear_down, NULL },                                \
	{                                                                                          \
		"pgsql: " #test, test, set_up_pgsql, tear_down, NULL                               \
	}
#define PGSQL(test)                                                                                \
	{                                                                                          \
		"pgsql: " #test, test, set_up_pgsql, tear_down, NULL                               \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(values_come_back),
		BOTH(changes_are_counted),
		BOTH(text_is_ordered_by_its_bytes),
		BOTH(a_row_can_end_it),
		BOTH(transactions),
		BOTH(a_savepoint_takes_back_its_own),
		BOTH(errors_are_survived),
		PGSQL(an_error_in_a_transaction_is_no_commit),
		PGSQL(bad_utf8_is_an_error),
		PGSQL(a_lost_connection_is_made_anew),
		PGSQL(a_server_that_restarts),
		PGSQL(writers_are_one_behind_the_other),
		PGSQL(a_statement_has_an_end),
		PGSQL(a_silent_server_is_given_up),
		PGSQL(notifications),
		cmocka_unit_test(what_cannot_be_opened),
	};

	if (getenv("HELIO_TEST_PG") == NULL || getenv("HELIO_TEST_DIR") == NULL) {
		printf("this needs a database server: run tests/unit/test_authd_db.sh\n");
		return 77;
	}
	log_setup("test", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
