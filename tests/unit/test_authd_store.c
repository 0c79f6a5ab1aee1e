/*
 * The conformance test of the store: every operation, on SQLite or, where HELIO_TEST_PG names one,
 * on PostgreSQL (test_authd_store.sh starts a server). What only SQLite has (its file, a full disk)
 * is in test_authd_store_file.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authd/store_schema.h"
#include "tests/unit/store_tests.h"

static const struct store_page all = { "", STORE_PAGE_MAX };

static struct store *store_of(void **state)
{
	return ((struct store_fixture *)*state)->st;
}

static int count_token(const struct store_token *row, void *arg)
{
	(void)row;
	(*(size_t *)arg)++;
	return 0;
}

static size_t token_count(
	struct store *st, const char *room, const char *user, bool even_dead, int64_t now)
{
	const struct store_token_filter filter = {
		.room = room, .user = user, .all = even_dead, .now = now
	};
	size_t count = 0;

	assert_int_equal(store_token_list(st, &filter, &all, count_token, &count), 0);
	return count;
}

struct revocations {
	size_t count;
	struct store_revocation last;
};

static int take_revocation(const struct store_revocation *row, void *arg)
{
	struct revocations *r = arg;

	assert_true(row->seq > r->last.seq);
	r->last = *row;
	r->count++;
	return 0;
}

static struct revocations revocations(struct store *st, int64_t after, int64_t now)
{
	struct revocations r = { .last = { .seq = after } };

	assert_int_equal(store_revocation_list(st, after, now, 500, take_revocation, &r), 0);
	return r;
}

/* ---- users ---- */

static void test_users(void **state)
{
	struct store *st = store_of(state);
	struct store_user user, twice = { .name = "alice", .hash = "x" };

	store_fixture_user(st, "alice");
	assert_int_equal(store_user_add(st, &store_tester, &twice), ERR_EXISTS);
	assert_int_equal(store_user_get(st, "alice", &user), 0);
	assert_string_equal(user.hash, "$hash of alice");
	assert_string_equal(user.policy, "{}");
	assert_int_equal(user.created_at, NOW);
	assert_false(user.disabled);
	assert_int_equal(store_user_get(st, "Alice", &user), ERR_NOT_FOUND);
	assert_int_equal(store_user_get(st, "' OR 1=1 --", &user), ERR_NOT_FOUND);
	assert_int_equal(store_user_set_policy(st, &store_tester, "alice", "{\"chat\":false}"), 0);
	assert_int_equal(store_user_set_policy(st, &store_tester, "bob", "{}"), ERR_NOT_FOUND);
	assert_int_equal(store_user_get(st, "alice", &user), 0);
	assert_string_equal(user.policy, "{\"chat\":false}");
	assert_int_equal(store_user_delete(st, &store_tester, "alice", NOW), 0);
	assert_int_equal(store_user_delete(st, &store_tester, "alice", NOW), ERR_NOT_FOUND);
	assert_int_equal(store_user_get(st, "alice", &user), ERR_NOT_FOUND);
}

static void test_new_hash(void **state)
{
	struct store *st = store_of(state);
	struct store_user user;

	store_fixture_user(st, "alice");
	store_fixture_room(st, "demo");
	struct store_token t = store_fixture_token("jti-1", "alice", "demo", NOW + 100);
	assert_int_equal(store_fixture_add(st, &t), 0);
	/* better parameters for the same password: nothing ends */
	assert_int_equal(
		store_user_set_hash(st, &store_tester, "alice", "h2", true, "$hash of alice", NOW),
		0);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW), 1);
	/* too late: the password was changed meanwhile */
	assert_int_equal(
		store_user_set_hash(st, &store_tester, "alice", "h3", true, "$hash of alice", NOW),
		0);
	assert_int_equal(store_user_get(st, "alice", &user), 0);
	assert_string_equal(user.hash, "h2");
	assert_int_equal(
		store_user_set_hash(st, &store_tester, "alice", "h4", false, NULL, NOW), 0);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW), 0);
	assert_int_equal(store_user_set_hash(st, &store_tester, "bob", "h4", false, NULL, NOW),
		ERR_NOT_FOUND);
}

struct names {
	unsigned count, stop_at;
	char text[256];
};

