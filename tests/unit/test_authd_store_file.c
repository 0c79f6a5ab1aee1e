/*
 * What only the SQLite store has: its file, migrations, a full disk. And the admin socket, which
 * two daemons may want.
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
#include "authd/store_core.h"
#include "tests/unit/store_fixture.h"

static void test_file_is_private(void **state)
{
	struct store_fixture *f = *state;
	struct stat sb;

	assert_int_equal(stat(f->file, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_string_equal(store_kind(f->st), "sqlite");
}

static void test_newer_schema_is_refused(void **state)
{
	struct store_fixture *f = *state;
	struct store *again = NULL;
	char why[512] = "";

	store_fixture_sql(f, "INSERT INTO schema_migration VALUES (999, 0)");
	assert_int_equal(store_open(&again, f->dir, "", why), ERR_STORE);
	assert_non_null(strstr(why, "999"));
	assert_non_null(strstr(why, "newer"));
}

static void test_old_development_schema_is_refused(void **state)
{
	struct store_fixture *f = *state;
	struct store *again = NULL;
	char why[512] = "";

	store_fixture_sql(f, "CREATE TABLE schema_version (number INTEGER)");
	assert_int_equal(store_open(&again, f->dir, "", why), ERR_STORE);
	assert_non_null(strstr(why, "development version"));
	assert_non_null(strstr(why, "move it away"));
}

static void test_garbage_is_refused(void **state)
{
	struct store_fixture *f = *state;
	struct store *again = NULL;
	char why[512] = "", dir[96], file[128];

	snprintf(dir, sizeof(dir), "%s/garbage", f->dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(file, sizeof(file), "%s/authd.sqlite", dir);
	FILE *fp = fopen(file, "w");
	assert_non_null(fp);
	for (int i = 0; i < 1000; i++) {
		fputs("this is no database ", fp);
	}
	fclose(fp);
	assert_int_equal(store_open(&again, dir, "", why), ERR_STORE);
	assert_non_null(strstr(why, "garbage"));
	unlink(file);
	rmdir(dir);
	assert_int_equal(store_open(&again, "/nonexistent/dir", "", why), ERR_STORE);
	assert_int_equal(store_open(&again, f->dir, "mysql://x", why), ERR_STORE);
	assert_non_null(strstr(why, "postgresql://"));
}

static void limit_pages(struct store *st, const char *sql)
{
	assert_int_equal(st->writer->ops->script(st->writer, sql), 0);
}

static int count_token(const struct store_token *row, void *arg)
{
	(void)row;
	(*(size_t *)arg)++;
	return 0;
}

static size_t token_count(struct store *st)
{
	const struct store_token_filter filter = { .now = NOW };
	struct store_page page = { "", STORE_PAGE_MAX };
	size_t count = 0;

	assert_int_equal(store_token_list(st, &filter, &page, count_token, &count), 0);
	return count;
}

static int refuse_revocation(const struct store_revocation *row, void *arg)
{
	(void)row;
	(void)arg;
	return ERR_EXISTS;
}

/* The disk is full: nothing is half done, reading goes on, and writing comes back with the space.
 */
static void test_full_disk(void **state)
{
	struct store_fixture *f = *state;
	struct store *st = f->st;
	char jti[LIMIT_JTI + 1];
	struct store_user user;
	size_t tokens = 0;
	int err = 0;

	store_fixture_user(st, "alice");
	store_fixture_room(st, "demo");
	limit_pages(st, "PRAGMA max_page_count = 60");
	while (err == 0) {
		snprintf(jti, sizeof(jti), "token-%056zu", tokens);
		struct store_token t = store_fixture_token(jti, "alice", "demo", NOW + 100);
		err = store_fixture_add(st, &t);
		tokens += err == 0;
		assert_true(tokens < STORE_PAGE_MAX);
	}
	assert_int_equal(err, ERR_STORE);
	assert_int_equal(token_count(st), tokens);
	/* a change of several statements leaves nothing behind either */
	assert_int_equal(store_user_set_disabled(st, &store_tester, "alice", true, NOW), ERR_STORE);
	assert_int_equal(store_user_get(st, "alice", &user), 0);
	assert_false(user.disabled);
	assert_int_equal(token_count(st), tokens);
	assert_int_equal(store_revocation_list(st, 0, NOW, 1, refuse_revocation, NULL), 0);
	limit_pages(st, "PRAGMA max_page_count = 100000");
	struct store_token t = store_fixture_token("token-after", "alice", "demo", NOW + 100);
	assert_int_equal(store_fixture_add(st, &t), 0);
	store_fixture_user(st, "later");
	store_fixture_reopen(f);
	assert_int_equal(token_count(f->st), tokens + 1);
}

/* A file that is gone takes no change that nobody would find again. */
static void test_file_is_gone(void **state)
{
	struct store_fixture *f = *state;
	char aside[160];

	store_fixture_user(f->st, "alice");
	store_fixture_room(f->st, "demo");
	snprintf(aside, sizeof(aside), "%s.aside", f->file);
	assert_int_equal(rename(f->file, aside), 0);
	struct store_token t = store_fixture_token("to-nowhere", "alice", "demo", NOW + 100);
	assert_int_equal(store_fixture_add(f->st, &t), ERR_STORE);
	assert_int_equal(store_check(f->st), ERR_STORE);
	assert_int_equal(rename(aside, f->file), 0);
	assert_int_equal(store_fixture_add(f->st, &t), 0);
	assert_int_equal(store_check(f->st), 0);
	assert_int_equal(token_count(f->st), 1);
}

/* A daemon that is stopped keeps its socket: its backlog is full, and a start must not wait for it
 * or take the socket away. */
static void test_admin_socket_of_a_busy_daemon(void **state)
{
	struct store_fixture *f = *state;
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
		cmocka_unit_test_setup_teardown(test_admin_socket_of_a_busy_daemon,
			store_fixture_sqlite, store_fixture_end),
		cmocka_unit_test_setup_teardown(
			test_file_is_private, store_fixture_sqlite, store_fixture_end),
		cmocka_unit_test_setup_teardown(
			test_newer_schema_is_refused, store_fixture_sqlite, store_fixture_end),
		cmocka_unit_test_setup_teardown(test_old_development_schema_is_refused,
			store_fixture_sqlite, store_fixture_end),
		cmocka_unit_test_setup_teardown(
			test_garbage_is_refused, store_fixture_sqlite, store_fixture_end),
		cmocka_unit_test_setup_teardown(
			test_full_disk, store_fixture_sqlite, store_fixture_end),
		cmocka_unit_test_setup_teardown(
			test_file_is_gone, store_fixture_sqlite, store_fixture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
