/*
 * columns: a table of text for a terminal. Cells are aligned by their width on the screen, not by
 * bytes; what could steer a terminal is escaped when a cell is added.
 */
#ifndef CTL_COLUMNS_H
#define CTL_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/errcode.h"

enum columns_align { ALIGN_LEFT, ALIGN_RIGHT };
enum columns_style { STYLE_PLAIN, STYLE_GOOD, STYLE_BAD, STYLE_DIM };

struct columns;

/* A table with count columns; NULL without memory. */
struct columns *columns_create(size_t count);
void columns_destroy(struct columns *table);

/* Cells come row by row; the first row is the header. text is copied, UTF-8; "" becomes "-". The
 * alignment of a column is that of its header. */
int columns_add(struct columns *table, const char *text, enum columns_align align,
	enum columns_style style) MUST_CHECK;

/*
 * What becomes of a column where the table is too wide: an id is cut to its first 8 characters,
 * long text gets an ellipsis, and columns are left out, those with the highest FIT_DROP() first.
 */
enum columns_fit { FIT_KEEP, FIT_ID, FIT_CUT, FIT_DROP_0 };
#define FIT_DROP(rank) (FIT_DROP_0 + (rank))

/* Makes the table at most width wide (0: as wide as it is); fit has one entry for each column. Call
 * it once, behind the last cell. ERR_NOMEM leaves the table usable. */
int columns_fit(struct columns *table, size_t width, const int *fit) MUST_CHECK;
/* Whether columns_fit() left out or cut anything. */
bool columns_is_cut(const struct columns *table);

/* Prints the rows that are complete; colour makes the header bold and follows the styles. */
void columns_print(const struct columns *table, FILE *out, bool colour);

/* Controls, text-direction marks, characters without width: what could steer a terminal, or hide.
 */
bool columns_is_harmful(uint32_t point);

/* Screen columns that (escaped) UTF-8 takes. */
size_t columns_width(const char *text);

/* A copy with control characters, line separators and text-direction marks as \xNN and \u{NNNN};
 * the caller's to free(); NULL without memory. Bytes that are no UTF-8 become \xNN. */
char *columns_escape(const char *text);

#endif
