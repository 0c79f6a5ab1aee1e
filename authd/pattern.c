/*
 * pattern: matches names against patterns with "*". Must never take more time than the lengths
 * allow, whatever a pattern looks like: there is no recursion here.
 */
#include "authd/pattern.h"

#include <string.h>

#include "proto/limits.h"

bool pattern_is_valid(const char *pattern)
{
	size_t len = strspn(
		pattern, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-*");

	return len > 0 && len <= LIMIT_NAME && pattern[len] == '\0';
}

bool pattern_match(const char *pattern, const char *name)
{
	const char *star = NULL, *resume = NULL;

	while (*name != '\0') {
		if (*pattern == '*') { /* begins as an empty run */
			star = ++pattern;
			resume = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) { /* the last run takes one character more */
			pattern = star;
			name = ++resume;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

int pattern_list_check(const json_t *list)
{
	size_t i;
	const json_t *item;

	if (!json_is_array(list) || json_array_size(list) > PATTERN_LIST_MAX) {
		return ERR_BAD_FIELD;
	}
	json_array_foreach((json_t *)list, i, item) {
		if (!json_is_string(item) || !pattern_is_valid(json_string_value(item))) {
			return ERR_BAD_FIELD;
		}
	}
	return 0;
}

bool pattern_list_match(const json_t *list, const char *name)
{
	size_t i;
	const json_t *item;

	json_array_foreach((json_t *)list, i, item) {
		const char *pattern = json_string_value(item);
		if (pattern != NULL && pattern_match(pattern, name)) {
			return true;
		}
	}
	return false;
}