static int take_user(const struct store_user *row, void *arg)
{
	struct names *names = arg;
	size_t len = strlen(names->text);

	snprintf(names->text + len, sizeof(names->text) - len, "%s ", row->name);
	return ++names->count == names->stop_at ? ERR_FULL : 0;
}

static void test_pages(void **state)
{
	struct store *st = store_of(state);
	struct names names = { 0 };
	const struct store_page first = { "", 2 }, second = { "b", 2 };
	struct store_user user;

	store_fixture_user(st, "c");
	store_fixture_user(st, "a");
	store_fixture_user(st, "b");
	store_fixture_user(st, "B");
	assert_int_equal(store_user_list(st, &first, take_user, &names), 0);
	assert_string_equal(names.text, "B a ");
	assert_int_equal(store_user_list(st, &second, take_user, &names), 0);
	assert_string_equal(names.text, "B a c ");
	names = (struct names){ .stop_at = 1 };
	assert_int_equal(store_user_list(st, &all, take_user, &names), ERR_FULL);
	assert_int_equal(names.count, 1);
	/* and the store is of use afterwards */
	assert_int_equal(store_user_get(st, "b", &user), 0);
}

/* ---- rooms ---- */

static int sum_places(const struct store_place *row, void *arg)
{
	assert_string_equal(row->reflector, "r2");
	assert_int_equal(row->port, 49153);
	*(size_t *)arg += row->rooms;
	return 0;
}

static void test_places(void **state)
{
	static const struct store_place none = { "", 0, 0 }, one = { "r1", 49152, 0 },
					two = { "r2", 49153, 0 };
	struct store *st = store_of(state);
	struct store_room room;
	size_t rooms = 0;

	store_fixture_room(st, "demo");
	assert_int_equal(store_room_get(st, "demo", &room), 0);
	assert_string_equal(room.reflector, "");
	assert_int_equal(store_place_set(st, "demo", &one, &two, "", NOW), ERR_STATE);
	assert_int_equal(store_place_set(st, "demo", &none, &one, "r2:49152", NOW), 0);
	/* another authd was faster */
	assert_int_equal(store_place_set(st, "demo", &none, &two, "", NOW), ERR_STATE);
	assert_int_equal(store_room_get(st, "demo", &room), 0);
	assert_string_equal(room.alternates, "r2:49152");
	assert_int_equal(store_place_set(st, "demo", &one, &two, "", NOW + 1), 0);
	assert_int_equal(store_room_get(st, "demo", &room), 0);
	assert_string_equal(room.reflector, "r2");
	assert_int_equal(room.port, 49153);
	assert_int_equal(store_place_counts(st, sum_places, &rooms), 0);
	assert_int_equal(rooms, 1);
	/* a room that is not there cannot be placed */
	assert_int_equal(store_place_set(st, "none", &none, &one, "", NOW), ERR_STATE);
	assert_int_equal(store_room_get(st, "none", &room), ERR_NOT_FOUND);
}

struct changes {
	int64_t last;
	char text[256];
};

static int take_change(const struct store_room *row, void *arg)
{
	struct changes *c = arg;
	size_t len = strlen(c->text);

	assert_true(row->policy_rev > c->last);
	c->last = row->policy_rev;
	snprintf(c->text + len, sizeof(c->text) - len, "%s ", row->name);
	return 0;
}

static void expect_changes(struct store *st, int64_t *after, const char *text)
{
	struct changes c = { .last = *after };

	assert_int_equal(store_room_changes(st, *after, 100, take_change, &c), 0);
	assert_string_equal(c.text, text);
	*after = c.last;
}

