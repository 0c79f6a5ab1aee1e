/*
 * The conformance test of stores: what every back end must do, then what is SQLite's own:
 * reopening, migrations, a full disk. And the admin socket, which two daemons may want.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/admin_socket.h"
#include "authd/store_sqlite.h"
#include "authd/store_sqlite_impl.h"

#define NOW 1000000

struct fixture {
	char dir[64], file[96];
	struct store *st;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char why[512] = "";

	snprintf(f->dir, sizeof(f->dir), "/tmp/helio-store.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/test.sqlite", f->dir);
	int err = store_sqlite_open(&f->st, f->file, why);
	if (err != 0) {
		print_error("%s\n", why);
	}
	*state = f;
	return err;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	if (f->st != NULL) {
		f->st->ops->destroy(f->st);
	}
	unlink(f->file);
	snprintf(path, sizeof(path), "%s-wal", f->file);
	unlink(path);
	snprintf(path, sizeof(path), "%s-shm", f->file);
	unlink(path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void reopen(struct fixture *f)
{
	char why[512] = "";

	f->st->ops->destroy(f->st);
	f->st = NULL;
	assert_int_equal(store_sqlite_open(&f->st, f->file, why), 0);
}

static void add_user(struct store *st, const char *name)
{
	struct store_user user = { .created_at = NOW };

	snprintf(user.name, sizeof(user.name), "%s", name);
	snprintf(user.hash, sizeof(user.hash), "$hash of %s", name);
	assert_int_equal(st->ops->user_add(st, &user), 0);
}

static struct store_token make_token(
	const char *jti, const char *user, const char *room, int64_t expires_at)
{
	struct store_token t = { .issued_at = NOW, .expires_at = expires_at };

	snprintf(t.jti, sizeof(t.jti), "%s", jti);
	snprintf(t.user, sizeof(t.user), "%s", user);
	snprintf(t.participant, sizeof(t.participant), "%s+x", user);
	snprintf(t.room, sizeof(t.room), "%s", room);
	return t;
}

static int count_token(const struct store_token *row, void *arg)
{
	(void)row;
	(*(size_t *)arg)++;
	return 0;
}

static size_t token_count(
	struct store *st, const char *room, const char *user, bool all, int64_t now)
{
	const struct store_token_filter filter = {
		.room = room, .user = user, .all = all, .now = now
	};
	size_t count = 0;

	assert_int_equal(st->ops->token_list(st, &filter, count_token, &count), 0);
	return count;
}

struct revocations {
	size_t count;
	int64_t last;
	char jti[LIMIT_JTI + 1];
};

static int take_revocation(const struct store_revocation *row, void *arg)
{
	struct revocations *r = arg;

	assert_true(row->seq > r->last);
	r->last = row->seq;
	r->count++;
	snprintf(r->jti, sizeof(r->jti), "%s", row->jti);
	return 0;
}

static struct revocations revocations(struct store *st, int64_t after, int64_t now)
{
	struct revocations r = { .last = after };

	assert_int_equal(st->ops->revocation_list(st, after, now, take_revocation, &r), 0);
	return r;
}

static void test_users(void **state)
{
	struct store *st = ((struct fixture *)*state)->st;
	struct store_user user, twice = { .name = "alice", .hash = "x" };

	add_user(st, "alice");
	assert_int_equal(st->ops->user_add(st, &twice), ERR_EXISTS);
	assert_int_equal(st->ops->user_get(st, "alice", &user), 0);
	assert_string_equal(user.hash, "$hash of alice");
	assert_int_equal(user.created_at, NOW);
	assert_false(user.disabled);
	assert_int_equal(st->ops->user_get(st, "Alice", &user), ERR_NOT_FOUND);
	assert_int_equal(st->ops->user_get(st, "' OR 1=1 --", &user), ERR_NOT_FOUND);
	assert_int_equal(st->ops->user_set_hash(st, "alice", "new"), 0);
	assert_int_equal(st->ops->user_set_hash(st, "bob", "new"), ERR_NOT_FOUND);
	assert_int_equal(st->ops->user_get(st, "alice", &user), 0);
	assert_string_equal(user.hash, "new");
}

static int stop_at_once(const struct store_user *row, void *arg)
{
	(void)row;
	(*(int *)arg)++;
	return ERR_FULL;
}

static void test_list_ends_when_told(void **state)
{
	struct store *st = ((struct fixture *)*state)->st;
	struct store_user user;
	int calls = 0;

	add_user(st, "a");
	add_user(st, "b");
	assert_int_equal(st->ops->user_list(st, stop_at_once, &calls), ERR_FULL);
	assert_int_equal(calls, 1);
	/* and the store is of use afterwards */
	assert_int_equal(st->ops->user_get(st, "b", &user), 0);
}

