/*
 * policy: grants and rooms are judged strictly, and putting them together only ever takes away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/policy.h"
#include "proto/msg.h"

#define NOW INT64_C(1795442400) /* Mon 2026-11-23 14:00:00 UTC */
#define LIFE 3600

static json_t *json(const char *text)
{
	json_t *object = json_loads(text, 0, NULL);

	assert_non_null(object);
	return object;
}

struct strict {
	const char *text, *why;
};

static void check_strict(const struct strict *rows, size_t count, bool room)
{
	for (size_t i = 0; i < count; i++) {
		char why[POLICY_WHY] = "", text[POLICY_TEXT_MAX + 1];
		json_t *object = json(rows[i].text);
		int err = room ? policy_room_text(object, text, why)
			       : policy_grants_text(object, text, why);

		if (err != (rows[i].why == NULL ? 0 : ERR_BAD_FIELD) ||
			strcmp(why, rows[i].why == NULL ? "" : rows[i].why) != 0) {
			fail_msg("%s: %d \"%s\"", rows[i].text, err, why);
		}
		json_decref(object);
	}
}

#define HOURS_DAYS "hours[0].days must be a list of mon tue wed thu fri sat sun"
#define KINDS "publish must be a list of audio, video, screen, data"
#define NETWORK(i) "networks[" i "] must be a network like 192.0.2.0/24 or 2001:db8::/32"
#define ZONE "zone must be a time zone like Europe/Vienna or UTC"

