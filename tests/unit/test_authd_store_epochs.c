/*
 * Epochs of media keys, as part of the conformance test of the store: whatever ends a token begins
 * a new epoch in its room, once, and in no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "authd/store_apikeys.h"
#include "authd/store_invites.h"
#include "tests/unit/store_tests.h"

#define MANY 50

static int64_t epoch_of(struct store *st, const char *name)
{
	struct store_room room;

	assert_int_equal(store_room_get(st, name, &room), 0);
	return room.epoch;
}

static void expect(struct store *st, int64_t demo, int64_t other)
{
	assert_int_equal(epoch_of(st, "demo"), demo);
	assert_int_equal(epoch_of(st, "other"), other);
}

static void give(struct store *st, const char *jti, const char *room, const char *source,
	const char *source_id)
{
	struct store_token token = store_fixture_token(jti, "alice", room, NOW + 100);

	snprintf(token.source, sizeof(token.source), "%s", source);
	snprintf(token.source_id, sizeof(token.source_id), "%s", source_id);
	assert_int_equal(store_fixture_add(st, &token), 0);
}

static void begin(struct store *st)
{
	const struct store_apikey key = { .id = "key-id", .name = "app", .rooms = "[\"*\"]",
		.grants = "{}", .created_at = NOW };
	const struct store_invite invite = { .id = "invite-id", .room = "demo", .grants = "{}",
		.created_at = NOW, .expires_at = NOW + 100 };

	store_fixture_user(st, "alice");
	store_fixture_room(st, "demo");
	store_fixture_room(st, "other");
	assert_int_equal(store_apikey_add(st, &store_tester, &key), 0);
	assert_int_equal(store_invite_add(st, &store_tester, &invite), 0);
}

static void revoke(struct store *st, const char *kind, const char *id, const char *room)
{
	struct store_revocation entry = { .reason = "" };
	size_t revoked = 0;

	snprintf(entry.kind, sizeof(entry.kind), "%s", kind);
	snprintf(entry.id, sizeof(entry.id), "%s", id);
	snprintf(entry.room, sizeof(entry.room), "%s", room);
	assert_int_equal(store_revocation_add(st, &store_tester, &entry, NOW, &revoked), 0);
}

void store_test_epochs(void **state)
{
	struct store *st = ((struct store_fixture *)*state)->st;
	struct store_room before, after;
	struct store_token row;

	begin(st);
	/* a token */
	give(st, "aaaaaaaa-1", "demo", "user", "");
	give(st, "aaaaaaaa-2", "other", "user", "");
	assert_int_equal(store_room_get(st, "demo", &before), 0);
	assert_int_equal(store_token_revoke(st, &store_tester, "aaaaaaaa-1", NOW, &row), 0);
	assert_int_equal(store_room_get(st, "demo", &after), 0);
	assert_string_not_equal(before.media_key, after.media_key);
	assert_int_equal(strlen(after.media_key), STORE_MEDIA_KEY);
	assert_true(after.policy_rev > before.policy_rev);
	expect(st, 2, 1);
	/* who has lost it already got no later key: no need of another */
	assert_int_equal(store_token_revoke(st, &store_tester, "aaaaaaaa-1", NOW, &row), 0);
	revoke(st, "user", "alice", "demo");
	expect(st, 2, 1);
	/* a user, everywhere */
	give(st, "aaaaaaaa-3", "demo", "user", "");
	revoke(st, "user", "alice", "");
	expect(st, 3, 2);
	/* a room */
	give(st, "aaaaaaaa-4", "demo", "user", "");
	give(st, "aaaaaaaa-5", "other", "user", "");
	revoke(st, "room", "demo", "");
	expect(st, 4, 2);
	/* an API key, an invite, a user that is disabled */
	give(st, "bbbbbbbb-1", "demo", "apikey", "key-id");
	give(st, "cccccccc-1", "demo", "invite", "invite-id");
	assert_int_equal(store_apikey_revoke(st, &store_tester, "app", NOW), 0);
	expect(st, 5, 2);
	assert_int_equal(store_invite_revoke(st, &store_tester, "invite-id", NOW), 0);
	expect(st, 6, 2);
	assert_int_equal(store_user_set_disabled(st, &store_tester, "alice", true, NOW), 0);
	expect(st, 6, 3);
}

static int count(const struct store_audit_record *row, void *arg)
{
	*(size_t *)arg += strcmp(row->action, "room.rekey") == 0 ? 1 : 0;
	return 0;
}

/* However many of its tokens end, a room has one new epoch, and one record of it; one that is
 * deleted, or has no token that holds, has none. */
void store_test_epochs_are_few(void **state)
{
	struct store *st = ((struct store_fixture *)*state)->st;
	const struct store_audit_filter filter = { .action = "room.rekey" };
	char jti[32];
	size_t records = 0;

	begin(st);
	for (int i = 0; i < MANY; i++) {
		snprintf(jti, sizeof(jti), "aaaaaaaa-%d", i);
		give(st, jti, i % 2 == 0 ? "demo" : "other", "apikey", "key-id");
	}
	assert_int_equal(store_apikey_revoke(st, &store_tester, "app", NOW), 0);
	expect(st, 2, 2);
	assert_int_equal(store_audit_list(st, &filter, 0, MANY, count, &records), 0);
	assert_int_equal(records, 2);
	revoke(st, "room", "demo", "");
	revoke(st, "user", "nobody", "");
	expect(st, 2, 2);
	give(st, "bbbbbbbb-1", "demo", "user", "");
	assert_int_equal(store_room_delete(st, &store_tester, "demo", NOW), 0);
	/* what has ended by itself needs none either */
	give(st, "bbbbbbbb-2", "other", "user", "");
	assert_int_equal(store_user_set_disabled(st, &store_tester, "alice", true, NOW + 100), 0);
	assert_int_equal(epoch_of(st, "other"), 2);
}

static int64_t revoked_at(struct store *st, const char *jti)
{
	struct store_token row;

	assert_int_equal(store_token_get(st, jti, &row), 0);
	return row.revoked_at;
}

static int kick(struct store *st, const char *jti)
{
	return store_revocation_kick(st, &store_tester, jti, "rude", NOW);
}

/* Who is kicked without a ban loses all that is held for that room, once for all who report it. */
void store_test_kick(void **state)
{
	struct store *st = ((struct store_fixture *)*state)->st;

	begin(st);
	give(st, "aaaaaaaa-1", "demo", "user", "");
	give(st, "aaaaaaaa-2", "demo", "apikey", "key-id");
	give(st, "aaaaaaaa-3", "other", "user", "");
	assert_int_equal(kick(st, "aaaaaaaa-1"), 0);
	assert_int_equal(revoked_at(st, "aaaaaaaa-1"), NOW);
	assert_int_equal(revoked_at(st, "aaaaaaaa-2"), NOW);
	assert_int_equal(revoked_at(st, "aaaaaaaa-3"), 0);
	expect(st, 2, 1);
	/* another authd, or the event of another device: the new token stays */
	give(st, "bbbbbbbb-1", "demo", "user", "");
	assert_int_equal(kick(st, "aaaaaaaa-1"), 0);
	assert_int_equal(kick(st, "aaaaaaaa-2"), 0);
	assert_int_equal(revoked_at(st, "bbbbbbbb-1"), 0);
	expect(st, 2, 1);
	assert_int_equal(kick(st, "bbbbbbbb-1"), 0);
	assert_int_equal(revoked_at(st, "bbbbbbbb-1"), NOW);
	expect(st, 3, 1);
	assert_int_equal(kick(st, "cccccccc-1"), ERR_NOT_FOUND);
}
