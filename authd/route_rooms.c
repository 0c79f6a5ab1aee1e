/*
 * route_rooms: rooms and participants for the administrator. What is live comes from the workers
 * that hold it, at the time of the question; the store only knows which rooms there are.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "authd/routes.h"
#include "authd/store_rooms.h"
#include "common/log.h"
#include "proto/msg.h"

/* What the workers answered. */
struct live {
	json_t *items, *missing;
};

static int ask(const struct route_call *call, const char *what, const char *room, struct live *live)
{
	live->items = live->missing = NULL;
	return link_dial_query(call->ctx->link_dial, what, room, &live->items, &live->missing);
}

static void live_finish(struct live *live)
{
	json_decref(live->items);
	json_decref(live->missing);
}

/* Adds partial, and missing when it is not empty; takes answer. */
static json_t *with_missing(json_t *answer, const json_t *missing)
{
	bool partial = json_array_size(missing) > 0;

	if (json_object_set_new(answer, "partial", json_boolean(partial)) != 0 ||
		json_object_set_new(answer, "missing", json_deep_copy(missing)) != 0) {
		json_decref(answer);
		return NULL;
	}
	return answer;
}

/* The room as the store has it, not live. */
static json_t *stored_room(const struct store_room *row)
{
	return json_pack("{s:s,s:b,s:s,s:i,s:i,s:i,s:I}", "name", row->name, "live", 0, "reflector",
		row->reflector, "port", (int)row->port, "participants", 0, "streams", 0,
		"created_at", (json_int_t)row->created_at);
}

/* Lays what the worker says over the room; its created_at is the time since when it is live. */
static int make_live(json_t *room, const json_t *item)
{
	const char *key;
	json_t *value;

	if (json_object_set_new(room, "live", json_true()) != 0) {
		return ERR_NOMEM;
	}
	json_object_foreach((json_t *)item, key, value) {
		const char *to = strcmp(key, "created_at") == 0 ? "live_since" : key;
		if (json_object_set(room, to, value) != 0) {
			return ERR_NOMEM;
		}
	}
	return 0;
}

struct room_list {
	json_t *rooms; /* array */
	json_t *by_name; /* the same objects by name */
	char last[LIMIT_NAME + 1];
	unsigned count; /* in this page */
};

static int add_room(const struct store_room *row, void *arg)
{
	struct room_list *list = arg;
	json_t *room = stored_room(row);

	if (json_array_append(list->rooms, room) != 0 ||
		json_object_set_new(list->by_name, row->name, room) != 0) {
		return ERR_NOMEM;
	}
	memcpy(list->last, row->name, sizeof(list->last));
	list->count++;
	return 0;
}

/* A room that lives on a worker but is not in the store (any more) is shown too. */
static int add_live(struct room_list *list, const json_t *item)
{
	const char *name = NULL;

	if (msg_get_string(item, "name", LIMIT_NAME, &name) != 0) {
		return 0;
	}
	json_t *room = json_object_get(list->by_name, name);
	if (room == NULL) {
		struct store_room row = { 0 };
		snprintf(row.name, sizeof(row.name), "%s", name);
		row.created_at = json_integer_value(json_object_get(item, "created_at"));
		if (add_room(&row, list) != 0) {
			return ERR_NOMEM;
		}
		room = json_object_get(list->by_name, name);
	}
	return make_live(room, item);
}

static int add_stored(struct store *store, struct room_list *list)
{
	struct store_page page = { .limit = STORE_PAGE_MAX };
	int err;

	do {
		char after[LIMIT_NAME + 1];

		memcpy(after, list->last, sizeof(after));
		page.after = after;
		list->count = 0;
		err = store_room_list(store, &page, add_room, list);
	} while (err == 0 && list->count == STORE_PAGE_MAX);
	return err;
}

