/*
 * Upgrades, as part of the conformance test of the store: a database of the first schema is brought
 * up to date with all that is in it, once, or stays as it was.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/db.h"
#include "authd/store_apikeys.h"
#include "authd/store_invites.h"
#include "authd/store_schema.h"
#include "tests/unit/store_tests.h"

#define STARTERS 4

/* What the migrations behind the first one added is taken away again. */
#define BACK                                                                                       \
	"ALTER TABLE token DROP COLUMN rev; ALTER TABLE token DROP COLUMN asked;"                  \
	" DELETE FROM schema_migration WHERE number > 1"

static void give(struct store *st, const char *jti, int64_t expires_at)
{
	struct store_token token = store_fixture_token(jti, "alice", "demo", expires_at);

	assert_int_equal(store_fixture_add(st, &token), 0);
}

/* Something of everything, then back to schema 1; the store is closed. */
static void fill(struct store_fixture *f)
{
	const struct store_apikey key = { .id = "key-id", .name = "app", .rooms = "[\"*\"]",
		.grants = "{}", .created_at = NOW };
	const struct store_invite invite = { .id = "invite-id", .room = "demo", .grants = "{}",
		.label = "guests", .created_at = NOW, .expires_at = NOW + 100 };
	struct store_token row;

	assert_int_equal(store_migration_count, 3); /* or BACK has to know of the new one */
	store_fixture_user(f->st, "alice");
	store_fixture_room(f->st, "demo");
	assert_int_equal(store_apikey_add(f->st, &store_tester, &key), 0);
	assert_int_equal(store_invite_add(f->st, &store_tester, &invite), 0);
	give(f->st, "aaaaaaaa-live", NOW + 100);
	give(f->st, "bbbbbbbb-revoked", NOW + 100);
	give(f->st, "cccccccc-consumed", NOW + 100);
	give(f->st, "dddddddd-expired", NOW + 1);
	assert_int_equal(store_token_revoke(f->st, &store_tester, "bbbbbbbb", NOW, &row), 0);
	assert_int_equal(store_token_consume(
				 f->st, &store_tester, "cccccccc-consumed", "r1", NOW), 0);
	store_close(f->st);
	f->st = NULL;
	store_fixture_sql(f, BACK);
}

static int consume(struct store *st, const char *jti)
{
	return store_token_consume(st, &store_tester, jti, "r2", NOW + 10);
}

static int count_revocation(const struct store_revocation *row, void *arg)
{
	assert_string_equal(row->id, "bbbbbbbb-revoked");
	(*(size_t *)arg)++;
	return 0;
}

static void look(struct store *st)
{
	struct store_audit_verdict verdict;
	struct store_apikey key;
	struct store_invite invite;
	struct store_token token;
	struct store_user user;
	struct store_room room;
	size_t revocations = 0;

	assert_int_equal(store_schema(st), store_migration_count);
	assert_int_equal(store_audit_verify(st, &verdict), 0);
	assert_int_equal(verdict.bad_seq, 0);
	assert_true(verdict.records >= 10);
	assert_int_equal(store_user_get(st, "alice", &user), 0);
	assert_string_equal(user.hash, "$hash of alice");
	assert_int_equal(store_room_get(st, "demo", &room), 0);
	assert_int_equal(room.epoch, 2);
	assert_int_equal(store_apikey_get(st, "app", &key), 0);
	assert_int_equal(store_invite_get(st, "invite-id", &invite), 0);
	assert_string_equal(invite.label, "guests");
	assert_int_equal(store_token_get(st, "aaaaaaaa-live", &token), 0);
	assert_string_equal(token.asked, "");
	assert_int_equal(consume(st, "aaaaaaaa-live"), 0);
	assert_int_equal(consume(st, "bbbbbbbb-revoked"), ERR_TOKEN_REVOKED);
	assert_int_equal(consume(st, "cccccccc-consumed"), ERR_TOKEN_USED);
	assert_int_equal(consume(st, "dddddddd-expired"), ERR_TOKEN_EXPIRED);
	assert_int_equal(
		store_revocation_list(st, 0, NOW, STORE_PAGE_MAX, count_revocation, &revocations),
		0);
	assert_int_equal(revocations, 1);
}

