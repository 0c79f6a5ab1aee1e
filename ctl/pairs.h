/*
 * pairs: KEY=VALUE operands and --file FILE, made into the JSON of grants or of a room's policy.
 * Keys and forms are checked here so that mistakes are named well; authd judges the meaning.
 */
#ifndef CTL_PAIRS_H
#define CTL_PAIRS_H

#include <jansson.h>

#include "ctl/ctl.h"

enum pairs_of { PAIRS_GRANTS, PAIRS_ROOM };

/*
 * Changes object (grants or a room's policy) by one "KEY=VALUE". ERR_INVALID, and error says why;
 * ERR_NOMEM.
 */
int pairs_apply(json_t *object, enum pairs_of of, const char *pair, char error[256]) MUST_CHECK;

/*
 * The whole: a copy of before (NULL: {}), or the JSON object in --file in its place, changed by the
 * operands from number first on. Complains itself. Returns an exit status; *out is the caller's.
 */
int pairs_read(const struct ctl *ctl, enum pairs_of of, size_t first, const json_t *before,
	json_t **out) MUST_CHECK;

/* --file FILE as a JSON object. Complains itself; an exit status. */
int pairs_load_file(const char *file, json_t **out) MUST_CHECK;

/* Prints the object as "KEY=VALUE" lines that pairs_apply() takes again, prefix before each. */
void pairs_print(const json_t *object, const char *prefix, const char *none);

#endif
