/*
 * listing: shows authd's JSON answers, as JSON or as a table that is described column by column.
 */
#ifndef CTL_LISTING_H
#define CTL_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/columns.h"
#include "ctl/ctl.h"

struct listing_cell {
	char *text;
	size_t size;
	enum columns_style style;
};

enum listing_kind {
	LISTING_TEXT, /* a string */
	LISTING_NUMBER,
	LISTING_BYTES,
	LISTING_TIME, /* seconds since the epoch, shown relative to now; 0: "-" */
	LISTING_BOOL, /* "yes" or "no" */
	LISTING_LIST, /* an array of strings */
	LISTING_CUSTOM, /* fill() writes the cell */
	LISTING_CUSTOM_NUMBER /* likewise, aligned like a number */
};

struct listing_column {
	const char *title;
	const char *key; /* of the item; a missing one is shown as "-" */
	enum listing_kind kind;
	void (*fill)(const json_t *item, int64_t now, struct listing_cell *cell);
	int fit; /* to a narrow terminal, see columns.h */
};

/*
 * Prints answer[list], sorted by its first column when that is text: with --json the whole answer,
 * with --quiet only the first column, else a table. Returns an exit status; CTL_PARTIAL when the
 * answer says so.
 */
int listing_show(struct ctl *ctl, json_t *answer, const char *list,
	const struct listing_column *columns, size_t count) MUST_CHECK;

/* The table alone, on a terminal no wider than that. items may be NULL. */
int listing_table(struct ctl *ctl, const json_t *items, const struct listing_column *columns,
	size_t count) MUST_CHECK;

/* "key: value" lines of one object, described like columns. */
int listing_fields(struct ctl *ctl, const json_t *item, const struct listing_column *columns,
	size_t count) MUST_CHECK;

/* Whether a field of that name holds seconds since the epoch; 0 is never. */
bool listing_is_time(const char *key);

/* The answer as JSON: times get a neighbour KEY_rfc3339. An answer of NULL is {}. */
int listing_json(json_t *answer) MUST_CHECK;
/* The same on one line. */
int listing_json_line(json_t *answer) MUST_CHECK;

/* The string object[key]; "" when there is none. */
const char *listing_text(const json_t *object, const char *key);

#endif
