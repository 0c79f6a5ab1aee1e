/*
 * hours: windows of time in the week, "mon-fri 08:00-18:00; sat 10:00-12:00", to and from the JSON
 * of a policy.
 */
#ifndef CTL_HOURS_H
#define CTL_HOURS_H

#include <jansson.h>

/* A new array of {"days", "from", "to"}; "" gives the empty one. NULL for what is of another form.
 */
json_t *hours_parse(const char *text);
/* The text; the caller's to free(). NULL for JSON of another form. */
char *hours_text(const json_t *hours);

#endif
