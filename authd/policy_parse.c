/*
 * policy_parse: JSON of grants and of a room's policy to fields, judged strictly: what is unknown
 * or out of bounds is refused by its name, never ignored and never given a default.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "authd/pattern.h"
#include "authd/policy.h"
#include "proto/msg.h"

#define BITRATE_MIN 1000
#define BITRATE_MAX INT64_C(100000000000)
#define SESSION_MAX 31536000
#define LOUDEST_MAX 64

/* Where a finding goes. */
struct judge {
	char *why;
};

static int refuse(const struct judge *j, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int refuse(const struct judge *j, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(j->why, POLICY_WHY, format, args);
	va_end(args);
	return ERR_BAD_FIELD;
}

/* Reads one field; the value is there and not yet looked at. */
typedef int (*field_fn)(const struct judge *j, const char *name, const json_t *value, void *out);

struct field {
	const char *name;
	field_fn take;
};

/* Names of unknown fields come from outside: only what is harmless is repeated. */
static int refuse_unknown(const struct judge *j, const char *where, const char *name)
{
	if (msg_is_name(name)) {
		return refuse(j, "there is no field %s%s", where, name);
	}
	return refuse(j, "there is an unknown field%s%s", *where != '\0' ? " in " : "", where);
}

static int take_fields(const struct judge *j, const struct field *fields, size_t count,
	const json_t *object, void *out)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object)) {
		return refuse(j, "it must be a JSON object");
	}
	json_object_foreach((json_t *)object, key, value) {
		size_t i = 0;
		while (i < count && strcmp(fields[i].name, key) != 0) {
			i++;
		}
		int err =
			i < count ? fields[i].take(j, key, value, out) : refuse_unknown(j, "", key);
		if (err != 0) {
			return err;
		}
	}
	return 0;
}

static int take_bool(const struct judge *j, const char *name, const json_t *value, bool *out)
{
	if (!json_is_boolean(value)) {
		return refuse(j, "%s must be true or false", name);
	}
	*out = json_is_true(value);
	return 0;
}

static int take_int(const struct judge *j, const char *name, const json_t *value, int64_t min,
	int64_t max, int64_t *out)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < min || n > max) {
		return refuse(j, "%s must be a whole number from %lld to %lld", name,
			(long long)min, (long long)max);
	}
	*out = n;
	return 0;
}

static int take_kinds(const struct judge *j, const char *name, const json_t *value, unsigned *out)
{
	unsigned kinds = 0;

	if (!json_is_array(value) || json_array_size(value) > TOKEN_KINDS) {
		return refuse(j, "%s must be a list of audio, video, screen, data", name);
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *text = json_string_value(json_array_get(value, i));
		unsigned bit = text != NULL ? token_publish_from_name(text) : 0;
		if (bit == 0) {
			return refuse(j, "%s[%zu] must be audio, video, screen or data", name, i);
		}
		kinds |= bit;
	}
	*out = kinds;
	return 0;
}

static int take_patterns(
	const struct judge *j, const char *name, const json_t *value, const json_t **out)
{
	if (!json_is_array(value) || json_array_size(value) > PATTERN_LIST_MAX) {
		return refuse(
			j, "%s must be a list of at most %u patterns", name, PATTERN_LIST_MAX);
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *text = json_string_value(json_array_get(value, i));
		if (text == NULL || !pattern_is_valid(text)) {
			return refuse(j, "%s[%zu] must be 1-64 characters of A-Z a-z 0-9 . _ @ - *",
				name, i);
		}
	}
	*out = value;
	return 0;
}

/* ---- hours and zone, of grants and rooms alike ---- */

static int take_days(
	const struct judge *j, size_t index, const json_t *value, struct policy_window *window)
{
	unsigned days = 0;

	if (!json_is_array(value) || json_array_size(value) == 0 || json_array_size(value) > 7) {
		return refuse(
			j, "hours[%zu].days must be a list of mon tue wed thu fri sat sun", index);
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *text = json_string_value(json_array_get(value, i));
		unsigned day = text != NULL ? policy_hours_parse_day(text) : 0;
		if (day == 0) {
			return refuse(j,
				"hours[%zu].days[%zu] must be one of mon tue wed thu fri sat sun",
				index, i);
		}
		days |= day;
	}
	window->days = days;
	return 0;
}

static int take_time(const struct judge *j, size_t index, const char *name, const json_t *object,
	unsigned *minutes)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (text == NULL || policy_hours_parse_time(text, minutes) != 0) {
		return refuse(j, "hours[%zu].%s must be HH:MM", index, name);
	}
	return 0;
}

