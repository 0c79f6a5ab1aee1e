/*
 * columns: cell storage, escaping and layout. Nothing here knows what the cells mean.
 */
#include "ctl/columns.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "proto/utf8.h"

struct cell {
	char *text; /* escaped */
	size_t width;
	enum columns_align align;
	enum columns_style style;
};

struct columns {
	size_t count; /* columns */
	size_t *widths; /* of the widest cell in each; DROPPED */
	struct cell *cells;
	size_t used, room;
	bool cut;
};

#define DROPPED SIZE_MAX

/* What could steer a terminal, or hide: controls, text-direction marks, characters without width.
 */
bool columns_is_harmful(uint32_t point)
{
	return utf8_is_control(point) || (point >= 0x200b && point <= 0x200f) ||
		(point >= 0x2060 && point <= 0x206f) || point == 0xfeff;
}

char *columns_escape(const char *text)
{
	/* The longest escape of one byte is 4; of a character of 2 or 3 bytes, 8. */
	char *out = malloc(strlen(text) * 4 + 1);
	size_t used = 0, left = strlen(text);

	if (out == NULL) {
		return NULL;
	}
	while (left > 0) {
		uint32_t point = 0;
		size_t length = utf8_decode(text, left, &point);

		if (length == 0 || (length == 1 && columns_is_harmful(point))) {
			used += (size_t)snprintf(out + used, 5, "\\x%02x", (unsigned char)*text);
			length = 1;
		} else if (columns_is_harmful(point)) {
			used += (size_t)snprintf(out + used, 9, "\\u{%x}", (unsigned)point);
		} else {
			memcpy(out + used, text, length);
			used += length;
		}
		text += length;
		left -= length;
	}
	out[used] = '\0';
	return out;
}

size_t columns_width(const char *text)
{
	size_t width = 0, left = strlen(text);

	while (left > 0) {
		uint32_t point = 0;
		size_t length = utf8_decode(text, left, &point);
		int columns = length == 0 ? 1 : wcwidth((wchar_t)point);

		/* The C library says -1 to what its locale does not know; a terminal shows one
		 * column. */
		width += columns < 0 ? 1 : (size_t)columns;
		length = length == 0 ? 1 : length;
		text += length;
		left -= length;
	}
	return width;
}

struct columns *columns_create(size_t count)
{
	struct columns *table = calloc(1, sizeof(*table));

	if (table == NULL) {
		return NULL;
	}
	table->count = count;
	table->widths = calloc(count, sizeof(*table->widths));
	if (table->widths == NULL) {
		free(table);
		return NULL;
	}
	return table;
}

void columns_destroy(struct columns *table)
{
	if (table == NULL) {
		return;
	}
	for (size_t i = 0; i < table->used; i++) {
		free(table->cells[i].text);
	}
	free(table->cells);
	free(table->widths);
	free(table);
}

int columns_add(
	struct columns *table, const char *text, enum columns_align align, enum columns_style style)
{
	size_t column = table->used % table->count;
	struct cell *cell;

	if (table->used == table->room) {
		size_t room = table->room > 0 ? table->room * 2 : 64;
		struct cell *cells = reallocarray(table->cells, room, sizeof(*cells));

		if (cells == NULL) {
			return ERR_NOMEM;
		}
		table->cells = cells;
		table->room = room;
	}
	cell = &table->cells[table->used];
	*cell = (struct cell){ .text = columns_escape(text[0] != '\0' ? text : "-"),
		.style = style };
	if (cell->text == NULL) {
		return ERR_NOMEM;
	}
	cell->width = columns_width(cell->text);
	cell->align = table->used < table->count ? align : table->cells[column].align;
	if (cell->width > table->widths[column]) {
		table->widths[column] = cell->width;
	}
	table->used++;
	return 0;
}

/* ---------------------------------------------------------------- fitting */

#define GAP 2 /* between columns */
#define ID_WIDTH 8 /* what authd takes as the beginning of an id, at least */
#define CUT_WIDTH 32 /* long text keeps that much before other columns go */
#define LEAST_WIDTH 4

/* The table's width; cut: as if long text had been cut to CUT_WIDTH. */
static size_t total_width(const struct columns *table, const int *fit, bool cut)
{
	size_t total = 0;

	for (size_t i = 0; i < table->count; i++) {
		size_t width = table->widths[i];

		if (width != DROPPED) {
			width = cut && fit[i] == FIT_CUT && width > CUT_WIDTH ? CUT_WIDTH : width;
			total += (total > 0 ? GAP : 0) + width;
		}
	}
	return total;
}

/* Bytes of text that take at most width columns. */
static size_t bytes_within(const char *text, size_t width)
{
	size_t bytes = 0, left = strlen(text);

	while (left > 0) {
		uint32_t point = 0;
		size_t length = utf8_decode(text + bytes, left, &point);
		int columns = length == 0 ? 1 : wcwidth((wchar_t)point);
		size_t wide = columns < 0 ? 1 : (size_t)columns;

		if (wide > width) {
			break;
		}
		width -= wide;
		length = length == 0 ? 1 : length;
		bytes += length;
		left -= length;
	}
	return bytes;
}

