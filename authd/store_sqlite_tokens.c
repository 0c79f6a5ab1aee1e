/*
 * store_sqlite_tokens: tokens and revocations in the SQLite store. What is revoked and that it is
 * revoked are written in one transaction.
 */
#include <stdio.h>
#include <string.h>

#include "authd/store_sqlite_impl.h"

struct each_token {
	store_token_fn each;
	void *arg;
	size_t count;
};

static int row_token(sqlite3_stmt *stmt, void *arg)
{
	struct each_token *e = arg;
	struct store_token row = { .issued_at = sqlite3_column_int64(stmt, 4),
		.expires_at = sqlite3_column_int64(stmt, 5),
		.revoked_at = sqlite3_column_int64(stmt, 6) };

	store_sqlite_text(stmt, 0, row.jti, sizeof(row.jti));
	store_sqlite_text(stmt, 1, row.user, sizeof(row.user));
	store_sqlite_text(stmt, 2, row.participant, sizeof(row.participant));
	store_sqlite_text(stmt, 3, row.room, sizeof(row.room));
	e->count++;
	return e->each(&row, e->arg);
}

static int copy_token(const struct store_token *row, void *arg)
{
	*(struct store_token *)arg = *row;
	return 0;
}

int store_sqlite_token_add(struct store *st, const struct store_token *t)
{
	struct store_sqlite *s = store_sqlite_of(st);

	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_run(s, SQL_TOKEN_ADD, "ssssii", t->jti, t->user, t->participant,
		t->room, t->issued_at, t->expires_at);
	if (err == 0 && sqlite3_changes(s->db) == 0) {
		err = ERR_DENIED;
	}
	pthread_mutex_unlock(&s->mutex);
	return err;
}

int store_sqlite_token_list(
	struct store *st, const struct store_token_filter *f, store_token_fn each, void *arg)
{
	struct store_sqlite *s = store_sqlite_of(st);
	struct each_token e = { each, arg, 0 };

	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_each(s, SQL_TOKEN_LIST, row_token, &e, "ssiii", f->room, f->user,
		(int64_t)f->all, f->now, (int64_t)STORE_LIST_MAX);
	pthread_mutex_unlock(&s->mutex);
	return err;
}

int store_sqlite_token_revoke(
	struct store *st, const char *prefix, int64_t now, struct store_token *out)
{
	struct store_sqlite *s = store_sqlite_of(st);
	struct each_token e = { copy_token, out, 0 };
	int err = store_sqlite_begin(s);

	if (err != 0) {
		return err;
	}
	err = store_sqlite_each(s, SQL_TOKEN_FIND, row_token, &e, "si", prefix, now);
	if (err == 0 && e.count != 1) {
		err = e.count == 0 ? ERR_NOT_FOUND : ERR_EXISTS;
	}
	if (err == 0 && out->revoked_at == 0) {
		out->revoked_at = now;
		err = store_sqlite_run(s, SQL_TOKEN_REVOKE_MARK, "si", out->jti, now);
		if (err == 0) {
			err = store_sqlite_run(
				s, SQL_REVOCATION_ADD, "si", out->jti, out->expires_at);
		}
	}
	return store_sqlite_finish(s, err);
}

struct each_revocation {
	store_revocation_fn each;
	void *arg;
};

static int row_revocation(sqlite3_stmt *stmt, void *arg)
{
	struct each_revocation *e = arg;
	struct store_revocation row = { .seq = sqlite3_column_int64(stmt, 0),
		.until = sqlite3_column_int64(stmt, 2) };

	store_sqlite_text(stmt, 1, row.jti, sizeof(row.jti));
	return e->each(&row, e->arg);
}

int store_sqlite_revocation_list(
	struct store *st, int64_t after, int64_t now, store_revocation_fn each, void *arg)
{
	struct store_sqlite *s = store_sqlite_of(st);
	struct each_revocation e = { each, arg };

	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_each(s, SQL_REVOCATION_LIST, row_revocation, &e, "ii", after, now);
	pthread_mutex_unlock(&s->mutex);
	return err;
}

int store_sqlite_purge(struct store *st, int64_t before, size_t *gone)
{
	struct store_sqlite *s = store_sqlite_of(st);
	int err = store_sqlite_begin(s);

	*gone = 0;
	if (err != 0) {
		return err;
	}
	err = store_sqlite_run(s, SQL_PURGE_TOKENS, "i", before);
	if (err == 0) {
		*gone = (size_t)sqlite3_changes(s->db);
		err = store_sqlite_run(s, SQL_PURGE_REVOCATIONS, "i", before);
	}
	return store_sqlite_finish(s, err);
}
