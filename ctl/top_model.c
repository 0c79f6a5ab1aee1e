/*
 * top_model: rates from counters of two samples. A counter that went back (a worker began anew)
 * gives no rate, never a wrong one; what an answer lacks or has of another type counts as nothing.
 */
#include "ctl/top_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ctl/listing.h"

static const struct top_column room_columns[] = {
	{ "ROOM", "name", TOP_TEXT },
	{ "PLACE", "place", TOP_TEXT },
	{ "PEOPLE", "participants", TOP_COUNT },
	{ "STREAMS", "streams", TOP_COUNT },
	{ "IN", "in_bps", TOP_RATE },
	{ "OUT", "out_bps", TOP_RATE },
	{ "DROPS/S", "drops_per_s", TOP_PER_S },
	{ "QUEUE", "queue_ms", TOP_MS },
};
static const struct top_column participant_columns[] = {
	{ "PARTICIPANT", "name", TOP_TEXT },
	{ "ROOM", "room", TOP_TEXT },
	{ "IN", "in_bps", TOP_RATE },
	{ "OUT", "out_bps", TOP_RATE },
	{ "DROPS/S", "drops_per_s", TOP_PER_S },
	{ "QUEUE", "queue_ms", TOP_MS },
	{ "ADDRESS", "address", TOP_TEXT },
};
static const struct top_column reflector_columns[] = {
	{ "REFLECTOR", "name", TOP_TEXT },
	{ "STATE", "state", TOP_TEXT },
	{ "ROOMS", "rooms", TOP_COUNT },
	{ "PEOPLE", "participants", TOP_COUNT },
	{ "IN", "in_bps", TOP_RATE },
	{ "OUT", "out_bps", TOP_RATE },
	{ "DROPS/S", "drops_per_s", TOP_PER_S },
	{ "QUEUE", "queue_ms", TOP_MS },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	const struct top_column *columns;
	size_t count;
} views[TOP_VIEWS] = {
	[TOP_ROOMS] = { "rooms", room_columns, COUNT(room_columns) },
	[TOP_PARTICIPANTS] = { "participants", participant_columns, COUNT(participant_columns) },
	[TOP_REFLECTORS] = { "reflectors", reflector_columns, COUNT(reflector_columns) },
};

void top_sample_finish(struct top_sample *sample)
{
	json_decref(sample->rooms);
	json_decref(sample->participants);
	json_decref(sample->reflectors);
	*sample = (struct top_sample){ .rooms = NULL };
}

const struct top_column *top_columns(enum top_view view, size_t *count)
{
	*count = views[view].count;
	return views[view].columns;
}

enum top_view top_view_find(const char *name)
{
	int view = 0;

	while (view < TOP_VIEWS && strcmp(views[view].name, name) != 0) {
		view++;
	}
	return (enum top_view)view;
}

const char *top_view_name(enum top_view view)
{
	return views[view].name;
}

int top_column_find(enum top_view view, const char *title)
{
	for (size_t i = 0; i < views[view].count; i++) {
		if (strcasecmp(views[view].columns[i].title, title) == 0) {
			return (int)i;
		}
	}
	return -1;
}

/* ---------------------------------------------------------------- rates */

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* The item with the same name (and room) in an older list; a hash of it would be faster, but the
 * order is nearly always the same, so the search begins where the last one ended. */
static const json_t *find_before(
	const json_t *list, const char *key, const char *room_key, const json_t *item, size_t *from)
{
	size_t count = json_array_size(list);

	for (size_t i = 0; i < count; i++) {
		size_t at = (*from + i) % count;
		const json_t *old = json_array_get(list, at);

		if (strcmp(listing_text(old, key), listing_text(item, key)) == 0 &&
			number_of(old, "port") == number_of(item, "port") &&
			(room_key == NULL ||
				strcmp(listing_text(old, room_key), listing_text(item, room_key)) ==
					0)) {
			*from = at + 1;
			return old;
		}
	}
	return NULL;
}