static int sum_places(const struct store_place *row, void *arg)
{
	assert_string_equal(row->reflector, "r2");
	assert_int_equal(row->port, 49153);
	*(size_t *)arg += row->rooms;
	return 0;
}

static void test_rooms_and_places(void **state)
{
	struct store *st = ((struct fixture *)*state)->st;
	struct store_room room;
	size_t rooms = 0;

	assert_int_equal(st->ops->room_add(st, "demo", NOW), 0);
	assert_int_equal(st->ops->room_add(st, "demo", NOW), ERR_EXISTS);
	assert_int_equal(st->ops->room_get(st, "demo", &room), 0);
	assert_string_equal(room.reflector, "");
	assert_int_equal(st->ops->place_set(st, "demo", "r1", 49152, NOW), 0);
	assert_int_equal(st->ops->place_set(st, "demo", "r2", 49153, NOW + 1), 0);
	assert_int_equal(st->ops->room_get(st, "demo", &room), 0);
	assert_string_equal(room.reflector, "r2");
	assert_int_equal(room.port, 49153);
	assert_int_equal(st->ops->place_counts(st, sum_places, &rooms), 0);
	assert_int_equal(rooms, 1);
	/* a room that is not there cannot be placed */
	assert_int_not_equal(st->ops->place_set(st, "none", "r1", 49152, NOW), 0);
	assert_int_equal(st->ops->room_get(st, "none", &room), ERR_NOT_FOUND);
}

static void test_token_needs_user_and_room(void **state)
{
	struct store *st = ((struct fixture *)*state)->st;
	struct store_token t = make_token("jti-0001-aaaa", "alice", "demo", NOW + 100);
	size_t revoked = 0;

	assert_int_equal(st->ops->token_add(st, &t), ERR_DENIED);
	add_user(st, "alice");
	assert_int_equal(st->ops->token_add(st, &t), ERR_DENIED);
	assert_int_equal(st->ops->room_add(st, "demo", NOW), 0);
	assert_int_equal(st->ops->token_add(st, &t), 0);
	assert_int_equal(st->ops->token_add(st, &t), ERR_EXISTS);
	assert_int_equal(st->ops->user_set_disabled(st, "alice", true, NOW, &revoked), 0);
	assert_int_equal(revoked, 1);
	t = make_token("jti-0002-aaaa", "alice", "demo", NOW + 100);
	assert_int_equal(st->ops->token_add(st, &t), ERR_DENIED);
	assert_int_equal(token_count(st, NULL, NULL, true, NOW), 1);
	assert_int_equal(st->ops->user_set_disabled(st, "alice", false, NOW, &revoked), 0);
	assert_int_equal(revoked, 0);
	assert_int_equal(st->ops->token_add(st, &t), 0);
	assert_int_equal(
		st->ops->user_set_disabled(st, "nobody", true, NOW, &revoked), ERR_NOT_FOUND);
}

static void add_three(struct store *st)
{
	static const char *const jtis[] = { "aaaaaaaa-1", "aaaaaaaa-2", "bbbbbbbb-1" };

	add_user(st, "alice");
	add_user(st, "bob");
	assert_int_equal(st->ops->room_add(st, "demo", NOW), 0);
	assert_int_equal(st->ops->room_add(st, "other", NOW), 0);
	for (size_t i = 0; i < 3; i++) {
		struct store_token t = make_token(jtis[i], i == 1 ? "bob" : "alice",
			i == 2 ? "other" : "demo", NOW + 100 + (int64_t)i);
		assert_int_equal(st->ops->token_add(st, &t), 0);
	}
}

