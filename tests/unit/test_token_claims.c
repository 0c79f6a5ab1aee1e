/*
 * token_claims: round trip, every claim missing, of a wrong type and over its limit, order of
 * checks.
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

#include "proto/msg.h"
#include "proto/token_claims.h"

static struct token_claims sample(void)
{
	struct token_claims c = { .issuer = "authd",
		.audience = "example",
		.participant = "alice+laptop",
		.user = "alice",
		.display_name = "Alice",
		.room = "demo",
		.jti = "abc-123",
		.issued_at = 1000,
		.not_before = 1001,
		.expires_at = 2000,
		.publish = TOKEN_PUBLISH_AUDIO | TOKEN_PUBLISH_DATA,
		.subscribe = true,
		.moderate = true,
		.place_count = 2 };

	strcpy(c.places[0], "r1:49152");
	strcpy(c.places[1], "r2:65535");
	return c;
}

static void test_round_trip(void **state)
{
	const struct token_claims in = sample();
	struct token_claims out;

	(void)state;
	json_t *payload = token_claims_build(&in);
	assert_non_null(payload);
	json_object_set_new(payload, "future", json_string("ignored"));
	assert_int_equal(token_claims_parse(&out, payload), 0);
	assert_string_equal(out.issuer, in.issuer);
	assert_string_equal(out.audience, in.audience);
	assert_string_equal(out.participant, in.participant);
	assert_string_equal(out.user, in.user);
	assert_string_equal(out.display_name, in.display_name);
	assert_string_equal(out.room, in.room);
	assert_string_equal(out.jti, in.jti);
	assert_int_equal(out.issued_at, in.issued_at);
	assert_int_equal(out.not_before, in.not_before);
	assert_int_equal(out.expires_at, in.expires_at);
	assert_int_equal(out.publish, in.publish);
	assert_true(out.subscribe && !out.chat && out.moderate);
	assert_int_equal(out.place_count, 2);
	assert_string_equal(out.places[1], "r2:65535");
	json_decref(payload);
}

/* The sample with one claim replaced by a JSON value; NULL takes it out. */
static int with(const char *object, const char *key, const char *value)
{
	const struct token_claims in = sample();
	struct token_claims out;
	json_t *payload = token_claims_build(&in);
	json_t *at = object == NULL ? payload : json_object_get(payload, object);

	memset(&out, 0x55, sizeof(out));
	if (value == NULL) {
		assert_int_equal(json_object_del(at, key), 0);
	} else {
		json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);
		assert_non_null(v);
		assert_int_equal(json_object_set_new(at, key, v), 0);
	}
	int err = token_claims_parse(&out, payload);
	json_decref(payload);
	if (err != 0) {
		assert_int_equal(out.issuer[0], 0x55); /* nothing is written on failure */
	}
	return err;
}

static void test_each_claim(void **state)
{
	static const char *const strings[] = { "iss", "aud", "sub", "usr", "name", "room", "jti" };
	static const char *const wrong[] = { NULL, "1", "null", "[]", "\"\"", "\"a\\nb\"",
		"\"a\\u202eb\"" };
	static const char *const times[] = { "iat", "exp" };
	static const char *const wrong_times[] = { NULL, "\"5\"", "5.5", "-1", "253402300800",
		"true" };
	static const char *const grants[] = { "publish", "subscribe", "chat", "moderate" };
	static const char *const wrong_grants[] = { NULL, "1", "\"true\"", "{}", "null", "[1]" };

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		for (size_t j = 0; j < 7; j++) {
			assert_int_equal(with(NULL, strings[i], wrong[j]), ERR_TOKEN_INVALID);
		}
	}
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < 6; j++) {
			assert_int_equal(with(NULL, times[i], wrong_times[j]), ERR_TOKEN_INVALID);
		}
	}
	assert_int_equal(with(NULL, "nbf", NULL), 0);
	assert_int_equal(with(NULL, "nbf", "\"1\""), ERR_TOKEN_INVALID);
	assert_int_equal(with(NULL, "grants", NULL), ERR_TOKEN_INVALID);
	assert_int_equal(with(NULL, "grants", "[]"), ERR_TOKEN_INVALID);
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 6; j++) {
			assert_int_equal(
				with("grants", grants[i], wrong_grants[j]), ERR_TOKEN_INVALID);
		}
	}
	assert_int_equal(with("grants", "publish", "[]"), 0);
	assert_int_equal(with("grants", "publish", "[\"hologram\"]"), 0);
}

