/*
 * route_tokens: the record of tokens, and their revocation. A revocation is in the store before any
 * reflector hears of it, so that it outlives a crash between the two.
 */
#include <microhttpd.h>
#include <string.h>
#include <time.h>

#include "authd/route_handlers.h"
#include "authd/route_page.h"
#include "authd/store_tokens.h"
#include "common/log.h"
#include "proto/msg.h"

#define JTI_LOGGED 8

static json_t *time_or_null(int64_t at)
{
	return at != 0 ? json_integer(at) : json_null();
}

static int add_token(const struct store_token *row, void *arg)
{
	json_t *item = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:o,s:o}", "jti", row->jti,
		"user", row->user, "participant", row->participant, "room", row->room, "source",
		row->source, "source_id", row->source_id, "issued_at", (json_int_t)row->issued_at,
		"expires_at", (json_int_t)row->expires_at, "revoked_at",
		time_or_null(row->revoked_at), "consumed_at", time_or_null(row->consumed_at));

	return route_page_add(arg, row->jti, item);
}

static bool read_filter(const struct route_call *call, struct store_token_filter *filter)
{
	const char *all = http_request_query(call->req, "all");

	*filter = (struct store_token_filter){ .room = http_request_query(call->req, "room"),
		.user = http_request_query(call->req, "user"),
		.source_id = http_request_query(call->req, "source"),
		.all = all != NULL && strcmp(all, "1") == 0,
		.now = (int64_t)time(NULL) };
	if ((filter->room != NULL && !msg_is_name(filter->room)) ||
		(filter->user != NULL && !msg_is_name(filter->user)) ||
		(filter->source_id != NULL && !msg_is_name(filter->source_id))) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"room, user and source must be 1-64 characters of A-Z a-z 0-9 . _ @ -");
		return false;
	}
	return true;
}

void route_tokens_get(const struct route_call *call)
{
	struct store_token_filter filter;
	struct route_page page;

	if (read_filter(call, &filter) && route_page_begin(call, &page)) {
		int err = store_token_list(call->ctx->store, &filter, &page.page, add_token, &page);
		route_page_end(call, &page, "tokens", err);
	}
}

void route_token_delete(const struct route_call *call)
{
	struct store *store = call->ctx->store;
	struct store_token token;
	size_t len = strspn(
		call->arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
	bool possible = call->arg[len] == '\0' && len <= LIMIT_JTI;

	if (possible && len < STORE_JTI_PREFIX_MIN) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"give at least the first 8 characters of the jti");
		return;
	}
	int err = possible
		? store_token_revoke(store, &call->actor, call->arg, (int64_t)time(NULL), &token)
		: ERR_NOT_FOUND;
	if (err != 0) {
		http_reply_error(call->reply, err,
			err == ERR_NOT_FOUND ? "no live token has that jti"
				: err == ERR_EXISTS
				? "several tokens begin like this: give more of the jti"
				: NULL);
		return;
	}
	token.jti[JTI_LOGGED] = '\0';
	log_event(LOG_LEVEL_INFO, "token-revoked", LOG_STR("jti", token.jti),
		LOG_STR("room", token.room), LOG_STR("participant", token.participant));
	http_reply_empty(call->reply, MHD_HTTP_NO_CONTENT);
}
