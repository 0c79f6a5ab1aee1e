/*
 * policy_parse: which fields grants and a room's policy have, and where each one goes. What a value
 * may be is policy_field.c's.
 */
#include <stdio.h>
#include <string.h>

#include "authd/policy.h"
#include "authd/policy_field.h"

#define BITRATE_MIN 1000
#define BITRATE_MAX INT64_C(100000000000)
#define SESSION_MAX 31536000
#define LOUDEST_MAX 64

/* ---- grants ---- */

#define GRANT_BOOL(field)                                                                          \
	static int grant_##field(char *why, const char *name, const json_t *value, void *out)      \
	{                                                                                          \
		struct policy_grants *g = out;                                                     \
		g->has_##field = true;                                                             \
		return policy_field_bool(why, name, value, &g->field);                             \
	}
GRANT_BOOL(subscribe)
GRANT_BOOL(chat)
GRANT_BOOL(moderate)
GRANT_BOOL(hidden)

static int grant_publish(char *why, const char *name, const json_t *value, void *out)
{
	struct policy_grants *g = out;

	g->has_publish = true;
	return policy_field_kinds(why, name, value, &g->publish);
}

static int grant_bitrate(char *why, const char *name, const json_t *value, void *out)
{
	struct policy_grants *g = out;
	const char *key;
	json_t *limit;

	if (!json_is_object(value)) {
		return policy_field_refuse(
			why, "%s must be an object like {\"video\":4000000}", name);
	}
	json_object_foreach((json_t *)value, key, limit) {
		unsigned bit = token_publish_from_name(key);
		char field[32];
		int64_t bits = 0;
		if (bit == 0) {
			return policy_field_unknown(why, "bitrate.", key);
		}
		snprintf(field, sizeof(field), "bitrate.%s", key);
		if (policy_field_int(why, field, limit, BITRATE_MIN, BITRATE_MAX, &bits) != 0) {
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

static int grant_session(char *why, const char *name, const json_t *value, void *out)
{
	struct policy_grants *g = out;

	return policy_field_int(why, name, value, 1, SESSION_MAX, &g->session_s);
}

static int grant_networks(char *why, const char *name, const json_t *value, void *out)
{
	struct policy_grants *g = out;
	size_t count = json_array_size(value);

	/* an empty list would be a ban in disguise, or the forgotten rest of one */
	if (!json_is_array(value) || count == 0 || count > TOKEN_NETS_MAX) {
		return policy_field_refuse(why, "%s must be a list of 1 to %u networks", name,
			(unsigned)TOKEN_NETS_MAX);
	}
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(value, i));
		if (text == NULL || token_net_parse(&g->nets[i], text) != 0) {
			return policy_field_refuse(why,
				"%s[%zu] must be a network like 192.0.2.0/24 or 2001:db8::/32",
				name, i);
		}
	}
	g->net_count = count;
	return 0;
}

static int grant_duplicate(char *why, const char *name, const json_t *value, void *out)
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
		return policy_field_refuse(why, "%s must be replace, reject or allow", name);
	}
	g->has_duplicate = true;
	return 0;
}

static int grant_hours(char *why, const char *name, const json_t *value, void *out)
{
	return policy_field_hours(why, name, value, &((struct policy_grants *)out)->hours);
}

static int grant_zone(char *why, const char *name, const json_t *value, void *out)
{
	return policy_field_zone(why, name, value, &((struct policy_grants *)out)->hours);
}

static int grant_rooms(char *why, const char *name, const json_t *value, void *out)
{
	return policy_field_patterns(why, name, value, &((struct policy_grants *)out)->rooms);
}

int policy_grants_parse(struct policy_grants *out, const json_t *object, char why[POLICY_WHY])
{
	static const struct policy_field fields[] = {
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

	memset(out, 0, sizeof(*out));
	memcpy(out->hours.zone, "UTC", sizeof("UTC"));
	why[0] = '\0';
	return policy_fields_take(why, fields, sizeof(fields) / sizeof(fields[0]), object, out);
}

/* ---- rooms ---- */

#define ROOM_BOOL(field)                                                                           \
	static int room_##field(char *why, const char *name, const json_t *value, void *out)       \
	{                                                                                          \
		return policy_field_bool(why, name, value, &((struct policy_room *)out)->field);   \
	}
ROOM_BOOL(guests)
ROOM_BOOL(lobby)
ROOM_BOOL(e2ee)

static int room_users(char *why, const char *name, const json_t *value, void *out)
{
	return policy_field_patterns(why, name, value, &((struct policy_room *)out)->users);
}

static int room_apikeys(char *why, const char *name, const json_t *value, void *out)
{
	return policy_field_patterns(why, name, value, &((struct policy_room *)out)->apikeys);
}

static int room_kinds(char *why, const char *name, const json_t *value, void *out)
{
	return policy_field_kinds(why, name, value, &((struct policy_room *)out)->kinds);
}

static int room_capacity(char *why, const char *name, const json_t *value, void *out)
{
	int64_t n = 0;
	int err = policy_field_int(why, name, value, 0, LIMIT_PARTICIPANTS_PER_ROOM, &n);

	((struct policy_room *)out)->capacity = (unsigned)n;
	return err;
}

static int room_loudest(char *why, const char *name, const json_t *value, void *out)
{
	int64_t n = 0;
	int err = policy_field_int(why, name, value, 0, LOUDEST_MAX, &n);

	((struct policy_room *)out)->loudest = (unsigned)n;
	return err;
}

static int room_hours(char *why, const char *name, const json_t *value, void *out)
{
	return policy_field_hours(why, name, value, &((struct policy_room *)out)->hours);
}

static int room_zone(char *why, const char *name, const json_t *value, void *out)
{
	return policy_field_zone(why, name, value, &((struct policy_room *)out)->hours);
}

int policy_room_parse(struct policy_room *out, const json_t *object, char why[POLICY_WHY])
{
	static const struct policy_field fields[] = {
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

	memset(out, 0, sizeof(*out));
	out->guests = true;
	out->kinds = TOKEN_PUBLISH_AUDIO | TOKEN_PUBLISH_VIDEO | TOKEN_PUBLISH_SCREEN;
	memcpy(out->hours.zone, "UTC", sizeof("UTC"));
	why[0] = '\0';
	return policy_fields_take(why, fields, sizeof(fields) / sizeof(fields[0]), object, out);
}
