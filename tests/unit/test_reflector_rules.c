/*
 * Revocations of all kinds, policies of rooms, and the police of bitrates: tables and arithmetic,
 * without connections.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/token_claims.h"
#include "reflector/frame_police.h"
#include "reflector/policy_table.h"
#include "reflector/revocation.h"
#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/stream.h"

#define NOW 100

static int64_t next_seq = 1;

static struct revocation entry(enum revocation_kind kind, const char *id, int64_t until)
{
	struct revocation r = { .seq = next_seq++, .kind = kind, .until = until };

	(void)snprintf(r.id, sizeof(r.id), "%s", id);
	return r;
}

static int add(struct revocation_table *table, struct revocation r)
{
	return revocation_add(table, &r, NOW);
}

static int check_at(const struct revocation_table *table, const char *jti, int64_t rev, int64_t now)
{
	const struct revocation_subject s = {
		.jti = jti, .user = "alice", .room = "demo", .source = "apikey:k1", .rev = rev
	};

	return revocation_check(table, &s, now);
}

static int check(const struct revocation_table *table, const char *jti, int64_t rev)
{
	return check_at(table, jti, rev, NOW);
}

static int count_page(const json_t *msg, void *user)
{
	size_t *total = user;
	const json_t *entries = json_object_get(msg, "entries");
	json_int_t last = 0;

	assert_string_equal(json_string_value(json_object_get(msg, "type")), "revoke");
	assert_true(json_array_size(entries) <= REVOCATION_PAGE);
	for (size_t i = 0; i < json_array_size(entries); i++) {
		json_int_t seq =
			json_integer_value(json_object_get(json_array_get(entries, i), "seq"));
		assert_true(seq > last);
		last = seq;
	}
	*total += json_array_size(entries);
	return 0;
}

static void test_full_table(void **state)
{
	struct revocation_table table;
	char jti[16];
	size_t total = 0;

	(void)state;
	next_seq = 1;
	assert_int_equal(revocation_init(&table, 1200), 0);
	for (int i = 0; i < 1200; i++) {
		/* not in the order of their ends */
		int n = (i * 7) % 1200;
		(void)snprintf(jti, sizeof(jti), "jti-%d", n);
		assert_int_equal(add(&table, entry(REVOCATION_TOKEN, jti, 1000 + n)), 0);
	}
	assert_int_equal(revocation_each_page(&table, count_page, &total), 0);
	assert_int_equal(total, 1200);
	assert_int_equal(check_at(&table, "jti-5", 0, 1004), ERR_TOKEN_REVOKED);
	assert_int_equal(check_at(&table, "jti-5", 0, 1005), 0);
	assert_int_equal(check(&table, "other", 0), 0);
	/* Full: what would end first gives way. */
	assert_int_equal(add(&table, entry(REVOCATION_TOKEN, "new", 5000)), ERR_FULL);
	assert_int_equal(check(&table, "new", 0), ERR_TOKEN_REVOKED);
	assert_int_equal(check(&table, "jti-0", 0), 0);
	assert_int_equal(check(&table, "jti-1", 0), ERR_TOKEN_REVOKED);
	/* What has ended pushes nothing out, but is kept where there is room. */
	assert_int_equal(add(&table, entry(REVOCATION_TOKEN, "past", NOW)), 0);
	assert_int_equal(check_at(&table, "past", 0, NOW - 1), 0);
	revocation_expire(&table, 2500);
	assert_int_equal(table.count, 1);
	assert_int_equal(add(&table, entry(REVOCATION_TOKEN, "past", NOW)), 0);
	assert_int_equal(check_at(&table, "past", 0, NOW), 0);
	assert_int_equal(check_at(&table, "past", 0, NOW - 1), ERR_TOKEN_REVOKED);
	revocation_finish(&table);
}

