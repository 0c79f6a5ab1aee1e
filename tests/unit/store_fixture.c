/*
 * store_fixture: an empty store on either database for a test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/db.h"
#include "tests/unit/store_fixture.h"

const struct store_actor store_tester = {
	.name = "admin:tester", .address = "192.0.2.7"
};

static void open_or_fail(struct store_fixture *f)
{
	char why[512] = "";

	if (store_open(&f->st, f->dir, f->database, why) != 0) {
		fail_msg("%s", why);
	}
}

static struct store_fixture *make(const char *database)
{
	struct store_fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/helio-store.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/authd.sqlite", f->dir);
	f->database = database;
	return f;
}

int store_fixture_sqlite(void **state)
{
	struct store_fixture *f = make("");

	open_or_fail(f);
	*state = f;
	return 0;
}

const char *store_fixture_pg(void)
{
	return getenv("HELIO_TEST_PG");
}

int store_fixture_pgsql(void **state)
{
	struct store_fixture *f = make(store_fixture_pg());

	store_fixture_sql(f,
		"DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public;"
		" SET search_path = public");
	open_or_fail(f);
	*state = f;
	return 0;
}

int store_fixture_end(void **state)
{
	struct store_fixture *f = *state;
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[128];

	store_close(f->st);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", f->file, ends[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

void store_fixture_reopen(struct store_fixture *f)
{
	store_close(f->st);
	f->st = NULL;
	open_or_fail(f);
}

void store_fixture_sql(struct store_fixture *f, const char *sql)
{
	char why[DB_WHY_SIZE] = "";
	struct db *db = NULL;
	int err = f->database[0] == '\0' ? db_sqlite_open(&db, f->file, why)
					 : db_pgsql_open(&db, f->database, why);

	assert_string_equal(why, "");
	assert_int_equal(err, 0);
	assert_int_equal(db->ops->script(db, sql), 0);
	db_close(db);
}

void store_fixture_user(struct store *st, const char *name)
{
	struct store_user user = { .created_at = NOW };

	snprintf(user.name, sizeof(user.name), "%s", name);
	snprintf(user.hash, sizeof(user.hash), "$hash of %s", name);
	assert_int_equal(store_user_add(st, &store_tester, &user), 0);
}

void store_fixture_room(struct store *st, const char *name)
{
	struct store_room room = { .expires_at = 0 };

	snprintf(room.name, sizeof(room.name), "%s", name);
	assert_int_equal(store_room_add(st, &store_tester, &room, NOW), 0);
}

struct store_token store_fixture_token(
	const char *jti, const char *user, const char *room, int64_t expires_at)
{
	struct store_token t = { .issued_at = NOW, .expires_at = expires_at, .source = "user" };

	snprintf(t.jti, sizeof(t.jti), "%s", jti);
	snprintf(t.user, sizeof(t.user), "%s", user);
	snprintf(t.participant, sizeof(t.participant), "%s+x", user);
	snprintf(t.room, sizeof(t.room), "%s", room);
	return t;
}

int store_fixture_add(struct store *st, const struct store_token *token)
{
	int64_t rev = 0;

	return store_token_add(st, &store_tester, token, &rev);
}
