/*
 * route_rooms: rooms for the administrator: made, listed, changed, closed. What is live comes from
 * the workers at the time of the question; the store knows the rest.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "authd/policy.h"
#include "authd/room_keys.h"
#include "authd/room_live.h"
#include "authd/route_handlers.h"
#include "authd/store_revocations.h"
#include "common/log.h"
#include "proto/msg.h"

#define PAGE_DEFAULT 100
#define TIME_MAX INT64_C(253402300799) /* the end of the year 9999 */
#define NAME_RULE "name must be 1-64 characters of A-Z a-z 0-9 . _ @ -"

static void refuse(const struct route_call *call, int err)
{
	http_reply_error(call->reply, err,
		err == ERR_NOT_FOUND        ? "there is no such room"
			: err == ERR_EXISTS ? "there is a room of that name"
					    : NULL);
}

/* As the store has it, not live. */
static json_t *room_json(const struct store_room *row)
{
	return json_pack("{s:s,s:b,s:s,s:i,s:i,s:i,s:I,s:b,s:I}", "name", row->name, "live", 0,
		"reflector", row->reflector, "port", (int)row->port, "participants", 0, "streams",
		0, "created_at", (json_int_t)row->created_at, "locked", (int)row->locked,
		"expires_at", (json_int_t)row->expires_at);
}

/* "name:port,name:port" as a list. */
static json_t *alternates_json(const char *alternates)
{
	json_t *list = json_array();

	while (list != NULL && alternates[0] != '\0') {
		size_t len = strcspn(alternates, ",");
		if (json_array_append_new(list, json_stringn(alternates, len)) != 0) {
			json_decref(list);
			return NULL;
		}
		alternates += len + (alternates[len] == ',');
	}
	return list;
}

/* With everything but the media key: that is for those in the room. */
static json_t *room_json_whole(const struct store_room *row)
{
	json_t *room = room_json(row);

	if (room != NULL &&
		(json_object_set_new(room, "policy", policy_json(row->policy)) != 0 ||
			json_object_set_new(room, "epoch", json_integer(row->epoch)) != 0 ||
			json_object_set_new(room, "alternates", alternates_json(row->alternates)) !=
				0)) {
		json_decref(room);
		return NULL;
	}
	return room;
}

static int get_row(const struct route_call *call, struct store_room *row)
{
	return msg_is_name(call->arg) ? store_room_get(call->ctx->store, call->arg, row)
				      : ERR_NOT_FOUND;
}

/* The room as it is now in the store, after a change. */
static void reply_row(const struct route_call *call, int status, const char *name)
{
	struct store_room row;
	int err = store_room_get(call->ctx->store, name, &row);

	if (err != 0) {
		refuse(call, err);
		return;
	}
	http_reply_json(call->reply, status, room_json_whole(&row));
}

/* ---- the list ---- */

struct room_list {
	const json_t *items; /* what the workers say */
	json_t *rooms;
	char last[LIMIT_NAME + 1];
};

static int add_row(const struct store_room *row, void *arg)
{
	struct room_list *list = arg;
	json_t *room = room_json(row);
	int err = room != NULL && json_array_append_new(list->rooms, room) == 0 ? 0 : ERR_NOMEM;

	memcpy(list->last, row->name, sizeof(list->last));
	const json_t *items = json_object_get(list->items, row->name);
	for (size_t i = 0; err == 0 && i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);
		err = room_live_believed(row, item) ? room_live_add(room, item) : 0;
	}
	return err;
}

/* Items by the name of their room: an object of arrays. */
static json_t *by_room(const json_t *items)
{
	json_t *all = json_object();

	for (size_t i = 0; all != NULL && i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i);
		const char *name = json_string_value(json_object_get(item, "name"));
		json_t *same = name != NULL ? json_object_get(all, name) : NULL;
		if (name != NULL && same == NULL) {
			same = json_array();
			if (json_object_set_new(all, name, same) != 0) {
				json_decref(all);
				return NULL;
			}
		}
		(void)json_array_append(same, item);
	}
	return all;
}