static void test_rooms_have_policies(void **state)
{
	struct store *st = store_of(state);
	static const struct store_setting both[] = { { "room", "{\"capacity\":9}" },
		{ "grants", "" } };
	static const struct store_setting bad[] = { { "room", "{}" }, { "audit-head", "1 x" } };
	struct store_room room, twice = { .name = "a" };
	char value[STORE_JSON_MAX + 1];
	int64_t after = 0;

	store_fixture_room(st, "a");
	store_fixture_room(st, "b");
	assert_int_equal(store_room_add(st, &store_tester, &twice, NOW), ERR_EXISTS);
	expect_changes(st, &after, "a b ");
	assert_int_equal(store_room_set(st, &store_tester, "a", "{\"capacity\":3}", 1, NOW), 0);
	assert_int_equal(store_room_set(st, &store_tester, "a", NULL, -1, -1), 0);
	assert_int_equal(store_room_get(st, "a", &room), 0);
	assert_string_equal(room.policy, "{\"capacity\":3}");
	assert_true(room.locked);
	assert_int_equal(room.expires_at, NOW);
	expect_changes(st, &after, "a ");
	assert_int_equal(room.epoch, 1);
	assert_int_equal(store_room_rekey(st, &store_tester, "b"), 0);
	assert_int_equal(store_room_get(st, "b", &room), 0);
	assert_int_equal(room.epoch, 2);
	assert_int_equal(strlen(room.media_key), STORE_MEDIA_KEY);
	expect_changes(st, &after, "b ");
	assert_int_equal(store_room_set(st, &store_tester, "c", "{}", 0, 0), ERR_NOT_FOUND);
	assert_int_equal(store_room_rekey(st, &store_tester, "c"), ERR_NOT_FOUND);
	/* a new default is news of every room */
	assert_int_equal(store_setting_get(st, "room", value), 0);
	assert_string_equal(value, "{}");
	assert_int_equal(store_setting_set(st, &store_tester, both, 2), 0);
	assert_int_equal(store_setting_get(st, "grants", value), 0);
	assert_string_equal(value, "{}");
	assert_int_equal(store_setting_get(st, "room", value), 0);
	assert_string_equal(value, "{\"capacity\":9}");
	expect_changes(st, &after, "a b ");
	assert_int_equal(store_room_set(st, &store_tester, "b", NULL, 0, -1), 0);
	expect_changes(st, &after, "b ");
	assert_int_equal(store_setting_get(st, "audit-head", value), ERR_INVALID);
	/* all or nothing, and what is nobody's business is none */
	assert_int_equal(store_setting_set(st, &store_tester, bad, 2), ERR_INVALID);
	assert_int_equal(store_setting_set(st, &store_tester, bad, 0), 0);
	assert_int_equal(store_setting_get(st, "room", value), 0);
	assert_string_equal(value, "{\"capacity\":9}");
}

static void test_room_delete(void **state)
{
	static const struct store_place none = { "", 0, 0 }, one = { "r1", 49152, 0 };
	struct store *st = store_of(state);
	struct store_room room;

	store_fixture_user(st, "alice");
	store_fixture_room(st, "demo");
	assert_int_equal(store_place_set(st, "demo", &none, &one, "", NOW), 0);
	struct store_token t = store_fixture_token("jti-1", "alice", "demo", NOW + 100);
	assert_int_equal(store_fixture_add(st, &t), 0);
	assert_int_equal(store_room_delete(st, &store_tester, "demo", NOW), 0);
	assert_int_equal(store_room_delete(st, &store_tester, "demo", NOW), ERR_NOT_FOUND);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW), 0);
	struct revocations r = revocations(st, 0, NOW);
	assert_int_equal(r.count, 1);
	assert_string_equal(r.last.kind, "room");
	assert_string_equal(r.last.id, "demo");
	assert_int_equal(r.last.until, NOW + 100);
	/* one of the same name is another room, and lives nowhere yet */
	store_fixture_room(st, "demo");
	assert_int_equal(store_room_get(st, "demo", &room), 0);
	assert_string_equal(room.reflector, "");
}

/* ---- tokens ---- */

static void test_token_needs_user_and_room(void **state)
{
	struct store *st = store_of(state);
	struct store_token t = store_fixture_token("jti-0001-aaaa", "alice", "demo", NOW + 100);
	int64_t rev = -1;

	assert_int_equal(store_fixture_add(st, &t), ERR_DENIED);
	store_fixture_user(st, "alice");
	assert_int_equal(store_fixture_add(st, &t), ERR_DENIED);
	store_fixture_room(st, "demo");
	assert_int_equal(store_token_add(st, &store_tester, &t, &rev), 0);
	assert_int_equal(rev, 0);
	assert_int_equal(store_fixture_add(st, &t), ERR_EXISTS);
	assert_int_equal(store_user_set_disabled(st, &store_tester, "alice", true, NOW), 0);
	t = store_fixture_token("jti-0002-aaaa", "alice", "demo", NOW + 100);
	assert_int_equal(store_fixture_add(st, &t), ERR_DENIED);
	assert_int_equal(token_count(st, NULL, NULL, true, NOW), 1);
	assert_int_equal(store_user_set_disabled(st, &store_tester, "alice", false, NOW), 0);
	assert_int_equal(store_token_add(st, &store_tester, &t, &rev), 0);
	assert_int_equal(rev, revocations(st, 0, NOW).last.seq);
	assert_int_equal(
		store_user_set_disabled(st, &store_tester, "nobody", true, NOW), ERR_NOT_FOUND);
	/* a room that is over */
	assert_int_equal(store_room_set(st, &store_tester, "demo", NULL, -1, NOW), 0);
	t = store_fixture_token("jti-0003-aaaa", "alice", "demo", NOW + 100);
	assert_int_equal(store_fixture_add(st, &t), ERR_DENIED);
}