static void test_grants_strict(void **state)
{
	static const struct strict rows[] = {
		{ "{}", NULL },
		{
			"{\"publish\":[],\"subscribe\":false,\"chat\":false,\"moderate\":true,\"hidden\":true}",
			NULL },
		{ "[]", "it must be a JSON object" },
		{ "{\"colour\":1}", "there is no field colour" },
		{ "{\"a\\nb\":1}", "there is an unknown field" },
		{ "{\"publish\":\"audio\"}", KINDS },
		{ "{\"publish\":[\"audio\",\"audio\",\"audio\",\"audio\",\"audio\"]}", KINDS },
		{ "{\"publish\":[\"audio\",\"smell\"]}",
			"publish[1] must be audio, video, screen or data" },
		{ "{\"publish\":[1]}", "publish[0] must be audio, video, screen or data" },
		{ "{\"subscribe\":1}", "subscribe must be true or false" },
		{ "{\"chat\":null}", "chat must be true or false" },
		{ "{\"moderate\":\"yes\"}", "moderate must be true or false" },
		{ "{\"hidden\":0}", "hidden must be true or false" },
		{ "{\"bitrate\":4}", "bitrate must be an object like {\"video\":4000000}" },
		{ "{\"bitrate\":{\"video\":999}}",
			"bitrate.video must be a whole number from 1000 to 100000000000" },
		{ "{\"bitrate\":{\"video\":1000,\"audio\":100000000000}}", NULL },
		{ "{\"bitrate\":{\"audio\":1e6}}",
			"bitrate.audio must be a whole number from 1000 to 100000000000" },
		{ "{\"bitrate\":{\"smell\":1000}}", "there is no field bitrate.smell" },
		{ "{\"session_s\":0}", "session_s must be a whole number from 1 to 31536000" },
		{ "{\"session_s\":1}", NULL },
		{ "{\"session_s\":31536001}",
			"session_s must be a whole number from 1 to 31536000" },
		{ "{\"networks\":[]}", "networks must be a list of 1 to 16 networks" },
		{ "{\"networks\":\"10.0.0.0/8\"}", "networks must be a list of 1 to 16 networks" },
		{ "{\"networks\":[\"10.0.0.0/8\",\"10.0.0.1/8\"]}", NETWORK("1") },
		{ "{\"networks\":[\"10.0.0.0/33\"]}", NETWORK("0") },
		{ "{\"networks\":[\"localhost\"]}", NETWORK("0") },
		{ "{\"networks\":[\"2001:db8::/32\",\"192.0.2.7\"]}", NULL },
		{ "{\"duplicate\":\"both\"}", "duplicate must be replace, reject or allow" },
		{ "{\"duplicate\":true}", "duplicate must be replace, reject or allow" },
		{ "{\"rooms\":[\"team-*\",\"*\"]}", NULL },
		{ "{\"rooms\":\"*\"}", "rooms must be a list of at most 64 patterns" },
		{ "{\"rooms\":[\"a b\"]}",
			"rooms[0] must be 1-64 characters of A-Z a-z 0-9 . _ @ - *" },
		{ "{\"rooms\":[\"\"]}",
			"rooms[0] must be 1-64 characters of A-Z a-z 0-9 . _ @ - *" },
		{ "{\"guests\":true}", "there is no field guests" },
	};

	(void)state;
	check_strict(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void test_hours_strict(void **state)
{
	static const struct strict rows[] = {
		{ "{\"hours\":[]}", NULL },
		{ "{\"hours\":{}}", "hours must be a list of at most 32 windows" },
		{ "{\"hours\":[1]}", "hours[0] must be an object with days, from and to" },
		{ "{\"hours\":[{\"from\":\"08:00\",\"to\":\"24:00\"}]}", NULL },
		{ "{\"hours\":[{\"from\":\"8:00\",\"to\":\"18:00\"}]}",
			"hours[0].from must be HH:MM" },
		{ "{\"hours\":[{\"from\":\"08:00\",\"to\":\"18:60\"}]}",
			"hours[0].to must be HH:MM" },
		{ "{\"hours\":[{\"from\":\"08:00\",\"to\":\"24:01\"}]}",
			"hours[0].to must be HH:MM" },
		{ "{\"hours\":[{\"from\":\"-1:00\",\"to\":\"18:00\"}]}",
			"hours[0].from must be HH:MM" },
		{ "{\"hours\":[{\"from\":\"08:00\"}]}", "hours[0].to must be HH:MM" },
		{ "{\"hours\":[{\"from\":800,\"to\":\"18:00\"}]}", "hours[0].from must be HH:MM" },
		{ "{\"hours\":[{\"from\":\"24:00\",\"to\":\"18:00\"}]}",
			"hours[0].from must be before 24:00" },
		{
			"{\"hours\":[{\"from\":\"08:00\",\"to\":\"09:00\"},{\"from\":\"08:00\",\"to\":\"08:00\"}]}",
			"hours[1] ends when it begins; a whole day is 00:00 to 24:00" },
		{ "{\"hours\":[{\"days\":[],\"from\":\"08:00\",\"to\":\"18:00\"}]}", HOURS_DAYS },
		{ "{\"hours\":[{\"days\":\"mon\",\"from\":\"08:00\",\"to\":\"18:00\"}]}",
			HOURS_DAYS },
		{ "{\"hours\":[{\"days\":[\"mon\",\"Tue\"],\"from\":\"08:00\",\"to\":\"18:00\"}]}",
			"hours[0].days[1] must be one of mon tue wed thu fri sat sun" },
		{ "{\"hours\":[{\"from\":\"08:00\",\"to\":\"18:00\",\"zone\":\"UTC\"}]}",
			"there is no field hours[0].zone" },
		{ "{\"zone\":\"Europe/Vienna\"}", NULL },
		{ "{\"zone\":\"America/Argentina/Buenos_Aires\"}", NULL },
		{ "{\"zone\":\"Europe/Entenhausen\"}", ZONE },
		{ "{\"zone\":\"\"}", ZONE },
		{ "{\"zone\":\"+01:00\"}", ZONE },
		{ "{\"zone\":\"CET-1CEST\"}", ZONE },
		{ "{\"zone\":\"Europe/../../../etc/passwd\"}", ZONE },
		{ "{\"zone\":\"/etc/localtime\"}", ZONE },
		{ "{\"zone\":\"Europe\"}", ZONE },
		{ "{\"zone\":\"Europe/\"}", ZONE },
		{ "{\"zone\":7}", ZONE },
	};

	(void)state;
	check_strict(rows, sizeof(rows) / sizeof(rows[0]), false);
	check_strict(rows, sizeof(rows) / sizeof(rows[0]), true);
}

static void test_room_strict(void **state)
{
	static const struct strict rows[] = {
		{ "{}", NULL },
		{
			"{\"users\":[],\"apikeys\":[\"*\"],\"guests\":false,\"lobby\":true,\"e2ee\":true}",
			NULL },
		{ "{\"capacity\":2000,\"loudest\":64,\"kinds\":[\"data\"]}", NULL },
		{ "{\"capacity\":2001}", "capacity must be a whole number from 0 to 2000" },
		{ "{\"capacity\":-1}", "capacity must be a whole number from 0 to 2000" },
		{ "{\"capacity\":1.5}", "capacity must be a whole number from 0 to 2000" },
		{ "{\"loudest\":65}", "loudest must be a whole number from 0 to 64" },
		{ "{\"kinds\":[\"chat\"]}", "kinds[0] must be audio, video, screen or data" },
		{ "{\"users\":\"*\"}", "users must be a list of at most 64 patterns" },
		{ "{\"apikeys\":[7]}",
			"apikeys[0] must be 1-64 characters of A-Z a-z 0-9 . _ @ - *" },
		{ "{\"guests\":1}", "guests must be true or false" },
		{ "{\"lobby\":\"\"}", "lobby must be true or false" },
		{ "{\"e2ee\":[]}", "e2ee must be true or false" },
		{ "{\"locked\":true}", "there is no field locked" },
	};

	(void)state;
	check_strict(rows, sizeof(rows) / sizeof(rows[0]), true);
}

/* Lists at their bounds, and a text that is too long for the store. */
static void test_bounds(void **state)
{
	char why[POLICY_WHY], text[POLICY_TEXT_MAX + 1], pattern[LIMIT_NAME + 1];
	json_t *rooms = json_array();
	json_t *object = json_pack("{s:O}", "rooms", rooms);

	(void)state;
	memset(pattern, 'a', LIMIT_NAME);
	pattern[LIMIT_NAME] = '\0';
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(json_array_append_new(rooms, json_string(pattern)), 0);
	}
	assert_int_equal(policy_grants_text(object, text, why), 0);
	for (unsigned i = 60; i < 64; i++) {
		assert_int_equal(json_array_append_new(rooms, json_string(pattern)), 0);
	}
	assert_int_equal(policy_grants_text(object, text, why), ERR_BAD_FIELD);
	assert_string_equal(why, "it has 4299 bytes as JSON; at most 4096 are taken");
	assert_int_equal(json_array_append_new(rooms, json_string("a")), 0);
	assert_int_equal(policy_grants_text(object, text, why), ERR_BAD_FIELD);
	assert_string_equal(why, "rooms must be a list of at most 64 patterns");
	json_decref(object);
	json_decref(rooms);
}

static void test_texts(void **state)
{
	char why[POLICY_WHY], text[POLICY_TEXT_MAX + 1];
	json_t *own = json("{ \"lobby\": false, \"capacity\": 5 }");

	(void)state;
	assert_int_equal(policy_grants_text(NULL, text, why), 0);
	assert_string_equal(text, "{}");
	assert_int_equal(policy_room_text(own, text, why), 0);
	assert_string_equal(text, "{\"capacity\":5,\"lobby\":false}");
	assert_int_equal(
		policy_room_text_over("{\"lobby\":true,\"guests\":false}", own, text, why), 0);
	assert_string_equal(text, "{\"capacity\":5,\"guests\":false,\"lobby\":false}");
	assert_int_equal(policy_room_text_over("{\"lobby\":true}", NULL, text, why), 0);
	assert_string_equal(text, "{\"lobby\":true}");
	assert_int_equal(policy_room_text_over("not JSON", NULL, text, why), ERR_INTERNAL);
	json_decref(own);

	struct policy_room_row row = { .policy = "{\"capacity\":7,\"kinds\":[\"data\"]}",
		.rev = 3,
		.epoch = 2,
		.expires_at = 9,
		.locked = true };
	struct room_policy claim;
	assert_int_equal(policy_room_claim(&row, &claim), 0);
	assert_int_equal(claim.capacity, 7);
	assert_int_equal(claim.kinds, TOKEN_PUBLISH_DATA);
	assert_int_equal(claim.rev, 3);
	assert_int_equal(claim.epoch, 2);
	assert_int_equal(claim.expires_at, 9);
	assert_true(claim.locked && !claim.lobby && !claim.e2ee);
	row.policy = "{\"capacity\":-7}";
	assert_int_equal(policy_room_claim(&row, &claim), ERR_INTERNAL);
}

/* One decision: what goes in (NULL: nothing said), and what comes out. */
struct row {
	const char *name;
	const char *defaults, *grants, *requested, *room;
	enum policy_source source;
	const char *address;
	bool locked;
	int64_t room_expires_at;
	int err;
	const char *why; /* ERR_DENIED and ERR_BAD_FIELD */
	const char *claims; /* of the payload's "grants" and times, as far as they are named here */
};

static json_t *outcome(const struct token_claims *c)
{
	json_t *nets = json_array();
	json_t *bitrate = json_array();

	for (size_t i = 0; i < c->net_count; i++) {
		char text[64];
		token_net_format(&c->nets[i], text);
		assert_int_equal(json_array_append_new(nets, json_string(text)), 0);
	}
	for (size_t i = 0; i < TOKEN_KINDS; i++) {
		assert_int_equal(
			json_array_append_new(bitrate, json_integer((json_int_t)c->bitrate[i])), 0);
	}
	return json_pack("{s:i,s:b,s:b,s:b,s:b,s:o,s:I,s:o,s:i,s:I,s:I,s:i}", "publish",
		(int)c->publish, "subscribe", c->subscribe, "chat", c->chat, "moderate",
		c->moderate, "hidden", c->hidden, "bitrate", bitrate, "ses",
		(json_int_t)c->session_s, "nets", nets, "dup", (int)c->duplicate, "nbf",
		(json_int_t)(c->not_before == 0 ? 0 : c->not_before - NOW), "exp",
		(json_int_t)(c->expires_at - NOW), "capacity", (int)c->policy.capacity);
}

static void check_claims(const struct row *row, const struct token_claims *claims)
{
	json_t *want = json(row->claims);
	json_t *got = outcome(claims);
	const char *key;
	json_t *value;

	json_object_foreach(want, key, value) {
		if (!json_equal(json_object_get(got, key), value)) {
			fail_msg("%s: %s is %s", row->name, key, json_dumps(got, JSON_COMPACT));
		}
	}
	json_decref(want);
	json_decref(got);
}

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];
		json_t *requested = r->requested != NULL ? json(r->requested) : NULL;
		struct token_claims claims = { 0 };
		char why[POLICY_WHY] = "";
		const struct policy_ask ask = { .source = r->source,
			.user = "alice",
			.key_name = r->source == POLICY_APIKEY ? "shop" : NULL,
			.key_id = r->source == POLICY_APIKEY ? "abcdefgh2345" : NULL,
			.address = r->address,
			.defaults = r->defaults,
			.grants = r->grants,
			.requested = requested,
			.room = { "team-a", r->room, 4, 1, r->room_expires_at, r->locked },
			.now = NOW,
			.life_s = LIFE };
		int err = policy_decide(&ask, &claims, why);

		if (err != r->err || strcmp(why, r->why != NULL ? r->why : "") != 0) {
			fail_msg("%s: %d \"%s\"", r->name, err, why);
		}
		if (err == 0 && r->claims != NULL) {
			check_claims(r, &claims);
		}
		json_decref(requested);
	}
}

