/*
 * token_issue: the token says what policy decided, stands in the store before it is out, and is
 * verified as long as it holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/room_keys.h"
#include "authd/token_issue.h"
#include "common/clock.h"
#include "tests/unit/store_fixture.h"

#define LIFE 3600

static struct link_view view;

static int each_view(void *links, int (*each)(const struct link_view *view, void *arg), void *arg)
{
	(void)links;
	return each(&view, arg);
}

struct fixture {
	struct store_fixture *base;
	struct store *st;
	struct keyring *keyring;
	struct placement *placement;
	struct day_clock clock;
	struct token_issue *ti;
};

static void add_room(struct store *st, const char *name, const char *policy, int64_t expires_at)
{
	struct store_room row = { .expires_at = expires_at };

	snprintf(row.name, sizeof(row.name), "%s", name);
	snprintf(row.policy, sizeof(row.policy), "%s", policy);
	assert_int_equal(room_keys_make(row.media_key), 0);
	assert_int_equal(store_room_add(st, &store_tester, &row, (int64_t)time(NULL)), 0);
}

static void link_up(void)
{
	memset(&view, 0, sizeof(view));
	snprintf(view.conf.name, sizeof(view.conf.name), "r1");
	snprintf(view.conf.address, sizeof(view.conf.address), "192.0.2.1");
	snprintf(view.conf.tls_name, sizeof(view.conf.tls_name), "r1.test");
	snprintf(view.pin, sizeof(view.pin), "the pin");
	view.conf.weight = 100;
	view.conf.state = STORE_REFLECTOR_UP;
	assert_int_equal(fleet_ports_parse(&view.conf.ports, "49152"), 0);
	view.workers[0].port = 49152;
	view.workers[0].report_ms = clock_now_ms();
	view.worker_count = 1;
	view.up = view.was_up = true;
	view.since_ms = clock_now_ms();
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char why[512] = "";

	assert_non_null(f);
	assert_int_equal(store_fixture_sqlite(state), 0);
	f->base = *state;
	f->st = f->base->st;
	if (keyring_open(&f->keyring, f->base->dir, f->st, (int64_t)time(NULL), why) != 0) {
		fail_msg("%s", why);
	}
	link_up();
	assert_int_equal(placement_create(&f->placement, f->st, each_view, NULL), 0);
	const struct token_issue_conf conf = { .issuer = "authd",
		.cluster = "test",
		.keyring = f->keyring,
		.store = f->st,
		.placement = f->placement,
		.clock = &f->clock,
		.life_s = LIFE };
	assert_int_equal(token_issue_create(&f->ti, &conf), 0);
	store_fixture_user(f->st, "alice");
	add_room(f->st, "demo", "{\"capacity\":9,\"lobby\":true}", 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char dir[160];

	token_issue_destroy(f->ti);
	placement_destroy(f->placement);
	keyring_destroy(f->keyring);
	snprintf(dir, sizeof(dir), "rm -rf '%s/keys'", f->base->dir);
	assert_int_equal(system(dir), 0);
	*state = f->base;
	free(f);
	return store_fixture_end(state);
}

static const struct token_order good = { .source = POLICY_USER,
	.actor = &store_tester,
	.user = "alice",
	.room = "demo",
	.device = "laptop",
	.name = "Al",
	.grants = "{\"session_s\":60,\"networks\":[\"192.0.2.0/24\"],\"bitrate\":{\"audio\":64000},"
		  "\"duplicate\":\"reject\"}",
	.address = "192.0.2.9" };

static void test_claims(void **state)
{
	struct fixture *f = *state;
	struct token_issued issued;
	struct token_claims claims;
	struct store_token row;
	struct store_revocation entry = { .kind = "user", .id = "alice" };
	char why[POLICY_WHY];
	size_t revoked = 0;
	const int64_t now = (int64_t)time(NULL);

	assert_int_equal(store_revocation_add(f->st, &store_tester, &entry, now, &revoked), 0);
	assert_int_equal(token_issue_make(f->ti, &good, &issued, why), 0);
	assert_int_equal(token_issue_verify(f->ti, issued.token, &claims), 0);
	assert_string_equal(claims.issuer, "authd");
	assert_string_equal(claims.audience, "test");
	assert_string_equal(claims.user, "alice");
	assert_string_equal(claims.participant, "alice+laptop");
	assert_string_equal(claims.display_name, "Al");
	assert_string_equal(claims.room, "demo");
	assert_string_equal(claims.source, "user");
	assert_int_equal(claims.rev, entry.seq);
	assert_int_equal(claims.session_s, 60);
	assert_int_equal(claims.net_count, 1);
	assert_int_equal(claims.bitrate[0], 64000);
	assert_int_equal(claims.duplicate, TOKEN_DUP_REJECT);
	assert_int_equal(claims.policy.capacity, 9);
	assert_true(claims.policy.lobby && !claims.policy.locked);
	assert_int_equal(claims.policy.epoch, 1);
	assert_true(claims.policy.rev > 0);
	assert_int_equal(claims.place_count, 1);
	assert_string_equal(claims.places[0], "r1:49152");
	assert_in_range(claims.issued_at, now, now + 5);
	assert_int_equal(claims.expires_at, claims.issued_at + LIFE);

	assert_int_equal(store_token_get(f->st, claims.jti, &row), 0);
	assert_string_equal(row.source, "user");
	assert_int_equal(row.expires_at, claims.expires_at);
	token_issued_finish(&issued);
}

static void test_answer(void **state)
{
	struct fixture *f = *state;
	struct token_issued issued;
	struct store_room room;
	char why[POLICY_WHY];

	assert_int_equal(token_issue_make(f->ti, &good, &issued, why), 0);
	assert_int_equal(store_room_get(f->st, "demo", &room), 0);
	json_t *answer = token_issue_answer(f->ti, &issued);
	assert_non_null(answer);
	const json_t *first = json_array_get(json_object_get(answer, "endpoints"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "address")), "192.0.2.1");
	assert_int_equal(json_integer_value(json_object_get(first, "port")), 49152);
	assert_string_equal(json_string_value(json_object_get(first, "tls_name")), "r1.test");
	assert_string_equal(json_string_value(json_object_get(first, "pin")), "the pin");
	assert_string_equal(
		json_string_value(json_object_get(answer, "participant")), "alice+laptop");
	assert_string_equal(json_string_value(json_object_get(answer, "cluster")), "test");
	const json_t *key = json_object_get(answer, "media_key");
	assert_int_equal(json_integer_value(json_object_get(key, "epoch")), 1);
	assert_string_equal(json_string_value(json_object_get(key, "key")), room.media_key);
	assert_int_equal(strlen(room.media_key), STORE_MEDIA_KEY);
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(answer, "keys"), "keys")), 1);
	json_decref(answer);
	token_issued_finish(&issued);
}

static int count_token(const struct store_token *row, void *arg)
{
	(void)row;
	(*(size_t *)arg)++;
	return 0;
}

/* Refused orders: nothing is in the store afterwards. */
static void test_refused(void **state)
{
	struct fixture *f = *state;
	struct token_order unknown = good, elsewhere = good, over = good, greedy = good;
	struct token_order nobody = good;
	json_t *bad = json_pack("{s:i}", "publish", 1);
	const struct {
		const struct token_order *order;
		int err;
		const char *why;
	} rows[] = {
		{ &unknown, ERR_LOGIN, "" },
		{ &elsewhere, ERR_DENIED, "the grants do not allow entering from this network" },
		{ &over, ERR_DENIED, "the room is over" },
		{ &greedy, ERR_BAD_FIELD, "publish must be a list of audio, video, screen, data" },
		{ &nobody, ERR_DENIED, "the user is banned here, or may not enter any more" },
	};
	const struct store_token_filter all = { .all = true };
	const struct store_page page = { .after = "", .limit = 10 };
	struct token_issued issued;
	char why[POLICY_WHY];
	size_t count = 0;

	add_room(f->st, "over", "{}", (int64_t)time(NULL) - 1);
	unknown.room = "none";
	elsewhere.address = "198.51.100.1";
	over.room = "over";
	greedy.requested = bad;
	nobody.user = "nobody";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(token_issue_make(f->ti, rows[i].order, &issued, why), rows[i].err);
		assert_string_equal(why, rows[i].why);
		assert_null(issued.token);
	}
	view.up = view.was_up = false;
	assert_int_equal(token_issue_make(f->ti, &good, &issued, why), ERR_NO_REFLECTOR);
	assert_int_equal(store_token_list(f->st, &all, &page, count_token, &count), 0);
	assert_int_equal(count, 0);
	json_decref(bad);
}

