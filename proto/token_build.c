/*
 * token_build: claims to the payload of a token. What is at its default and has one is left out, so
 * that tokens stay short.
 */
#include "proto/token_claims.h"

static json_t *build_bitrate(const struct token_claims *claims)
{
	json_t *bitrate = json_object();

	for (unsigned i = 0; bitrate != NULL && i < TOKEN_KINDS; i++) {
		if (claims->bitrate[i] != 0 &&
			json_object_set_new(bitrate, token_publish_name(1u << i),
				json_integer((json_int_t)claims->bitrate[i])) != 0) {
			json_decref(bitrate);
			return NULL;
		}
	}
	return bitrate;
}

static json_t *build_grants(const struct token_claims *claims)
{
	/* json_pack takes "o" references over even when it fails, and fails on NULL */
	json_t *grants = json_pack("{s:o, s:b, s:b, s:b, s:b}", "publish",
		token_publish_build(claims->publish), "subscribe", (int)claims->subscribe, "chat",
		(int)claims->chat, "moderate", (int)claims->moderate, "hidden",
		(int)claims->hidden);
	json_t *bitrate = build_bitrate(claims);

	if (grants == NULL || bitrate == NULL ||
		(json_object_size(bitrate) > 0 &&
			json_object_set(grants, "bitrate", bitrate) != 0)) {
		json_decref(grants);
		grants = NULL;
	}
	json_decref(bitrate);
	return grants;
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

static json_t *build_nets(const struct token_claims *claims)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < claims->net_count; i++) {
		char text[64];

		token_net_format(&claims->nets[i], text);
		if (json_array_append_new(list, json_string(text)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static int put_optional(json_t *payload, const struct token_claims *claims)
{
	static const char *const duplicate[] = { "replace", "reject", "allow" };

	if ((claims->not_before != 0 &&
		    json_object_set_new(payload, "nbf", json_integer(claims->not_before)) != 0) ||
		(claims->source[0] != '\0' &&
			json_object_set_new(payload, "src", json_string(claims->source)) != 0) ||
		(claims->session_s != 0 &&
			json_object_set_new(payload, "ses", json_integer(claims->session_s)) !=
				0) ||
		(claims->net_count > 0 &&
			json_object_set_new(payload, "nets", build_nets(claims)) != 0) ||
		(claims->duplicate != TOKEN_DUP_REPLACE &&
			json_object_set_new(
				payload, "dup", json_string(duplicate[claims->duplicate])) != 0)) {
		return ERR_NOMEM;
	}
	return 0;
}

json_t *token_claims_build(const struct token_claims *claims)
{
	json_t *payload = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, "
				    "s:o, s:o, s:o}",
		"iss", claims->issuer, "aud", claims->audience, "sub", claims->participant, "usr",
		claims->user, "name", claims->display_name, "room", claims->room, "jti",
		claims->jti, "rev", (json_int_t)claims->rev, "iat", (json_int_t)claims->issued_at,
		"exp", (json_int_t)claims->expires_at, "grants", build_grants(claims), "at",
		build_places(claims), "policy", room_policy_build(&claims->policy));

	if (payload != NULL && put_optional(payload, claims) != 0) {
		json_decref(payload);
		return NULL;
	}
	return payload;
}