/* The room for which it is, the number before which tokens were made, and bans. */
static void test_kinds(void **state)
{
	struct revocation_table table;

	(void)state;
	assert_int_equal(revocation_init(&table, 100), 0);
	next_seq = 50;
	static const struct {
		enum revocation_kind kind;
		const char *id;
	} cases[] = { { REVOCATION_USER, "alice" }, { REVOCATION_ROOM, "demo" },
		{ REVOCATION_APIKEY, "k1" } };
	for (size_t i = 0; i < 3; i++) {
		struct revocation r = entry(cases[i].kind, cases[i].id, 1000);
		struct revocation_subject s = {
			.jti = "j", .user = "alice", .room = "demo", .source = "apikey:k1"
		};
		assert_int_equal(add(&table, r), 0);
		s.rev = r.seq - 1;
		assert_int_equal(revocation_check(&table, &s, NOW), ERR_TOKEN_REVOKED);
		s.rev = r.seq;
		assert_int_equal(revocation_check(&table, &s, NOW), 0);
		struct revocation ban = entry(cases[i].kind, cases[i].id, 1000);
		ban.ban = true;
		assert_int_equal(add(&table, ban), 0);
		s.rev = 1000000;
		assert_int_equal(revocation_check(&table, &s, NOW), ERR_BANNED);
		struct revocation lift = entry(REVOCATION_LIFT, "", 1000);
		(void)snprintf(lift.id, sizeof(lift.id), "%lld", (long long)ban.seq);
		assert_int_equal(add(&table, lift), 0);
		assert_int_equal(revocation_check(&table, &s, NOW), 0);
		/* what was lifted stays so, when another link brings it late */
		assert_int_equal(add(&table, ban), 0);
		assert_int_equal(revocation_check(&table, &s, NOW), 0);
		revocation_expire(&table, 1000);
	}
	assert_int_equal(table.count, 0);
	struct revocation elsewhere = entry(REVOCATION_USER, "alice", 1000);
	elsewhere.ban = true;
	strcpy(elsewhere.room, "other");
	assert_int_equal(add(&table, elsewhere), 0);
	assert_int_equal(check(&table, "j", 0), 0);
	assert_int_equal(add(&table, entry(REVOCATION_INVITE, "k1", 1000)), 0);
	assert_int_equal(check(&table, "j", 0), 0); /* it came by an API key */
	revocation_finish(&table);
}

/* A link that is new tells everything again; a moderator's ban gives way to authd's. */
static void test_same_again(void **state)
{
	struct revocation_table table;
	struct revocation r;

	(void)state;
	assert_int_equal(revocation_init(&table, 10), 0);
	r = entry(REVOCATION_USER, "alice", 1000);
	r.ban = true;
	strcpy(r.room, "demo");
	for (int i = 0; i < 20; i++) {
		assert_int_equal(add(&table, r), 0);
	}
	assert_int_equal(table.count, 1);
	r.seq = 0;
	assert_int_equal(add(&table, r), 0);
	assert_int_equal(add(&table, r), 0);
	assert_int_equal(table.count, 2);
	r.seq = 7777;
	assert_int_equal(add(&table, r), 0);
	assert_int_equal(table.count, 2);
	assert_int_equal(check(&table, "j", 0), ERR_BANNED);
	revocation_finish(&table);
}

static void test_message_is_judged_whole(void **state)
{
	static const char *const bad[] = {
		"{}", "{\"entries\":{}}", "{\"entries\":[1]}",
		("{\"entries\":[{\"seq\":1,\"kind\":\"token\",\"id\":\"a\",\"until\":500},"
		 "{\"seq\":2,\"kind\":\"dream\",\"id\":\"b\",\"until\":500}]}"),
		"{\"entries\":[{\"seq\":-1,\"kind\":\"token\",\"id\":\"a\",\"until\":500}]}",
		"{\"entries\":[{\"seq\":1,\"kind\":\"token\",\"id\":\"\",\"until\":500}]}",
		"{\"entries\":[{\"seq\":1,\"kind\":\"token\",\"id\":\"a\",\"until\":\"500\"}]}",
		"{\"entries\":[{\"seq\":1,\"kind\":\"user\",\"id\":\"a\",\"until\":500,\"ban\":1}]}"
	};
	struct revocation_table table;

	(void)state;
	assert_int_equal(revocation_init(&table, 10), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *msg = json_loads(bad[i], 0, NULL);
		assert_int_equal(revocation_add_message(&table, msg, NOW), ERR_BAD_FIELD);
		assert_int_equal(table.count, 0);
		json_decref(msg);
	}
	json_t *msg = json_loads(
		"{\"entries\":[{\"seq\":1,\"kind\":\"token\",\"id\":\"a\",\"until\":500},"
		"{\"seq\":2,\"kind\":\"user\",\"id\":\"alice\",\"room\":\"demo\",\"ban\":true,"
		"\"until\":500}]}",
		0, NULL);
	assert_int_equal(revocation_add_message(&table, msg, NOW), 0);
	json_decref(msg);
	assert_int_equal(table.count, 2);
	assert_int_equal(check(&table, "x", 99), ERR_BANNED);
	revocation_finish(&table);
}

