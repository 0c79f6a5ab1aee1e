/*
 * top_view: layout and cutting. Text of others is made safe by columns before it comes here; the
 * only escape sequences are our own colours.
 */
#include "ctl/top_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "ctl/columns.h"
#include "ctl/format.h"
#include "proto/utf8.h"

#define LINES_AROUND 4 /* totals, views, header of the table, help line */

static const char help_line[] =
	"r rooms  p participants  w workers  s/S sort  / filter  +/- interval  h help  q quit";

static const char *const help_text[] = {
	"r p w      rooms, participants, reflectors and their workers",
	"s          sort by the next column",
	"S          the other way round",
	"/          show only what has the text in a name; Enter ends, Esc forgets it",
	"+ -        ask more seldom, or more often",
	"arrows     scroll, also j k, page keys, Home and End",
	"space      ask now",
	"h ?        this help",
	"q Ctrl-C   end",
};

/* ---------------------------------------------------------------- cutting */

/* The length of a colour sequence at text, 0 when there is none. */
static size_t colour_length(const char *text)
{
	size_t length;

	if (text[0] != '\033' || text[1] != '[') {
		return 0;
	}
	length = 2 + strspn(text + 2, "0123456789;");
	return text[length] == 'm' ? length + 1 : 0;
}

char *top_clip(const char *text, unsigned columns)
{
	char *out = malloc(strlen(text) + 8);
	size_t used = 0, width = 0;
	bool coloured = false;

	if (out == NULL) {
		return NULL;
	}
	while (*text != '\0') {
		uint32_t point = 0;
		size_t length = colour_length(text);
		int wide = 0;

		if (length > 0) {
			coloured = true;
		} else {
			length = utf8_decode(text, strlen(text), &point);
			wide = length == 0 ? 1 : wcwidth((wchar_t)point);
			wide = wide < 0 ? 1 : wide;
			length = length == 0 ? 1 : length;
		}
		if (width + (size_t)wide > columns) {
			break;
		}
		width += (size_t)wide;
		memcpy(out + used, text, length);
		used += length;
		text += length;
	}
	memcpy(out + used, coloured ? "\033[0m" : "", coloured ? 5 : 1);
	return out;
}

/* One line of the screen: cut, the rest of the row made empty, and on to the next but the last. */
static void put_line(FILE *out, const char *text, unsigned columns, bool last)
{
	char *cut = top_clip(text, columns);

	fprintf(out, "%s\033[K%s", cut != NULL ? cut : "", last ? "" : "\r\n");
	free(cut);
}

/* ---------------------------------------------------------------- cells */

static void fill_text(char out[256], const struct top_column *column, const json_t *value)
{
	char text[32] = "";

	switch (column->kind) {
	case TOP_TEXT:
		snprintf(out, 256, "%s", json_is_string(value) ? json_string_value(value) : "");
		return;
	case TOP_COUNT:
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case TOP_MS:
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT " ms",
			json_integer_value(value));
		break;
	case TOP_RATE:
		format_rate(text, json_number_value(value));
		break;
	case TOP_PER_S:
	default:
		snprintf(text, sizeof(text), "%.1f", json_number_value(value));
		break;
	}
	snprintf(out, 256, "%s", json_is_null(value) || value == NULL ? "-" : text);
}

static enum columns_style style_of(const struct top_column *column, const json_t *value)
{
	bool bad = (column->kind == TOP_PER_S && json_number_value(value) > 0) ||
		(column->kind == TOP_MS && json_integer_value(value) > 100) ||
		(strcmp(column->key, "state") == 0 && json_is_string(value) &&
			strcmp(json_string_value(value), "up") != 0);

	return bad ? STYLE_BAD : STYLE_PLAIN;
}

/* Header, then one row for each; NULL without memory. */
static struct columns *make_table(const json_t *rows, const struct top_state *state)
{
	size_t count, i;
	const struct top_column *columns = top_columns(state->view, &count);
	struct columns *table = columns_create(count);
	json_t *row;
	int err = table != NULL ? 0 : ERR_NOMEM;
	char text[256];

	for (size_t c = 0; err == 0 && c < count; c++) {
		bool sorted = (int)c == state->column[state->view];

		snprintf(text, sizeof(text), "%s%s", columns[c].title,
			!sorted                               ? ""
				: state->reverse[state->view] ? "\342\206\221"
							      : "\342\206\223");
		err = columns_add(table, text,
			columns[c].kind == TOP_TEXT ? ALIGN_LEFT : ALIGN_RIGHT, STYLE_PLAIN);
	}
	json_array_foreach(rows, i, row) {
		for (size_t c = 0; err == 0 && c < count; c++) {
			const json_t *value = json_object_get(row, columns[c].key);

			fill_text(text, &columns[c], value);
			err = columns_add(table, text, ALIGN_LEFT, style_of(&columns[c], value));
		}
	}
	if (err != 0) {
		columns_destroy(table);
		return NULL;
	}
	return table;
}