static void add_three(struct store *st)
{
	static const char *const jtis[] = { "aaaaaaaa-1", "aaaaaaaa-2", "bbbbbbbb-1" };

	store_fixture_user(st, "alice");
	store_fixture_user(st, "bob");
	store_fixture_room(st, "demo");
	store_fixture_room(st, "other");
	for (size_t i = 0; i < 3; i++) {
		struct store_token t = store_fixture_token(jtis[i], i == 1 ? "bob" : "alice",
			i == 2 ? "other" : "demo", NOW + 100 + (int64_t)i);
		assert_int_equal(store_fixture_add(st, &t), 0);
	}
}

static void test_token_list_filters(void **state)
{
	struct store *st = store_of(state);
	const struct store_page behind = { "aaaaaaaa-1", 1 };
	const struct store_token_filter any = { .now = NOW };
	size_t count = 0;

	add_three(st);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW), 3);
	assert_int_equal(token_count(st, "demo", NULL, false, NOW), 2);
	assert_int_equal(token_count(st, "demo", "bob", false, NOW), 1);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW + 100), 2);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW + 500), 0);
	assert_int_equal(token_count(st, NULL, NULL, true, NOW + 500), 3);
	assert_int_equal(store_token_list(st, &any, &behind, count_token, &count), 0);
	assert_int_equal(count, 1);
}

static void test_consume_once(void **state)
{
	struct store *st = store_of(state);
	struct store_token t;

	add_three(st);
	assert_int_equal(store_token_consume(st, &store_tester, "aaaaaaaa-1", "r1", NOW), 0);
	assert_int_equal(
		store_token_consume(st, &store_tester, "aaaaaaaa-1", "r1", NOW), ERR_TOKEN_USED);
	assert_int_equal(store_token_get(st, "aaaaaaaa-1", &t), 0);
	assert_int_equal(t.consumed_at, NOW);
	assert_string_equal(t.consumed_by, "r1");
	assert_int_equal(store_token_revoke(st, &store_tester, "aaaaaaaa-2", NOW, &t), 0);
	assert_int_equal(
		store_token_consume(st, &store_tester, "aaaaaaaa-2", "r1", NOW), ERR_TOKEN_REVOKED);
	assert_int_equal(store_token_consume(st, &store_tester, "bbbbbbbb-1", "r1", NOW + 102),
		ERR_TOKEN_EXPIRED);
	assert_int_equal(
		store_token_consume(st, &store_tester, "bbbbbbbb-", "r1", NOW), ERR_NOT_FOUND);
	assert_int_equal(store_token_get(st, "bbbbbbbb-", &t), ERR_NOT_FOUND);
}

/* ---- revocations ---- */

static void test_revoke_by_prefix(void **state)
{
	struct store *st = store_of(state);
	struct store_token t;

	add_three(st);
	assert_int_equal(store_token_revoke(st, &store_tester, "aaaaaaaa", NOW, &t), ERR_EXISTS);
	assert_int_equal(store_token_revoke(st, &store_tester, "cccccccc", NOW, &t), ERR_NOT_FOUND);
	assert_int_equal(revocations(st, 0, NOW).count, 0);
	assert_int_equal(store_token_revoke(st, &store_tester, "bbbbbbbb", NOW + 1, &t), 0);
	assert_string_equal(t.jti, "bbbbbbbb-1");
	assert_int_equal(t.revoked_at, NOW + 1);
	/* again: no error, and nothing new */
	assert_int_equal(store_token_revoke(st, &store_tester, "bbbbbbbb-1", NOW + 2, &t), 0);
	assert_int_equal(t.revoked_at, NOW + 1);
	assert_int_equal(revocations(st, 0, NOW).count, 1);
	assert_int_equal(token_count(st, NULL, NULL, false, NOW), 2);
	assert_int_equal(token_count(st, NULL, NULL, true, NOW), 3);
	/* what has expired cannot be revoked any more */
	assert_int_equal(
		store_token_revoke(st, &store_tester, "aaaaaaaa-1", NOW + 100, &t), ERR_NOT_FOUND);
}