static void learn(struct policy_table *table, const char *room, int64_t rev, unsigned capacity)
{
	struct room_policy policy = ROOM_POLICY_INIT;

	policy.rev = rev;
	policy.capacity = capacity;
	assert_int_equal(policy_table_learn(table, room, &policy), 0);
}

static int relearn(const json_t *msg, void *user)
{
	struct room_policy policy;
	const json_t *rooms;
	const char *name;

	assert_int_equal(policy_table_check_message(msg, &rooms), 0);
	for (size_t i = 0; i < json_array_size(rooms); i++) {
		assert_int_equal(policy_table_read(json_array_get(rooms, i), &name, &policy), 0);
		assert_int_equal(policy_table_learn(user, name, &policy), 0);
	}
	return 0;
}

static void test_policies(void **state)
{
	struct policy_table table, copy;
	struct room_policy policy = ROOM_POLICY_INIT;
	char name[16];

	(void)state;
	assert_int_equal(policy_table_init(&table, 250), 0);
	assert_int_equal(policy_table_init(&copy, 250), 0);
	assert_null(policy_table_find(&table, "demo"));
	learn(&table, "demo", 5, 10);
	learn(&table, "demo", 4, 20); /* older: nothing */
	assert_int_equal(policy_table_find(&table, "demo")->capacity, 10);
	learn(&table, "demo", 6, 30);
	assert_int_equal(policy_table_find(&table, "demo")->capacity, 30);
	for (int i = 1; i < 250; i++) {
		(void)snprintf(name, sizeof(name), "room-%d", i);
		learn(&table, name, i, (unsigned)i);
	}
	assert_non_null(policy_table_find(&table, "demo")); /* asked for: not the next to go */
	policy.rev = 9;
	assert_int_equal(policy_table_learn(&table, "one-more", &policy), ERR_FULL);
	assert_null(policy_table_find(&table, "room-1"));
	assert_non_null(policy_table_find(&table, "demo"));
	assert_int_equal(policy_table_each_page(&table, relearn, &copy), 0);
	assert_int_equal(copy.count, 250);
	assert_int_equal(policy_table_find(&copy, "room-77")->capacity, 77);
	policy_table_finish(&table);
	policy_table_finish(&copy);
}

static void test_bad_policies(void **state)
{
	static const char *const bad[] = { "{}", "{\"rooms\":{}}", "{\"rooms\":[7]}",
		"{\"rooms\":[{\"name\":\"a b\",\"rev\":1,\"policy\":{}}]}",
		"{\"rooms\":[{\"name\":\"a\",\"rev\":\"1\",\"policy\":{}}]}",
		"{\"rooms\":[{\"name\":\"a\",\"rev\":1}]}",
		"{\"rooms\":[{\"name\":\"a\",\"rev\":1,\"policy\":{\"capacity\":-1}}]}",
		"{\"rooms\":[{\"name\":\"a\",\"expires_at\":-1,\"policy\":{}}]}" };
	const json_t *rooms;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *msg = json_loads(bad[i], 0, NULL);
		assert_int_equal(policy_table_check_message(msg, &rooms), ERR_BAD_FIELD);
		json_decref(msg);
	}
}

static void test_police_average(void **state)
{
	struct frame_police p;
	uint64_t passed = 0;

	(void)state;
	/* ten times the grant for a minute gets a minute's worth, and the burst */
	frame_police_init(&p, 64000, 0);
	for (uint64_t ms = 0; ms < 60000; ms += 20) {
		passed += frame_police_take(&p, 12800, false, ms) ? 12800 : 0;
	}
	assert_true(passed <= 64000 * 61);
	assert_true(passed >= 64000 * 60);
	/* within the grant nothing is lost */
	frame_police_init(&p, 64000, 0);
	for (uint64_t ms = 0; ms < 60000; ms += 20) {
		assert_true(frame_police_take(&p, 1280, false, ms));
	}
	/* no limit */
	frame_police_init(&p, 0, 0);
	assert_true(frame_police_take(&p, UINT64_C(1) << 40, false, 0));
}

