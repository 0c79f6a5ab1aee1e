/*
 * route_consume: POST /v1/tokens/consume: who presents a token first has it, and nobody after that.
 * The token's signature is checked before the store is asked; what the store says is final.
 */
#include <microhttpd.h>

#include "authd/route_handlers.h"
#include "authd/store_tokens.h"
#include "proto/msg.h"
#include "proto/token_claims.h"

/* Claims of a token that one of this cluster's keys has signed. */
static int read_token(const struct route_call *call, const char *token, struct token_claims *claims)
{
	json_t *payload = NULL;
	int err = keyring_verify(call->ctx->keyring, token, TOKEN_TYP, &payload);

	if (err == 0) {
		err = token_claims_parse(claims, payload);
	}
	json_decref(payload);
	return err;
}

static int consume(const struct route_call *call, const char *token, const char *by,
	struct token_claims *claims)
{
	const struct day_clock *clock = call->ctx->clock;
	const struct token_expect expect = { .audience = call->ctx->cluster,
		.now = day_clock_now(clock) };
	int err = read_token(call, token, claims);

	if (err == 0) {
		err = token_claims_check(claims, &expect);
	}
	if (err == 0 &&
		day_clock_over(clock, expect.now, claims->issued_at, claims->expires_at)) {
		err = ERR_TOKEN_EXPIRED;
	}
	if (err == 0) {
		err = store_token_consume(
			call->ctx->store, &call->actor, claims->jti, by, expect.now);
	}
	/* Forgotten by now, or of a database that was put back: as good as forged. */
	return err == ERR_NOT_FOUND ? ERR_TOKEN_INVALID : err;
}

void route_tokens_consume(const struct route_call *call)
{
	struct token_claims claims;
	const char *token, *by = "admin";

	if (!route_body_only(call, "token", "by", NULL)) {
		return;
	}
	if (msg_get_string(call->body, "token", LIMIT_TOKEN, &token) != 0) {
		http_reply_error(call->reply, ERR_BAD_FIELD, "token must be a token");
		return;
	}
	if (json_object_get(call->body, "by") != NULL &&
		(msg_get_string(call->body, "by", LIMIT_NAME, &by) != 0 || !msg_is_name(by))) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"by must be 1-64 characters of A-Z a-z 0-9 . _ @ -");
		return;
	}
	int err = consume(call, token, by, &claims);
	if (err == 0) {
		http_reply_json(call->reply, MHD_HTTP_OK,
			json_pack("{s:s,s:s,s:s}", "jti", claims.jti, "room", claims.room,
				"participant", claims.participant));
	} else if (err == ERR_STORE || err == ERR_NOMEM) {
		http_reply_error(call->reply, err, NULL);
	} else {
		http_reply_problem(call->reply, MHD_HTTP_UNAUTHORIZED, err, NULL);
	}
}
