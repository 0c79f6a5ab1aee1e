/*
 * db_sqlite: the driver of db.h for SQLite: a file of mode 0600 with WAL, every commit on the disk,
 * statements prepared once. SQLite's codes end here. Must never answer success for a change that is
 * not on the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "authd/db.h"
#include "common/log.h"

#define STATEMENTS 512u /* a power of two; a program has fewer */
#define STATEMENTS_FULL (STATEMENTS / 4u * 3u)

/* A statement is the same when its text is at the same address. */
struct statement {
	const char *sql; /* NULL: free */
	sqlite3_stmt *stmt;
	unsigned char value_of[DB_PARAMS_MAX]; /* SQLite numbers $1, $2 as they appear */
	int param_count;
};

struct db_sqlite {
	struct db base; /* first */
	sqlite3 *db;
	time_t logged_at; /* of the last failure in the log */
	size_t statement_count;
	struct statement statements[STATEMENTS];
};

static struct db_sqlite *sqlite_of(struct db *db)
{
	return (struct db_sqlite *)(void *)db;
}

/* Logs at most once a second: a full disk fails every request. */
static int failed(struct db_sqlite *s, const char *sql)
{
	time_t now = time(NULL);

	if (now != s->logged_at) {
		s->logged_at = now;
		log_event(LOG_LEVEL_ERROR, "store-failed", LOG_STR("why", sqlite3_errmsg(s->db)),
			LOG_INT("code", sqlite3_extended_errcode(s->db)),
			LOG_STR("statement", sql));
	}
	return ERR_STORE;
}

/* ---- one statement ---- */

static int prepare(struct db_sqlite *s, struct statement *st, const char *sql)
{
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->stmt, NULL) !=
		SQLITE_OK) {
		return failed(s, sql);
	}
	st->param_count = sqlite3_bind_parameter_count(st->stmt);
	for (int i = 0; i < st->param_count; i++) {
		const char *name = sqlite3_bind_parameter_name(st->stmt, i + 1);
		int number = name != NULL && name[0] == '$' ? atoi(name + 1) : 0;

		if (number < 1 || number > (int)DB_PARAMS_MAX || i >= (int)DB_PARAMS_MAX) {
			sqlite3_finalize(st->stmt);
			st->stmt = NULL;
			return ERR_STORE;
		}
		st->value_of[i] = (unsigned char)(number - 1);
	}
	st->sql = sql;
	return 0;
}

static int find_statement(struct db_sqlite *s, const char *sql, struct statement **out)
{
	size_t at = ((uintptr_t)sql * 0x9E3779B97F4A7C15u >> 32) & (STATEMENTS - 1);

	while (s->statements[at].sql != NULL && s->statements[at].sql != sql) {
		at = (at + 1) & (STATEMENTS - 1);
	}
	*out = &s->statements[at];
	if ((*out)->sql != NULL) {
		return 0;
	}
	if (s->statement_count >= STATEMENTS_FULL) {
		log_event(LOG_LEVEL_ERROR, "store-failed", LOG_STR("why", "too many statements"));
		return ERR_STORE;
	}
	int err = prepare(s, *out, sql);
	s->statement_count += err == 0;
	return err;
}

static int bind(struct statement *st, const struct db_value *values, size_t count)
{
	for (int i = 0; i < st->param_count; i++) {
		size_t n = st->value_of[i];
		int rc;

		if (n >= count) {
			return SQLITE_RANGE;
		}
		rc = values[n].type == DB_INT
			? sqlite3_bind_int64(st->stmt, i + 1, values[n].integer)
			: sqlite3_bind_text(st->stmt, i + 1, values[n].text, -1, SQLITE_STATIC);
		if (rc != SQLITE_OK) {
			return rc;
		}
	}
	return SQLITE_OK;
}

static int step(struct db_sqlite *s, struct statement *st, db_row_fn each, void *arg, int64_t *rows)
{
	int rc, err = 0;

	while (err == 0 && (rc = sqlite3_step(st->stmt)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW) {
			return failed(s, st->sql);
		}
		(*rows)++;
		if (each != NULL) {
			err = each((const struct db_row *)(const void *)st->stmt, arg);
		}
	}
	return err;
}

static int run(struct db *db, const char *sql, const struct db_value *values, size_t count,
	db_row_fn each, void *arg, int64_t *changed)
{
	struct db_sqlite *s = sqlite_of(db);
	struct statement *st;
	int64_t rows = 0;
	int err = find_statement(s, sql, &st);

	if (changed != NULL) {
		*changed = 0;
	}
	if (err != 0) {
		return err;
	}
	if (bind(st, values, count) != SQLITE_OK) {
		err = failed(s, sql);
	} else {
		err = step(s, st, each, arg, &rows);
	}
	if (err == 0 && changed != NULL && !sqlite3_stmt_readonly(st->stmt)) {
		*changed = rows > 0 ? rows : sqlite3_changes64(s->db);
	}
	sqlite3_reset(st->stmt);
	sqlite3_clear_bindings(st->stmt);
	return err;
}

