/*
 * top_view: the screen of `helioctl top` as text, line by line, cut to the terminal's size.
 */
#ifndef CTL_TOP_VIEW_H
#define CTL_TOP_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/top_model.h"

struct top_state {
	enum top_view view;
	int column[TOP_VIEWS]; /* sorted by, for each view */
	bool reverse[TOP_VIEWS];
	char filter[64];
	bool typing; /* the filter is being typed */
	bool help;
	size_t first; /* row at the top; set right when there are fewer */
	double interval_s;
	const char *where; /* the server; borrowed */
	char trouble[256]; /* why there is nothing new; "" */
};

/*
 * The whole screen, to be written as it is: rows x columns at most, whatever they are. The caller
 * free()s it; NULL without memory.
 */
char *top_render(const struct top_sample *now, const struct top_sample *before,
	struct top_state *state, unsigned rows, unsigned columns, bool colour);

/* The table alone, all rows, for --once; the caller free()s it. */
char *top_render_table(const struct top_sample *now, const struct top_sample *before,
	const struct top_state *state, bool colour);

/* Writes one line of text (UTF-8 with our own colours) cut to columns on the screen. */
char *top_clip(const char *text, unsigned columns);

#endif