static int take_window(
	const struct judge *j, size_t index, const json_t *object, struct policy_window *window)
{
	const json_t *days = json_object_get(object, "days");
	const char *key;
	json_t *value;

	if (!json_is_object(object)) {
		return refuse(j, "hours[%zu] must be an object with days, from and to", index);
	}
	json_object_foreach((json_t *)object, key, value) {
		if (strcmp(key, "days") != 0 && strcmp(key, "from") != 0 &&
			strcmp(key, "to") != 0) {
			char where[32];
			snprintf(where, sizeof(where), "hours[%zu].", index);
			return refuse_unknown(j, where, key);
		}
	}
	window->days = 127; /* every day, unless it says which */
	if ((days != NULL && take_days(j, index, days, window) != 0) ||
		take_time(j, index, "from", object, &window->from) != 0 ||
		take_time(j, index, "to", object, &window->to) != 0) {
		return ERR_BAD_FIELD;
	}
	if (window->from == POLICY_DAY_MINUTES) {
		return refuse(j, "hours[%zu].from must be before 24:00", index);
	}
	if (window->from == window->to) {
		return refuse(
			j, "hours[%zu] ends when it begins; a whole day is 00:00 to 24:00", index);
	}
	return 0;
}

static int take_hours(
	const struct judge *j, const char *name, const json_t *value, struct policy_hours *hours)
{
	if (!json_is_array(value) || json_array_size(value) > POLICY_WINDOWS_MAX) {
		return refuse(
			j, "%s must be a list of at most %u windows", name, POLICY_WINDOWS_MAX);
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (take_window(j, i, json_array_get(value, i), &hours->windows[i]) != 0) {
			return ERR_BAD_FIELD;
		}
	}
	hours->count = json_array_size(value);
	return 0;
}

static int take_zone(
	const struct judge *j, const char *name, const json_t *value, struct policy_hours *hours)
{
	const char *text = json_string_value(value);

	if (text == NULL || strlen(text) > POLICY_ZONE_MAX || !policy_hours_zone_known(text)) {
		return refuse(j, "%s must be a time zone like Europe/Vienna or UTC", name);
	}
	snprintf(hours->zone, sizeof(hours->zone), "%s", text);
	return 0;
}

/* ---- grants ---- */

#define GRANT_BOOL(field)                                                                          \
	static int grant_##field(                                                                  \
		const struct judge *j, const char *name, const json_t *value, void *out)           \
	{                                                                                          \
		struct policy_grants *g = out;                                                     \
		g->has_##field = true;                                                             \
		return take_bool(j, name, value, &g->field);                                       \
	}
GRANT_BOOL(subscribe)
GRANT_BOOL(chat)
GRANT_BOOL(moderate)
GRANT_BOOL(hidden)

static int grant_publish(const struct judge *j, const char *name, const json_t *value, void *out)
{
	struct policy_grants *g = out;

	g->has_publish = true;
	return take_kinds(j, name, value, &g->publish);
}

static int grant_bitrate(const struct judge *j, const char *name, const json_t *value, void *out)
{
	struct policy_grants *g = out;
	const char *key;
	json_t *limit;

	if (!json_is_object(value)) {
		return refuse(j, "%s must be an object like {\"video\":4000000}", name);
	}
	json_object_foreach((json_t *)value, key, limit) {
		unsigned bit = token_publish_from_name(key);
		char field[32];
		int64_t bits = 0;
		if (bit == 0) {
			return refuse_unknown(j, "bitrate.", key);
		}
		snprintf(field, sizeof(field), "bitrate.%s", key);
		if (take_int(j, field, limit, BITRATE_MIN, BITRATE_MAX, &bits) != 0) {
			return ERR_BAD_FIELD;
		}
		for (unsigned i = 0; i < TOKEN_KINDS; i++) {
			if (bit == 1u << i) {
				g->bitrate[i] = (uint64_t)bits;
			}
		}
	}
	return 0;
}

static int grant_session(const struct judge *j, const char *name, const json_t *value, void *out)
{
	struct policy_grants *g = out;

	return take_int(j, name, value, 1, SESSION_MAX, &g->session_s);
}

static int grant_networks(const struct judge *j, const char *name, const json_t *value, void *out)
{
	struct policy_grants *g = out;
	size_t count = json_array_size(value);

	/* an empty list would be a ban in disguise, or the forgotten rest of one */
	if (!json_is_array(value) || count == 0 || count > TOKEN_NETS_MAX) {
		return refuse(
			j, "%s must be a list of 1 to %u networks", name, (unsigned)TOKEN_NETS_MAX);
	}
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(value, i));
		if (text == NULL || token_net_parse(&g->nets[i], text) != 0) {
			return refuse(j,
				"%s[%zu] must be a network like 192.0.2.0/24 or 2001:db8::/32",
				name, i);
		}
	}
	g->net_count = count;
	return 0;
}