static const struct row merge_rows[] = {
	{ .name = "nothing said",
		.claims = "{\"publish\":7,\"subscribe\":true,\"chat\":true,\"moderate\":false,"
			  "\"hidden\":false,\"bitrate\":[0,0,0,0],\"ses\":0,\"nets\":[],\"dup\":0,"
			  "\"nbf\":0,\"exp\":3600,\"capacity\":0}" },
	{ .name = "data granted, not in the room",
		.grants = "{\"publish\":[\"audio\",\"data\"]}",
		.claims = "{\"publish\":1}" },
	{ .name = "data in the room, not granted",
		.room = "{\"kinds\":[\"audio\",\"data\"]}",
		.claims = "{\"publish\":1}" },
	{ .name = "data in both",
		.grants = "{\"publish\":[\"audio\",\"data\"]}",
		.room = "{\"kinds\":[\"audio\",\"data\"]}",
		.claims = "{\"publish\":9}" },
	{ .name = "the default takes data away",
		.defaults = "{\"publish\":[\"audio\"]}",
		.grants = "{\"publish\":[\"audio\",\"data\"]}",
		.room = "{\"kinds\":[\"audio\",\"data\"]}",
		.claims = "{\"publish\":1}" },
	{ .name = "kinds are what is in all",
		.defaults = "{\"publish\":[\"audio\",\"video\"]}",
		.grants = "{\"publish\":[\"video\",\"screen\"]}",
		.claims = "{\"publish\":2}" },
	{ .name = "no kind at all", .grants = "{\"publish\":[]}", .claims = "{\"publish\":0}" },
	{ .name = "a request cannot bring back",
		.source = POLICY_APIKEY,
		.grants = "{\"publish\":[\"audio\"],\"subscribe\":false,\"chat\":false}",
		.requested = "{\"publish\":[\"audio\",\"video\"],\"subscribe\":true,\"chat\":true}",
		.claims = "{\"publish\":1,\"subscribe\":false,\"chat\":false}" },
	{ .name = "moderate of a user",
		.grants = "{\"moderate\":true}",
		.claims = "{\"moderate\":true}" },
	{ .name = "moderate forbidden by the default",
		.defaults = "{\"moderate\":false}",
		.grants = "{\"moderate\":true}",
		.claims = "{\"moderate\":false}" },
	{ .name = "moderate of a key has to be asked for",
		.source = POLICY_APIKEY,
		.grants = "{\"moderate\":true,\"hidden\":true}",
		.claims = "{\"moderate\":false,\"hidden\":false,\"publish\":7}" },
	{ .name = "moderate asked for and given",
		.source = POLICY_APIKEY,
		.grants = "{\"moderate\":true}",
		.requested = "{\"moderate\":true}",
		.claims = "{\"moderate\":true}" },
	{ .name = "moderate asked for and not given",
		.source = POLICY_APIKEY,
		.requested = "{\"moderate\":true}",
		.err = ERR_DENIED,
		.why = "the key's own grants do not allow what is asked for" },
	{ .name = "who is hidden publishes nothing",
		.grants = "{\"hidden\":true}",
		.claims = "{\"hidden\":true,\"publish\":0}" },
	{ .name = "bitrates: the least of each",
		.defaults = "{\"bitrate\":{\"audio\":64000,\"video\":9000}}",
		.grants = "{\"bitrate\":{\"audio\":128000,\"video\":5000,\"data\":1000}}",
		.claims = "{\"bitrate\":[64000,5000,0,1000]}" },
	{ .name = "the shortest session",
		.defaults = "{\"session_s\":600}",
		.grants = "{\"session_s\":900}",
		.requested = "{\"session_s\":700}",
		.source = POLICY_APIKEY,
		.claims = "{\"ses\":600,\"exp\":3600}" },
	{ .name = "the strictest rule for duplicates",
		.defaults = "{\"duplicate\":\"reject\"}",
		.grants = "{\"duplicate\":\"allow\"}",
		.claims = "{\"dup\":1}" },
	{ .name = "duplicates allowed",
		.grants = "{\"duplicate\":\"allow\"}",
		.claims = "{\"dup\":2}" },
	{ .name = "capacity goes into the token",
		.room = "{\"capacity\":50}",
		.claims = "{\"capacity\":50}" },
	{ .name = "a bad request",
		.source = POLICY_APIKEY,
		.requested = "{\"publish\":1}",
		.err = ERR_BAD_FIELD,
		.why = KINDS },
	{ .name = "a stored text that is none", .grants = "{\"x\":1}", .err = ERR_INTERNAL },
	{ .name = "a default that is none", .defaults = "{", .err = ERR_INTERNAL },
	{ .name = "a room's policy that is none", .room = "[]", .err = ERR_INTERNAL },
};