static void test_police_keyframes(void **state)
{
	struct frame_police p;
	uint64_t passed = 0;

	(void)state;
	frame_police_init(&p, 1000, 0);
	assert_false(frame_police_take(&p, 1001, false, 0));
	assert_false(frame_police_take(&p, 3001, true, 0));
	assert_true(frame_police_take(&p, 3000, true, 0));
	assert_false(frame_police_take(&p, 1, true, 0));
	/* pictures behind a keyframe of two seconds' worth need not pay for it */
	frame_police_init(&p, 1000, 0);
	assert_true(frame_police_take(&p, 2000, true, 0));
	assert_true(frame_police_take(&p, 1000, false, 0));
	/* keyframes alone are bounded by the same average */
	frame_police_init(&p, 1000, 0);
	for (uint64_t ms = 0; ms < 60000; ms += 10) {
		passed += frame_police_take(&p, 500, true, ms) ? 500 : 0;
	}
	assert_true(passed <= 1000 * 63);
	/* a clock that stood still for weeks gives no more than the bounds */
	assert_true(frame_police_take(&p, 3000, true, UINT64_C(1) << 40));
	assert_false(frame_police_take(&p, 1, true, UINT64_C(1) << 40));
}

static struct frame *make_frame(enum frame_kind kind, unsigned flags, size_t len)
{
	static const uint8_t payload[4096];
	struct frame_hdr hdr = {
		.kind = (uint8_t)kind, .flags = (uint8_t)flags, .length = (uint32_t)len
	};
	struct frame *frame = frame_create(&hdr, payload, 0);

	assert_non_null(frame);
	return frame;
}

static bool admit(struct stream *stream, unsigned flags, size_t len, uint64_t now_ms)
{
	struct frame *frame = make_frame((enum frame_kind)stream->frame_kind, flags, len);
	bool admitted = frame_police_admit(stream, frame, now_ms);

	frame_unref(frame);
	return admitted;
}

/* Video goes by whole pictures, audio by frames; what is muted does not count as bitrate. */
static void test_police_streams(void **state)
{
	const unsigned whole = FRAME_FIRST | FRAME_LAST;
	struct room room = { .policy = ROOM_POLICY_INIT };
	struct session publisher = { .room = &room };
	struct stream video = {
		.publisher = &publisher, .kind_index = 1, .frame_kind = FRAME_VIDEO
	};
	struct stream audio = { .publisher = &publisher, .frame_kind = FRAME_AUDIO };

	(void)state;
	frame_police_init(&publisher.police[0], 8000, 0);
	frame_police_init(&publisher.police[1], 8000, 0); /* 1,000 bytes a second */
	assert_true(admit(&video, whole | FRAME_KEYFRAME, 900, 0));
	assert_true(admit(&video, whole, 900, 0));
	assert_false(admit(&video, FRAME_FIRST, 900, 0));
	/* up to the next keyframe, also when there is credit again */
	assert_false(admit(&video, FRAME_LAST, 10, 5000));
	assert_false(admit(&video, whole, 10, 5000));
	assert_true(admit(&video, whole | FRAME_KEYFRAME, 10, 5000));
	assert_true(admit(&video, whole, 10, 5000));
	assert_true(publisher.policed);
	assert_int_equal(video.policed.drops[FRAME_POLICE_BITRATE].count, 3);
	assert_true(admit(&audio, 0, 900, 0));
	assert_false(admit(&audio, 0, 900, 0));
	assert_true(admit(&audio, 0, 10, 0));
	publisher.muted = TOKEN_PUBLISH_AUDIO;
	assert_false(admit(&audio, 0, 10, 60000));
	assert_true(admit(&video, whole, 10, 60000)); /* another kind */
	publisher.muted = TOKEN_PUBLISH_VIDEO;
	assert_false(admit(&video, whole, 10, 60000));
	publisher.muted = 0;
	assert_false(admit(&video, whole, 10, 60000));
	assert_true(admit(&video, whole | FRAME_KEYFRAME, 10, 60000));
	assert_true(admit(&audio, 0, 10, 60000));
	assert_int_equal(audio.policed.drops[FRAME_POLICE_MUTED].count, 1);
	assert_int_equal(video.policed.drops[FRAME_POLICE_MUTED].count, 2);
}

