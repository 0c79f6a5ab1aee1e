/*
 * pairs: the table of keys of grants and room policies, and one parser per kind of value. Sends
 * nothing.
 */
#include "ctl/pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/columns.h"
#include "ctl/hours.h"
#include "ctl/suggest.h"
#include "ctl/when.h"

enum kind { KIND_BOOL, KIND_LIST, KIND_NUMBER, KIND_RATE, KIND_DURATION, KIND_WORD, KIND_HOURS };

struct key {
	const char *name; /* as typed */
	const char *field, *inner; /* in the JSON; inner: a field of the object field */
	enum kind kind;
};

static const struct key grants_keys[] = {
	{ "publish", "publish", NULL, KIND_LIST },
	{ "subscribe", "subscribe", NULL, KIND_BOOL },
	{ "chat", "chat", NULL, KIND_BOOL },
	{ "moderate", "moderate", NULL, KIND_BOOL },
	{ "hidden", "hidden", NULL, KIND_BOOL },
	{ "bitrate.audio", "bitrate", "audio", KIND_RATE },
	{ "bitrate.video", "bitrate", "video", KIND_RATE },
	{ "bitrate.screen", "bitrate", "screen", KIND_RATE },
	{ "bitrate.data", "bitrate", "data", KIND_RATE },
	{ "session", "session_s", NULL, KIND_DURATION },
	{ "networks", "networks", NULL, KIND_LIST },
	{ "duplicate", "duplicate", NULL, KIND_WORD },
	{ "hours", "hours", NULL, KIND_HOURS },
	{ "zone", "zone", NULL, KIND_WORD },
	{ "rooms", "rooms", NULL, KIND_LIST },
	{ NULL, NULL, NULL, KIND_WORD },
};

static const struct key room_keys[] = {
	{ "users", "users", NULL, KIND_LIST },
	{ "guests", "guests", NULL, KIND_BOOL },
	{ "apikeys", "apikeys", NULL, KIND_LIST },
	{ "capacity", "capacity", NULL, KIND_NUMBER },
	{ "lobby", "lobby", NULL, KIND_BOOL },
	{ "kinds", "kinds", NULL, KIND_LIST },
	{ "loudest", "loudest", NULL, KIND_NUMBER },
	{ "e2ee", "e2ee", NULL, KIND_BOOL },
	{ "hours", "hours", NULL, KIND_HOURS },
	{ "zone", "zone", NULL, KIND_WORD },
	{ NULL, NULL, NULL, KIND_WORD },
};

/* ---------------------------------------------------------------- values */

static json_t *parse_bool(const char *text)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };

	for (size_t i = 0; i < 4; i++) {
		if (strcmp(text, yes[i]) == 0) {
			return json_true();
		}
		if (strcmp(text, no[i]) == 0) {
			return json_false();
		}
	}
	return NULL;
}

static json_t *parse_list(const char *text)
{
	json_t *list = json_array();

	while (*text != '\0') {
		size_t length = strcspn(text, ",");

		if (length == 0 || json_array_append_new(list, json_stringn(text, length)) != 0) {
			json_decref(list);
			return NULL;
		}
		text += length;
		if (*text == ',' && *++text == '\0') {
			json_decref(list);
			return NULL; /* a comma at the end */
		}
	}
	return list;
}

/* A whole number; with units also 128k, 4M, 1G (powers of 1000). */
static json_t *parse_number(const char *text, bool units)
{
	size_t digits = strspn(text, "0123456789");
	json_int_t number = digits > 0 && digits <= 12 ? strtoll(text, NULL, 10) : -1;
	const char *unit = text + digits;

	if (number < 0) {
		return NULL;
	}
	if (units && (unit[0] == 'k' || unit[0] == 'K' || unit[0] == 'M' || unit[0] == 'G')) {
		number *= unit[0] == 'M' ? 1000000 : unit[0] == 'G' ? 1000000000 : 1000;
		unit++;
	}
	return *unit == '\0' ? json_integer(number) : NULL;
}

