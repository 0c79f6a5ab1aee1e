/*
 * token_claims' rules: grants, networks, duplicate, session length and the room's policy; each with
 * its default, its limits and its malformed forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/token_claims.h"

static struct token_claims sample(void)
{
	struct token_claims c = { .issuer = "authd",
		.audience = "example",
		.participant = "alice",
		.user = "alice",
		.display_name = "Alice",
		.room = "demo",
		.jti = "abc-123",
		.source = "apikey:ab12",
		.rev = 77,
		.issued_at = 1000,
		.expires_at = 2000,
		.publish = TOKEN_PUBLISH_AUDIO,
		.hidden = true,
		.bitrate = { 64000, 0, 0, INT64_C(1000000000000) },
		.session_s = 3600,
		.net_count = 2,
		.duplicate = TOKEN_DUP_REJECT,
		.policy = { .rev = 7,
			.capacity = 50,
			.lobby = true,
			.locked = true,
			.e2ee = true,
			.kinds = 9,
			.loudest = 6,
			.epoch = 3,
			.expires_at = 5000 },
		.place_count = 1 };

	strcpy(c.places[0], "r1:49152");
	assert_int_equal(token_net_parse(&c.nets[0], "192.0.2.0/24"), 0);
	assert_int_equal(token_net_parse(&c.nets[1], "2001:db8::/32"), 0);
	return c;
}

static void test_round_trip(void **state)
{
	const struct token_claims in = sample();
	struct token_claims out;

	(void)state;
	json_t *payload = token_claims_build(&in);
	assert_non_null(payload);
	assert_int_equal(token_claims_parse(&out, payload), 0);
	json_decref(payload);
	assert_string_equal(out.source, in.source);
	assert_int_equal(out.rev, 77);
	assert_true(out.hidden);
	assert_memory_equal(out.bitrate, in.bitrate, sizeof(in.bitrate));
	assert_int_equal(out.session_s, 3600);
	assert_int_equal(out.net_count, 2);
	assert_memory_equal(out.nets, in.nets, sizeof(in.nets));
	assert_int_equal(out.duplicate, TOKEN_DUP_REJECT);
	assert_int_equal(out.policy.rev, 7);
	assert_int_equal(out.policy.capacity, 50);
	assert_true(out.policy.lobby && out.policy.locked && out.policy.e2ee);
	assert_int_equal(out.policy.kinds, 9);
	assert_int_equal(out.policy.loudest, 6);
	assert_int_equal(out.policy.epoch, 3);
	assert_int_equal(out.policy.expires_at, 5000);
}

/* The sample with one claim (of an object in it) replaced; NULL takes it out. */
static int with(const char *object, const char *key, const char *value, struct token_claims *out)
{
	const struct token_claims in = sample();
	json_t *payload = token_claims_build(&in);
	json_t *at = object == NULL ? payload : json_object_get(payload, object);

	memset(out, 0x55, sizeof(*out));
	if (value == NULL) {
		assert_int_equal(json_object_del(at, key), 0);
	} else {
		json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);
		assert_non_null(v);
		assert_int_equal(json_object_set_new(at, key, v), 0);
	}
	int err = token_claims_parse(out, payload);
	json_decref(payload);
	return err;
}

static void test_defaults(void **state)
{
	static const char *const keys[] = { "src", "rev", "ses", "nets", "dup", "policy" };
	const struct token_claims in = sample();
	struct token_claims out;
	json_t *payload = token_claims_build(&in);

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(json_object_del(payload, keys[i]), 0);
	}
	assert_int_equal(json_object_del(json_object_get(payload, "grants"), "hidden"), 0);
	assert_int_equal(json_object_del(json_object_get(payload, "grants"), "bitrate"), 0);
	assert_int_equal(token_claims_parse(&out, payload), 0);
	json_decref(payload);
	assert_string_equal(out.source, "user");
	assert_int_equal(out.rev, 0);
	assert_int_equal(out.session_s, 0);
	assert_int_equal(out.net_count, 0);
	assert_int_equal(out.duplicate, TOKEN_DUP_REPLACE);
	assert_false(out.hidden);
	for (size_t i = 0; i < TOKEN_KINDS; i++) {
		assert_int_equal(out.bitrate[i], 0);
	}
	const struct room_policy init = ROOM_POLICY_INIT;
	assert_memory_equal(&out.policy, &init, sizeof(init));
}

struct bad {
	const char *object, *key;
	const char *values[10];
};