void route_rooms_get(const struct route_call *call)
{
	const char *after = http_request_query(call->req, "after");
	int64_t limit = PAGE_DEFAULT;
	struct room_live live;

	if (!route_query_int(call, "limit", 1, STORE_PAGE_MAX, &limit)) {
		return;
	}
	if (after != NULL && after[0] != '\0' && !msg_is_name(after)) {
		http_reply_error(call->reply, ERR_BAD_FIELD, "after must be the name of a room");
		return;
	}
	int err = room_live_ask(&live, call->ctx->link_dial, "rooms", NULL);
	json_t *items = err == 0 ? by_room(live.items) : NULL;
	struct room_list list = { .items = items, .rooms = json_array() };
	const struct store_page page = { .after = after != NULL ? after : "",
		.limit = (unsigned)limit };
	if (err == 0) {
		err = items != NULL && list.rooms != NULL
			? store_room_list(call->ctx->store, &page, add_row, &list)
			: ERR_NOMEM;
	}
	if (err == 0) {
		bool more = json_array_size(list.rooms) == (size_t)limit;
		http_reply_json(call->reply, MHD_HTTP_OK,
			room_live_with_missing(json_pack("{s:O,s:s?}", "rooms", list.rooms, "next",
						       more ? list.last : NULL),
				&live));
	} else {
		refuse(call, err);
	}
	json_decref(list.rooms);
	json_decref(items);
	room_live_finish(&live);
}

/* ---- one ---- */

void route_room_get(const struct route_call *call)
{
	struct room_live live = { NULL, NULL };
	struct store_room row;
	json_t *room = NULL;
	int err = get_row(call, &row);

	if (err == 0) {
		err = room_live_ask(&live, call->ctx->link_dial, "participants", row.name);
	}
	if (err == 0) {
		room = room_json_whole(&row);
		err = room != NULL ? room_live_add_people(room, &row, live.items) : ERR_NOMEM;
	}
	if (err == 0) {
		http_reply_json(call->reply, MHD_HTTP_OK, room_live_with_missing(room, &live));
	} else {
		json_decref(room);
		refuse(call, err);
	}
	room_live_finish(&live);
}

/* When it ends: absent stays as it is; 0 is never. */
static bool take_expiry(const struct route_call *call, int64_t *expires_at)
{
	int64_t now = (int64_t)time(NULL);

	if (msg_opt_int(call->body, "expires_at", 0, TIME_MAX, expires_at) == 0 &&
		(*expires_at <= 0 || *expires_at > now)) {
		return true;
	}
	http_reply_error(call->reply, ERR_BAD_FIELD,
		"expires_at must be 0 (never) or a time to come, in seconds since 1970");
	return false;
}

static void refuse_policy(const struct route_call *call, int err, const char *why)
{
	char detail[POLICY_WHY + 16];

	snprintf(detail, sizeof(detail), "policy: %s", why);
	http_reply_error(call->reply, err, err == ERR_BAD_FIELD ? detail : NULL);
}

void route_rooms_post(const struct route_call *call)
{
	struct store_room row = { .expires_at = 0 };
	char defaults[STORE_JSON_MAX + 1], why[POLICY_WHY];
	const char *name = NULL;

	if (!route_body_only(call, "name", "policy", "expires_at", NULL) ||
		!take_expiry(call, &row.expires_at)) {
		return;
	}
	if (msg_get_string(call->body, "name", LIMIT_NAME, &name) != 0 || !msg_is_name(name)) {
		http_reply_error(call->reply, ERR_BAD_FIELD, NAME_RULE);
		return;
	}
	snprintf(row.name, sizeof(row.name), "%s", name);
	int err = store_setting_get(call->ctx->store, "room", defaults);
	if (err == 0) {
		err = policy_room_text_over(
			defaults, json_object_get(call->body, "policy"), row.policy, why);
		if (err != 0) {
			refuse_policy(call, err, why);
			return;
		}
		err = room_keys_make(row.media_key);
	}
	if (err == 0) {
		err = store_room_add(call->ctx->store, &call->actor, &row, (int64_t)time(NULL));
	}
	if (err != 0) {
		refuse(call, err);
		return;
	}
	log_event(LOG_LEVEL_INFO, "room-created", LOG_STR("room", name));
	reply_row(call, MHD_HTTP_CREATED, name);
}