void route_rooms_get(const struct route_call *call)
{
	struct room_list list = { .rooms = json_array(), .by_name = json_object() };
	struct store *store = call->ctx->store;
	struct live live;
	int err = ask(call, "rooms", NULL, &live);

	if (err == 0) {
		err = list.rooms != NULL && list.by_name != NULL
			? add_stored(store, &list)
			: ERR_NOMEM;
	}
	for (size_t i = 0; err == 0 && i < json_array_size(live.items); i++) {
		err = add_live(&list, json_array_get(live.items, i));
	}
	if (err != 0) {
		http_reply_error(call->reply, err, NULL);
	} else {
		http_reply_json(call->reply, MHD_HTTP_OK,
			with_missing(json_pack("{s:O}", "rooms", list.rooms), live.missing));
	}
	json_decref(list.rooms);
	json_decref(list.by_name);
	live_finish(&live);
}

void route_rooms_post(const struct route_call *call)
{
	struct store *store = call->ctx->store;
	struct store_room row;
	const char *name = NULL;

	if (msg_get_string(call->body, "name", LIMIT_NAME, &name) != 0 || !msg_is_name(name)) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"name must be 1-64 characters of A-Z a-z 0-9 . _ @ -");
		return;
	}
	struct store_room new = { .expires_at = 0 };
	snprintf(new.name, sizeof(new.name), "%s", name);
	int err = store_room_add(store, &call->actor, &new, (int64_t)time(NULL));
	if (err == 0) {
		log_event(LOG_LEVEL_INFO, "room-created", LOG_STR("room", name));
		err = store_room_get(store, name, &row);
	}
	if (err != 0) {
		http_reply_error(call->reply, err,
			err == ERR_EXISTS ? "there is a room of that name" : NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_CREATED, stored_room(&row));
}

static const json_t *find_item(const json_t *items, const char *name)
{
	for (size_t i = 0; i < json_array_size(items); i++) {
		const char *text =
			json_string_value(json_object_get(json_array_get(items, i), "name"));
		if (text != NULL && strcmp(text, name) == 0) {
			return json_array_get(items, i);
		}
	}
	return NULL;
}

/* Only those of the room, should a worker have said more than it was asked. */
static json_t *only_room(const json_t *items, const char *room)
{
	json_t *out = json_array();

	for (size_t i = 0; out != NULL && i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i);
		const char *text = json_string_value(json_object_get(item, "room"));
		if (text != NULL && strcmp(text, room) == 0) {
			(void)json_array_append(out, item);
		}
	}
	return out;
}

void route_room_get(const struct route_call *call)
{
	struct store *store = call->ctx->store;
	struct live rooms = { 0 }, people = { 0 };
	struct store_room row;
	json_t *room = NULL;
	int err = msg_is_name(call->arg) ? store_room_get(store, call->arg, &row)
					 : ERR_NOT_FOUND;

	if (err == 0) {
		err = ask(call, "rooms", call->arg, &rooms);
	}
	if (err == 0) {
		err = ask(call, "participants", call->arg, &people);
	}
	if (err == 0) {
		const json_t *item = find_item(rooms.items, call->arg);
		room = stored_room(&row);
		err = room == NULL ? ERR_NOMEM : item != NULL ? make_live(room, item) : 0;
	}
	if (err == 0 &&
		json_object_set_new(
			room, "participants_list", only_room(people.items, call->arg)) != 0) {
		err = ERR_NOMEM;
	}
	if (err != 0) {
		json_decref(room);
		http_reply_error(
			call->reply, err, err == ERR_NOT_FOUND ? "there is no such room" : NULL);
	} else {
		bool more = json_array_size(people.missing) >= json_array_size(rooms.missing);
		http_reply_json(call->reply, MHD_HTTP_OK,
			with_missing(room, more ? people.missing : rooms.missing));
	}
	live_finish(&rooms);
	live_finish(&people);
}

void route_participants_get(const struct route_call *call)
{
	const char *room = http_request_query(call->req, "room");
	struct live live;

	if (room != NULL && !msg_is_name(room)) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"room must be 1-64 characters of A-Z a-z 0-9 . _ @ -");
		return;
	}
	int err = ask(call, "participants", room, &live);
	if (err != 0) {
		http_reply_error(call->reply, err, NULL);
		return;
	}
	json_t *list = room != NULL ? only_room(live.items, room) : json_incref(live.items);
	http_reply_json(call->reply, MHD_HTTP_OK,
		with_missing(json_pack("{s:o}", "participants", list), live.missing));
	live_finish(&live);
}
