/*
 * fuzz_policy: grants and policies of rooms as administrators and backends send them. What was
 * taken must be taken again from the text made of it, and give the same text; what was refused is
 * explained.
 */
#include <stdlib.h>
#include <string.h>

#include "authd/policy.h"
#include "proto/msg.h"
#include "tests/fuzz/fuzz.h"

typedef int (*text_fn)(const json_t *object, char out[POLICY_TEXT_MAX + 1], char why[POLICY_WHY]);

static void check(text_fn make, const json_t *object)
{
	char text[POLICY_TEXT_MAX + 1], again[POLICY_TEXT_MAX + 1], why[POLICY_WHY] = "";
	json_t *parsed = NULL;

	if (make(object, text, why) != 0) {
		if (why[0] == '\0' || strlen(why) >= POLICY_WHY) {
			abort();
		}
		return;
	}
	if (msg_parse_object(text, strlen(text), &parsed) != 0 || make(parsed, again, why) != 0 ||
		strcmp(text, again) != 0) {
		abort();
	}
	json_decref(parsed);
}

/* A request may be anything; what comes of it never passes the key's grants. */
static void decide(const json_t *object)
{
	struct token_claims claims = { 0 };
	char why[POLICY_WHY];
	const struct policy_ask ask = { .source = POLICY_APIKEY,
		.user = "alice",
		.key_name = "shop",
		.grants = "{\"publish\":[\"audio\"],\"chat\":false,\"session_s\":60}",
		.requested = object,
		.room = { .name = "demo", .policy = "{}" },
		.now = 1795442400,
		.life_s = 3600 };

	if (policy_decide(&ask, &claims, why) == 0 &&
		((claims.publish & ~(unsigned)TOKEN_PUBLISH_AUDIO) != 0 || claims.chat ||
			claims.moderate || claims.hidden || claims.session_s == 0 ||
			claims.session_s > 60 || claims.expires_at > ask.now + 3600 ||
			claims.expires_at <= ask.now)) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *object = NULL;

	if (msg_parse_object(data, size, &object) != 0) {
		return 0;
	}
	check(policy_grants_text, object);
	check(policy_room_text, object);
	decide(object);
	json_decref(object);
	return 0;
}
