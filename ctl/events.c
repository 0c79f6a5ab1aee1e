/*
 * events: helioctl events, a tail over authd's ring of events, by long poll.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/format.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"

#define WAIT_MAX_S 25u

static void print_value(const json_t *value)
{
	char *text = json_is_string(value) ? strdup(json_string_value(value))
					   : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	char *safe = text != NULL ? columns_escape(text) : NULL;
	bool plain = safe != NULL && safe[0] != '\0' && strchr(safe, ' ') == NULL;

	printf(plain ? "%s" : "\"%s\"", safe != NULL ? safe : "?");
	free(safe);
	free(text);
}

/* "10:00:00 joined room=demo id=alice" */
static int print_event(const struct ctl *ctl, json_t *event)
{
	const char *what = json_string_value(json_object_get(event, "what"));
	char *safe = columns_escape(what != NULL ? what : "?");
	const char *key;
	json_t *value;
	char at[32];

	if (ctl->json) {
		free(safe);
		return listing_json_line(event);
	}
	format_rfc3339(at, json_integer_value(json_object_get(event, "at")));
	printf("%s%s%s %s%s%s", ctl->colour ? "\033[2m" : "", at, ctl->colour ? "\033[0m" : "",
		ctl->colour ? "\033[1m" : "", safe != NULL ? safe : "?",
		ctl->colour ? "\033[0m" : "");
	free(safe);
	json_object_foreach(event, key, value) {
		if (strcmp(key, "n") == 0 || strcmp(key, "at") == 0 || strcmp(key, "what") == 0) {
			continue;
		}
		if (json_is_string(value) && json_string_length(value) == 0) {
			continue; /* says nothing; --json has it */
		}
		safe = columns_escape(key);
		printf(" %s=", safe != NULL ? safe : "?");
		free(safe);
		print_value(value);
	}
	putchar('\n');
	return CTL_OK;
}

/* How long one poll may wait so that its answer comes within --timeout. */
static unsigned wait_of(const struct ctl *ctl)
{
	unsigned seconds = ctl->timeout_ms / 1000;

	seconds = seconds > 2 ? seconds - 2 : 0;
	return seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S;
}

/* One page of events behind *after; *count: how many came. */
static int poll_once(struct ctl *ctl, json_int_t *after, unsigned wait, size_t *count)
{
	struct client_path path;
	char text[32];
	json_t *answer = NULL, *event;
	size_t i;
	int status;

	client_path_init(&path, "/v1/events");
	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, *after);
	client_path_query(&path, "after", text);
	snprintf(text, sizeof(text), "%u", wait);
	client_path_query(&path, "wait", text);
	client_path_query(&path, "limit", "1000");
	status = ctl_call(ctl, "read the events", "GET", path.text, NULL, &answer);
	*count = json_array_size(json_object_get(answer, "events"));
	json_array_foreach(json_object_get(answer, "events"), i, event) {
		status = status == CTL_OK ? print_event(ctl, event) : status;
	}
	if (json_is_integer(json_object_get(answer, "next"))) {
		*after = json_integer_value(json_object_get(answer, "next"));
	}
	json_decref(answer);
	return fflush(stdout) == 0 ? status : CTL_FAILED;
}

int events_run(struct ctl *ctl)
{
	bool follow = ctl->options.value[OPT_FOLLOW] != NULL;
	json_int_t after = 0, before;
	size_t count;
	int status;

	do { /* what is there */
		before = after;
		status = poll_once(ctl, &after, 0, &count);
	} while (status == CTL_OK && count > 0 && after > before);
	while (status == CTL_OK && follow) {
		status = poll_once(ctl, &after, wait_of(ctl), &count);
	}
	return status;
}