static void test_token_list_filters(void **state)
{
	struct store *st = ((struct fixture *)*state)->st;

	add_three(st);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW), 3);
	assert_int_equal(token_count(st, "demo", NULL, false, NOW), 2);
	assert_int_equal(token_count(st, "demo", "bob", false, NOW), 1);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW + 100), 2);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW + 500), 0);
	assert_int_equal(token_count(st, NULL, NULL, true, NOW + 500), 3);
}

static void test_revoke_by_prefix(void **state)
{
	struct store *st = ((struct fixture *)*state)->st;
	struct store_token t;

	add_three(st);
	assert_int_equal(st->ops->token_revoke(st, "aaaaaaaa", NOW, &t), ERR_EXISTS);
	assert_int_equal(st->ops->token_revoke(st, "cccccccc", NOW, &t), ERR_NOT_FOUND);
	assert_int_equal(revocations(st, 0, NOW).count, 0);
	assert_int_equal(st->ops->token_revoke(st, "bbbbbbbb", NOW + 1, &t), 0);
	assert_string_equal(t.jti, "bbbbbbbb-1");
	assert_int_equal(t.revoked_at, NOW + 1);
	/* again: no error, and nothing new */
	assert_int_equal(st->ops->token_revoke(st, "bbbbbbbb-1", NOW + 2, &t), 0);
	assert_int_equal(t.revoked_at, NOW + 1);
	assert_int_equal(revocations(st, 0, NOW).count, 1);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW), 2);
	assert_int_equal(token_count(st, NULL, NULL, true, NOW), 3);
	/* what has expired cannot be revoked any more */
	assert_int_equal(st->ops->token_revoke(st, "aaaaaaaa-1", NOW + 100, &t), ERR_NOT_FOUND);
}

static void test_revocations_are_numbered(void **state)
{
	struct fixture *f = *state;
	struct store_token t;
	size_t gone = 0, revoked = 0;

	add_three(f->st);
	assert_int_equal(f->st->ops->token_revoke(f->st, "aaaaaaaa-1", NOW, &t), 0);
	struct revocations first = revocations(f->st, 0, NOW);
	assert_int_equal(f->st->ops->user_set_disabled(f->st, "bob", true, NOW, &revoked), 0);
	struct revocations second = revocations(f->st, first.last, NOW);
	assert_int_equal(second.count, 1);
	assert_string_equal(second.jti, "aaaaaaaa-2");
	assert_int_equal(revocations(f->st, second.last, NOW).count, 0);
	/* not sent any more when their tokens have expired */
	assert_int_equal(revocations(f->st, 0, NOW + 100).count, 1);
	/* numbers are not given again, even when all that had them are gone and the file was closed
	 */
	assert_int_equal(f->st->ops->purge(f->st, NOW + 102, &gone), 0);
	assert_int_equal(gone, 2);
	reopen(f);
	assert_int_equal(f->st->ops->token_revoke(f->st, "bbbbbbbb-1", NOW, &t), 0);
	assert_int_equal(revocations(f->st, second.last, NOW).count, 1);
}

