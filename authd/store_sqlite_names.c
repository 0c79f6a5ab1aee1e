/*
 * store_sqlite_names: users, rooms and where rooms live, in the SQLite store.
 */
#include <stdio.h>
#include <string.h>

#include "authd/store_sqlite_impl.h"

/* ---- users ---- */

struct each_user {
	store_user_fn each;
	void *arg;
};

static int row_user(sqlite3_stmt *stmt, void *arg)
{
	struct each_user *e = arg;
	struct store_user row = { .created_at = sqlite3_column_int64(stmt, 2),
		.disabled = sqlite3_column_int(stmt, 3) != 0 };

	store_sqlite_text(stmt, 0, row.name, sizeof(row.name));
	store_sqlite_text(stmt, 1, row.hash, sizeof(row.hash));
	return e->each(&row, e->arg);
}

static int copy_user(const struct store_user *row, void *arg)
{
	*(struct store_user *)arg = *row;
	return 0;
}

int store_sqlite_user_add(struct store *st, const struct store_user *user)
{
	struct store_sqlite *s = store_sqlite_of(st);

	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_run(s, SQL_USER_ADD, "ssii", user->name, user->hash,
		user->created_at, (int64_t)user->disabled);
	pthread_mutex_unlock(&s->mutex);
	return err;
}

int store_sqlite_user_get(struct store *st, const char *name, struct store_user *out)
{
	struct store_sqlite *s = store_sqlite_of(st);
	struct each_user e = { copy_user, out };

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_each(s, SQL_USER_GET, row_user, &e, "s", name);
	pthread_mutex_unlock(&s->mutex);
	return err == 0 && out->name[0] == '\0' ? ERR_NOT_FOUND : err;
}

int store_sqlite_user_list(struct store *st, store_user_fn each, void *arg)
{
	struct store_sqlite *s = store_sqlite_of(st);
	struct each_user e = { each, arg };

	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_each(s, SQL_USER_LIST, row_user, &e, "");
	pthread_mutex_unlock(&s->mutex);
	return err;
}

int store_sqlite_user_set_hash(struct store *st, const char *name, const char *hash)
{
	struct store_sqlite *s = store_sqlite_of(st);

	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_run(s, SQL_USER_SET_HASH, "ss", name, hash);
	if (err == 0 && sqlite3_changes(s->db) == 0) {
		err = ERR_NOT_FOUND;
	}
	pthread_mutex_unlock(&s->mutex);
	return err;
}

int store_sqlite_user_set_disabled(
	struct store *st, const char *name, bool disabled, int64_t now, size_t *revoked)
{
	struct store_sqlite *s = store_sqlite_of(st);
	int err = store_sqlite_begin(s);

	*revoked = 0;
	if (err != 0) {
		return err;
	}
	err = store_sqlite_run(s, SQL_USER_SET_DISABLED, "si", name, (int64_t)disabled);
	if (err == 0 && sqlite3_changes(s->db) == 0) {
		err = ERR_NOT_FOUND;
	}
	if (err == 0 && disabled) {
		err = store_sqlite_run(s, SQL_USER_REVOKE, "si", name, now);
		if (err == 0) {
			*revoked = (size_t)sqlite3_changes(s->db);
			err = store_sqlite_run(s, SQL_USER_REVOKE_MARK, "si", name, now);
		}
	}
	return store_sqlite_finish(s, err);
}

/* ---- rooms and where they live ---- */

struct each_room {
	store_room_fn each;
	void *arg;
};

static int row_room(sqlite3_stmt *stmt, void *arg)
{
	struct each_room *e = arg;
	struct store_room row = { .created_at = sqlite3_column_int64(stmt, 1),
		.port = (uint16_t)sqlite3_column_int(stmt, 3) };

	store_sqlite_text(stmt, 0, row.name, sizeof(row.name));
	store_sqlite_text(stmt, 2, row.reflector, sizeof(row.reflector));
	return e->each(&row, e->arg);
}

static int copy_room(const struct store_room *row, void *arg)
{
	*(struct store_room *)arg = *row;
	return 0;
}

int store_sqlite_room_add(struct store *st, const char *name, int64_t now)
{
	struct store_sqlite *s = store_sqlite_of(st);

	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_run(s, SQL_ROOM_ADD, "si", name, now);
	pthread_mutex_unlock(&s->mutex);
	return err;
}

int store_sqlite_room_get(struct store *st, const char *name, struct store_room *out)
{
	struct store_sqlite *s = store_sqlite_of(st);
	struct each_room e = { copy_room, out };

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_each(s, SQL_ROOM_GET, row_room, &e, "s", name);
	pthread_mutex_unlock(&s->mutex);
	return err == 0 && out->name[0] == '\0' ? ERR_NOT_FOUND : err;
}

int store_sqlite_room_list(struct store *st, store_room_fn each, void *arg)
{
	struct store_sqlite *s = store_sqlite_of(st);
	struct each_room e = { each, arg };

	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_each(s, SQL_ROOM_LIST, row_room, &e, "");
	pthread_mutex_unlock(&s->mutex);
	return err;
}

int store_sqlite_place_set(
	struct store *st, const char *room, const char *reflector, uint16_t port, int64_t now)
{
	struct store_sqlite *s = store_sqlite_of(st);

	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_run(s, SQL_PLACE_SET, "ssii", room, reflector, (int64_t)port, now);
	pthread_mutex_unlock(&s->mutex);
	return err;
}

struct each_place {
	store_place_fn each;
	void *arg;
};

static int row_place(sqlite3_stmt *stmt, void *arg)
{
	struct each_place *e = arg;
	struct store_place row = { .port = (uint16_t)sqlite3_column_int(stmt, 1),
		.rooms = (size_t)sqlite3_column_int64(stmt, 2) };

	store_sqlite_text(stmt, 0, row.reflector, sizeof(row.reflector));
	return e->each(&row, e->arg);
}

int store_sqlite_place_counts(struct store *st, store_place_fn each, void *arg)
{
	struct store_sqlite *s = store_sqlite_of(st);
	struct each_place e = { each, arg };

	pthread_mutex_lock(&s->mutex);
	int err = store_sqlite_each(s, SQL_PLACE_COUNTS, row_place, &e, "");
	pthread_mutex_unlock(&s->mutex);
	return err;
}
