/*
 * hours: parser and printer of time windows. Days may be a range (fri-mon goes over the weekend) or
 * a list; times are HH:MM, 24:00 is the end of the day.
 */
#include "ctl/hours.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const days[7] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

static int find_day(const char *text)
{
	for (int i = 0; i < 7; i++) {
		if (strncmp(text, days[i], 3) == 0) {
			return i;
		}
	}
	return -1;
}

/* "mon", "mon-fri", "mon,wed,fri"; *text moves behind. NULL for another form. */
static json_t *parse_days(const char **text)
{
	json_t *list = json_array();
	const char *at = *text;

	for (;;) {
		int from = find_day(at), to = from;

		if (from >= 0 && at[3] == '-') {
			to = find_day(at + 4);
			at += 4;
		}
		if (from < 0 || to < 0) {
			json_decref(list);
			return NULL;
		}
		for (int day = from;; day = (day + 1) % 7) {
			json_array_append_new(list, json_string(days[day]));
			if (day == to) {
				break;
			}
		}
		at += 3;
		if (*at != ',') {
			break;
		}
		at++;
	}
	*text = at;
	return list;
}

/* "08:00" or "24:00" at *text; moves behind. */
static bool parse_clock(const char **text, char out[6])
{
	const char *at = *text;
	int hour, minute;

	if (strspn(at, "0123456789") != 2 || at[2] != ':' || strspn(at + 3, "0123456789") != 2) {
		return false;
	}
	hour = (at[0] - '0') * 10 + at[1] - '0';
	minute = (at[3] - '0') * 10 + at[4] - '0';
	if (hour > 24 || minute > 59 || (hour == 24 && minute > 0)) {
		return false;
	}
	memcpy(out, at, 5);
	out[5] = '\0';
	*text = at + 5;
	return true;
}

static json_t *parse_window(const char **text)
{
	char from[6], to[6];
	json_t *list = parse_days(text);

	if (list == NULL) {
		return NULL;
	}
	if (**text != ' ') {
		json_decref(list);
		return NULL;
	}
	*text += strspn(*text, " ");
	if (!parse_clock(text, from) || **text != '-') {
		json_decref(list);
		return NULL;
	}
	++*text;
	if (!parse_clock(text, to)) {
		json_decref(list);
		return NULL;
	}
	return json_pack("{s:o, s:s, s:s}", "days", list, "from", from, "to", to);
}

json_t *hours_parse(const char *text)
{
	json_t *hours = json_array();

	text += strspn(text, " ");
	while (*text != '\0') {
		json_t *window = parse_window(&text);

		if (window == NULL) {
			json_decref(hours);
			return NULL;
		}
		json_array_append_new(hours, window);
		text += strspn(text, " ");
		if (*text == ';') {
			text++;
			text += strspn(text, " ");
		} else if (*text != '\0') {
			json_decref(hours);
			return NULL;
		}
	}
	return hours;
}

char *hours_text(const json_t *hours)
{
	char *text = NULL;
	size_t size, i, j;
	json_t *window, *day;
	FILE *out = json_is_array(hours) ? open_memstream(&text, &size) : NULL;

	if (out == NULL) {
		return NULL;
	}
	json_array_foreach(hours, i, window) {
		const char *from = json_string_value(json_object_get(window, "from"));
		const char *to = json_string_value(json_object_get(window, "to"));

		fputs(i > 0 ? "; " : "", out);
		json_array_foreach(json_object_get(window, "days"), j, day) {
			fprintf(out, "%s%s", j > 0 ? "," : "",
				json_is_string(day) ? json_string_value(day) : "?");
		}
		fprintf(out, " %s-%s", from != NULL ? from : "?", to != NULL ? to : "?");
	}
	fclose(out);
	return text;
}