static int grant_duplicate(const struct judge *j, const char *name, const json_t *value, void *out)
{
	struct policy_grants *g = out;
	const char *text = json_is_string(value) ? json_string_value(value) : "";

	if (strcmp(text, "replace") == 0) {
		g->duplicate = TOKEN_DUP_REPLACE;
	} else if (strcmp(text, "reject") == 0) {
		g->duplicate = TOKEN_DUP_REJECT;
	} else if (strcmp(text, "allow") == 0) {
		g->duplicate = TOKEN_DUP_ALLOW;
	} else {
		return refuse(j, "%s must be replace, reject or allow", name);
	}
	g->has_duplicate = true;
	return 0;
}

static int grant_hours(const struct judge *j, const char *name, const json_t *value, void *out)
{
	return take_hours(j, name, value, &((struct policy_grants *)out)->hours);
}

static int grant_zone(const struct judge *j, const char *name, const json_t *value, void *out)
{
	return take_zone(j, name, value, &((struct policy_grants *)out)->hours);
}

static int grant_rooms(const struct judge *j, const char *name, const json_t *value, void *out)
{
	return take_patterns(j, name, value, &((struct policy_grants *)out)->rooms);
}

int policy_grants_parse(struct policy_grants *out, const json_t *object, char why[POLICY_WHY])
{
	static const struct field fields[] = {
		{ "publish", grant_publish },
		{ "subscribe", grant_subscribe },
		{ "chat", grant_chat },
		{ "moderate", grant_moderate },
		{ "hidden", grant_hidden },
		{ "bitrate", grant_bitrate },
		{ "session_s", grant_session },
		{ "networks", grant_networks },
		{ "duplicate", grant_duplicate },
		{ "hours", grant_hours },
		{ "zone", grant_zone },
		{ "rooms", grant_rooms },
	};
	const struct judge j = { why };

	memset(out, 0, sizeof(*out));
	memcpy(out->hours.zone, "UTC", sizeof("UTC"));
	why[0] = '\0';
	return take_fields(&j, fields, sizeof(fields) / sizeof(fields[0]), object, out);
}

/* ---- rooms ---- */

#define ROOM_BOOL(field)                                                                           \
	static int room_##field(                                                                   \
		const struct judge *j, const char *name, const json_t *value, void *out)           \
	{                                                                                          \
		return take_bool(j, name, value, &((struct policy_room *)out)->field);             \
	}
ROOM_BOOL(guests)
ROOM_BOOL(lobby)
ROOM_BOOL(e2ee)

static int room_users(const struct judge *j, const char *name, const json_t *value, void *out)
{
	return take_patterns(j, name, value, &((struct policy_room *)out)->users);
}

static int room_apikeys(const struct judge *j, const char *name, const json_t *value, void *out)
{
	return take_patterns(j, name, value, &((struct policy_room *)out)->apikeys);
}

static int room_kinds(const struct judge *j, const char *name, const json_t *value, void *out)
{
	return take_kinds(j, name, value, &((struct policy_room *)out)->kinds);
}

static int room_capacity(const struct judge *j, const char *name, const json_t *value, void *out)
{
	int64_t n = 0;
	int err = take_int(j, name, value, 0, LIMIT_PARTICIPANTS_PER_ROOM, &n);

	((struct policy_room *)out)->capacity = (unsigned)n;
	return err;
}

static int room_loudest(const struct judge *j, const char *name, const json_t *value, void *out)
{
	int64_t n = 0;
	int err = take_int(j, name, value, 0, LOUDEST_MAX, &n);

	((struct policy_room *)out)->loudest = (unsigned)n;
	return err;
}

static int room_hours(const struct judge *j, const char *name, const json_t *value, void *out)
{
	return take_hours(j, name, value, &((struct policy_room *)out)->hours);
}

static int room_zone(const struct judge *j, const char *name, const json_t *value, void *out)
{
	return take_zone(j, name, value, &((struct policy_room *)out)->hours);
}

int policy_room_parse(struct policy_room *out, const json_t *object, char why[POLICY_WHY])
{
	static const struct field fields[] = {
		{ "users", room_users },
		{ "guests", room_guests },
		{ "apikeys", room_apikeys },
		{ "capacity", room_capacity },
		{ "lobby", room_lobby },
		{ "kinds", room_kinds },
		{ "loudest", room_loudest },
		{ "e2ee", room_e2ee },
		{ "hours", room_hours },
		{ "zone", room_zone },
	};
	const struct judge j = { why };

	memset(out, 0, sizeof(*out));
	out->guests = true;
	out->kinds = TOKEN_PUBLISH_AUDIO | TOKEN_PUBLISH_VIDEO | TOKEN_PUBLISH_SCREEN;
	memcpy(out->hours.zone, "UTC", sizeof("UTC"));
	why[0] = '\0';
	return take_fields(&j, fields, sizeof(fields) / sizeof(fields[0]), object, out);
}
