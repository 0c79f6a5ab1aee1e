/*
 * pattern: names with "*" for any run of characters, as in {"rooms":["team-*"]}: in API keys,
 * grants and policies of rooms. A pattern matches whole names only, and "*" alone matches all.
 */
#ifndef AUTHD_PATTERN_H
#define AUTHD_PATTERN_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/errcode.h"

#define PATTERN_LIST_MAX 64u /* patterns in one list */

/* 1 to LIMIT_NAME characters of a name or "*". */
bool pattern_is_valid(const char *pattern);

/* Takes time in proportion to the product of both lengths at most. */
bool pattern_match(const char *pattern, const char *name);

/* 0 for an array of at most PATTERN_LIST_MAX valid patterns (it may be empty); ERR_BAD_FIELD. */
int pattern_list_check(const json_t *list) MUST_CHECK;
/* True when one of a checked list matches; an empty list matches nothing. */
bool pattern_list_match(const json_t *list, const char *name);

#endif
