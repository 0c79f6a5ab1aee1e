/*
 * store_sqlite: opens the database (WAL, synchronous FULL): one connection behind a mutex, all
 * statements prepared once; and runs them for store_sqlite_*.c. SQLite's codes end here. Must never
 * answer success for a change that is not on the disk.
 */
#include "authd/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "authd/store_sqlite_impl.h"
#include "common/log.h"

/* In the order of enum store_sqlite_stmt. */
static const char *const sql[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_CHECK] = "SELECT max(number) FROM schema_version",
	[SQL_USER_ADD] =
		"INSERT INTO user (name, hash, created_at, disabled) VALUES (?1, ?2, ?3, ?4)",
	[SQL_USER_GET] = "SELECT name, hash, created_at, disabled FROM user WHERE name = ?1",
	[SQL_USER_LIST] = "SELECT name, hash, created_at, disabled FROM user ORDER BY name",
	[SQL_USER_SET_HASH] = "UPDATE user SET hash = ?2 WHERE name = ?1",
	[SQL_USER_SET_DISABLED] = "UPDATE user SET disabled = ?2 WHERE name = ?1",
	[SQL_USER_REVOKE] = "INSERT INTO revocation (jti, until) SELECT jti, expires_at FROM token"
			    " WHERE user = ?1 AND revoked_at = 0 AND expires_at > ?2",
	[SQL_USER_REVOKE_MARK] = "UPDATE token SET revoked_at = ?2"
				 " WHERE user = ?1 AND revoked_at = 0 AND expires_at > ?2",
	[SQL_ROOM_ADD] = "INSERT INTO room (name, created_at) VALUES (?1, ?2)",
	[SQL_ROOM_GET] =
		"SELECT r.name, r.created_at, coalesce(p.reflector, ''), coalesce(p.port, 0)"
		" FROM room r LEFT JOIN placement p ON p.room = r.name WHERE r.name = ?1",
	[SQL_ROOM_LIST] =
		"SELECT r.name, r.created_at, coalesce(p.reflector, ''), coalesce(p.port, 0)"
		" FROM room r LEFT JOIN placement p ON p.room = r.name ORDER BY r.name",
	[SQL_PLACE_SET] =
		"INSERT INTO placement (room, reflector, port, placed_at) VALUES (?1, ?2, ?3, ?4)"
		" ON CONFLICT (room) DO UPDATE SET reflector = ?2, port = ?3, placed_at = ?4",
	[SQL_PLACE_COUNTS] =
		"SELECT reflector, port, count(*) FROM placement GROUP BY reflector, port",
	[SQL_TOKEN_ADD] = "INSERT INTO token (jti, user, participant, room, issued_at, expires_at)"
			  " SELECT ?1, ?2, ?3, ?4, ?5, ?6"
			  " WHERE EXISTS (SELECT 1 FROM user WHERE name = ?2 AND disabled = 0)"
			  " AND EXISTS (SELECT 1 FROM room WHERE name = ?4)",
	[SQL_TOKEN_LIST] =
		"SELECT jti, user, participant, room, issued_at, expires_at, revoked_at FROM token"
		" WHERE (?1 IS NULL OR room = ?1) AND (?2 IS NULL OR user = ?2)"
		" AND (?3 OR (revoked_at = 0 AND expires_at > ?4)) ORDER BY issued_at, jti LIMIT ?5",
	/* base64url has no character above 'z', so this range holds all that begin with ?1. */
	[SQL_TOKEN_FIND] =
		"SELECT jti, user, participant, room, issued_at, expires_at, revoked_at FROM token"
		" WHERE jti >= ?1 AND jti < ?1 || '~' AND expires_at > ?2 LIMIT 2",
	[SQL_TOKEN_REVOKE_MARK] = "UPDATE token SET revoked_at = ?2 WHERE jti = ?1",
	[SQL_REVOCATION_ADD] = "INSERT INTO revocation (jti, until) VALUES (?1, ?2)",
	[SQL_REVOCATION_LIST] =
		"SELECT seq, jti, until FROM revocation WHERE seq > ?1 AND until > ?2 ORDER BY seq",
	[SQL_PURGE_TOKENS] = "DELETE FROM token WHERE expires_at < ?1",
	[SQL_PURGE_REVOCATIONS] = "DELETE FROM revocation WHERE until < ?1",
};

/* Translates, and logs at most once a second: a full disk fails every request. */
static int failed(struct store_sqlite *s, int rc, enum store_sqlite_stmt id)
{
	time_t now = time(NULL);

	if (rc == SQLITE_CONSTRAINT) {
		return ERR_EXISTS;
	}
	if (now != s->logged_at) {
		s->logged_at = now;
		log_event(LOG_LEVEL_ERROR, "store-failed", LOG_STR("why", sqlite3_errmsg(s->db)),
			LOG_INT("code", sqlite3_extended_errcode(s->db)), LOG_INT("statement", id));
	}
	return rc == SQLITE_NOMEM ? ERR_NOMEM : ERR_STORE;
}

/* Binds by a format of 's' (const char *, may be NULL) and 'i' (int64_t). */
static sqlite3_stmt *bound(
	struct store_sqlite *s, enum store_sqlite_stmt id, const char *format, va_list ap)
{
	sqlite3_stmt *stmt = s->stmts[id];

	for (int i = 0; format[i] != '\0'; i++) {
		if (format[i] == 's') {
			sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1, SQLITE_STATIC);
		} else {
			sqlite3_bind_int64(stmt, i + 1, va_arg(ap, int64_t));
		}
	}
	return stmt;
}

