/*
 * route_apikeys: API keys for the administrator. A key leaves in the answer to its making, and
 * never again; neither it nor its hash is ever logged.
 */
#include <microhttpd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/apikey.h"
#include "authd/pattern.h"
#include "authd/policy.h"
#include "authd/route_handlers.h"
#include "authd/route_page.h"
#include "authd/store_apikeys.h"
#include "common/log.h"
#include "proto/msg.h"

static json_t *key_json(const struct store_apikey *row)
{
	json_t *rooms = json_loads(row->rooms, 0, NULL);

	return json_pack("{s:s,s:s,s:o,s:o,s:b,s:I,s:I,s:I}", "id", row->id, "name", row->name,
		"rooms", rooms != NULL ? rooms : json_array(), "grants", policy_json(row->grants),
		"admin", (int)row->admin, "created_at", (json_int_t)row->created_at, "expires_at",
		(json_int_t)row->expires_at, "revoked_at", (json_int_t)row->revoked_at);
}

static int add_row(const struct store_apikey *row, void *arg)
{
	return route_page_add(arg, row->name, key_json(row));
}

void route_apikeys_get(const struct route_call *call)
{
	struct route_page page;

	if (route_page_begin(call, &page)) {
		int err = store_apikey_list(call->ctx->store, &page.page, add_row, &page);
		route_page_end(call, &page, "apikeys", err);
	}
}

static void refuse(const struct route_call *call, int err, const char *why)
{
	http_reply_error(call->reply, err,
		err == ERR_EXISTS              ? "there is, or was, an API key of that name"
			: err == ERR_NOT_FOUND ? "there is no such API key"
					       : why);
}

/* The patterns' text for the store; every room where none are given. */
static int take_rooms(const json_t *rooms, struct store_apikey *key)
{
	if (rooms == NULL) {
		snprintf(key->rooms, sizeof(key->rooms), "[\"*\"]");
		return 0;
	}
	if (pattern_list_check(rooms) != 0) {
		return ERR_BAD_FIELD;
	}
	char *text = json_dumps(rooms, JSON_COMPACT);
	int len = text != NULL ? snprintf(key->rooms, sizeof(key->rooms), "%s", text) : 0;
	free(text);
	return text == NULL ? ERR_NOMEM : (size_t)len >= sizeof(key->rooms) ? ERR_BAD_FIELD : 0;
}

static int parse(const json_t *body, struct store_apikey *key, char why[POLICY_WHY])
{
	const char *name = NULL;

	if (msg_get_string(body, "name", LIMIT_NAME, &name) != 0 || !msg_is_name(name)) {
		snprintf(why, POLICY_WHY, "name must be 1-64 characters of A-Z a-z 0-9 . _ @ -");
		return ERR_BAD_FIELD;
	}
	if (msg_opt_bool(body, "admin", &key->admin) != 0) {
		snprintf(why, POLICY_WHY, "admin must be true or false");
		return ERR_BAD_FIELD;
	}
	if (msg_opt_int(body, "expires_at", 0, INT64_MAX, &key->expires_at) != 0 ||
		(key->expires_at != 0 && key->expires_at <= key->created_at)) {
		snprintf(why, POLICY_WHY, "expires_at must be in the future, or 0 for never");
		return ERR_BAD_FIELD;
	}
	int err = take_rooms(json_object_get(body, "rooms"), key);
	if (err != 0) {
		snprintf(why, POLICY_WHY,
			"rooms must be a list of at most 64 names, in which * stands for anything");
		return err;
	}
	snprintf(key->name, sizeof(key->name), "%s", name);
	return policy_grants_text(json_object_get(body, "grants"), key->grants, why);
}

void route_apikeys_post(const struct route_call *call)
{
	struct store_apikey key = { .created_at = (int64_t)time(NULL) };
	char text[APIKEY_TEXT_SIZE], why[POLICY_WHY] = "";

	if (!route_body_only(call, "name", "rooms", "grants", "admin", "expires_at", NULL)) {
		return;
	}
	int err = parse(call->body, &key, why);
	if (err == 0) {
		err = apikey_make(&key, text);
	}
	if (err == 0) {
		err = store_apikey_add(call->ctx->store, &call->actor, &key);
	}
	if (err != 0) {
		refuse(call, err, why[0] != '\0' ? why : NULL);
		return;
	}
	log_event(LOG_LEVEL_INFO, "apikey-added", LOG_STR("apikey", key.name),
		LOG_STR("id", key.id), LOG_STR("by", call->actor.name));
	json_t *answer = key_json(&key);
	if (answer != NULL && json_object_set_new(answer, "key", json_string(text)) != 0) {
		json_decref(answer);
		answer = NULL;
	}
	sodium_memzero(text, sizeof(text));
	http_reply_json(call->reply, MHD_HTTP_CREATED, answer);
}

void route_apikey_get(const struct route_call *call)
{
	struct store_apikey key;
	int err = msg_is_name(call->arg) ? store_apikey_get(call->ctx->store, call->arg, &key)
					 : ERR_NOT_FOUND;

	if (err != 0) {
		refuse(call, err, NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK, key_json(&key));
}

void route_apikey_delete(const struct route_call *call)
{
	int err = msg_is_name(call->arg) ? store_apikey_revoke(call->ctx->store, &call->actor,
						   call->arg, (int64_t)time(NULL))
					 : ERR_NOT_FOUND;

	if (err != 0) {
		refuse(call, err, NULL);
		return;
	}
	log_event(LOG_LEVEL_INFO, "apikey-revoked", LOG_STR("apikey", call->arg),
		LOG_STR("by", call->actor.name));
	http_reply_empty(call->reply, MHD_HTTP_NO_CONTENT);
}
