/*
 * room: helioctl room list, show, create. What is live in a room was asked of the worker that owns
 * it.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/listing.h"
#include "ctl/participant.h"

static void fill_state(const json_t *item, int64_t now, struct listing_cell *cell)
{
	bool live = json_is_true(json_object_get(item, "live"));

	(void)now;
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
	{ "ROOM", "name", LISTING_TEXT, NULL },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state },
	{ "PLACE", NULL, LISTING_CUSTOM, fill_place },
	{ "PARTICIPANTS", "participants", LISTING_NUMBER, NULL },
	{ "STREAMS", "streams", LISTING_NUMBER, NULL },
	{ "IN", "bytes_in", LISTING_BYTES, NULL },
	{ "OUT", "bytes_out", LISTING_BYTES, NULL },
	{ "DROPPED", "dropped", LISTING_NUMBER, NULL },
	{ "CREATED", "created_at", LISTING_TIME, NULL },
};

static const struct listing_column show_fields[] = {
	{ "room", "name", LISTING_TEXT, NULL },
	{ "state", NULL, LISTING_CUSTOM, fill_state },
	{ "place", NULL, LISTING_CUSTOM, fill_place },
	{ "participants", "participants", LISTING_NUMBER, NULL },
	{ "streams", "streams", LISTING_NUMBER, NULL },
	{ "frames in", "frames_in", LISTING_NUMBER, NULL },
	{ "frames out", "frames_out", LISTING_NUMBER, NULL },
	{ "dropped", "dropped", LISTING_NUMBER, NULL },
	{ "created", "created_at", LISTING_TIME, NULL },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int room_list(struct ctl *ctl)
{
	json_t *answer = NULL;
	int status = ctl_call(ctl, "list the rooms", "GET", "/v1/rooms", NULL, &answer);

	if (status == CTL_OK) {
		status = listing_show(ctl, answer, "rooms", list_columns, COUNT(list_columns));
	}
	json_decref(answer);
	return status;
}

static int show(struct ctl *ctl, json_t *answer)
{
	const json_t *people = json_object_get(answer, "participants_list");
	int status;

	if (ctl->json) {
		status = listing_json(answer);
	} else {
		status = listing_fields(ctl, answer, show_fields, COUNT(show_fields));
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

int room_create(struct ctl *ctl)
{
	const char *name = ctl->options.operands[0];
	json_t *body = json_pack("{s:s}", "name", name);
	json_t *answer = NULL;
	int status;

	if (body == NULL) {
		ctl_complain("create the room", "the name is not UTF-8",
			"names are 1-64 of A-Z a-z 0-9 . _ @ -");
		return CTL_USAGE;
	}
	status = ctl_call(ctl, "create the room", "POST", "/v1/rooms", body, &answer);
	if (status == CTL_OK && ctl->json) {
		status = listing_json(answer);
	} else if (status == CTL_OK && !ctl->quiet) {
		printf("room %s created\n", name);
	}
	json_decref(answer);
	json_decref(body);
	return status;
}
