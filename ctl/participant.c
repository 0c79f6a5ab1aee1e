/*
 * participant: helioctl participant list. What it shows comes from the workers at this moment.
 */
#include "ctl/participant.h"

#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/show.h"

/* "audio video": the kinds of what the participant publishes. */
static void fill_streams(const json_t *item, int64_t now, struct listing_cell *cell)
{
	size_t i, used = 0;
	json_t *stream;

	(void)now;
	json_array_foreach(json_object_get(item, "streams"), i, stream) {
		const char *kind = json_string_value(json_object_get(stream, "kind"));
		int wrote = snprintf(cell->text + used, cell->size - used, "%s%s", i > 0 ? " " : "",
			kind != NULL ? kind : "?");

		if (wrote < 0 || (size_t)wrote >= cell->size - used) {
			return;
		}
		used += (size_t)wrote;
	}
}

static void fill_queue(const json_t *item, int64_t now, struct listing_cell *cell)
{
	const json_t *ms = json_object_get(item, "queue_ms");

	(void)now;
	if (json_is_integer(ms)) {
		snprintf(cell->text, cell->size, "%" JSON_INTEGER_FORMAT " ms",
			json_integer_value(ms));
		cell->style = json_integer_value(ms) > 100 ? STYLE_BAD : STYLE_PLAIN;
	}
}

static void fill_state(const json_t *item, int64_t now, struct listing_cell *cell)
{
	const json_t *muted = json_object_get(item, "muted");

	(void)now;
	if (json_is_true(json_object_get(item, "waiting"))) {
		snprintf(cell->text, cell->size, "waiting");
		cell->style = STYLE_BAD;
	} else if (json_is_true(muted) || json_array_size(muted) > 0) {
		snprintf(cell->text, cell->size, "muted");
		cell->style = STYLE_DIM;
	} else {
		snprintf(cell->text, cell->size, "in");
		cell->style = STYLE_GOOD;
	}
}

static const struct listing_column columns[] = {
	{ "PARTICIPANT", "id", LISTING_TEXT, NULL, FIT_KEEP },
	{ "NAME", "name", LISTING_TEXT, NULL, FIT_KEEP },
	{ "NUM", "num", LISTING_NUMBER, NULL, FIT_DROP(9) },
	{ "ROOM", "room", LISTING_TEXT, NULL, FIT_KEEP },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state, FIT_KEEP },
	{ "STREAMS", NULL, LISTING_CUSTOM, fill_streams, FIT_KEEP },
	{ "IN", "bytes_in", LISTING_BYTES, NULL, FIT_DROP(7) },
	{ "OUT", "bytes_out", LISTING_BYTES, NULL, FIT_DROP(6) },
	{ "DROPPED", "dropped", LISTING_NUMBER, NULL, FIT_DROP(4) },
	{ "QUEUE", NULL, LISTING_CUSTOM_NUMBER, fill_queue, FIT_KEEP },
	{ "ADDRESS", "address", LISTING_TEXT, NULL, FIT_DROP(5) },
	{ "JOINED", "joined_at", LISTING_TIME, NULL, FIT_DROP(8) },
};

#define COUNT (sizeof(columns) / sizeof(columns[0]))

int participant_table(struct ctl *ctl, const json_t *items)
{
	return listing_table(ctl, items, columns, COUNT);
}

int participant_list(struct ctl *ctl)
{
	struct client_path path;

	client_path_init(&path, "/v1/participants");
	client_path_query(&path, "room", ctl->options.value[OPT_ROOM]);
	return show_whole(ctl, "list the participants", path.text, "participants", columns, COUNT);
}
