/*
 * token_claims: JSON to fields and back, and the checks that need no more than the fields and the
 * clock. It must never give a default to a claim that decides about access.
 */
#include "proto/token_claims.h"

#include <stdio.h>
#include <string.h>

#include "proto/msg.h"

/* The end of the year 9999: sums with the leeway stay far from overflow. */
#define TIME_MAX INT64_C(253402300799)

static const struct {
	unsigned bit;
	const char *name;
} kinds[] = {
	{ TOKEN_PUBLISH_AUDIO, "audio" },
	{ TOKEN_PUBLISH_VIDEO, "video" },
	{ TOKEN_PUBLISH_SCREEN, "screen" },
	{ TOKEN_PUBLISH_DATA, "data" },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

unsigned token_publish_from_name(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			return kinds[i].bit;
		}
	}
	return 0;
}

const char *token_publish_name(unsigned bit)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (kinds[i].bit == bit) {
			return kinds[i].name;
		}
	}
	return NULL;
}

/* A string claim of a known form, copied to out, which has room for max_len and a NUL. */
static bool take_string(const json_t *payload, const char *key, size_t max_len,
	bool (*valid)(const char *s), char *out)
{
	const char *s = NULL;

	if (msg_get_string(payload, key, max_len, &s) != 0 || !valid(s)) {
		return false;
	}
	memcpy(out, s, strlen(s) + 1);
	return true;
}

static bool take_names(struct token_claims *c, const json_t *payload)
{
	return take_string(payload, "iss", LIMIT_NAME, msg_is_name, c->issuer) &&
		take_string(payload, "aud", LIMIT_NAME, msg_is_name, c->audience) &&
		take_string(payload, "sub", LIMIT_PARTICIPANT_ID, msg_is_participant_id,
			c->participant) &&
		take_string(payload, "usr", LIMIT_NAME, msg_is_name, c->user) &&
		take_string(payload, "name", LIMIT_DISPLAY_NAME, msg_is_display_name,
			c->display_name) &&
		take_string(payload, "room", LIMIT_NAME, msg_is_name, c->room) &&
		take_string(payload, "jti", LIMIT_JTI, msg_is_name, c->jti);
}

static bool take_times(struct token_claims *c, const json_t *payload)
{
	return msg_get_int(payload, "iat", 0, TIME_MAX, &c->issued_at) == 0 &&
		msg_opt_int(payload, "nbf", 0, TIME_MAX, &c->not_before) == 0 &&
		msg_get_int(payload, "exp", 1, TIME_MAX, &c->expires_at) == 0;
}

static bool take_bool(const json_t *object, const char *key, bool *out)
{
	return json_object_get(object, key) != NULL && msg_opt_bool(object, key, out) == 0;
}

static bool take_grants(struct token_claims *c, const json_t *payload)
{
	const json_t *grants = NULL;
	const json_t *publish = NULL;

	if (msg_get_object(payload, "grants", &grants) != 0 ||
		msg_get_array(grants, "publish", 16, &publish) != 0) {
		return false;
	}
	for (size_t i = 0; i < json_array_size(publish); i++) {
		const char *name = json_string_value(json_array_get(publish, i));

		if (name == NULL) {
			return false;
		}
		c->publish |=
			token_publish_from_name(name); /* a newer authd's kind grants nothing */
	}
	return take_bool(grants, "subscribe", &c->subscribe) &&
		take_bool(grants, "chat", &c->chat) && take_bool(grants, "moderate", &c->moderate);
}

/* "reflector:port", the port without leading zeros, so that one place has one spelling. */
static bool is_place(const char *s)
{
	char name[LIMIT_NAME + 1];
	unsigned port = 0;
	const char *colon = strchr(s, ':');

	if (colon == NULL || (size_t)(colon - s) > LIMIT_NAME) {
		return false;
	}
	memcpy(name, s, (size_t)(colon - s));
	name[colon - s] = '\0';
	if (!msg_is_name(name) || colon[1] < '1' || colon[1] > '9' || strlen(colon + 1) > 5) {
		return false;
	}
	for (const char *p = colon + 1; *p != '\0'; p++) {
		if (*p < '0' || *p > '9') {
			return false;
		}
		port = port * 10 + (unsigned)(*p - '0');
	}
	return port <= 65535;
}

static bool take_places(struct token_claims *c, const json_t *payload)
{
	const json_t *at = NULL;

	if (msg_get_array(payload, "at", TOKEN_PLACES_MAX, &at) != 0 || json_array_size(at) == 0) {
		return false;
	}
	for (size_t i = 0; i < json_array_size(at); i++) {
		const char *place = json_string_value(json_array_get(at, i));

		if (place == NULL || !is_place(place)) {
			return false;
		}
		snprintf(c->places[i], sizeof(c->places[i]), "%s", place);
		c->place_count++;
	}
	return true;
}

int token_claims_parse(struct token_claims *claims, const json_t *payload)
{
	struct token_claims c;

	memset(&c, 0, sizeof(c));
	if (!take_names(&c, payload) || !take_times(&c, payload) || !take_grants(&c, payload) ||
		!take_places(&c, payload)) {
		return ERR_TOKEN_INVALID;
	}
	*claims = c;
	return 0;
}

static json_t *build_publish(unsigned publish)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < KIND_COUNT; i++) {
		if ((publish & kinds[i].bit) != 0 &&
			json_array_append_new(list, json_string(kinds[i].name)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *build_places(const struct token_claims *claims)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < claims->place_count; i++) {
		if (json_array_append_new(list, json_string(claims->places[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *token_claims_build(const struct token_claims *claims)
{
	/* json_pack takes "o" references over even when it fails, and fails on NULL */
	json_t *payload = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, "
				    "s:{s:o, s:b, s:b, s:b}, s:o}",
		"iss", claims->issuer, "aud", claims->audience, "sub", claims->participant, "usr",
		claims->user, "name", claims->display_name, "room", claims->room, "jti",
		claims->jti, "iat", (json_int_t)claims->issued_at, "exp",
		(json_int_t)claims->expires_at, "grants", "publish", build_publish(claims->publish),
		"subscribe", claims->subscribe, "chat", claims->chat, "moderate", claims->moderate,
		"at", build_places(claims));

	if (payload != NULL && claims->not_before != 0 &&
		json_object_set_new(payload, "nbf", json_integer(claims->not_before)) != 0) {
		json_decref(payload);
		return NULL;
	}
	return payload;
}

static bool has_place(const struct token_claims *claims, const char *place)
{
	for (size_t i = 0; i < claims->place_count; i++) {
		if (strcmp(claims->places[i], place) == 0) {
			return true;
		}
	}
	return false;
}

/* NULL expects nothing. */
static bool matches(const char *expected, const char *got)
{
	return expected == NULL || strcmp(expected, got) == 0;
}

int token_claims_check(const struct token_claims *claims, const struct token_expect *expect)
{
	int64_t soon = expect->now + LIMIT_CLOCK_LEEWAY_S;

	if (!matches(expect->audience, claims->audience)) {
		return ERR_TOKEN_AUDIENCE;
	}
	if (!matches(expect->issuer, claims->issuer)) {
		return ERR_TOKEN_INVALID;
	}
	if (expect->now >= claims->expires_at) {
		return ERR_TOKEN_EXPIRED;
	}
	if (claims->issued_at > soon || claims->not_before > soon) {
		return ERR_TOKEN_EARLY;
	}
	if (!matches(expect->room, claims->room)) {
		return ERR_TOKEN_ROOM;
	}
	if (expect->place != NULL && !has_place(claims, expect->place)) {
		return ERR_TOKEN_PLACE;
	}
	return 0;
}