/* (now - before) / seconds * factor into row[key]; null when it cannot be known. */
static void put_rate(json_t *row, const char *key, const json_t *now, const json_t *before,
	const char *counter, double seconds, double factor)
{
	json_int_t more = number_of(now, counter) - number_of(before, counter);

	if (before == NULL || seconds < 0.001 || more < 0 ||
		!json_is_integer(json_object_get(now, counter))) {
		json_object_set_new(row, key, json_null());
		return;
	}
	json_object_set_new(row, key, json_real((double)more * factor / seconds));
}

static void put_rates(json_t *row, const json_t *now, const json_t *before, double seconds)
{
	put_rate(row, "in_bps", now, before, "bytes_in", seconds, 8);
	put_rate(row, "out_bps", now, before, "bytes_out", seconds, 8);
	put_rate(row, "drops_per_s", now, before, "dropped", seconds, 1);
}

static void put_number(json_t *row, const char *key, const json_t *item, const char *from)
{
	json_object_set_new(row, key, json_integer(number_of(item, from)));
}

/* ---------------------------------------------------------------- rows */

static bool matches(const char *name, const char *other, const char *filter)
{
	return filter[0] == '\0' || strcasestr(name, filter) != NULL ||
		strcasestr(other, filter) != NULL;
}

/* The worst queue of those in a room. */
static json_int_t room_queue(const json_t *participants, const char *room)
{
	json_int_t worst = 0;
	size_t i;
	json_t *person;

	json_array_foreach(participants, i, person) {
		if (strcmp(listing_text(person, "room"), room) == 0 &&
			number_of(person, "queue_ms") > worst) {
			worst = number_of(person, "queue_ms");
		}
	}
	return worst;
}

static json_t *room_row(
	const struct top_sample *now, const json_t *item, const json_t *old, double seconds)
{
	const char *reflector = listing_text(item, "reflector");
	char place[160] = "";
	json_t *row = json_pack("{s:s}", "name", listing_text(item, "name"));

	if (reflector[0] != '\0') {
		snprintf(place, sizeof(place), "%.100s:%" JSON_INTEGER_FORMAT, reflector,
			number_of(item, "port"));
	}
	json_object_set_new(row, "place", json_string(place));
	put_number(row, "participants", item, "participants");
	put_number(row, "streams", item, "streams");
	put_rates(row, item, old, seconds);
	json_object_set_new(row, "queue_ms",
		json_integer(room_queue(now->participants, listing_text(item, "name"))));
	return row;
}

static json_t *participant_row(const json_t *item, const json_t *old, double seconds)
{
	json_t *row = json_pack(
		"{s:s, s:s}", "name", listing_text(item, "id"), "room", listing_text(item, "room"));

	put_rates(row, item, old, seconds);
	put_number(row, "queue_ms", item, "queue_ms");
	json_object_set_new(row, "address", json_string(listing_text(item, "address")));
	return row;
}

/* One worker, under the name reflector:port. */
static json_t *worker_row(
	const json_t *reflector, const json_t *worker, const json_t *old, double seconds)
{
	char name[160];
	json_t *row;

	snprintf(name, sizeof(name), "%.100s:%" JSON_INTEGER_FORMAT,
		listing_text(reflector, "name"), number_of(worker, "port"));
	row = json_pack("{s:s, s:s}", "name", name, "state", listing_text(reflector, "state"));
	put_number(row, "rooms", worker, "rooms");
	put_number(row, "participants", worker, "participants");
	put_rates(row, worker, old, seconds);
	put_number(row, "queue_ms", worker, "queue_ms");
	return row;
}

static void add_row(json_t *rows, json_t *row, const char *other, const char *filter)
{
	if (row != NULL && matches(listing_text(row, "name"), other, filter)) {
		json_array_append_new(rows, row);
	} else {
		json_decref(row);
	}
}