static void test_revocations_are_numbered(void **state)
{
	struct store_fixture *f = *state;
	struct store_token t;
	size_t gone = 0;

	add_three(f->st);
	assert_int_equal(store_token_revoke(f->st, &store_tester, "aaaaaaaa-1", NOW, &t), 0);
	struct revocations first = revocations(f->st, 0, NOW);
	assert_int_equal(store_user_set_disabled(f->st, &store_tester, "bob", true, NOW), 0);
	struct revocations second = revocations(f->st, first.last.seq, NOW);
	assert_int_equal(second.count, 1);
	assert_string_equal(second.last.kind, "user");
	assert_string_equal(second.last.id, "bob");
	assert_int_equal(second.last.until, NOW + 101);
	assert_int_equal(revocations(f->st, second.last.seq, NOW).count, 0);
	/* not sent any more when their tokens have expired */
	assert_int_equal(revocations(f->st, 0, NOW + 100).count, 1);
	/* numbers are not given again, even when all that had them are gone */
	assert_int_equal(store_purge(f->st, NOW + 102, &gone), 0);
	assert_int_equal(gone, 2);
	store_fixture_reopen(f);
	assert_int_equal(store_token_revoke(f->st, &store_tester, "bbbbbbbb-1", NOW, &t), 0);
	assert_int_equal(revocations(f->st, second.last.seq, NOW).count, 1);
}

static void test_bans(void **state)
{
	struct store *st = store_of(state);
	struct store_revocation ban = {
		.kind = "user", .id = "alice", .room = "demo", .ban = true, .until = NOW + 50
	};
	struct store_token t = store_fixture_token("jti-1", "alice", "demo", NOW + 100);
	size_t revoked = 0;

	add_three(st);
	assert_int_equal(store_revocation_add(st, &store_tester, &ban, NOW, &revoked), 0);
	assert_int_equal(revoked, 1);
	assert_int_equal(token_count(st, NULL, "alice", false, NOW), 1);
	assert_int_equal(store_fixture_add(st, &t), ERR_DENIED);
	struct store_token other = store_fixture_token("jti-2", "alice", "other", NOW + 100);
	assert_int_equal(store_fixture_add(st, &other), 0);
	/* over by itself */
	t.issued_at = NOW + 50;
	assert_int_equal(store_fixture_add(st, &t), 0);
	/* lifted before its time: as if it had not been */
	assert_int_equal(store_revocation_lift(st, &store_tester, ban.seq, NOW + 1), 0);
	assert_int_equal(store_revocation_lift(st, &store_tester, ban.seq, NOW + 1), ERR_NOT_FOUND);
	struct revocations r = revocations(st, 0, NOW + 1);
	assert_int_equal(r.count, 1);
	assert_string_equal(r.last.kind, "lift");
	assert_int_equal(atoi(r.last.id), ban.seq);
	assert_int_equal(token_count(st, "demo", "alice", false, NOW + 1), 2);
	t = store_fixture_token("jti-3", "alice", "demo", NOW + 100);
	t.issued_at = NOW + 1;
	assert_int_equal(store_fixture_add(st, &t), 0);
	/* a ban without an end, of what nobody knows, of a kind that there is not */
	ban = (struct store_revocation){ .kind = "user", .id = "alice", .ban = true };
	assert_int_equal(store_revocation_add(st, &store_tester, &ban, NOW, &revoked), ERR_INVALID);
	ban = (struct store_revocation){ .kind = "room", .id = "none" };
	assert_int_equal(
		store_revocation_add(st, &store_tester, &ban, NOW, &revoked), ERR_NOT_FOUND);
	ban = (struct store_revocation){ .kind = "what", .id = "none" };
	assert_int_equal(store_revocation_add(st, &store_tester, &ban, NOW, &revoked), ERR_INVALID);
}