char *top_render_table(const struct top_sample *now, const struct top_sample *before,
	const struct top_state *state, bool colour)
{
	json_t *rows = top_rows(now, before, state->view, state->filter);
	struct columns *table = NULL;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (rows != NULL &&
		top_sort(rows, state->view, state->column[state->view],
			state->reverse[state->view]) == 0) {
		table = make_table(rows, state);
	}
	out = table != NULL ? open_memstream(&text, &size) : NULL;
	if (out != NULL) {
		columns_print(table, out, colour);
		fclose(out);
	}
	columns_destroy(table);
	json_decref(rows);
	return text;
}

/* ---------------------------------------------------------------- the screen */

static void totals_line(char out[512], const struct top_sample *now,
	const struct top_sample *before, const struct top_state *state)
{
	json_t *totals = top_totals(now, before);
	char in[32], outward[32], *where = columns_escape(state->where);

	format_rate(in, json_number_value(json_object_get(totals, "in_bps")));
	format_rate(outward, json_number_value(json_object_get(totals, "out_bps")));
	snprintf(out, 512,
		"rooms %" JSON_INTEGER_FORMAT "  people %" JSON_INTEGER_FORMAT
		"  in %s  out %s bit/s  drops %.1f/s  queue %" JSON_INTEGER_FORMAT
		" ms  every %g s  %.200s",
		json_integer_value(json_object_get(totals, "rooms")),
		json_integer_value(json_object_get(totals, "participants")), in, outward,
		json_number_value(json_object_get(totals, "drops_per_s")),
		json_integer_value(json_object_get(totals, "queue_ms")), state->interval_s,
		where != NULL ? where : "");
	free(where);
	json_decref(totals);
}

static void views_line(char out[512], const struct top_state *state, bool colour)
{
	char *filter = columns_escape(state->filter);
	size_t used = 0;

	for (int view = 0; view < TOP_VIEWS; view++) {
		bool here = view == (int)state->view;

		used += (size_t)snprintf(out + used, 512 - used, "%s%s%s%s%s  ",
			here && colour ? "\033[7m" : "", here ? "[" : " ",
			top_view_name((enum top_view)view), here ? "]" : " ",
			here && colour ? "\033[0m" : "");
	}
	if (state->typing || state->filter[0] != '\0') {
		snprintf(out + used, 512 - used, "filter: %.100s%s", filter != NULL ? filter : "",
			state->typing ? "_" : "");
	}
	free(filter);
}

static void put_help(FILE *out, unsigned lines, unsigned columns)
{
	for (unsigned i = 0; i < lines; i++) {
		bool there = i > 0 && i - 1 < sizeof(help_text) / sizeof(help_text[0]);

		put_line(out, there ? help_text[i - 1] : "", columns, false);
	}
}

/* The table's header and as many of its lines as there is place for. */
static void put_table(
	FILE *out, char *table, struct top_state *state, unsigned lines, unsigned columns)
{
	size_t count = 0, line = 0;
	unsigned done = 0;
	char *save = NULL;

	for (const char *at = table; *at != '\0'; at++) {
		count += *at == '\n' ? 1 : 0;
	}
	count = count > 0 ? count - 1 : 0; /* without the header */
	if (state->first + (lines - 1) > count) {
		state->first = count > lines - 1 ? count - (lines - 1) : 0;
	}
	for (char *text = strtok_r(table, "\n", &save); text != NULL && done < lines;
		text = strtok_r(NULL, "\n", &save), line++) {
		if (line == 0 || line > state->first) {
			put_line(out, text, columns, false);
			done++;
		}
	}
	for (; done < lines; done++) {
		put_line(out, "", columns, false);
	}
}

char *top_render(const struct top_sample *now, const struct top_sample *before,
	struct top_state *state, unsigned rows, unsigned columns, bool colour)
{
	char *table = top_render_table(now, before, state, colour), *text = NULL;
	char totals[512], views[512], trouble[300];
	size_t size;
	FILE *out = table != NULL ? open_memstream(&text, &size) : NULL;

	if (out == NULL) {
		free(table);
		return NULL;
	}
	totals_line(totals, now, before, state);
	views_line(views, state, colour);
	fputs("\033[H", out);
	put_line(out, totals, columns, rows < 2);
	if (rows >= 3) {
		put_line(out, views, columns, false);
	}
	if (rows > LINES_AROUND && state->help) {
		put_help(out, rows - 3, columns);
	} else if (rows > LINES_AROUND) {
		put_table(out, table, state, rows - 3, columns);
	} else if (rows == LINES_AROUND) {
		put_line(out, "", columns, false);
	}
	if (rows >= 2) {
		snprintf(trouble, sizeof(trouble), "%s%s%s", colour ? "\033[31m" : "",
			state->trouble, colour ? "\033[0m" : "");
		put_line(out, state->trouble[0] != '\0' ? trouble : help_line, columns, true);
	}
	fputs("\033[J", out);
	fclose(out);
	free(table);
	return text;
}