/* Cuts the cells of a column to width; ends says what shows that something is gone. */
static int cut_column(struct columns *table, size_t column, size_t width, const char *ends)
{
	for (size_t i = column; i < table->used; i += table->count) {
		struct cell *cell = &table->cells[i];
		size_t bytes;
		char *text;

		if (cell->width <= width) {
			continue;
		}
		bytes = bytes_within(cell->text, width - columns_width(ends));
		text = malloc(bytes + strlen(ends) + 1);
		if (text == NULL) {
			return ERR_NOMEM;
		}
		memcpy(text, cell->text, bytes);
		memcpy(text + bytes, ends, strlen(ends) + 1);
		free(cell->text);
		cell->text = text;
		cell->width = columns_width(text);
		table->cut = true;
	}
	table->widths[column] = 0;
	for (size_t i = column; i < table->used; i += table->count) {
		if (table->cells[i].width > table->widths[column]) {
			table->widths[column] = table->cells[i].width;
		}
	}
	return 0;
}

/* The column that goes next: the highest FIT_DROP() that is still there; count: none. */
static size_t next_to_drop(const struct columns *table, const int *fit)
{
	size_t next = table->count;

	for (size_t i = 0; i < table->count; i++) {
		if (table->widths[i] != DROPPED && fit[i] >= FIT_DROP_0 &&
			(next == table->count || fit[i] > fit[next])) {
			next = i;
		}
	}
	return next;
}

/* The widest column, of long text when it has more than CUT_WIDTH. */
static size_t next_to_cut(const struct columns *table, const int *fit)
{
	size_t next = table->count, most = LEAST_WIDTH;

	for (size_t i = 0; i < table->count; i++) {
		size_t width = table->widths[i];

		if (width == DROPPED || fit[i] == FIT_ID || width <= LEAST_WIDTH) {
			continue;
		}
		width += fit[i] == FIT_CUT && width > CUT_WIDTH ? 4096 : 0;
		if (width > most) {
			most = width;
			next = i;
		}
	}
	return next;
}

int columns_fit(struct columns *table, size_t width, const int *fit)
{
	size_t next;
	int err = 0;

	for (size_t i = 0; i < table->count && width > 0; i++) {
		if (err == 0 && fit[i] == FIT_ID && total_width(table, fit, false) > width) {
			err = cut_column(table, i, ID_WIDTH, "");
		}
	}
	while (width > 0 && total_width(table, fit, true) > width &&
		(next = next_to_drop(table, fit)) < table->count) {
		table->widths[next] = DROPPED;
		table->cut = true;
	}
	while (err == 0 && width > 0 && total_width(table, fit, false) > width &&
		(next = next_to_cut(table, fit)) < table->count) {
		size_t over = total_width(table, fit, false) - width;
		size_t have = table->widths[next];
		size_t least = fit[next] == FIT_CUT && have > CUT_WIDTH ? CUT_WIDTH : have - 1;

		err = cut_column(
			table, next, have > least + over ? have - over : least, "\xe2\x80\xa6");
	}
	return err;
}

bool columns_is_cut(const struct columns *table)
{
	return table->cut;
}

/* ---------------------------------------------------------------- printing */

static const char *style_start(enum columns_style style)
{
	switch (style) {
	case STYLE_GOOD:
		return "\033[32m";
	case STYLE_BAD:
		return "\033[31m";
	case STYLE_DIM:
		return "\033[2m";
	case STYLE_PLAIN:
	default:
		return "";
	}
}

static void print_cell(
	const struct cell *cell, size_t width, bool last, bool header, FILE *out, bool colour)
{
	const char *start = !colour ? "" : header ? "\033[1m" : style_start(cell->style);
	int padding = (int)(width - cell->width);

	if (cell->align == ALIGN_RIGHT) {
		fprintf(out, "%*s", padding, "");
	}
	fprintf(out, "%s%s%s", start, cell->text, start[0] != '\0' ? "\033[0m" : "");
	if (!last) {
		fprintf(out, "%*s  ", cell->align == ALIGN_LEFT ? padding : 0, "");
	}
}

void columns_print(const struct columns *table, FILE *out, bool colour)
{
	size_t rows = table->used / table->count, last = table->count - 1;

	while (last > 0 && table->widths[last] == DROPPED) {
		last--;
	}
	for (size_t row = 0; row < rows; row++) {
		for (size_t column = 0; column < table->count; column++) {
			if (table->widths[column] != DROPPED) {
				print_cell(&table->cells[row * table->count + column],
					table->widths[column], column == last, row == 0, out,
					colour);
			}
		}
		fputc('\n', out);
	}
}
