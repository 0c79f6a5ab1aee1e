/*
 * test_authd_store_audit: the record of every change: read by filter, and each way to tamper with
 * it found, the first bad record named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authd/store_reflectors.h"
#include "tests/unit/store_tests.h"

#define RECORDS 8 /* that fill() writes */

static void fill(struct store *st)
{
	struct store_token t = store_fixture_token("jti-1", "alice", "demo", NOW + 100), out;

	store_fixture_user(st, "alice"); /* 1 */
	store_fixture_user(st, "bob");
	store_fixture_room(st, "demo");
	assert_int_equal(store_fixture_add(st, &t), 0); /* 4 */
	assert_int_equal(store_token_revoke(st, &store_tester, "jti-1", NOW, &out), 0);
	/* 5 was the new epoch of the room, 6 that */
	assert_int_equal(store_user_set_disabled(st, &store_tester, "bob", true, NOW), 0);
	assert_int_equal(store_user_set_disabled(st, &store_tester, "bob", false, NOW), 0); /* 8 */
}

struct list {
	unsigned count;
	struct store_audit_record last;
	char seqs[128];
};

static int take(const struct store_audit_record *row, void *arg)
{
	struct list *list = arg;
	size_t len = strlen(list->seqs);

	snprintf(list->seqs + len, sizeof(list->seqs) - len, "%d ", (int)row->seq);
	list->last = *row;
	list->count++;
	return 0;
}

static void expect(struct store *st, struct store_audit_filter filter, int64_t after,
	unsigned limit, const char *seqs)
{
	struct list list = { 0 };

	assert_int_equal(store_audit_list(st, &filter, after, limit, take, &list), 0);
	assert_string_equal(list.seqs, seqs);
}

void store_test_audit_list(void **state)
{
	struct store *st = ((struct store_fixture *)*state)->st;
	const struct store_audit_filter none = { 0 };
	struct list list = { 0 };

	fill(st);
	expect(st, none, 0, 100, "1 2 3 4 5 6 7 8 ");
	expect(st, none, 3, 2, "4 5 ");
	expect(st, none, -1, 3, "6 7 8 ");
	expect(st, (struct store_audit_filter){ .action = "token" }, 0, 100, "4 6 ");
	expect(st, (struct store_audit_filter){ .action = "token.issue" }, 0, 100, "4 ");
	expect(st, (struct store_audit_filter){ .action = "tok" }, 0, 100, "");
	expect(st, (struct store_audit_filter){ .object = "bob" }, 0, 100, "2 7 8 ");
	expect(st, (struct store_audit_filter){ .actor = "admin:tester" }, -1, 1, "8 ");
	expect(st, (struct store_audit_filter){ .actor = "admin" }, 0, 100, "");
	expect(st, (struct store_audit_filter){ .since = INT64_C(1) << 50 }, 0, 100, "");
	assert_int_equal(store_audit_list(st, &none, 3, 1, take, &list), 0);
	assert_string_equal(list.last.actor, "admin:tester");
	assert_string_equal(list.last.address, "192.0.2.7");
	assert_string_equal(list.last.action, "token.issue");
	assert_string_equal(list.last.object, "jti-1");
	assert_non_null(strstr(list.last.detail, "\"room\":\"demo\""));
	assert_int_equal(strlen(list.last.hash), STORE_AUDIT_HASH);
}

static void expect_detail(struct store *st, const char *action, const char *detail)
{
	struct list list = { 0 };

	assert_int_equal(store_audit_list(st, &(struct store_audit_filter){ .action = action }, -1,
				 1, take, &list),
		0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.last.detail, detail);
}

/* JSON stands as JSON, what was not changed or not given does not stand, and the chain is whole. */
void store_test_audit_detail(void **state)
{
	struct store *st = ((struct store_fixture *)*state)->st;
	const struct store_reflector r = { .name = "r1",
		.control = "192.0.2.10:49200",
		.address = "192.0.2.10",
		.ports = "49152",
		.tls_name = "r1",
		.weight = 100,
		.code = "code",
		.code_until = NOW + 900 };
	const struct store_setting grants = { .name = "grants", .value = "{\"chat\":false}" };
	struct store_audit_verdict v;

	store_fixture_user(st, "alice");
	assert_int_equal(
		store_user_set_policy(st, &store_tester, "alice", "{\"rooms\":[\"a*\"]}"), 0);
	expect_detail(st, "user.policy", "{\"policy\":{\"rooms\":[\"a*\"]}}");
	assert_int_equal(store_user_set_policy(st, &store_tester, "alice", ""), 0);
	expect_detail(st, "user.policy", "{\"policy\":{}}");
	assert_int_equal(store_setting_set(st, &store_tester, &grants, 1), 0);
	expect_detail(st, "policy.set", "{\"grants\":{\"chat\":false}}");
	store_fixture_room(st, "demo");
	expect_detail(st, "room.add", "{}");
	assert_int_equal(store_reflector_put(st, &store_tester, &r), 0);
	assert_int_equal(store_reflector_set(st, &store_tester, "r1", -1, 7), 0);
	expect_detail(st, "reflector.set", "{\"weight\":7}");
	assert_int_equal(
		store_reflector_set(st, &store_tester, "r1", STORE_REFLECTOR_DRAIN, -1), 0);
	expect_detail(st, "reflector.set", "{\"state\":\"drain\"}");
	assert_int_equal(store_audit_verify(st, &v), 0);
	assert_int_equal(v.bad_seq, 0);
}

