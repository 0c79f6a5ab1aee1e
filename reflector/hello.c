/*
 * hello: reads a hello and checks its token, in the order of doc/protocol.md 5.1 up to the network.
 * What the room says is in room_rules. Asks no other process anything.
 */
#include "reflector/hello.h"

#include <string.h>

#include "proto/jws_verify.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "reflector/worker.h"

#define CAPABILITIES_MAX 64u
#define VERSIONS_MAX 64u

static int check_versions(const json_t *msg)
{
	const json_t *versions;
	const json_t *item;
	size_t i;
	bool known = false;

	if (msg_get_array(msg, "versions", VERSIONS_MAX, &versions) != 0) {
		return ERR_BAD_FIELD;
	}
	json_array_foreach(versions, i, item) {
		if (!json_is_integer(item)) {
			return ERR_BAD_FIELD;
		}
		known = known || json_integer_value(item) == 1;
	}
	return known ? 0 : ERR_VERSION;
}

static int read_capabilities(const json_t *msg, struct hello *hello)
{
	const json_t *list;
	const json_t *item;
	size_t i;

	if (json_object_get(msg, "capabilities") == NULL) {
		return 0;
	}
	if (msg_get_array(msg, "capabilities", CAPABILITIES_MAX, &list) != 0) {
		return ERR_BAD_FIELD;
	}
	json_array_foreach(list, i, item) {
		if (!json_is_string(item)) {
			return ERR_BAD_FIELD;
		}
		const char *name = json_string_value(item);
		hello->knows_chat = hello->knows_chat || strcmp(name, "chat") == 0;
		hello->knows_layers = hello->knows_layers || strcmp(name, "layers") == 0;
		hello->knows_e2ee = hello->knows_e2ee || strcmp(name, "e2ee") == 0;
	}
	return 0;
}

int hello_read(struct hello *hello, const json_t *msg, uint32_t our_max_payload)
{
	const char *subscribe = "all";
	const char *client = "";
	int64_t max_payload = LIMIT_PAYLOAD_DEFAULT;

	int err = check_versions(msg);
	if (err != 0) {
		return err;
	}
	if (msg_get_string(msg, "token", LIMIT_PRE_HELLO_PAYLOAD, &hello->token) != 0 ||
		msg_opt_string(msg, "room", LIMIT_PRE_HELLO_PAYLOAD, &hello->room) != 0 ||
		msg_opt_string(msg, "client", LIMIT_DISPLAY_NAME, &client) != 0 ||
		msg_opt_int(msg, "max_payload", LIMIT_PAYLOAD_MIN, LIMIT_PAYLOAD_MAX,
			&max_payload) != 0 ||
		msg_opt_string(msg, "subscribe", LIMIT_LABEL, &subscribe) != 0) {
		return ERR_BAD_FIELD;
	}
	hello->subscribe_all = strcmp(subscribe, "all") == 0;
	if (!hello->subscribe_all && strcmp(subscribe, "none") != 0) {
		return ERR_BAD_FIELD;
	}
	hello->max_payload =
		max_payload < our_max_payload ? (uint32_t)max_payload : our_max_payload;
	return read_capabilities(msg, hello);
}

/* No networks: from anywhere. */
static bool network_allowed(const struct token_claims *claims, const char *host)
{
	for (size_t i = 0; i < claims->net_count; i++) {
		if (token_net_has(&claims->nets[i], host)) {
			return true;
		}
	}
	return claims->net_count == 0;
}

int hello_check_token(const struct worker *worker, const struct hello *hello, const char *host,
	struct token_claims *claims)
{
	struct token_expect expect = { .issuer = worker->issuer,
		.audience = worker->cluster,
		.room = hello->room,
		.place = worker->place,
		.now = worker->day_s };
	json_t *payload = NULL;

	if (worker->keys == NULL) {
		return ERR_AUTHD_AWAY;
	}
	int err = strlen(hello->token) <= LIMIT_TOKEN
		? jws_verify(worker->keys, hello->token, TOKEN_TYP, &payload)
		: ERR_TOKEN_INVALID;
	if (err == 0) {
		err = token_claims_parse(claims, payload);
	}
	json_decref(payload);
	if (err == 0) {
		err = token_claims_check(claims, &expect);
	}
	if (err == 0 && day_clock_over(&worker->clock, expect.now, claims->issued_at,
				claims->expires_at)) {
		err = ERR_TOKEN_EXPIRED;
	}
	if (err == 0) {
		const struct revocation_subject subject = { .jti = claims->jti,
			.user = claims->user,
			.room = claims->room,
			.source = claims->source,
			.rev = claims->rev };
		err = revocation_check(&worker->revoked, &subject, expect.now);
	}
	if (err == 0 && !network_allowed(claims, host)) {
		err = ERR_TOKEN_NETWORK;
	}
	return err;
}
