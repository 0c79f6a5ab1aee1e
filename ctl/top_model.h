/*
 * top_model: what `helioctl top` knows: two samples of rooms, participants, reflectors and workers,
 * and the rows made from them. Pure: asks nobody, prints nothing.
 */
#ifndef CTL_TOP_MODEL_H
#define CTL_TOP_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/errcode.h"

enum top_view { TOP_ROOMS, TOP_PARTICIPANTS, TOP_REFLECTORS, TOP_VIEWS };

/* One moment: the three answers, each may be NULL. */
struct top_sample {
	json_t *rooms, *participants, *reflectors;
	double at; /* seconds, monotonic */
};

void top_sample_finish(struct top_sample *sample);

enum top_column_kind { TOP_TEXT, TOP_COUNT, TOP_RATE, TOP_PER_S, TOP_MS };

struct top_column {
	const char *title; /* also its name for --sort, without regard to case */
	const char *key; /* in the JSON row */
	enum top_column_kind kind;
};

/* The columns of a view; *count of them. The first is the name. */
const struct top_column *top_columns(enum top_view view, size_t *count);
/* "rooms", "participants", "reflectors"; TOP_VIEWS for another word. */
enum top_view top_view_find(const char *name);
const char *top_view_name(enum top_view view);
/* The number of the column with this title; -1 when there is none. */
int top_column_find(enum top_view view, const char *title);

/*
 * The rows of a view, as JSON objects with the keys of its columns. Rates need before; without it
 * they are null. Those without filter in a name are left out ("" leaves all in). NULL without
 * memory.
 */
json_t *top_rows(const struct top_sample *now, const struct top_sample *before, enum top_view view,
	const char *filter);
/* Sorts rows by a column; numbers from the highest, text from A, reverse the other way round. */
int top_sort(json_t *rows, enum top_view view, int column, bool reverse) MUST_CHECK;

/* The sums over all: {"rooms", "participants", "in_bps", "out_bps", "drops_per_s", "queue_ms"}. */
json_t *top_totals(const struct top_sample *now, const struct top_sample *before);

#endif
