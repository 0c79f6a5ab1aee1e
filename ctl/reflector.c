/*
 * reflector: helioctl reflector list.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/listing.h"

static void fill_state(const json_t *item, int64_t now, struct listing_cell *cell)
{
	const char *state = json_string_value(json_object_get(item, "state"));

	(void)now;
	if (state != NULL) {
		snprintf(cell->text, cell->size, "%s", state);
		cell->style = strcmp(state, "up") == 0 ? STYLE_GOOD : STYLE_BAD;
	}
}

/* The sum of one number over all workers; the count of workers when key is NULL. */
static void fill_sum(const json_t *item, const char *key, struct listing_cell *cell)
{
	const json_t *workers = json_object_get(item, "workers");
	json_int_t sum = 0;
	size_t i;
	json_t *worker;

	if (!json_is_array(workers)) {
		return;
	}
	json_array_foreach(workers, i, worker) {
		sum += key != NULL ? json_integer_value(json_object_get(worker, key)) : 1;
	}
	snprintf(cell->text, cell->size, "%" JSON_INTEGER_FORMAT, sum);
}

static void fill_workers(const json_t *item, int64_t now, struct listing_cell *cell)
{
	(void)now;
	fill_sum(item, NULL, cell);
}

static void fill_rooms(const json_t *item, int64_t now, struct listing_cell *cell)
{
	(void)now;
	fill_sum(item, "rooms", cell);
}

static void fill_participants(const json_t *item, int64_t now, struct listing_cell *cell)
{
	(void)now;
	fill_sum(item, "participants", cell);
}

static const struct listing_column columns[] = {
	{ "REFLECTOR", "name", LISTING_TEXT, NULL },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state },
	{ "SINCE", "since", LISTING_TIME, NULL },
	{ "CONTROL", "control", LISTING_TEXT, NULL },
	{ "WORKERS", NULL, LISTING_CUSTOM_NUMBER, fill_workers },
	{ "ROOMS", NULL, LISTING_CUSTOM_NUMBER, fill_rooms },
	{ "PARTICIPANTS", NULL, LISTING_CUSTOM_NUMBER, fill_participants },
	{ "ERROR", "error", LISTING_TEXT, NULL },
};

int reflector_list(struct ctl *ctl)
{
	json_t *answer = NULL;
	int status = ctl_call(ctl, "list the reflectors", "GET", "/v1/reflectors", NULL, &answer);

	if (status == CTL_OK) {
		status = listing_show(
			ctl, answer, "reflectors", columns, sizeof(columns) / sizeof(columns[0]));
	}
	json_decref(answer);
	return status;
}
