/*
 * route_participants: the people in the rooms, as the workers say at the time of the question.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "authd/room_live.h"
#include "authd/route_handlers.h"
#include "proto/msg.h"

/* Whether the item is of a room that lives where it came from. known: rooms that were looked up,
 * with what came of it for one reflector. */
static bool believed(const struct route_call *call, const json_t *item, json_t *known)
{
	const char *room = json_string_value(json_object_get(item, "room"));
	const char *reflector = json_string_value(json_object_get(item, "reflector"));
	char key[2 * LIMIT_NAME + 2];
	struct store_room row;

	if (room == NULL || reflector == NULL || !msg_is_name(room)) {
		return false;
	}
	snprintf(key, sizeof(key), "%s %s", reflector, room);
	const json_t *before = json_object_get(known, key);
	if (before != NULL) {
		return json_is_true(before);
	}
	bool is =
		store_room_get(call->ctx->store, room, &row) == 0 && room_live_believed(&row, item);
	(void)json_object_set_new(known, key, json_boolean(is));
	return is;
}

void route_participants_get(const struct route_call *call)
{
	const char *room = http_request_query(call->req, "room");
	struct room_live live;

	if (room != NULL && !msg_is_name(room)) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"room must be 1-64 characters of A-Z a-z 0-9 . _ @ -");
		return;
	}
	int err = room_live_ask(&live, call->ctx->link_dial, "participants", room);
	json_t *people = json_array();
	json_t *known = json_object();
	if (err == 0 && (people == NULL || known == NULL)) {
		err = ERR_NOMEM;
	}
	for (size_t i = 0; err == 0 && i < json_array_size(live.items); i++) {
		json_t *item = json_array_get(live.items, i);
		const char *of = json_string_value(json_object_get(item, "room"));
		if (of != NULL && (room == NULL || strcmp(of, room) == 0) &&
			believed(call, item, known) && json_array_append(people, item) != 0) {
			err = ERR_NOMEM;
		}
	}
	if (err == 0) {
		http_reply_json(call->reply, MHD_HTTP_OK,
			room_live_with_missing(json_pack("{s:O}", "participants", people), &live));
	} else {
		http_reply_error(call->reply, err, NULL);
	}
	json_decref(people);
	json_decref(known);
	room_live_finish(&live);
}