static void add_workers(json_t *rows, const json_t *reflector, const json_t *old, double seconds,
	const char *filter)
{
	size_t i, from = 0;
	json_t *worker;

	json_array_foreach(json_object_get(reflector, "workers"), i, worker) {
		const json_t *before =
			find_before(json_object_get(old, "workers"), "", NULL, worker, &from);

		add_row(rows, worker_row(reflector, worker, before, seconds),
			listing_text(reflector, "name"), filter);
	}
	if (json_array_size(json_object_get(reflector, "workers")) == 0) {
		add_row(rows,
			json_pack("{s:s, s:s}", "name", listing_text(reflector, "name"), "state",
				listing_text(reflector, "state")),
			"", filter);
	}
}

json_t *top_rows(const struct top_sample *now, const struct top_sample *before, enum top_view view,
	const char *filter)
{
	const struct top_sample none = { .rooms = NULL };
	double seconds = before != NULL ? now->at - before->at : 0;
	json_t *rows = json_array(), *item;
	size_t i, from = 0;

	before = before != NULL ? before : &none;
	if (view == TOP_ROOMS) {
		json_array_foreach(now->rooms, i, item) {
			const json_t *old = find_before(before->rooms, "name", NULL, item, &from);

			add_row(rows, room_row(now, item, old, seconds), "", filter);
		}
	} else if (view == TOP_PARTICIPANTS) {
		json_array_foreach(now->participants, i, item) {
			const json_t *old =
				find_before(before->participants, "id", "room", item, &from);

			add_row(rows, participant_row(item, old, seconds),
				listing_text(item, "room"), filter);
		}
	} else {
		json_array_foreach(now->reflectors, i, item) {
			const json_t *old =
				find_before(before->reflectors, "name", NULL, item, &from);

			add_workers(rows, item, old, seconds, filter);
		}
	}
	return rows;
}

/* ---------------------------------------------------------------- order and sums */

struct order {
	const char *key;
	bool text, reverse;
};

static int compare(const void *a, const void *b, void *arg)
{
	const struct order *order = arg;
	const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
	int by_name = strcmp(listing_text(left, "name"), listing_text(right, "name"));
	int by_key;

	if (order->text) {
		by_key = strcmp(listing_text(left, order->key), listing_text(right, order->key));
	} else {
		double x = json_number_value(json_object_get(left, order->key));
		double y = json_number_value(json_object_get(right, order->key));

		by_key = x > y ? -1 : x < y ? 1 : 0;
	}
	by_key = order->reverse ? -by_key : by_key;
	return by_key != 0 ? by_key : by_name;
}

int top_sort(json_t *rows, enum top_view view, int column, bool reverse)
{
	const struct top_column *by = &views[view].columns[column];
	struct order order = { by->key, by->kind == TOP_TEXT, reverse };
	size_t count = json_array_size(rows);
	json_t **list = calloc(count > 0 ? count : 1, sizeof(*list));

	if (list == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		list[i] = json_incref(json_array_get(rows, i));
	}
	qsort_r(list, count, sizeof(*list), compare, &order);
	for (size_t i = 0; i < count; i++) {
		json_array_set_new(rows, i, list[i]); /* cannot fail: the place is there */
	}
	free(list);
	return 0;
}

json_t *top_totals(const struct top_sample *now, const struct top_sample *before)
{
	json_t *rows = top_rows(now, before, TOP_REFLECTORS, ""), *row;
	double in = 0, out = 0, drops = 0;
	json_int_t rooms = 0, people = 0, queue = 0;
	size_t i;
	json_t *totals;

	json_array_foreach(rows, i, row) {
		in += json_number_value(json_object_get(row, "in_bps"));
		out += json_number_value(json_object_get(row, "out_bps"));
		drops += json_number_value(json_object_get(row, "drops_per_s"));
		rooms += number_of(row, "rooms");
		people += number_of(row, "participants");
		queue = number_of(row, "queue_ms") > queue ? number_of(row, "queue_ms") : queue;
	}
	json_decref(rows);
	totals = json_pack("{s:I, s:I, s:f, s:f, s:f, s:I}", "rooms", rooms, "participants", people,
		"in_bps", in, "out_bps", out, "drops_per_s", drops, "queue_ms", queue);
	return totals;
}