static void test_malformed(void **state)
{
	static const struct bad cases[] = {
		{ NULL, "src",
			{ "1", "\"\"", "\"root\"", "\"apikey:\"", "\"apikey:a b\"", "null",
				"\"user:a\"", "\"invite:01234567890123456789012345678901234\"" } },
		{ NULL, "rev", { "-1", "\"1\"", "1.5", "null", "true" } },
		{ NULL, "ses", { "0", "-1", "\"60\"", "253402300800", "null" } },
		{ NULL, "nets",
			{ "[]", "\"10.0.0.0/8\"", "[1]", "[\"10.0.0.1/8\"]", "[\"host\"]", "null",
				"[\"10.0.0.0/8\",\"\"]" } },
		{ NULL, "dup", { "\"\"", "\"Reject\"", "1", "null" } },
		{ NULL, "policy", { "[]", "null", "7", "{\"kinds\":\"audio\"}", "{\"lobby\":1}" } },
		{ "grants", "hidden", { "1", "\"true\"", "null" } },
		{ "grants", "bitrate",
			{ "[]", "1", "{\"audio\":0}", "{\"audio\":-1}", "{\"audio\":\"1\"}",
				"{\"data\":1000000000001}", "null" } },
		{ "policy", "rev", { "-1", "\"1\"" } },
		{ "policy", "capacity", { "-1", "2147483648", "true" } },
		{ "policy", "loudest", { "-1", "\"6\"" } },
		{ "policy", "epoch", { "-1", "{}" } },
		{ "policy", "exp", { "-1", "253402300800" } },
		{ "policy", "locked", { "0" } },
		{ "policy", "e2ee", { "\"no\"" } },
		{ "policy", "kinds", { "[1]", "{}", "null" } },
	};
	struct token_claims out;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t j = 0; j < 10 && cases[i].values[j] != NULL; j++) {
			assert_int_equal(
				with(cases[i].object, cases[i].key, cases[i].values[j], &out),
				ERR_TOKEN_INVALID);
			assert_int_equal(out.issuer[0], 0x55); /* nothing is written */
		}
	}
	assert_int_equal(with("policy", "kinds", "[\"hologram\"]", &out), 0);
	assert_int_equal(out.policy.kinds, 0);
	assert_int_equal(with("grants", "bitrate", "{\"hologram\":1}", &out), 0);
	assert_int_equal(with(NULL, "dup", "\"allow\"", &out), 0);
	assert_int_equal(out.duplicate, TOKEN_DUP_ALLOW);
}

static void test_net_count(void **state)
{
	struct token_claims out;
	char list[400] = "[";

	(void)state;
	for (unsigned i = 1; i <= TOKEN_NETS_MAX + 1; i++) {
		char text[500];

		strcat(list, i == 1 ? "\"10.0.0.0/8\"" : ",\"10.0.0.0/8\"");
		snprintf(text, sizeof(text), "%s]", list);
		assert_int_equal(with(NULL, "nets", text, &out),
			i <= TOKEN_NETS_MAX ? 0 : ERR_TOKEN_INVALID);
	}
}

static void test_nets(void **state)
{
	static const struct {
		const char *net, *shown, *in, *out;
	} good[] = {
		{ "192.0.2.0/24", "192.0.2.0/24", "192.0.2.255", "192.0.3.0" },
		{ "192.0.2.7", "192.0.2.7/32", "192.0.2.7", "192.0.2.6" },
		{ "192.0.2.128/25", "192.0.2.128/25", "::ffff:192.0.2.200", "192.0.2.127" },
		{ "0.0.0.0/0", "0.0.0.0/0", "255.1.2.3", "::1" },
		{ "::/0", "::/0", "2001:db8::1", "192.0.2.1" },
		{ "2001:db8::/33", "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1" },
		{ "::1", "::1/128", "::1", "::2" },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8", "10.9.8.7", "11.0.0.1" },
	};
	static const char *const bad[] = { "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08",
		"10.0.0.0/+8", "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.1/8", "10.0.0/8", "::/129",
		"2001:db8::1/64", "::1/1000", "fe80::1%lo", "[::1]", "10.0.0.0/8/8", "a",
		"0000:0000:0000:0000:0000:ffff:255.255.255.2550000" };
	struct token_net net;
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(token_net_parse(&net, good[i].net), 0);
		token_net_format(&net, text);
		assert_string_equal(text, good[i].shown);
		assert_true(token_net_has(&net, good[i].in));
		assert_false(token_net_has(&net, good[i].out));
		assert_false(token_net_has(&net, "?"));
		assert_false(token_net_has(&net, ""));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(token_net_parse(&net, bad[i]), ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_net_count),
		cmocka_unit_test(test_nets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
