/*
 * route_tokens: the record of tokens, and their revocation. A revocation is in the store before any
 * reflector hears of it, so that it outlives a crash between the two.
 */
#include <microhttpd.h>
#include <string.h>
#include <time.h>

#include "authd/routes.h"
#include "authd/store_tokens.h"
#include "common/log.h"
#include "proto/msg.h"

#define JTI_LOGGED 8

struct token_list {
	json_t *tokens;
	char last[LIMIT_JTI + 1];
	unsigned count; /* in this page */
};

static int add_token(const struct store_token *row, void *arg)
{
	struct token_list *list = arg;
	json_t *item = json_pack("{s:s,s:s,s:s,s:s,s:I,s:I}", "jti", row->jti, "user", row->user,
		"participant", row->participant, "room", row->room, "issued_at",
		(json_int_t)row->issued_at, "expires_at", (json_int_t)row->expires_at);
	json_t *revoked = row->revoked_at != 0 ? json_integer(row->revoked_at) : json_null();

	if (json_object_set_new(item, "revoked_at", revoked) != 0 ||
		json_array_append(list->tokens, item) != 0) {
		json_decref(item);
		return ERR_NOMEM;
	}
	json_decref(item);
	memcpy(list->last, row->jti, sizeof(list->last));
	list->count++;
	return 0;
}

static int add_tokens(
	struct store *store, const struct store_token_filter *filter, struct token_list *list)
{
	struct store_page page = { .limit = STORE_PAGE_MAX };
	int err;

	do {
		char after[LIMIT_JTI + 1];

		memcpy(after, list->last, sizeof(after));
		page.after = after;
		list->count = 0;
		err = store_token_list(store, filter, &page, add_token, list);
	} while (err == 0 && list->count == STORE_PAGE_MAX);
	return err;
}

void route_tokens_get(const struct route_call *call)
{
	const char *all = http_request_query(call->req, "all");
	struct store *store = call->ctx->store;
	struct store_token_filter filter = { .room = http_request_query(call->req, "room"),
		.user = http_request_query(call->req, "user"),
		.all = all != NULL && strcmp(all, "1") == 0,
		.now = (int64_t)time(NULL) };

	if ((filter.room != NULL && !msg_is_name(filter.room)) ||
		(filter.user != NULL && !msg_is_name(filter.user))) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"room and user must be 1-64 characters of A-Z a-z 0-9 . _ @ -");
		return;
	}
	struct token_list list = { .tokens = json_array() };
	int err = list.tokens != NULL ? add_tokens(store, &filter, &list) : ERR_NOMEM;
	if (err != 0) {
		json_decref(list.tokens);
		http_reply_error(call->reply, err, NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK, json_pack("{s:o}", "tokens", list.tokens));
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
	int err = possible ? store_token_revoke(store, &call->actor, call->arg,
			(int64_t)time(NULL), &token)
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