static void done(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

/* Runs a statement without rows; the mutex is held. */
int store_sqlite_run(struct store_sqlite *s, enum store_sqlite_stmt id, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	sqlite3_stmt *stmt = bound(s, id, format, ap);
	va_end(ap);

	int rc = sqlite3_step(stmt);
	int err = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : failed(s, rc & 0xff, id);
	done(stmt);
	return err;
}

/* Runs a query and hands each row to each(); the mutex is held. */
int store_sqlite_each(struct store_sqlite *s, enum store_sqlite_stmt id,
	int (*each)(sqlite3_stmt *, void *), void *arg, const char *format, ...)
{
	int rc, err = 0;
	va_list ap;
	va_start(ap, format);
	sqlite3_stmt *stmt = bound(s, id, format, ap);
	va_end(ap);

	while (err == 0 && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
		err = rc == SQLITE_ROW ? each(stmt, arg) : failed(s, rc & 0xff, id);
	}
	done(stmt);
	return err;
}

int store_sqlite_begin(struct store_sqlite *s)
{
	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_run(s, SQL_BEGIN, "");
	if (err != 0) {
		pthread_mutex_unlock(&s->mutex);
	}
	return err;
}

/* Commits when err is 0, else takes everything back; answers what came of it. */
int store_sqlite_finish(struct store_sqlite *s, int err)
{
	if (err == 0) {
		err = store_sqlite_run(s, SQL_COMMIT, "");
	}
	if (err != 0 && sqlite3_get_autocommit(s->db) == 0 &&
		store_sqlite_run(s, SQL_ROLLBACK, "") != 0) {
		log_event(LOG_LEVEL_ERROR, "store-failed", LOG_STR("why", "a rollback failed"));
	}
	pthread_mutex_unlock(&s->mutex);
	return err;
}

void store_sqlite_text(sqlite3_stmt *stmt, int col, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(stmt, col);

	snprintf(out, size, "%s", text != NULL ? text : "");
}

static int check(struct store *st)
{
	struct store_sqlite *s = store_sqlite_of(st);

	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_run(s, SQL_CHECK, "");
	pthread_mutex_unlock(&s->mutex);
	return err;
}

/* ---- opening and closing ---- */

static void destroy(struct store *st)
{
	struct store_sqlite *s = store_sqlite_of(st);

	if (s == NULL) {
		return;
	}
	for (int i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(s->stmts[i]);
	}
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

static const struct store_ops ops = {
	.destroy = destroy,
	.check = check,
	.user_add = store_sqlite_user_add,
	.user_get = store_sqlite_user_get,
	.user_list = store_sqlite_user_list,
	.user_set_hash = store_sqlite_user_set_hash,
	.user_set_disabled = store_sqlite_user_set_disabled,
	.room_add = store_sqlite_room_add,
	.room_get = store_sqlite_room_get,
	.room_list = store_sqlite_room_list,
	.place_set = store_sqlite_place_set,
	.place_counts = store_sqlite_place_counts,
	.token_add = store_sqlite_token_add,
	.token_list = store_sqlite_token_list,
	.token_revoke = store_sqlite_token_revoke,
	.revocation_list = store_sqlite_revocation_list,
	.purge = store_sqlite_purge,
};

/* SQLite would make the file with the umask's mode; hashes are in it. */
static int make_private(const char *file, char why[512])
{
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		snprintf(why, 512,
			"%s cannot be opened: %s: check the owner and mode of its folder", file,
			strerror(errno));
		return ERR_STORE;
	}
	int rc = fchmod(fd, 0600);
	close(fd);
	if (rc != 0) {
		snprintf(why, 512,
			"%s cannot be made private: %s: it must belong to the daemon's user", file,
			strerror(errno));
		return ERR_STORE;
	}
	return 0;
}

static int prepare(struct store_sqlite *s, const char *file, char why[512])
{
	char reason[512] = "";

	if (sqlite3_exec(s->db,
		    "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		    " PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
		    NULL, NULL, NULL) != SQLITE_OK) {
		snprintf(why, 512,
			"%.300s cannot be used: %.100s: restore it from a backup, or move it away to begin anew",
			file, sqlite3_errmsg(s->db));
		return ERR_STORE;
	}
	int err = store_sqlite_migrate(s->db, reason);
	if (err != 0) {
		snprintf(why, 512, "%.200s: %.300s", file, reason);
		return err;
	}
	for (int i = 0; i < SQL_COUNT; i++) {
		if (sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmts[i],
			    NULL) != SQLITE_OK) {
			snprintf(why, 512,
				"%.300s does not fit its schema: %.100s: restore it from a backup",
				file, sqlite3_errmsg(s->db));
			return ERR_STORE;
		}
	}
	return 0;
}

int store_sqlite_open(struct store **out, const char *file, char why[512])
{
	struct store_sqlite *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		snprintf(why, 512, "out of memory");
		return ERR_NOMEM;
	}
	s->base.ops = &ops;
	pthread_mutex_init(&s->mutex, NULL);
	int err = make_private(file, why);
	if (err == 0 &&
		sqlite3_open_v2(file, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
			SQLITE_OK) {
		snprintf(why, 512, "%s cannot be opened: %s", file,
			s->db != NULL ? sqlite3_errmsg(s->db) : "out of memory");
		err = ERR_STORE;
	}
	if (err == 0) {
		err = prepare(s, file, why);
	}
	if (err != 0) {
		destroy(&s->base);
		return err;
	}
	*out = &s->base;
	return 0;
}
