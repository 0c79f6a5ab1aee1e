/*
 * listing: from authd's JSON to the screen. Values are looked at here, their layout is columns.c's.
 * Nothing an answer lacks or has of another type is an error: it is shown as "-".
 */
#include "ctl/listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/format.h"
#include "proto/utf8.h"

#define CELL_MAX 512
#define COLUMNS_MAX 16

/* "a, b, c": the strings of an array. */
static void fill_list(const json_t *value, struct listing_cell *cell)
{
	size_t i, used = 0;
	json_t *item;

	json_array_foreach(value, i, item) {
		int wrote = snprintf(cell->text + used, cell->size - used, "%s%s",
			i > 0 ? ", " : "", json_is_string(item) ? json_string_value(item) : "?");

		if (wrote < 0 || (size_t)wrote >= cell->size - used) {
			return;
		}
		used += (size_t)wrote;
	}
}

static void fill_cell(const struct listing_column *column, const json_t *item, int64_t now,
	struct listing_cell *cell)
{
	const json_t *value = column->key != NULL ? json_object_get(item, column->key) : NULL;
	json_int_t number = json_integer_value(value);
	char text[32] = "";

	cell->text[0] = '\0';
	if (column->fill != NULL) {
		column->fill(item, now, cell);
	} else if (column->kind == LISTING_TEXT) {
		if (json_is_string(value)) {
			snprintf(cell->text, cell->size, "%s", json_string_value(value));
		}
	} else if (column->kind == LISTING_BOOL) {
		snprintf(cell->text, cell->size, "%s", json_is_true(value) ? "yes" : "no");
	} else if (column->kind == LISTING_LIST) {
		fill_list(value, cell);
	} else if (json_is_integer(value)) {
		if (column->kind == LISTING_BYTES) {
			format_bytes(text, number > 0 ? (uint64_t)number : 0);
		} else if (column->kind == LISTING_TIME) {
			if (number == 0) {
				return; /* never, not yet */
			}
			format_relative(text, number, now);
		} else {
			snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, number);
		}
		snprintf(cell->text, cell->size, "%s", text);
	}
}

static enum columns_align align_of(const struct listing_column *column)
{
	switch (column->kind) {
	case LISTING_NUMBER:
	case LISTING_BYTES:
	case LISTING_CUSTOM_NUMBER:
		return ALIGN_RIGHT;
	case LISTING_TEXT:
	case LISTING_TIME:
	case LISTING_CUSTOM:
	default:
		return ALIGN_LEFT;
	}
}

static int no_memory(void)
{
	ctl_complain("show the answer", "out of memory", NULL);
	return CTL_FAILED;
}

static int add_row(struct columns *table, const json_t *item, int64_t now,
	const struct listing_column *columns, size_t count)
{
	char text[CELL_MAX];

	for (size_t i = 0; i < count; i++) {
		struct listing_cell cell = {
			.text = text, .size = sizeof(text), .style = STYLE_PLAIN
		};

		fill_cell(&columns[i], item, now, &cell);
		if (columns_add(table, cell.text, ALIGN_LEFT, cell.style) != 0) {
			return ERR_NOMEM;
		}
	}
	return 0;
}

static int fit_table(
	struct columns *table, size_t width, const struct listing_column *columns, size_t count)
{
	int fit[COLUMNS_MAX] = { FIT_KEEP };

	for (size_t i = 0; i < count && i < COLUMNS_MAX; i++) {
		fit[i] = columns[i].fit;
	}
	return count <= COLUMNS_MAX ? columns_fit(table, width, fit) : 0;
}

int listing_table(
	struct ctl *ctl, const json_t *items, const struct listing_column *columns, size_t count)
{
	int64_t now = (int64_t)time(NULL);
	struct columns *table = columns_create(count);
	int err = table != NULL ? 0 : ERR_NOMEM;
	size_t i;
	json_t *item;

	for (i = 0; err == 0 && i < count; i++) {
		err = columns_add(table, columns[i].title, align_of(&columns[i]), STYLE_PLAIN);
	}
	json_array_foreach(items, i, item) {
		if (err != 0) {
			break;
		}
		err = add_row(table, item, now, columns, count);
	}
	if (err == 0) {
		err = fit_table(table, ctl->width, columns, count);
	}
	if (err == 0) {
		columns_print(table, stdout, ctl->colour);
		if (columns_is_cut(table)) {
			printf("%scut to the terminal's width: --wide shows all%s\n",
				ctl->colour ? "\033[2m" : "", ctl->colour ? "\033[0m" : "");
		}
	}
	columns_destroy(table);
	return err == 0 ? CTL_OK : no_memory();
}

int listing_fields(
	struct ctl *ctl, const json_t *item, const struct listing_column *columns, size_t count)
{
	int64_t now = (int64_t)time(NULL);
	char text[CELL_MAX];

	for (size_t i = 0; i < count; i++) {
		struct listing_cell cell = {
			.text = text, .size = sizeof(text), .style = STYLE_PLAIN
		};
		char *safe;

		fill_cell(&columns[i], item, now, &cell);
		safe = columns_escape(text[0] != '\0' ? text : "-");
		if (safe == NULL) {
			return no_memory();
		}
		printf("%s%-13s%s %s\n", ctl->colour ? "\033[1m" : "", columns[i].title,
			ctl->colour ? "\033[0m" : "", safe);
		free(safe);
	}
	return CTL_OK;
}