/* What holds beside a ban is told to reflectors, and outlives the ban's end and its lifting. */
static void test_bans_hide_nothing(void **state)
{
	struct store *st = store_of(state);
	struct store_revocation ban = {
		.kind = "user", .id = "alice", .ban = true, .until = NOW + 50
	};
	struct store_token t = store_fixture_token("long-enough", "alice", "demo", NOW + 100);
	struct store_token out;
	size_t revoked = 0;

	add_three(st);
	assert_int_equal(store_fixture_add(st, &t), 0);
	assert_int_equal(store_revocation_add(st, &store_tester, &ban, NOW + 1, &revoked), 0);
	assert_int_equal(store_user_set_disabled(st, &store_tester, "alice", true, NOW + 2), 0);
	assert_int_equal(revocations(st, ban.seq, NOW + 60).count, 1);
	assert_int_equal(store_token_revoke(st, &store_tester, "long-enough", NOW + 3, &out), 0);
	assert_int_equal(revocations(st, ban.seq, NOW + 60).count, 2);
	assert_int_equal(store_token_revoke(st, &store_tester, "long-enough", NOW + 3, &out), 0);
	struct revocations r = revocations(st, ban.seq, NOW + 60);
	assert_int_equal(r.count, 2);
	assert_int_equal(store_revocation_lift(st, &store_tester, ban.seq, NOW + 4), 0);
	assert_int_equal(token_count(st, NULL, "alice", false, NOW + 4), 0);
	assert_int_equal(store_revocation_lift(st, &store_tester, r.last.seq, NOW + 4), 0);
	assert_int_equal(token_count(st, NULL, "alice", false, NOW + 4), 0);
	assert_int_equal(store_revocation_lift(st, &store_tester, r.last.seq - 1, NOW + 4), 0);
	assert_int_not_equal(token_count(st, NULL, "alice", false, NOW + 4), 0);
	/* an API key does not bring whom an administrator has disabled */
	t = store_fixture_token("by-a-key", "alice", "demo", NOW + 100);
	memcpy(t.source, "apikey", sizeof("apikey"));
	assert_int_equal(store_fixture_add(st, &t), ERR_DENIED);
}

/* An entry of before a token, though of the same second, does not hold it when a ban is lifted. */
static void test_lifting_counts_numbers(void **state)
{
	struct store *st = store_of(state);
	struct store_revocation room = { .kind = "room", .id = "demo" };
	struct store_revocation ban = {
		.kind = "user", .id = "alice", .ban = true, .until = NOW + 50
	};
	struct store_token before = store_fixture_token("before", "alice", "demo", NOW + 100);
	struct store_token behind = store_fixture_token("behind", "alice", "demo", NOW + 100);
	struct store_token out;
	size_t revoked = 0;

	add_three(st);
	assert_int_equal(store_fixture_add(st, &before), 0);
	assert_int_equal(store_revocation_add(st, &store_tester, &room, NOW, &revoked), 0);
	assert_int_equal(store_fixture_add(st, &behind), 0);
	assert_int_equal(store_revocation_add(st, &store_tester, &ban, NOW, &revoked), 0);
	assert_int_equal(revoked, 2); /* and the one in the other room */
	assert_int_equal(store_revocation_lift(st, &store_tester, ban.seq, NOW), 0);
	assert_int_equal(store_token_get(st, "before", &out), 0);
	assert_int_not_equal(out.revoked_at, 0);
	assert_int_equal(store_token_get(st, "behind", &out), 0);
	assert_int_equal(out.revoked_at, 0);
}