/* What the store does not take is in no answer, and nothing of it holds later. */
static void test_store_fails(void **state)
{
	struct fixture *f = *state;
	struct token_issued issued;
	char why[POLICY_WHY];
	static const char *const faults[] = {
		"CREATE TRIGGER fault BEFORE INSERT ON token BEGIN SELECT RAISE(FAIL, 'no'); END",
		"CREATE TRIGGER fault BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'no'); END",
	};
	const struct store_token_filter all = { .all = true };
	const struct store_page page = { .after = "", .limit = 10 };
	size_t count = 0;

	/* the room's place is recorded, so the token is what fails */
	assert_int_equal(token_issue_make(f->ti, &good, &issued, why), 0);
	token_issued_finish(&issued);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		store_fixture_sql(f->base, faults[i]);
		assert_int_equal(token_issue_make(f->ti, &good, &issued, why), ERR_STORE);
		assert_null(issued.token);
		assert_null(issued.endpoints);
		assert_string_equal(issued.claims.jti, "");
		store_fixture_sql(f->base, "DROP TRIGGER fault");
	}
	assert_int_equal(store_token_list(f->st, &all, &page, count_token, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(token_issue_make(f->ti, &good, &issued, why), 0);
	token_issued_finish(&issued);
}

/* How long it holds: the shortest of what the settings, the order and the room say. */
static void test_life(void **state)
{
	struct fixture *f = *state;
	struct token_order order = good;
	const int64_t end = (int64_t)time(NULL) + 100;
	struct token_issued issued;
	char why[POLICY_WHY];

	order.life_s = 30;
	assert_int_equal(token_issue_make(f->ti, &order, &issued, why), 0);
	assert_int_equal(issued.claims.expires_at, issued.claims.issued_at + 30);
	token_issued_finish(&issued);
	order.life_s = 10 * LIFE;
	assert_int_equal(token_issue_make(f->ti, &order, &issued, why), 0);
	assert_int_equal(issued.claims.expires_at, issued.claims.issued_at + LIFE);
	token_issued_finish(&issued);
	token_issue_set_life(f->ti, 500);
	assert_int_equal(token_issue_make(f->ti, &order, &issued, why), 0);
	assert_int_equal(issued.claims.expires_at, issued.claims.issued_at + 500);
	token_issued_finish(&issued);
	assert_int_equal(store_room_set(f->st, &store_tester, "demo", NULL, -1, end), 0);
	assert_int_equal(token_issue_make(f->ti, &order, &issued, why), 0);
	assert_int_equal(issued.claims.expires_at, end);
	assert_int_equal(issued.claims.policy.expires_at, end);
	token_issued_finish(&issued);
}

static void test_verify(void **state)
{
	struct fixture *f = *state;
	struct token_issued issued;
	struct token_claims claims;
	struct store_token row;
	char why[POLICY_WHY];

	assert_int_equal(token_issue_make(f->ti, &good, &issued, why), 0);
	assert_int_equal(token_issue_verify(f->ti, "", &claims), ERR_TOKEN_INVALID);
	assert_int_equal(token_issue_verify(f->ti, "a.b.c", &claims), ERR_TOKEN_INVALID);
	char *at = strchr(issued.token, '.') + 5;
	*at = *at == 'A' ? 'B' : 'A';
	assert_int_equal(token_issue_verify(f->ti, issued.token, &claims), ERR_TOKEN_INVALID);
	token_issued_finish(&issued);

	assert_int_equal(token_issue_make(f->ti, &good, &issued, why), 0);
	assert_int_equal(token_issue_verify(f->ti, issued.token, &claims), 0);
	assert_int_equal(
		store_token_revoke(f->st, &store_tester, claims.jti, (int64_t)time(NULL), &row), 0);
	assert_int_equal(token_issue_verify(f->ti, issued.token, &claims), ERR_TOKEN_INVALID);
	token_issued_finish(&issued);
}

static void test_keys(void **state)
{
	struct fixture *f = *state;
	struct store_room before, after;

	assert_int_equal(store_room_get(f->st, "demo", &before), 0);
	assert_int_equal(store_room_rekey(f->st, &store_tester, "demo"), 0);
	assert_int_equal(store_room_get(f->st, "demo", &after), 0);
	assert_int_equal(after.epoch, before.epoch + 1);
	assert_true(after.policy_rev > before.policy_rev);
	assert_string_not_equal(after.media_key, before.media_key);
	assert_int_equal(store_room_rekey(f->st, &store_tester, "none"), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_claims, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verify, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
