/*
 * room_live: asks reflectors and puts their answers into objects for administrators. What a
 * reflector says never replaces what the store knows.
 */
#include "authd/room_live.h"

#include <string.h>

int room_live_ask(
	struct room_live *live, struct link_dial *links, const char *what, const char *room)
{
	live->items = live->missing = NULL;
	return link_dial_query(links, what, room, &live->items, &live->missing);
}

void room_live_finish(struct room_live *live)
{
	json_decref(live->items);
	json_decref(live->missing);
}

bool room_live_believed(const struct store_room *row, const json_t *item)
{
	const char *reflector = json_string_value(json_object_get(item, "reflector"));

	return reflector != NULL && reflector[0] != '\0' && store_room_is_at(row, reflector);
}

static int add_number(json_t *room, const char *key, json_int_t more)
{
	json_int_t sum = json_integer_value(json_object_get(room, key));

	if (more < 0 || more > INT64_MAX / 2 - sum) {
		return 0;
	}
	return json_object_set_new(room, key, json_integer(sum + more)) == 0 ? 0 : ERR_NOMEM;
}

static int add_traffic(json_t *room, const json_t *item)
{
	static const char *const keys[] = { "frames_in", "frames_out", "dropped", "bytes_in",
		"bytes_out" };
	int err = 0;

	for (size_t i = 0; err == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
		err = add_number(room, keys[i], json_integer_value(json_object_get(item, keys[i])));
	}
	return err;
}

/* The earliest of several. */
static int make_live(json_t *room, json_int_t since)
{
	const json_t *known = json_object_get(room, "live_since");

	if (json_object_set_new(room, "live", json_true()) != 0) {
		return ERR_NOMEM;
	}
	if (since <= 0 || (known != NULL && json_integer_value(known) <= since)) {
		return 0;
	}
	return json_object_set_new(room, "live_since", json_integer(since)) == 0 ? 0 : ERR_NOMEM;
}

int room_live_add(json_t *room, const json_t *item)
{
	static const char *const keys[] = { "participants", "streams" };
	int err = make_live(room, json_integer_value(json_object_get(item, "created_at")));

	for (size_t i = 0; err == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
		err = add_number(room, keys[i], json_integer_value(json_object_get(item, keys[i])));
	}
	return err == 0 ? add_traffic(room, item) : err;
}

static int add_person(json_t *room, const json_t *item)
{
	int err = 0;

	if (!json_is_true(json_object_get(item, "waiting"))) {
		err = make_live(room, json_integer_value(json_object_get(item, "joined_at")));
		if (err == 0) {
			err = add_number(room, "participants", 1);
		}
		if (err == 0) {
			size_t count = json_array_size(json_object_get(item, "streams"));
			err = add_number(room, "streams", (json_int_t)count);
		}
	}
	return err == 0 ? add_traffic(room, item) : err;
}

int room_live_add_people(json_t *room, const struct store_room *row, const json_t *items)
{
	json_t *list = json_array();
	int err = list != NULL && json_object_set(room, "participants_list", list) == 0 ? 0
											: ERR_NOMEM;

	for (size_t i = 0; err == 0 && i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i);
		const char *name = json_string_value(json_object_get(item, "room"));
		if (name == NULL || strcmp(name, row->name) != 0 ||
			!room_live_believed(row, item)) {
			continue;
		}
		err = json_array_append(list, item) == 0 ? add_person(room, item) : ERR_NOMEM;
	}
	json_decref(list);
	return err;
}

json_t *room_live_with_missing(json_t *answer, const struct room_live *live)
{
	bool partial = json_array_size(live->missing) > 0;

	if (json_object_set_new(answer, "partial", json_boolean(partial)) != 0 ||
		json_object_set_new(answer, "missing", json_deep_copy(live->missing)) != 0) {
		json_decref(answer);
		return NULL;
	}
	return answer;
}