/* What several report of one ban or lock is recorded once. */
static void test_once(void **state)
{
	struct store *st = store_of(state);
	const struct store_revocation asked = {
		.kind = "user", .id = "alice", .room = "demo", .ban = true, .until = NOW + 50
	};
	struct store_revocation ban = asked;
	struct store_room room;
	size_t revoked = 0;
	int64_t after = 0;

	add_three(st);
	assert_int_equal(store_revocation_add_once(st, &store_tester, &ban, NOW, &revoked), 0);
	const int64_t seq = ban.seq;
	ban = asked;
	ban.until = NOW + 51; /* by another clock */
	assert_int_equal(
		store_revocation_add_once(st, &store_tester, &ban, NOW + 1, &revoked), ERR_EXISTS);
	ban.until = NOW + 500; /* a longer one is news, as is that of another room */
	assert_int_equal(store_revocation_add_once(st, &store_tester, &ban, NOW + 1, &revoked), 0);
	assert_int_equal(store_revocation_lift(st, &store_tester, ban.seq, NOW + 2), 0);
	assert_int_equal(store_revocation_lift(st, &store_tester, seq, NOW + 2), 0);
	ban = asked;
	ban.until = NOW + 6; /* and one behind a lift */
	assert_int_equal(store_revocation_add_once(st, &store_tester, &ban, NOW + 3, &revoked), 0);
	snprintf(ban.room, sizeof(ban.room), "other");
	assert_int_equal(store_revocation_add_once(st, &store_tester, &ban, NOW + 3, &revoked), 0);

	expect_changes(st, &after, "demo other ");
	assert_int_equal(store_room_lock(st, &store_tester, "demo", false), ERR_EXISTS);
	assert_int_equal(store_room_lock(st, &store_tester, "demo", true), 0);
	expect_changes(st, &after, "demo ");
	assert_int_equal(store_room_lock(st, &store_tester, "demo", true), ERR_EXISTS);
	expect_changes(st, &after, "");
	assert_int_equal(store_room_get(st, "demo", &room), 0);
	assert_true(room.locked);
	assert_int_equal(store_room_lock(st, &store_tester, "demo", false), 0);
	assert_int_equal(store_room_lock(st, &store_tester, "none", true), ERR_NOT_FOUND);
}

static void test_reopen_keeps_all(void **state)
{
	static const struct store_place none = { "", 0, 0 }, one = { "r1", 49152, 0 };
	struct store_fixture *f = *state;
	struct store_token t;
	struct store_room room;

	add_three(f->st);
	assert_int_equal(store_token_revoke(f->st, &store_tester, "bbbbbbbb", NOW, &t), 0);
	assert_int_equal(store_place_set(f->st, "demo", &none, &one, "", NOW), 0);
	store_fixture_reopen(f);
	assert_int_equal(store_room_get(f->st, "demo", &room), 0);
	assert_string_equal(room.reflector, "r1");
	assert_int_equal(token_count(f->st, NULL, NULL, false, NOW), 2);
	assert_int_equal(revocations(f->st, 0, NOW).count, 1);
	assert_int_equal(store_check(f->st), 0);
	assert_int_equal(store_schema(f->st), store_migration_count);
}

#define BOTH(run)                                                                                  \
	{                                                                                          \
#run, run, NULL, NULL, NULL                                                        \
	}

static const struct CMUnitTest conformance[] = {
	BOTH(test_users),
	BOTH(test_new_hash),
	BOTH(test_pages),
	BOTH(test_places),
	BOTH(test_rooms_have_policies),
	BOTH(test_room_delete),
	BOTH(test_token_needs_user_and_room),
	BOTH(test_token_list_filters),
	BOTH(test_consume_once),
	BOTH(test_revoke_by_prefix),
	BOTH(test_revocations_are_numbered),
	BOTH(test_bans),
	BOTH(test_bans_hide_nothing),
	BOTH(test_lifting_counts_numbers),
	BOTH(test_once),
	BOTH(test_reopen_keeps_all),
	BOTH(store_test_epochs),
	BOTH(store_test_epochs_are_few),
	BOTH(store_test_kick),
	BOTH(store_test_upgrade),
	BOTH(store_test_upgrade_fails),
	BOTH(store_test_upgrade_killed),
	BOTH(store_test_upgrade_once),
	BOTH(store_test_newer_schema),
	BOTH(store_test_numbers_raised),
	BOTH(store_test_audit_list),
	BOTH(store_test_audit_detail),
	BOTH(store_test_audit_is_whole),
	BOTH(store_test_audit_tampering),
	BOTH(store_test_audit_goes_on),
	BOTH(store_test_audit_note),
	BOTH(store_test_group),
	BOTH(store_test_group_with_a_failure),
	BOTH(store_test_consume_race),
	BOTH(store_test_kill),
	BOTH(store_test_watch),
};

#define COUNT (sizeof(conformance) / sizeof(conformance[0]))

static int run_on(const char *name, CMFixtureFunction begin)
{
	struct CMUnitTest tests[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		tests[i] = conformance[i];
		tests[i].setup_func = begin;
		tests[i].teardown_func = store_fixture_end;
	}
	return _cmocka_run_group_tests(name, tests, COUNT, NULL, NULL);
}

int main(void)
{
	return store_fixture_pg() != NULL ? run_on("postgresql", store_fixture_pgsql)
					  : run_on("sqlite", store_fixture_sqlite);
}
