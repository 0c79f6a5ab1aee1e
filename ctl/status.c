/*
 * status: helioctl status: what authd says of itself, as it comes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/columns.h"
#include "ctl/format.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"

#define DEPTH_MAX 6

static char *time_text(json_int_t when)
{
	char text[32] = "-";

	if (when != 0) {
		format_rfc3339(text, when);
	}
	return strdup(text);
}

static void print_line(const char *path, const json_t *value)
{
	const char *dot = strrchr(path, '.'), *key = dot != NULL ? dot + 1 : path;
	char *text = json_is_string(value) ? strdup(json_string_value(value))
		: json_is_integer(value) && listing_is_time(key)
		? time_text(json_integer_value(value))
		: json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	char *safe = columns_escape(text != NULL ? text : "?"), *name = columns_escape(path);

	printf("%-28s %s\n", name != NULL ? name : "?", safe != NULL ? safe : "?");
	free(name);
	free(safe);
	free(text);
}

/* "certificates.0.file  /etc/..." one line for each value. */
static void print_tree(const char *path, const json_t *value, int depth)
{
	char longer[256];
	const char *key;
	json_t *inner;
	size_t i;

	if (depth < DEPTH_MAX && json_is_object(value)) {
		json_object_foreach((json_t *)value, key, inner) {
			snprintf(longer, sizeof(longer), "%s%s%s", path, path[0] != '\0' ? "." : "",
				key);
			print_tree(longer, inner, depth + 1);
		}
	} else if (depth < DEPTH_MAX && json_is_array(value)) {
		json_array_foreach(value, i, inner) {
			snprintf(longer, sizeof(longer), "%s.%zu", path, i);
			print_tree(longer, inner, depth + 1);
		}
	} else {
		print_line(path, value);
	}
}

int status_run(struct ctl *ctl)
{
	json_t *answer = NULL;
	int status = ctl_call(ctl, "read the status", "GET", "/v1/status", NULL, &answer);

	if (status == CTL_OK && ctl->json) {
		status = listing_json(answer);
	} else if (status == CTL_OK) {
		print_tree("", answer, 0);
	}
	json_decref(answer);
	return status;
}
