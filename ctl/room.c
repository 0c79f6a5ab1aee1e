/*
 * room: helioctl room list, show. What is live in a room was asked of the worker that owns it.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/pairs.h"
#include "ctl/participant.h"
#include "ctl/show.h"

static void fill_state(const json_t *item, int64_t now, struct listing_cell *cell)
{
	bool live = json_is_true(json_object_get(item, "live"));

	(void)now;
	if (json_is_true(json_object_get(item, "locked"))) {
		snprintf(cell->text, cell->size, "%s", live ? "live, locked" : "locked");
		cell->style = STYLE_BAD;
		return;
	}
	snprintf(cell->text, cell->size, "%s", live ? "live" : "empty");
	cell->style = live ? STYLE_GOOD : STYLE_DIM;
}

static void fill_place(const json_t *item, int64_t now, struct listing_cell *cell)
{
	const char *reflector = json_string_value(json_object_get(item, "reflector"));
	const json_t *port = json_object_get(item, "port");

	(void)now;
	if (reflector != NULL && reflector[0] != '\0' && json_is_integer(port)) {
		snprintf(cell->text, cell->size, "%s:%" JSON_INTEGER_FORMAT, reflector,
			json_integer_value(port));
	}
}

static const struct listing_column list_columns[] = {
	{ "ROOM", "name", LISTING_TEXT, NULL, FIT_KEEP },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state, FIT_KEEP },
	{ "PLACE", NULL, LISTING_CUSTOM, fill_place, FIT_KEEP },
	{ "PARTICIPANTS", "participants", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "STREAMS", "streams", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "IN", "bytes_in", LISTING_BYTES, NULL, FIT_DROP(8) },
	{ "OUT", "bytes_out", LISTING_BYTES, NULL, FIT_DROP(7) },
	{ "DROPPED", "dropped", LISTING_NUMBER, NULL, FIT_DROP(6) },
	{ "CREATED", "created_at", LISTING_TIME, NULL, FIT_DROP(9) },
};

static const struct listing_column show_fields[] = {
	{ "room", "name", LISTING_TEXT, NULL, FIT_KEEP },
	{ "state", NULL, LISTING_CUSTOM, fill_state, FIT_KEEP },
	{ "place", NULL, LISTING_CUSTOM, fill_place, FIT_KEEP },
	{ "participants", "participants", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "streams", "streams", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "frames in", "frames_in", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "frames out", "frames_out", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "dropped", "dropped", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "created", "created_at", LISTING_TIME, NULL, FIT_KEEP },
	{ "expires", "expires_at", LISTING_TIME, NULL, FIT_KEEP },
	{ "key epoch", "epoch", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "alternates", "alternates", LISTING_LIST, NULL, FIT_KEEP },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int room_list(struct ctl *ctl)
{
	struct client_path path;

	client_path_init(&path, "/v1/rooms");
	return show_list(ctl, "list the rooms", &path, "rooms", list_columns, COUNT(list_columns));
}

static int show(struct ctl *ctl, json_t *answer)
{
	const json_t *people = json_object_get(answer, "participants_list");
	int status;

	if (ctl->json) {
		status = listing_json(answer);
	} else {
		status = listing_fields(ctl, answer, show_fields, COUNT(show_fields));
		if (status == CTL_OK && json_object_size(json_object_get(answer, "policy")) > 0) {
			puts("\npolicy:");
			pairs_print(json_object_get(answer, "policy"), "  ", "");
		}
		if (status == CTL_OK && json_array_size(people) > 0) {
			putchar('\n');
			status = participant_table(ctl, people);
		}
	}
	return status != CTL_OK ? status : ctl_check_partial(answer);
}

int room_show(struct ctl *ctl)
{
	struct client_path path;
	json_t *answer = NULL;
	int status;

	client_path_init(&path, "/v1/rooms");
	client_path_segment(&path, ctl->options.operands[0]);
	status = ctl_call(ctl, "show the room", "GET", path.text, NULL, &answer);
	if (status == CTL_OK) {
		status = show(ctl, answer);
	}
	json_decref(answer);
	return status;
}