static struct store_audit_verdict verify(struct store *st)
{
	struct store_audit_verdict v;

	assert_int_equal(store_audit_verify(st, &v), 0);
	return v;
}

void store_test_audit_is_whole(void **state)
{
	struct store_fixture *f = *state;
	char hash[STORE_AUDIT_HASH + 1];
	int64_t seq = -1;

	assert_int_equal(verify(f->st).bad_seq, 0);
	assert_int_equal(store_audit_head(f->st, &seq, hash), 0);
	assert_int_equal(seq, 0);
	fill(f->st);
	/* what was refused leaves no record, and no hole */
	struct store_user twice = { .name = "alice" };
	assert_int_equal(store_user_add(f->st, &store_tester, &twice), ERR_EXISTS);
	assert_int_equal(
		store_token_consume(f->st, &store_tester, "none", "r1", NOW), ERR_NOT_FOUND);
	store_fixture_reopen(f);
	store_fixture_user(f->st, "carol");
	struct store_audit_verdict v = verify(f->st);
	assert_string_equal(v.why, "");
	assert_int_equal(v.bad_seq, 0);
	assert_int_equal(v.records, RECORDS + 1);
	assert_int_equal(store_audit_head(f->st, &seq, hash), 0);
	assert_int_equal(seq, RECORDS + 1);
	assert_string_equal(hash, v.head);
}

/* Each on the chain of fill(); undo brings it back. */
static const struct tamper {
	const char *name, *sql, *undo;
	int64_t bad_seq;
} tampers[] = {
	{ "actor", "UPDATE audit SET actor = 'admin:other' WHERE seq = 4",
		"UPDATE audit SET actor = 'admin:tester' WHERE seq = 4", 4 },
	{ "address", "UPDATE audit SET address = '' WHERE seq = 1",
		"UPDATE audit SET address = '192.0.2.7' WHERE seq = 1", 1 },
	{ "moved between fields",
		"UPDATE audit SET action = 'user.addb', object = 'ob' WHERE seq = 2",
		"UPDATE audit SET action = 'user.add', object = 'bob' WHERE seq = 2", 2 },
	{ "time", "UPDATE audit SET at = at + 1 WHERE seq = 8",
		"UPDATE audit SET at = at - 1 WHERE seq = 8", 8 },
	{ "detail", "UPDATE audit SET detail = '{ }' WHERE seq = 2",
		"UPDATE audit SET detail = '{}' WHERE seq = 2", 2 },
	{ "hash", "UPDATE audit SET hash = 'x' || hash WHERE seq = 3",
		"UPDATE audit SET hash = substr(hash, 2) WHERE seq = 3", 3 },
	{ "two that changed places",
		"UPDATE audit SET seq = 100 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3;"
		" UPDATE audit SET seq = 3 WHERE seq = 100",
		"UPDATE audit SET seq = 100 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3;"
		" UPDATE audit SET seq = 3 WHERE seq = 100",
		2 },
	{ "removed in the middle",
		"CREATE TABLE taken AS SELECT * FROM audit WHERE seq = 5;"
		" DELETE FROM audit WHERE seq = 5",
		"INSERT INTO audit SELECT * FROM taken; DROP TABLE taken", 5 },
	{ "removed at the beginning",
		"CREATE TABLE taken AS SELECT * FROM audit WHERE seq < 3;"
		" DELETE FROM audit WHERE seq < 3",
		"INSERT INTO audit SELECT * FROM taken; DROP TABLE taken", 1 },
	{ "removed at the end",
		"CREATE TABLE taken AS SELECT * FROM audit WHERE seq > 6;"
		" DELETE FROM audit WHERE seq > 6",
		"INSERT INTO audit SELECT * FROM taken; DROP TABLE taken", 7 },
	{ "removed at the end, with the counter",
		"CREATE TABLE taken AS SELECT * FROM audit WHERE seq > 6;"
		" DELETE FROM audit WHERE seq > 6; UPDATE counter SET value = 6 WHERE name = 'audit'",
		"INSERT INTO audit SELECT * FROM taken; DROP TABLE taken;"
		" UPDATE counter SET value = 8 WHERE name = 'audit'",
		7 },
	{ "all removed", "CREATE TABLE taken AS SELECT * FROM audit; DELETE FROM audit",
		"INSERT INTO audit SELECT * FROM taken; DROP TABLE taken", 1 },
	{ "put behind the end",
		"INSERT INTO audit SELECT 9, at, actor, address, action, object, detail, hash"
		" FROM audit WHERE seq = 8",
		"DELETE FROM audit WHERE seq = 9", 9 },
	{ "put in between, the others moved up",
		"UPDATE audit SET seq = seq + 100 WHERE seq >= 4; INSERT INTO audit SELECT 4, at,"
		" actor, address, action, object, detail, hash FROM audit WHERE seq = 3;"
		" UPDATE audit SET seq = seq - 99 WHERE seq > 100;"
		" UPDATE counter SET value = 9 WHERE name = 'audit'",
		"DELETE FROM audit WHERE seq = 4; UPDATE audit SET seq = seq + 100 WHERE seq > 4;"
		" UPDATE audit SET seq = seq - 101 WHERE seq > 100;"
		" UPDATE counter SET value = 8 WHERE name = 'audit'",
		4 },
	{ "the counter alone", "UPDATE counter SET value = 3 WHERE name = 'audit'",
		"UPDATE counter SET value = 8 WHERE name = 'audit'", 8 },
	{ "the kept end alone",
		"UPDATE setting SET value = '8 ' || substr(value, 4) || 'a' WHERE name = 'audit-head'",
		NULL, 8 },
};