/* What is there works on, and what is new goes on from it: a kick meets a token of then. */
void store_test_upgrade(void **state)
{
	struct store_fixture *f = *state;
	struct store_token token;

	fill(f);
	store_fixture_reopen(f);
	look(f->st);
	assert_int_equal(store_revocation_kick(f->st, &store_tester, "aaaaaaaa-live", "", NOW), 0);
	assert_int_equal(store_token_get(f->st, "aaaaaaaa-live", &token), 0);
	assert_int_equal(token.revoked_at, NOW);
	store_fixture_reopen(f);
}

/* The third migration fails: the second is taken back with it. */
void store_test_upgrade_fails(void **state)
{
	struct store_fixture *f = *state;
	char why[512] = "";

	fill(f);
	store_fixture_sql(f, "ALTER TABLE token ADD COLUMN rev BIGINT NOT NULL DEFAULT 7");
	assert_int_equal(store_open(&f->st, f->dir, f->database, why), ERR_STORE);
	assert_null(f->st);
	assert_non_null(strstr(why, "migration 3 failed"));
	assert_non_null(strstr(why, "start again"));
	/* both would fail if the second had stayed */
	store_fixture_sql(f, "ALTER TABLE token DROP COLUMN rev");
	store_fixture_reopen(f);
	look(f->st);
}

/* Killed in the middle of it, before the commit. */
void store_test_upgrade_killed(void **state)
{
	struct store_fixture *f = *state;
	char why[DB_WHY_SIZE] = "";
	struct db *db = NULL;
	int status = 0;

	fill(f);
	pid_t pid = fork();
	if (pid == 0) {
		int err = f->database[0] == '\0' ? db_sqlite_open(&db, f->file, why)
						 : db_pgsql_open(&db, f->database, why);
		if (err == 0 && db->ops->begin(db) == 0 &&
			db->ops->script(db, store_migrations[1]) == 0) {
			raise(SIGKILL);
		}
		_exit(1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	store_fixture_reopen(f);
	look(f->st);
}

struct starter {
	const struct store_fixture *f;
	struct store *st;
	char why[512];
	int err;
};

static void *start(void *arg)
{
	struct starter *s = arg;

	s->err = store_open(&s->st, s->f->dir, s->f->database, s->why);
	return NULL;
}

/* Several authd start at once: each finds it done, or does it. */
void store_test_upgrade_once(void **state)
{
	struct store_fixture *f = *state;
	struct starter starters[STARTERS];
	pthread_t threads[STARTERS];

	fill(f);
	for (size_t i = 0; i < STARTERS; i++) {
		starters[i] = (struct starter){ .f = f };
		assert_int_equal(pthread_create(&threads[i], NULL, start, &starters[i]), 0);
	}
	for (size_t i = 0; i < STARTERS; i++) {
		pthread_join(threads[i], NULL);
		assert_string_equal(starters[i].why, "");
		assert_int_equal(starters[i].err, 0);
		store_close(starters[i].st);
	}
	store_fixture_reopen(f);
	look(f->st);
}

void store_test_newer_schema(void **state)
{
	struct store_fixture *f = *state;
	struct store *again = NULL;
	char why[512] = "";

	store_fixture_sql(f, "INSERT INTO schema_migration (number, applied_at) VALUES (999, 0)");
	assert_int_equal(store_open(&again, f->dir, f->database, why), ERR_STORE);
	assert_non_null(strstr(why, "its schema is number 999, this program knows"));
	assert_non_null(strstr(why, "use a newer helio-authd"));
}

/* A backup is put back: numbers that were given since then do not come again. */
void store_test_numbers_raised(void **state)
{
	struct store *st = ((struct store_fixture *)*state)->st;
	struct store_revocation entry = { .kind = "user", .id = "alice" };
	struct store_room before, after;
	size_t revoked = 0;

	store_fixture_room(st, "demo");
	assert_int_equal(store_numbers_raise(st, 1000), 0);
	assert_int_equal(store_numbers_raise(st, 500), 0);
	assert_int_equal(store_revocation_add(st, &store_tester, &entry, NOW, &revoked), 0);
	assert_int_equal(entry.seq, 1001);
	assert_int_equal(store_room_get(st, "demo", &before), 0);
	assert_int_equal(store_room_lock(st, &store_tester, "demo", true), 0);
	assert_int_equal(store_room_get(st, "demo", &after), 0);
	assert_true(before.policy_rev < 1000 && after.policy_rev == 1001);
}