/* ---------------------------------------------------------------- sorting */

/* qsort() hands no user pointer through; glibc's qsort_r() does. */
static int compare_items(const void *a, const void *b, void *key)
{
	const char *left = json_string_value(json_object_get(*(json_t *const *)a, key));
	const char *right = json_string_value(json_object_get(*(json_t *const *)b, key));

	return strcmp(left != NULL ? left : "", right != NULL ? right : "");
}

static int sort_items(json_t *items, const char *key)
{
	size_t count = json_array_size(items);
	json_t **order = calloc(count > 0 ? count : 1, sizeof(*order));
	char key_copy[64];

	if (order == NULL) {
		return ERR_NOMEM;
	}
	snprintf(key_copy, sizeof(key_copy), "%s", key);
	for (size_t i = 0; i < count; i++) {
		order[i] = json_incref(json_array_get(items, i));
	}
	qsort_r(order, count, sizeof(*order), compare_items, key_copy);
	for (size_t i = 0; i < count; i++) {
		/* Takes our reference over; the index exists, so it cannot fail. */
		json_array_set_new(items, i, order[i]);
	}
	free(order);
	return 0;
}

/* ---------------------------------------------------------------- JSON */

static bool ends_in(const char *key, const char *end)
{
	size_t length = strlen(key), end_length = strlen(end);

	return length > end_length && strcmp(key + length - end_length, end) == 0;
}

bool listing_is_time(const char *key)
{
	return strcmp(key, "since") == 0 || strcmp(key, "at") == 0 || strcmp(key, "until") == 0 ||
		strcmp(key, "now") == 0 || ends_in(key, "_at") || ends_in(key, "_until");
}

static int add_times(json_t *json)
{
	const char *key;
	json_t *value;
	size_t i;
	void *next;
	json_t *added;
	int err = 0;

	if (json_is_array(json)) {
		json_array_foreach(json, i, value) {
			err = err != 0 ? err : add_times(value);
		}
		return err;
	}
	if (!json_is_object(json)) {
		return 0;
	}
	added = json_object(); /* a table must not grow while it is walked */
	json_object_foreach_safe(json, next, key, value) {
		char name[96], text[32];

		err = err != 0 ? err : add_times(value);
		if (listing_is_time(key) && json_integer_value(value) != 0) {
			format_rfc3339(text, json_integer_value(value));
			snprintf(name, sizeof(name), "%s_rfc3339", key);
			if (json_object_set_new(added, name, json_string(text)) != 0) {
				err = ERR_NOMEM;
			}
		}
	}
	if (json_object_update(json, added) != 0) {
		err = ERR_NOMEM;
	}
	json_decref(added);
	return err;
}

/* What could steer a terminal stands only within strings, where \\uXXXX means the same. */
static void print_safely(const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		uint32_t point = 0;
		size_t length = utf8_decode(text, left, &point);

		if (length > 1 && columns_is_harmful(point)) {
			printf(point > 0xffff ? "\\u%04x\\u%04x" : "\\u%04x",
				point > 0xffff ? 0xd7c0 + (point >> 10) : point,
				0xdc00 + (point & 0x3ff));
		} else if (length == 1 && point == 0x7f) {
			fputs("\\u007f", stdout);
		} else {
			length = length == 0 ? 1 : length;
			fwrite(text, 1, length, stdout);
		}
		text += length;
		left -= length;
	}
}

static int print_json(json_t *answer, size_t flags)
{
	char *text;

	if (answer == NULL) {
		puts("{}");
		return CTL_OK;
	}
	text = add_times(answer) == 0 ? json_dumps(answer, flags) : NULL;
	if (text == NULL) {
		return no_memory();
	}
	print_safely(text);
	putchar('\n');
	free(text);
	return CTL_OK;
}

int listing_json(json_t *answer)
{
	return print_json(answer, JSON_INDENT(2));
}

int listing_json_line(json_t *answer)
{
	return print_json(answer, JSON_COMPACT);
}

/* ---------------------------------------------------------------- lists */

static int print_names(const json_t *items, const char *key)
{
	size_t i;
	json_t *item;

	json_array_foreach(items, i, item) {
		const json_t *value = json_object_get(item, key);
		const char *name = json_string_value(value);
		char *safe = name != NULL ? columns_escape(name) : NULL;

		if (safe != NULL) {
			puts(safe);
		} else if (json_is_integer(value)) {
			printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
		}
		free(safe);
	}
	return CTL_OK;
}

int listing_show(struct ctl *ctl, json_t *answer, const char *list,
	const struct listing_column *columns, size_t count)
{
	json_t *items = json_object_get(answer, list);
	int status;

	if (!json_is_array(items)) {
		ctl_complain("show the answer", "authd's answer has no such list",
			"are helioctl and authd of one version?");
		return CTL_FAILED;
	}
	if (columns[0].kind == LISTING_TEXT && sort_items(items, columns[0].key) != 0) {
		return no_memory();
	}
	if (ctl->json) {
		status = listing_json(answer);
	} else if (ctl->quiet) {
		status = print_names(items, columns[0].key);
	} else {
		status = listing_table(ctl, items, columns, count);
	}
	return status != CTL_OK ? status : ctl_check_partial(answer);
}

const char *listing_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}