static json_t *parse_duration(const char *text)
{
	int64_t seconds;

	return when_parse_duration(text, &seconds) ? json_integer(seconds) : NULL;
}

static json_t *parse_value(enum kind kind, const char *text)
{
	switch (kind) {
	case KIND_BOOL:
		return parse_bool(text);
	case KIND_LIST:
		return parse_list(text);
	case KIND_NUMBER:
		return parse_number(text, false);
	case KIND_RATE:
		return parse_number(text, true);
	case KIND_DURATION:
		return parse_duration(text);
	case KIND_HOURS:
		return hours_parse(text);
	case KIND_WORD:
	default:
		return text[0] != '\0' ? json_string(text) : NULL;
	}
}

static const char *form_of(enum kind kind)
{
	switch (kind) {
	case KIND_BOOL:
		return "yes or no";
	case KIND_LIST:
		return "a list such as a,b,c";
	case KIND_NUMBER:
		return "a whole number";
	case KIND_RATE:
		return "bits a second such as 128k or 4M";
	case KIND_DURATION:
		return "a duration such as 30m or 4h";
	case KIND_HOURS:
		return "such as 'mon-fri 08:00-18:00; sat 10:00-12:00'";
	case KIND_WORD:
	default:
		return "one word";
	}
}

/* ---------------------------------------------------------------- pairs */

static const struct key *find_key(const struct key *keys, const char *name, size_t length)
{
	for (; keys->name != NULL; keys++) {
		if (strlen(keys->name) == length && memcmp(keys->name, name, length) == 0) {
			return keys;
		}
	}
	return NULL;
}

static int unknown_key(const struct key *keys, const char *pair, size_t length, char error[256])
{
	struct suggest near;

	suggest_init(&near, pair, length);
	for (; keys->name != NULL; keys++) {
		suggest_offer(&near, keys->name);
	}
	snprintf(error, 256, "there is no key \"%.*s\"%s%s%s", (int)(length < 64 ? length : 64),
		pair, near.best != NULL ? "; did you mean " : "",
		near.best != NULL ? near.best : "", near.best != NULL ? "?" : "");
	return ERR_INVALID;
}

static int set_value(json_t *object, const struct key *key, json_t *value)
{
	json_t *inner;

	if (key->inner == NULL) {
		return json_object_set_new(object, key->field, value);
	}
	inner = json_object_get(object, key->field);
	if (!json_is_object(inner)) {
		inner = json_object();
		if (json_object_set_new(object, key->field, inner) != 0) {
			json_decref(value);
			return -1;
		}
	}
	return json_object_set_new(inner, key->inner, value);
}

static void take_away(json_t *object, const struct key *key)
{
	json_t *inner = json_object_get(object, key->field);

	if (key->inner == NULL) {
		json_object_del(object, key->field);
		return;
	}
	json_object_del(inner, key->inner);
	if (json_object_size(inner) == 0) {
		json_object_del(object, key->field);
	}
}

int pairs_apply(json_t *object, enum pairs_of of, const char *pair, char error[256])
{
	const struct key *keys = of == PAIRS_GRANTS ? grants_keys : room_keys, *key;
	const char *equals = strchr(pair, '=');
	json_t *value;

	if (equals == NULL) {
		snprintf(error, 256, "\"%.64s\" is not of the form KEY=VALUE", pair);
		return ERR_INVALID;
	}
	key = find_key(keys, pair, (size_t)(equals - pair));
	if (key == NULL) {
		return unknown_key(keys, pair, (size_t)(equals - pair), error);
	}
	if (strcmp(equals + 1, "default") == 0) {
		take_away(object, key);
		return 0;
	}
	value = parse_value(key->kind, equals + 1);
	if (value == NULL) {
		snprintf(error, 256, "%s is %s, not \"%.64s\"", key->name, form_of(key->kind),
			equals + 1);
		return ERR_INVALID;
	}
	return set_value(object, key, value) == 0 ? 0 : ERR_NOMEM;
}