static void test_limits(void **state)
{
	static const struct {
		const char *key;
		unsigned limit;
	} cases[] = { { "iss", LIMIT_NAME }, { "aud", LIMIT_NAME }, { "usr", LIMIT_NAME },
		{ "name", LIMIT_DISPLAY_NAME }, { "room", LIMIT_NAME }, { "jti", LIMIT_JTI } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned len = cases[i].limit - 1; len <= cases[i].limit + 1; len++) {
			char value[256];

			memset(value, 'a', sizeof(value));
			value[0] = '"';
			strcpy(value + 1 + len, "\"");
			assert_int_equal(with(NULL, cases[i].key, value),
				len <= cases[i].limit ? 0 : ERR_TOKEN_INVALID);
		}
	}
}

static void test_places(void **state)
{
	static const char *const good[] = { "[\"r1:1\"]", "[\"r1:65535\"]",
		"[\"a:1\",\"a:2\",\"a:3\",\"a:4\",\"a:5\",\"a:6\",\"a:7\",\"a:8\"]" };
	static const char *const bad[] = { NULL, "[]", "{}", "\"r1:1\"", "[1]", "[\"r1\"]",
		"[\"r1:\"]", "[\":1\"]", "[\"r1:0\"]", "[\"r1:01\"]", "[\"r1:65536\"]",
		"[\"r1:999999\"]", "[\"r1:+1\"]", "[\"r1: 1\"]", "[\"r 1:1\"]", "[\"r1:1:2\"]",
		"[\"r1:1\",2]",
		"[\"a:1\",\"a:2\",\"a:3\",\"a:4\",\"a:5\",\"a:6\",\"a:7\",\"a:8\",\"a:9\"]" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(with(NULL, "at", good[i]), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(with(NULL, "at", bad[i]), ERR_TOKEN_INVALID);
	}
}

static void test_times(void **state)
{
	const struct token_claims c = sample();
	struct token_expect e = { .now = 1500 };

	(void)state;
	assert_int_equal(token_claims_check(&c, &e), 0);
	e.now = 1999;
	assert_int_equal(token_claims_check(&c, &e), 0);
	e.now = 2000; /* no leeway here */
	assert_int_equal(token_claims_check(&c, &e), ERR_TOKEN_EXPIRED);
	e.now = 1001 - LIMIT_CLOCK_LEEWAY_S;
	assert_int_equal(token_claims_check(&c, &e), 0);
	e.now--;
	assert_int_equal(token_claims_check(&c, &e), ERR_TOKEN_EARLY);
	struct token_claims no_nbf = c;
	no_nbf.not_before = 0;
	assert_int_equal(token_claims_check(&no_nbf, &e), 0);
	e.now--;
	assert_int_equal(token_claims_check(&no_nbf, &e), ERR_TOKEN_EARLY);
}

/* Everything wrong at first; each thing put right uncovers the next. */
static void test_order(void **state)
{
	struct token_claims c = sample();
	struct token_expect e = { "other", "other", "other", "r3:1", 5000 };

	(void)state;
	assert_int_equal(token_claims_check(&c, &e), ERR_TOKEN_AUDIENCE);
	e.audience = "example";
	assert_int_equal(token_claims_check(&c, &e), ERR_TOKEN_INVALID);
	e.issuer = "authd";
	assert_int_equal(token_claims_check(&c, &e), ERR_TOKEN_EXPIRED);
	e.now = 0;
	assert_int_equal(token_claims_check(&c, &e), ERR_TOKEN_EARLY);
	e.now = 1500;
	assert_int_equal(token_claims_check(&c, &e), ERR_TOKEN_ROOM);
	e.room = "demo";
	assert_int_equal(token_claims_check(&c, &e), ERR_TOKEN_PLACE);
	e.place = "r1:4915";
	assert_int_equal(token_claims_check(&c, &e), ERR_TOKEN_PLACE);
	e.place = "r2:65535";
	assert_int_equal(token_claims_check(&c, &e), 0);
}

static void test_kinds(void **state)
{
	(void)state;
	for (unsigned bit = 1; bit <= 8; bit <<= 1) {
		assert_int_equal(token_publish_from_name(token_publish_name(bit)), bit);
	}
	assert_int_equal(token_publish_from_name("Audio"), 0);
	assert_null(token_publish_name(16));
	assert_null(token_publish_name(3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_each_claim),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