static void test_reopen_keeps_all(void **state)
{
	struct fixture *f = *state;
	struct store_token t;
	struct stat sb;

	add_three(f->st);
	assert_int_equal(f->st->ops->token_revoke(f->st, "bbbbbbbb", NOW, &t), 0);
	assert_int_equal(f->st->ops->place_set(f->st, "demo", "r1", 49152, NOW), 0);
	reopen(f);
	struct store_room room;
	assert_int_equal(f->st->ops->room_get(f->st, "demo", &room), 0);
	assert_string_equal(room.reflector, "r1");
	assert_int_equal(token_count(f->st, NULL, NULL, false, NOW), 2);
	assert_int_equal(revocations(f->st, 0, NOW).count, 1);
	assert_int_equal(f->st->ops->check(f->st), 0);
	assert_int_equal(stat(f->file, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
}

static void run_sql(struct store *st, const char *text)
{
	char *error = NULL;

	if (sqlite3_exec(store_sqlite_of(st)->db, text, NULL, NULL, &error) != SQLITE_OK) {
		fail_msg("%s: %s", text, error);
	}
}

static void test_newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *again = NULL;
	char why[512] = "";

	run_sql(f->st, "INSERT INTO schema_version VALUES (999, 0)");
	assert_int_equal(store_sqlite_open(&again, f->file, why), ERR_STORE);
	assert_non_null(strstr(why, "999"));
	assert_non_null(strstr(why, "newer"));
}

static void test_garbage_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *again = NULL;
	char why[512] = "", file[128];

	snprintf(file, sizeof(file), "%s/garbage", f->dir);
	FILE *fp = fopen(file, "w");
	assert_non_null(fp);
	for (int i = 0; i < 1000; i++) {
		fputs("this is no database ", fp);
	}
	fclose(fp);
	assert_int_equal(store_sqlite_open(&again, file, why), ERR_STORE);
	assert_non_null(strstr(why, "garbage"));
	unlink(file);
	assert_int_equal(store_sqlite_open(&again, "/nonexistent/dir/x", why), ERR_STORE);
}

/* The disk is full: nothing is half done, reading goes on, and writing comes back with the space.
 */
static void test_full_disk(void **state)
{
	struct fixture *f = *state;
	struct store *st = f->st;
	char name[LIMIT_NAME + 1], jti[LIMIT_JTI + 1];
	struct store_user user;
	size_t tokens = 0, revoked = 0;
	int err = 0;

	add_user(st, "alice");
	assert_int_equal(st->ops->room_add(st, "demo", NOW), 0);
	run_sql(st, "PRAGMA max_page_count = 24");
	while (err == 0) {
		snprintf(jti, sizeof(jti), "token-%056zu", tokens);
		struct store_token t = make_token(jti, "alice", "demo", NOW + 100);
		err = st->ops->token_add(st, &t);
		tokens += err == 0;
		assert_true(tokens < 10000);
	}
	assert_int_equal(err, ERR_STORE);
	assert_int_equal(token_count(st, NULL, NULL, true, NOW), tokens);
	/* a transaction of several statements leaves nothing behind either */
	assert_int_equal(st->ops->user_set_disabled(st, "alice", true, NOW, &revoked), ERR_STORE);
	assert_int_equal(st->ops->user_get(st, "alice", &user), 0);
	assert_false(user.disabled);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW), tokens);
	assert_int_equal(revocations(st, 0, NOW).count, 0);
	assert_int_equal(st->ops->check(st), 0);
	run_sql(st, "PRAGMA max_page_count = 100000");
	struct store_token t = make_token("token-after", "alice", "demo", NOW + 100);
	assert_int_equal(st->ops->token_add(st, &t), 0);
	snprintf(name, sizeof(name), "later");
	add_user(st, name);
	reopen(f);
	assert_int_equal(token_count(f->st, NULL, NULL, true, NOW), tokens + 1);
}

/* A daemon that is stopped keeps its socket: its backlog is full, and a start must not wait for it
 * or take the socket away. */
static void test_admin_socket_of_a_busy_daemon(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), clients[8], fd = -1;
	char why[512] = "";
	unsigned count = 0;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/sock", f->dir);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 0), 0);
	do {
		assert_in_range(count, 0, 7);
		clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	} while (connect(clients[count++], (struct sockaddr *)&addr, sizeof(addr)) == 0);
	assert_int_equal(admin_socket_open(addr.sun_path, &fd, why), ERR_EXISTS);
	assert_non_null(strstr(why, "in use"));
	while (count > 0) {
		close(clients[--count]);
	}
	close(listener);
	/* nobody is left: the file is stale */
	assert_int_equal(admin_socket_open(addr.sun_path, &fd, why), 0);
	close(fd);
	unlink(addr.sun_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_admin_socket_of_a_busy_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(test_users, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list_ends_when_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rooms_and_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_token_needs_user_and_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_token_list_filters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revoke_by_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revocations_are_numbered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reopen_keeps_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer_schema_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