static void test_merge(void **state)
{
	(void)state;
	check_rows(merge_rows, sizeof(merge_rows) / sizeof(merge_rows[0]));
}

#define NOT_HERE "the grants do not allow entering from this network"

static void test_networks(void **state)
{
	static const struct row rows[] = {
		{ .name = "one inside the other",
			.defaults = "{\"networks\":[\"10.0.0.0/8\",\"2001:db8::/32\"]}",
			.grants = "{\"networks\":[\"10.1.0.0/16\",\"2001:db8:5::/48\"]}",
			.claims = "{\"nets\":[\"10.1.0.0/16\",\"2001:db8:5::/48\"]}" },
		{ .name = "the other way round, with bits in the middle of a byte",
			.defaults = "{\"networks\":[\"10.1.16.0/20\"]}",
			.grants = "{\"networks\":[\"10.1.0.0/17\",\"10.1.128.0/17\"]}",
			.claims = "{\"nets\":[\"10.1.16.0/20\"]}" },
		{ .name = "all of them",
			.defaults = "{\"networks\":[\"0.0.0.0/0\"]}",
			.grants = "{\"networks\":[\"192.0.2.1\"]}",
			.claims = "{\"nets\":[\"192.0.2.1/32\"]}" },
		{ .name = "nothing in common",
			.defaults = "{\"networks\":[\"10.0.0.0/9\",\"::/0\"]}",
			.grants = "{\"networks\":[\"10.128.0.0/9\"]}",
			.err = ERR_DENIED,
			.why = "there is no network that all grants allow" },
		{ .name = "an address inside",
			.grants = "{\"networks\":[\"192.0.2.0/24\"]}",
			.address = "192.0.2.200" },
		{ .name = "an address outside",
			.grants = "{\"networks\":[\"192.0.2.0/24\"]}",
			.address = "192.0.3.1",
			.err = ERR_DENIED,
			.why = NOT_HERE },
		{ .name = "the other family",
			.grants = "{\"networks\":[\"0.0.0.0/0\"]}",
			.address = "2001:db8::1",
			.err = ERR_DENIED,
			.why = NOT_HERE },
		{ .name = "no address known", .grants = "{\"networks\":[\"192.0.2.0/24\"]}" },
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_too_many_networks(void **state)
{
	struct token_claims claims = { 0 };
	char why[POLICY_WHY], defaults[1024] = "{\"networks\":[", grants[1024] = "{\"networks\":[";

	(void)state;
	/* 16 wide ones, each with one of 16 narrow ones, and the other way round: 16 fit, 17 not */
	for (unsigned i = 0; i < 16; i++) {
		char item[40];
		snprintf(item, sizeof(item), "%s\"10.%u.0.0/16\"", i > 0 ? "," : "", i);
		strcat(defaults, item);
		snprintf(item, sizeof(item), "%s\"10.%u.%u.0/24\"", i > 0 ? "," : "", i / 2, i);
		strcat(grants, item);
	}
	strcat(defaults, "]}");
	strcat(grants, "]}");
	struct policy_ask ask = { .user = "alice",
		.defaults = defaults,
		.grants = grants,
		.room = { .name = "r" },
		.now = NOW,
		.life_s = LIFE };
	assert_int_equal(policy_decide(&ask, &claims, why), 0);
	assert_int_equal(claims.net_count, 16);

	char *last = strstr(defaults, "\"10.15.0.0/16\"");
	assert_non_null(last);
	memcpy(last, "\"10.0.0.0/25\" ", sizeof("\"10.0.0.0/25\" ") - 1);
	assert_int_equal(policy_decide(&ask, &claims, why), 0); /* inside of one that is there */
	assert_int_equal(claims.net_count, 16);
}

static void test_rooms_and_people(void **state)
{
	static const struct row rows[] = {
		{ .name = "rooms of the grants", .grants = "{\"rooms\":[\"x\",\"team-*\"]}" },
		{ .name = "not a room of the grants",
			.grants = "{\"rooms\":[\"x\",\"team\"]}",
			.err = ERR_DENIED,
			.why = "the grants do not include this room" },
		{ .name = "not a room of the default",
			.defaults = "{\"rooms\":[]}",
			.err = ERR_DENIED,
			.why = "the grants do not include this room" },
		{ .name = "a user of the room", .room = "{\"users\":[\"al*\"]}" },
		{ .name = "not a user of the room",
			.room = "{\"users\":[\"bob\"]}",
			.err = ERR_DENIED,
			.why = "the room is only for others" },
		{ .name = "nobody",
			.room = "{\"users\":[]}",
			.err = ERR_DENIED,
			.why = "the room is only for others" },
		{ .name = "users do not bind keys",
			.source = POLICY_APIKEY,
			.room = "{\"users\":[]}" },
		/* "?" is none of a pattern: somebody else wrote the text */
		{ .name = "a key's text that is none",
			.source = POLICY_APIKEY,
			.room = "{\"apikeys\":[\"sh?p\",\"shop\"]}",
			.err = ERR_INTERNAL },
		{ .name = "a key by its pattern",
			.source = POLICY_APIKEY,
			.room = "{\"apikeys\":[\"s*p\"]}" },
		{ .name = "a key by its id",
			.source = POLICY_APIKEY,
			.room = "{\"apikeys\":[\"abcdefgh2345\"]}" },
		{ .name = "another key",
			.source = POLICY_APIKEY,
			.room = "{\"apikeys\":[\"other\"]}",
			.err = ERR_DENIED,
			.why = "the room is only for others" },
		{ .name = "a guest", .source = POLICY_INVITE, .room = "{\"users\":[]}" },
		{ .name = "no guests",
			.source = POLICY_INVITE,
			.room = "{\"guests\":false}",
			.err = ERR_DENIED,
			.why = "the room takes no guests" },
		{ .name = "locked",
			.locked = true,
			.err = ERR_DENIED,
			.why = "the room is locked" },
		{ .name = "locked, for who moderates",
			.locked = true,
			.grants = "{\"moderate\":true}" },
		{ .name = "the room ends before the token",
			.room_expires_at = NOW + 60,
			.claims = "{\"exp\":60}" },
		{ .name = "the room ends behind the token",
			.room_expires_at = NOW + LIFE + 1,
			.claims = "{\"exp\":3600}" },
		{ .name = "the room ends now",
			.room_expires_at = NOW,
			.err = ERR_DENIED,
			.why = "the room is over" },
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

#define WORK "\"hours\":[{\"days\":[\"mon\"],\"from\":\"08:00\",\"to\":\"15:30\"}]"

/* NOW is Monday 14:00 UTC, 15:00 in Vienna, 09:00 in New York. */
static void test_windows(void **state)
{
	static const struct row rows[] = {
		{ .name = "inside, ended by the window",
			.grants = "{" WORK ",\"zone\":\"Europe/Vienna\"}",
			.claims = "{\"nbf\":-25200,\"exp\":1800}" },
		{ .name = "UTC by default",
			.grants = "{" WORK "}",
			.claims = "{\"nbf\":-21600,\"exp\":3600}" },
		{ .name = "the room's zone and the user's",
			.grants = "{" WORK ",\"zone\":\"America/New_York\"}",
			.room = "{" WORK ",\"zone\":\"Europe/Vienna\"}",
			.claims = "{\"nbf\":-3600,\"exp\":1800}" },
		{ .name = "outside the user's",
			.grants = "{" WORK ",\"zone\":\"Asia/Tokyo\"}",
			.err = ERR_DENIED,
			.why =
				"the grants do not allow entering now, but from Mon 2026-11-30 08:00 Asia/Tokyo" },
		{ .name = "outside the room's",
			.room =
				"{\"hours\":[{\"from\":\"16:00\",\"to\":\"17:00\"}],\"zone\":\"Europe/Vienna\"}",
			.err = ERR_DENIED,
			.why =
				"the room cannot be entered now, but from Mon 2026-11-23 16:00 Europe/Vienna" },
		{ .name = "outside what was asked for",
			.source = POLICY_APIKEY,
			.requested = "{\"hours\":[{\"from\":\"15:00\",\"to\":\"16:00\"}]}",
			.err = ERR_DENIED,
			.why =
				"the grants do not allow entering now, but from Mon 2026-11-23 15:00 UTC" },
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grants_strict),
		cmocka_unit_test(test_hours_strict),
		cmocka_unit_test(test_room_strict),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_too_many_networks),
		cmocka_unit_test(test_rooms_and_people),
		cmocka_unit_test(test_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
