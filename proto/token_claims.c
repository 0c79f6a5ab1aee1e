/*
 * token_claims: JSON to fields, and the checks that need no more than the fields and the clock. It
 * must never give a default to a claim that decides about access.
 */
#include "proto/token_claims.h"

#include <stdio.h>
#include <string.h>

#include "proto/msg.h"

/* The end of the year 9999: sums with the leeway stay far from overflow. */
#define TIME_MAX INT64_C(253402300799)
#define BITRATE_MAX INT64_C(1000000000000)

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

/* Bits per second for each kind; a limit that is no number above 0 is none that could be kept. */
static bool take_bitrate(struct token_claims *c, const json_t *grants)
{
	const json_t *bitrate = json_object_get(grants, "bitrate");

	if (bitrate == NULL) {
		return true;
	}
	if (!json_is_object(bitrate)) {
		return false;
	}
	for (unsigned i = 0; i < TOKEN_KINDS; i++) {
		int64_t limit = 0;

		if (msg_opt_int(bitrate, token_publish_name(1u << i), 1, BITRATE_MAX, &limit) !=
			0) {
			return false;
		}
		c->bitrate[i] = (uint64_t)limit;
	}
	return true;
}

static bool take_grants(struct token_claims *c, const json_t *payload)
{
	const json_t *grants = NULL;

	/* a newer authd's kind grants nothing */
	return msg_get_object(payload, "grants", &grants) == 0 &&
		token_publish_parse(grants, "publish", &c->publish) == 0 &&
		take_bool(grants, "subscribe", &c->subscribe) &&
		take_bool(grants, "chat", &c->chat) &&
		take_bool(grants, "moderate", &c->moderate) &&
		msg_opt_bool(grants, "hidden", &c->hidden) == 0 && take_bitrate(c, grants);
}

/* "user", or "apikey:" or "invite:" and a name. */
static bool is_source(const char *s)
{
	static const char *const prefixes[] = { "apikey:", "invite:" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t len = strlen(prefixes[i]);

		if (strncmp(s, prefixes[i], len) == 0) {
			return msg_is_name(s + len);
		}
	}
	return strcmp(s, "user") == 0;
}

static bool take_source(struct token_claims *c, const json_t *payload)
{
	memcpy(c->source, "user", sizeof("user"));
	return json_object_get(payload, "src") == NULL ||
		take_string(payload, "src", LIMIT_SOURCE, is_source, c->source);
}

/* An empty list would say "nowhere" and mean "anywhere": it is refused. */
static bool take_nets(struct token_claims *c, const json_t *payload)
{
	const json_t *nets = NULL;

	if (json_object_get(payload, "nets") == NULL) {
		return true;
	}
	if (msg_get_array(payload, "nets", TOKEN_NETS_MAX, &nets) != 0 ||
		json_array_size(nets) == 0) {
		return false;
	}
	for (size_t i = 0; i < json_array_size(nets); i++) {
		const char *text = json_string_value(json_array_get(nets, i));

		if (text == NULL || token_net_parse(&c->nets[i], text) != 0) {
			return false;
		}
		c->net_count++;
	}
	return true;
}

static bool take_duplicate(struct token_claims *c, const json_t *payload)
{
	const char *rule = "replace";

	if (msg_opt_string(payload, "dup", LIMIT_NAME, &rule) != 0) {
		return false;
	}
	if (strcmp(rule, "reject") == 0) {
		c->duplicate = TOKEN_DUP_REJECT;
	} else if (strcmp(rule, "allow") == 0) {
		c->duplicate = TOKEN_DUP_ALLOW;
	} else {
		c->duplicate = TOKEN_DUP_REPLACE;
		return strcmp(rule, "replace") == 0;
	}
	return true;
}

static bool take_policy(struct token_claims *c, const json_t *payload)
{
	const json_t *policy = json_object_get(payload, "policy");

	c->policy = (struct room_policy)ROOM_POLICY_INIT;
	return policy == NULL || room_policy_parse(&c->policy, policy) == 0;
}

/* Where, how long and how it may be used; each has a default that is in the documentation. */
static bool take_rules(struct token_claims *c, const json_t *payload)
{
	return take_source(c, payload) && msg_opt_int(payload, "rev", 0, INT64_MAX, &c->rev) == 0 &&
		msg_opt_int(payload, "ses", 1, TIME_MAX, &c->session_s) == 0 &&
		take_nets(c, payload) && take_duplicate(c, payload) && take_policy(c, payload);
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
		!take_rules(&c, payload) || !take_places(&c, payload)) {
		return ERR_TOKEN_INVALID;
	}
	*claims = c;
	return 0;
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