void store_test_audit_tampering(void **state)
{
	struct store_fixture *f = *state;

	fill(f->st);
	for (size_t i = 0; i < sizeof(tampers) / sizeof(tampers[0]); i++) {
		const struct tamper *t = &tampers[i];

		store_fixture_sql(f, t->sql);
		struct store_audit_verdict v = verify(f->st);
		if (v.bad_seq != t->bad_seq || v.why[0] == '\0') {
			fail_msg("%s: found at %d: %s", t->name, (int)v.bad_seq, v.why);
		}
		if (t->undo != NULL) {
			store_fixture_sql(f, t->undo);
			assert_int_equal(verify(f->st).bad_seq, 0);
		}
	}
}

/* Whoever tampered must not have stopped the service, and what comes later does not hide it. */
void store_test_audit_goes_on(void **state)
{
	struct store_fixture *f = *state;

	fill(f->st);
	store_fixture_sql(f,
		"DELETE FROM audit WHERE seq = 8; UPDATE counter SET value = 2 WHERE name = 'audit'");
	store_fixture_user(f->st, "carol");
	store_fixture_user(f->st, "dave");
	assert_int_equal(verify(f->st).bad_seq, 8);
	store_fixture_sql(f, "DELETE FROM setting WHERE name = 'audit-head'");
	store_fixture_user(f->st, "erin");
	assert_int_equal(verify(f->st).bad_seq, 8);
}

/* What is done elsewhere is a link of the same chain. */
void store_test_audit_note(void **state)
{
	struct store_fixture *f = *state;
	json_t *detail = json_pack("{s:s}", "room", "demo");

	fill(f->st);
	assert_int_equal(
		store_audit_note(f->st, &store_tester, "participant.kick", "alice", detail), 0);
	assert_int_equal(
		store_audit_note(f->st, &store_tester, "participant.mute", "alice", NULL), 0);
	/* what a reflector says of a moderator stands beside the rest, or alone */
	struct store_actor who = { .name = "reflector:r1", .moderator = "alice+laptop" };
	struct list list = { 0 };
	const struct store_audit_filter its = { .actor = "reflector:r1" };
	assert_int_equal(store_audit_note(f->st, &who, "participant.kick", "bob", NULL), 0);
	assert_int_equal(store_audit_list(f->st, &its, 0, 9, take, &list), 0);
	assert_string_equal(list.last.detail, "{\"moderator\":\"alice+laptop\"}");
	assert_int_equal(store_audit_note(f->st, &who, "participant.kick", "bob", detail), 0);
	assert_int_equal(store_audit_list(f->st, &its, 0, 9, take, &list), 0);
	assert_string_equal(list.last.detail, "{\"moderator\":\"alice+laptop\",\"room\":\"demo\"}");
	json_decref(detail);
	struct store_audit_verdict v = verify(f->st);
	assert_int_equal(v.bad_seq, 0);
	assert_int_equal(v.records, 12);
	store_fixture_sql(f, "UPDATE audit SET object = 'bob' WHERE seq = 9");
	assert_int_equal(verify(f->st).bad_seq, 9);
}