static int script(struct db *db, const char *sql)
{
	struct db_sqlite *s = sqlite_of(db);

	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(s, sql);
}

static int64_t row_int(const struct db_row *row, unsigned column)
{
	return sqlite3_column_int64((sqlite3_stmt *)(uintptr_t)row, (int)column);
}

static const char *row_text(const struct db_row *row, unsigned column)
{
	const unsigned char *text =
		sqlite3_column_text((sqlite3_stmt *)(uintptr_t)row, (int)column);

	return text != NULL ? (const char *)text : "";
}

/* ---- transactions ---- */

/* A file that was deleted or replaced under us takes changes that nobody will find again. */
static int check_place(struct db_sqlite *s)
{
	int moved = 0;

	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
		moved == 0) {
		return 0;
	}
	time_t now = time(NULL);
	if (now != s->logged_at) {
		s->logged_at = now;
		log_event(LOG_LEVEL_ERROR, "store-failed",
			LOG_STR("why", "the database file was deleted or replaced"),
			LOG_STR("do", "put it back, or restart authd on what is there now"));
	}
	return ERR_STORE;
}

static int begin(struct db *db)
{
	int err = check_place(sqlite_of(db));

	return err != 0 ? err : run(db, "BEGIN IMMEDIATE", NULL, 0, NULL, NULL, NULL);
}

static int commit(struct db *db)
{
	return run(db, "COMMIT", NULL, 0, NULL, NULL, NULL);
}

/* Some failures (a full disk, no memory) have already taken everything back. */
static void rollback(struct db *db)
{
	if (sqlite3_get_autocommit(sqlite_of(db)->db) == 0) {
		(void)run(db, "ROLLBACK", NULL, 0, NULL, NULL, NULL);
	}
}

/* Nobody else has this database. */
static int notify(struct db *db)
{
	(void)db;
	return 0;
}

/* ---- opening and closing ---- */

static void close_db(struct db *db)
{
	struct db_sqlite *s = sqlite_of(db);

	for (size_t i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(s->statements[i].stmt);
	}
	sqlite3_close(s->db);
	free(s);
}

static const struct db_ops ops = {
	.close = close_db,
	.run = run,
	.script = script,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.notify = notify,
	.row_int = row_int,
	.row_text = row_text,
};

/*
 * SQLite would make the file with the umask's mode; hashes are in it. One that is there is never
 * opened here: closing it again would take away the locks that another connection of this process
 * holds on it.
 */
static int make_private(const char *file, char why[DB_WHY_SIZE])
{
	struct stat sb;
	int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EEXIST || lstat(file, &sb) != 0) {
		snprintf(why, DB_WHY_SIZE,
			"%.300s cannot be opened: %s: check the owner and mode of its folder", file,
			strerror(errno));
		return ERR_STORE;
	}
	if (!S_ISREG(sb.st_mode)) {
		snprintf(why, DB_WHY_SIZE,
			"%.300s cannot be used: it is no file: move away what is there", file);
		return ERR_STORE;
	}
	if ((sb.st_mode & 0777) != 0600 && chmod(file, 0600) != 0) {
		snprintf(why, DB_WHY_SIZE,
			"%.300s cannot be made private: %s: it must belong to the daemon's user",
			file, strerror(errno));
		return ERR_STORE;
	}
	return 0;
}

static int open_file(struct db_sqlite *s, const char *file, char why[DB_WHY_SIZE])
{
	int err = make_private(file, why);

	if (err != 0) {
		return err;
	}
	if (sqlite3_open_v2(file, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK) {
		snprintf(why, DB_WHY_SIZE, "%.300s cannot be opened: %.100s: check its folder",
			file, s->db != NULL ? sqlite3_errmsg(s->db) : "out of memory");
		return ERR_STORE;
	}
	if (sqlite3_exec(s->db,
		    "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		    " PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
		    " PRAGMA cache_size = -16384;",
		    NULL, NULL, NULL) != SQLITE_OK) {
		snprintf(why, DB_WHY_SIZE,
			"%.300s cannot be used: %.100s: restore it from a backup, or move it away to"
			" begin anew",
			file, sqlite3_errmsg(s->db));
		return ERR_STORE;
	}
	return 0;
}

int db_sqlite_open(struct db **out, const char *file, char why[DB_WHY_SIZE])
{
	struct db_sqlite *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		snprintf(why, DB_WHY_SIZE, "out of memory");
		return ERR_NOMEM;
	}
	s->base.ops = &ops;
	int err = open_file(s, file, why);
	if (err != 0) {
		close_db(&s->base);
		return err;
	}
	*out = &s->base;
	return 0;
}
