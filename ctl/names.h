/*
 * names: the names that the server knows, for "did you mean". Fails silently: it only helps.
 */
#ifndef CTL_NAMES_H
#define CTL_NAMES_H

#include <stddef.h>

struct ctl;

/* For a command whose name was not found: "did you mean NAME?" into out, or "". */
void names_suggest(struct ctl *ctl, char *out, size_t size);

#endif
