/*
 * policy_field: single values of grants and rooms' policies, judged strictly: what is unknown or
 * out of bounds is refused by its name, never ignored and never given a default.
 */
#include "authd/policy_field.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "authd/pattern.h"
#include "authd/policy.h"
#include "proto/msg.h"

int policy_field_refuse(char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, POLICY_WHY, format, args);
	va_end(args);
	return ERR_BAD_FIELD;
}

/* Names of unknown fields come from outside: only what is harmless is repeated. */
int policy_field_unknown(char *why, const char *where, const char *name)
{
	if (msg_is_name(name)) {
		return policy_field_refuse(why, "there is no field %s%s", where, name);
	}
	return policy_field_refuse(
		why, "there is an unknown field%s%s", *where != '\0' ? " in " : "", where);
}

int policy_fields_take(
	char *why, const struct policy_field *fields, size_t count, const json_t *object, void *out)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object)) {
		return policy_field_refuse(why, "it must be a JSON object");
	}
	json_object_foreach((json_t *)object, key, value) {
		size_t i = 0;
		while (i < count && strcmp(fields[i].name, key) != 0) {
			i++;
		}
		int err = i < count ? fields[i].take(why, key, value, out)
				    : policy_field_unknown(why, "", key);
		if (err != 0) {
			return err;
		}
	}
	return 0;
}

int policy_field_bool(char *why, const char *name, const json_t *value, bool *out)
{
	if (!json_is_boolean(value)) {
		return policy_field_refuse(why, "%s must be true or false", name);
	}
	*out = json_is_true(value);
	return 0;
}

int policy_field_int(
	char *why, const char *name, const json_t *value, int64_t min, int64_t max, int64_t *out)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < min || n > max) {
		return policy_field_refuse(why, "%s must be a whole number from %lld to %lld", name,
			(long long)min, (long long)max);
	}
	*out = n;
	return 0;
}

int policy_field_kinds(char *why, const char *name, const json_t *value, unsigned *out)
{
	unsigned kinds = 0;

	if (!json_is_array(value) || json_array_size(value) > TOKEN_KINDS) {
		return policy_field_refuse(
			why, "%s must be a list of audio, video, screen, data", name);
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *text = json_string_value(json_array_get(value, i));
		unsigned bit = text != NULL ? token_publish_from_name(text) : 0;
		if (bit == 0) {
			return policy_field_refuse(
				why, "%s[%zu] must be audio, video, screen or data", name, i);
		}
		kinds |= bit;
	}
	*out = kinds;
	return 0;
}

int policy_field_patterns(char *why, const char *name, const json_t *value, const json_t **out)
{
	if (!json_is_array(value) || json_array_size(value) > PATTERN_LIST_MAX) {
		return policy_field_refuse(
			why, "%s must be a list of at most %u patterns", name, PATTERN_LIST_MAX);
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *text = json_string_value(json_array_get(value, i));
		if (text == NULL || !pattern_is_valid(text)) {
			return policy_field_refuse(why,
				"%s[%zu] must be 1-64 characters of A-Z a-z 0-9 . _ @ - *", name,
				i);
		}
	}
	*out = value;
	return 0;
}

/* ---- hours and zone, of grants and rooms alike ---- */

static int take_days(char *why, size_t index, const json_t *value, struct policy_window *window)
{
	unsigned days = 0;

	if (!json_is_array(value) || json_array_size(value) == 0 || json_array_size(value) > 7) {
		return policy_field_refuse(why,
			"hours[%zu].days must be a list of mon tue wed thu fri sat sun", index);
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *text = json_string_value(json_array_get(value, i));
		unsigned day = text != NULL ? policy_hours_parse_day(text) : 0;
		if (day == 0) {
			return policy_field_refuse(why,
				"hours[%zu].days[%zu] must be one of mon tue wed thu fri sat sun",
				index, i);
		}
		days |= day;
	}
	window->days = days;
	return 0;
}

static int take_time(
	char *why, size_t index, const char *name, const json_t *object, unsigned *minutes)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (text == NULL || policy_hours_parse_time(text, minutes) != 0) {
		return policy_field_refuse(why, "hours[%zu].%s must be HH:MM", index, name);
	}
	return 0;
}

static int take_window(char *why, size_t index, const json_t *object, struct policy_window *window)
{
	const json_t *days = json_object_get(object, "days");
	const char *key;
	json_t *value;

	if (!json_is_object(object)) {
		return policy_field_refuse(
			why, "hours[%zu] must be an object with days, from and to", index);
	}
	json_object_foreach((json_t *)object, key, value) {
		if (strcmp(key, "days") != 0 && strcmp(key, "from") != 0 &&
			strcmp(key, "to") != 0) {
			char where[32];
			snprintf(where, sizeof(where), "hours[%zu].", index);
			return policy_field_unknown(why, where, key);
		}
	}
	window->days = 127; /* every day, unless it says which */
	if ((days != NULL && take_days(why, index, days, window) != 0) ||
		take_time(why, index, "from", object, &window->from) != 0 ||
		take_time(why, index, "to", object, &window->to) != 0) {
		return ERR_BAD_FIELD;
	}
	if (window->from == POLICY_DAY_MINUTES) {
		return policy_field_refuse(why, "hours[%zu].from must be before 24:00", index);
	}
	if (window->from == window->to) {
		return policy_field_refuse(why,
			"hours[%zu] ends when it begins; a whole day is 00:00 to 24:00", index);
	}
	return 0;
}

int policy_field_hours(char *why, const char *name, const json_t *value, struct policy_hours *hours)
{
	if (!json_is_array(value) || json_array_size(value) > POLICY_WINDOWS_MAX) {
		return policy_field_refuse(
			why, "%s must be a list of at most %u windows", name, POLICY_WINDOWS_MAX);
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (take_window(why, i, json_array_get(value, i), &hours->windows[i]) != 0) {
			return ERR_BAD_FIELD;
		}
	}
	hours->count = json_array_size(value);
	return 0;
}

int policy_field_zone(char *why, const char *name, const json_t *value, struct policy_hours *hours)
{
	const char *text = json_string_value(value);

	if (text == NULL || strlen(text) > POLICY_ZONE_MAX || !policy_hours_zone_known(text)) {
		return policy_field_refuse(
			why, "%s must be a time zone like Europe/Vienna or UTC", name);
	}
	snprintf(hours->zone, sizeof(hours->zone), "%s", text);
	return 0;
}