void route_room_patch(const struct route_call *call)
{
	char policy[STORE_JSON_MAX + 1], why[POLICY_WHY];
	const json_t *given = json_object_get(call->body, "policy");
	const json_t *locked = json_object_get(call->body, "locked");
	int64_t expires_at = -1;
	struct store_room row;

	if (!route_body_only(call, "policy", "locked", "expires_at", NULL) ||
		!take_expiry(call, &expires_at)) {
		return;
	}
	if (locked != NULL && !json_is_boolean(locked)) {
		http_reply_error(call->reply, ERR_BAD_FIELD, "locked must be true or false");
		return;
	}
	int err = given != NULL ? policy_room_text(given, policy, why) : 0;
	if (err != 0) {
		refuse_policy(call, err, why);
		return;
	}
	err = get_row(call, &row);
	if (err == 0) {
		err = store_room_set(call->ctx->store, &call->actor, row.name,
			given != NULL ? policy : NULL, locked != NULL ? json_is_true(locked) : -1,
			expires_at);
	}
	if (err != 0) {
		refuse(call, err);
		return;
	}
	log_event(LOG_LEVEL_INFO, "room-changed", LOG_STR("room", row.name));
	reply_row(call, MHD_HTTP_OK, row.name);
}

void route_room_delete(const struct route_call *call)
{
	struct store_room row;
	int err = get_row(call, &row);

	if (err == 0) {
		err = store_room_delete(
			call->ctx->store, &call->actor, row.name, (int64_t)time(NULL));
	}
	if (err != 0) {
		refuse(call, err);
		return;
	}
	log_event(LOG_LEVEL_INFO, "room-deleted", LOG_STR("room", row.name));
	http_reply_empty(call->reply, MHD_HTTP_NO_CONTENT);
}

/* The revocation ends every session of the room with room-closed. */
void route_room_close(const struct route_call *call)
{
	struct store_revocation entry = { .kind = "room" };
	const char *reason = "";
	struct store_room row;
	size_t revoked = 0;

	if (!route_body_only(call, "reason", NULL)) {
		return;
	}
	if (msg_opt_string(call->body, "reason", LIMIT_DISPLAY_NAME, &reason) != 0 ||
		(reason[0] != '\0' && !msg_is_display_name(reason))) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"reason must be at most 128 bytes of UTF-8 without control characters");
		return;
	}
	int err = get_row(call, &row);
	if (err == 0) {
		snprintf(entry.id, sizeof(entry.id), "%s", row.name);
		snprintf(entry.reason, sizeof(entry.reason), "%s", reason);
		err = store_revocation_add(
			call->ctx->store, &call->actor, &entry, (int64_t)time(NULL), &revoked);
	}
	if (err != 0) {
		refuse(call, err);
		return;
	}
	log_event(LOG_LEVEL_INFO, "room-closed", LOG_STR("room", row.name),
		LOG_INT("tokens", revoked));
	http_reply_json(call->reply, MHD_HTTP_OK,
		json_pack("{s:s,s:I,s:I}", "name", row.name, "seq", (json_int_t)entry.seq, "tokens",
			(json_int_t)revoked));
}

void route_room_rekey(const struct route_call *call)
{
	struct store_room row;
	int err = get_row(call, &row);

	if (err == 0) {
		err = store_room_rekey(call->ctx->store, &call->actor, row.name);
	}
	if (err == 0) {
		err = store_room_get(call->ctx->store, row.name, &row);
	}
	if (err != 0) {
		refuse(call, err);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK,
		json_pack("{s:s,s:I}", "name", row.name, "epoch", (json_int_t)row.epoch));
}
