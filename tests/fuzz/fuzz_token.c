/*
 * fuzz_token: the token of a hello. No input may be accepted by jws_verify(): nobody here can sign.
 * The claims parser gets the input as a payload of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/jws_verify.h"
#include "proto/msg.h"
#include "proto/token_claims.h"
#include "tests/fuzz/fuzz.h"

static struct jws_keyset *make_keys(void)
{
	/* a public key of RFC 8032, section 7.1, test 1 */
	static const char jwks[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k1\","
				   "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
	struct jws_keyset *set = NULL;
	json_t *json = NULL;

	if (msg_parse_object(jwks, strlen(jwks), &json) != 0 ||
		jws_keyset_create(&set, json) != 0) {
		abort();
	}
	json_decref(json);
	return set;
}

static bool same_policy(const struct room_policy *a, const struct room_policy *b)
{
	return a->rev == b->rev && a->capacity == b->capacity && a->lobby == b->lobby &&
		a->locked == b->locked && a->e2ee == b->e2ee && a->kinds == b->kinds &&
		a->loudest == b->loudest && a->epoch == b->epoch && a->expires_at == b->expires_at;
}

static void check_claims(const uint8_t *data, size_t size)
{
	struct token_claims claims;
	struct token_claims again;
	json_t *payload = NULL;

	if (msg_parse_object(data, size, &payload) != 0) {
		return;
	}
	int err = token_claims_parse(&claims, payload);
	json_decref(payload);
	if (err != 0) {
		return;
	}
	payload = token_claims_build(&claims);
	if (payload == NULL || token_claims_parse(&again, payload) != 0 ||
		memcmp(&claims.nets, &again.nets, sizeof(claims.nets)) != 0 ||
		memcmp(&claims.bitrate, &again.bitrate, sizeof(claims.bitrate)) != 0 ||
		strcmp(claims.source, again.source) != 0 || claims.rev != again.rev ||
		claims.session_s != again.session_s || claims.duplicate != again.duplicate ||
		claims.hidden != again.hidden || !same_policy(&claims.policy, &again.policy) ||
		strcmp(claims.room, again.room) != 0 || claims.publish != again.publish) {
		abort();
	}
	json_decref(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jws_keyset *set = make_keys();
	json_t *payload = NULL;
	char *token = malloc(size + 1);

	if (token == NULL) {
		abort();
	}
	memcpy(token, data, size);
	token[size] = '\0';
	if (jws_verify(set, token, TOKEN_TYP, &payload) == 0) {
		abort();
	}
	free(token);
	jws_keyset_destroy(set);
	check_claims(data, size);
	return 0;
}