static void test_loudest(void **state)
{
	struct frame_loudest l = { .count = 0 };

	(void)state;
	/* two of three have a place; who is a little louder does not take it */
	assert_true(frame_loudest_admit(&l, 2, 1, 30, 1000));
	assert_true(frame_loudest_admit(&l, 2, 2, 40, 1000));
	assert_false(frame_loudest_admit(&l, 2, 3, 40, 1000));
	assert_false(frame_loudest_admit(&l, 2, 3, 35, 1000));
	/* who is clearly louder takes that of the quietest */
	assert_true(frame_loudest_admit(&l, 2, 3, 34, 1000));
	assert_true(frame_loudest_admit(&l, 2, 1, 30, 1000));
	assert_false(frame_loudest_admit(&l, 2, 2, 40, 1000));
	/* a pause between words keeps the place, silence does not */
	for (uint64_t ms = 1000; ms < 1080; ms += 20) {
		assert_true(frame_loudest_admit(&l, 2, 3, 127, ms));
	}
	assert_false(frame_loudest_admit(&l, 2, 2, 40, 1080));
	for (uint64_t ms = 1080; ms < 1280; ms += 20) {
		assert_true(frame_loudest_admit(&l, 2, 3, 127, ms));
		assert_true(frame_loudest_admit(&l, 2, 1, 30, ms));
	}
	assert_true(frame_loudest_admit(&l, 2, 2, 40, 1280));
	assert_false(frame_loudest_admit(&l, 2, 3, 127, 1280));
	/* who sends nothing has none */
	assert_true(frame_loudest_admit(&l, 2, 1, 30, 1700));
	assert_true(frame_loudest_admit(&l, 2, 3, 127, 1700));
	/* the policy has changed: fewer, more than a room keeps places for, all */
	assert_true(frame_loudest_admit(&l, 1, 1, 30, 1700));
	assert_false(frame_loudest_admit(&l, 1, 3, 30, 1700));
	for (unsigned i = 1; i <= FRAME_LOUDEST_MAX; i++) {
		assert_true(frame_loudest_admit(&l, UINT32_MAX, (uint16_t)i, 9, 1700));
	}
	assert_false(frame_loudest_admit(&l, UINT32_MAX, 1000, 9, 1700));
	assert_true(frame_loudest_admit(&l, 0, 1000, 127, 1700));
}

/* Audio alone is counted among speakers, and its publisher is told. */
static void test_loudest_streams(void **state)
{
	struct room room = { .policy = { .loudest = 1 } };
	struct session first = { .room = &room }, second = { .room = &room };
	struct stream audio[2] = { { .publisher = &first, .id = 1, .frame_kind = FRAME_AUDIO },
		{ .publisher = &second, .id = 2, .frame_kind = FRAME_AUDIO } };
	struct stream video = {
		.publisher = &second, .id = 3, .kind_index = 1, .frame_kind = FRAME_VIDEO
	};

	(void)state;
	assert_true(admit(&audio[0], FRAME_FIRST, 10, 1000));
	assert_false(admit(&audio[1], FRAME_FIRST, 10, 1000));
	assert_true(admit(&video, FRAME_FIRST | FRAME_KEYFRAME, 10, 1000));
	assert_true(second.policed && !first.policed);
	assert_int_equal(audio[1].policed.drops[FRAME_POLICE_LOUDEST].count, 1);
	assert_true(admit(&audio[1], FRAME_FIRST, 10, 2000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_table),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_same_again),
		cmocka_unit_test(test_message_is_judged_whole),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_bad_policies),
		cmocka_unit_test(test_police_average),
		cmocka_unit_test(test_police_keyframes),
		cmocka_unit_test(test_police_streams),
		cmocka_unit_test(test_loudest),
		cmocka_unit_test(test_loudest_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