int pairs_load_file(const char *file, json_t **out)
{
	json_error_t error;

	*out = strcmp(file, "-") == 0 ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
				      : json_load_file(file, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(*out)) {
		return CTL_OK;
	}
	ctl_complain("use --file", *out == NULL ? error.text : "it is no JSON object",
		"the file holds one JSON object, as `policy show --json` prints them");
	json_decref(*out);
	*out = NULL;
	return CTL_USAGE;
}

int pairs_read(
	const struct ctl *ctl, enum pairs_of of, size_t first, const json_t *before, json_t **out)
{
	const char *file = ctl->options.value[OPT_FILE];
	char error[256];
	int status = CTL_OK;

	*out = NULL;
	if (file != NULL) {
		status = pairs_load_file(file, out);
	} else {
		*out = json_is_object(before) ? json_deep_copy(before) : json_object();
	}
	for (size_t i = first; status == CTL_OK && i < ctl->options.operand_count; i++) {
		if (pairs_apply(*out, of, ctl->options.operands[i], error) != 0) {
			ctl_complain("use the policy", error,
				"--help of this command shows the keys and examples");
			status = CTL_USAGE;
		}
	}
	if (status != CTL_OK) {
		json_decref(*out);
		*out = NULL;
	}
	return status;
}

/* ---------------------------------------------------------------- showing */

/* One value as it would be typed; what has no such form as JSON. */
static void print_value(const json_t *value)
{
	char *text, *safe;
	size_t i;
	json_t *item;

	if (json_is_boolean(value)) {
		fputs(json_is_true(value) ? "yes" : "no", stdout);
		return;
	}
	if (json_is_array(value) &&
		(json_array_size(value) == 0 || json_is_string(json_array_get(value, 0)))) {
		json_array_foreach(value, i, item) {
			safe = columns_escape(json_is_string(item) ? json_string_value(item) : "?");
			printf("%s%s", i > 0 ? "," : "", safe != NULL ? safe : "?");
			free(safe);
		}
		return;
	}
	text = json_is_string(value) ? strdup(json_string_value(value))
				     : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	safe = text != NULL ? columns_escape(text) : NULL;
	fputs(safe != NULL ? safe : "?", stdout);
	free(safe);
	free(text);
}

/* Seconds as they would be typed: "4h", "90m", "45". */
static void print_duration(const json_t *value)
{
	json_int_t seconds = json_integer_value(value);
	const char *unit = "";

	if (seconds > 0 && seconds % 3600 == 0) {
		seconds /= 3600;
		unit = "h";
	} else if (seconds > 0 && seconds % 60 == 0) {
		seconds /= 60;
		unit = "m";
	}
	printf("%" JSON_INTEGER_FORMAT "%s", seconds, unit);
}

static void print_key(const char *prefix, const char *key)
{
	char *safe = columns_escape(key);

	printf("%s%s=", prefix, safe != NULL ? safe : "?");
	free(safe);
}

void pairs_print(const json_t *object, const char *prefix, const char *none)
{
	const char *name, *inner_name;
	json_t *value, *inner;

	if (json_object_size(object) == 0) {
		puts(none);
		return;
	}
	json_object_foreach((json_t *)object, name, value) {
		char longer[128];
		char *hours = strcmp(name, "hours") == 0 ? hours_text(value) : NULL;

		snprintf(longer, sizeof(longer), "%s%s.", prefix, name);
		if (json_is_object(value)) {
			json_object_foreach(value, inner_name, inner) {
				print_key(longer, inner_name);
				print_value(inner);
				putchar('\n');
			}
			continue;
		}
		print_key(prefix, strcmp(name, "session_s") == 0 ? "session" : name);
		if (strcmp(name, "session_s") == 0) {
			print_duration(value);
		} else if (hours != NULL) {
			char *safe = columns_escape(hours);

			fputs(safe != NULL ? safe : "?", stdout);
			free(safe);
		} else {
			print_value(value);
		}
		free(hours);
		putchar('\n');
	}
}
