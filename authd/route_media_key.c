/*
 * route_media_key: POST /v1/media-key: the key of a room's current epoch for who holds a token of
 * it. Must never say what is wrong with a token.
 */
#include <microhttpd.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "authd/room_keys.h"
#include "authd/route_handlers.h"

#define SCHEME "Bearer "

/* The token behind "Bearer "; NULL when there is none that could be one. */
static const char *bearer(const char *authorization)
{
	if (authorization == NULL || strncasecmp(authorization, SCHEME, sizeof(SCHEME) - 1) != 0 ||
		strlen(authorization) - (sizeof(SCHEME) - 1) > LIMIT_TOKEN) {
		return NULL;
	}
	return authorization + sizeof(SCHEME) - 1;
}

void route_media_key_post(const struct route_call *call)
{
	const char *token = bearer(call->req->authorization);
	struct token_claims claims;
	struct store_room room;
	int err = token == NULL ? ERR_TOKEN_INVALID
				: token_issue_verify(call->ctx->token_issue, token, &claims);

	if (err == 0) {
		err = store_room_get(call->ctx->store, claims.room, &room);
	}
	if (err == 0) {
		http_reply_json(call->reply, MHD_HTTP_OK,
			room_keys_json(room.name, room.epoch, room.media_key));
		sodium_memzero(&room, sizeof(room));
	} else if (err == ERR_TOKEN_INVALID || err == ERR_NOT_FOUND) {
		http_reply_problem(call->reply, MHD_HTTP_UNAUTHORIZED, ERR_TOKEN_INVALID,
			"Authorization must be Bearer and a token that is valid now");
	} else {
		http_reply_error(call->reply, err, NULL);
	}
}
