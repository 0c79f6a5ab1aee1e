/*
 * token_issue: from an order to a token, in this order: policy, place, record, sign. Must never let
 * a token out that the store did not take.
 */
#include "authd/token_issue.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/room_keys.h"
#include "authd/store_tokens.h"
#include "common/clock.h"
#include "proto/base64url.h"

#define JTI_BYTES 16u /* 128 random bits */

struct token_issue {
	struct token_issue_conf conf;
	_Atomic uint64_t life_s;
};

int token_issue_create(struct token_issue **out, const struct token_issue_conf *conf)
{
	struct token_issue *ti = calloc(1, sizeof(*ti));

	if (ti == NULL) {
		return ERR_NOMEM;
	}
	ti->conf = *conf;
	ti->life_s = conf->life_s;
	*out = ti;
	return 0;
}

void token_issue_destroy(struct token_issue *ti)
{
	free(ti);
}

void token_issue_set_life(struct token_issue *ti, uint64_t life_s)
{
	ti->life_s = life_s;
}

void token_issued_finish(struct token_issued *issued)
{
	free(issued->token);
	json_decref(issued->endpoints);
	sodium_memzero(issued, sizeof(*issued));
}

static int make_jti(char *out, size_t size)
{
	unsigned char bytes[JTI_BYTES];
	int err;

	do { /* one that begins with '-' would look like an option on a command line */
		randombytes_buf(bytes, sizeof(bytes));
		err = base64url_encode(bytes, sizeof(bytes), out, size);
	} while (err == 0 && out[0] == '-');
	return err;
}

static const char *source_name(enum policy_source source)
{
	return source == POLICY_APIKEY ? "apikey" : source == POLICY_INVITE ? "invite" : "user";
}

static int fill_names(
	const struct token_issue *ti, const struct token_order *order, struct token_claims *c)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->issuer, sizeof(c->issuer), "%s", ti->conf.issuer);
	snprintf(c->audience, sizeof(c->audience), "%s", ti->conf.cluster);
	snprintf(c->user, sizeof(c->user), "%s", order->user);
	snprintf(c->participant, sizeof(c->participant), "%s%s%s", order->user,
		order->device != NULL ? "+" : "", order->device != NULL ? order->device : "");
	snprintf(c->display_name, sizeof(c->display_name), "%s",
		order->name != NULL ? order->name : order->user);
	snprintf(c->room, sizeof(c->room), "%s", order->room);
	snprintf(c->source, sizeof(c->source), "%s%s%s", source_name(order->source),
		order->source != POLICY_USER ? ":" : "",
		order->source != POLICY_USER ? order->source_id : "");
	return make_jti(c->jti, sizeof(c->jti));
}

static int64_t life_of(const struct token_issue *ti, const struct token_order *order)
{
	int64_t most = (int64_t)ti->life_s;

	return order->life_s > 0 && order->life_s < most ? order->life_s : most;
}

static int judge(struct token_issue *ti, const struct token_order *order,
	const struct store_room *room, struct token_claims *claims, char why[POLICY_WHY])
{
	char defaults[STORE_JSON_MAX + 1] = "";
	const struct policy_ask ask = { .source = order->source,
		.user = order->user,
		.key_name = order->source_name,
		.key_id = order->source_id,
		.address = order->address,
		.defaults = defaults,
		.grants = order->grants,
		.requested = order->requested,
		.room = { .name = room->name,
			.policy = room->policy,
			.rev = room->policy_rev,
			.epoch = room->epoch,
			.expires_at = room->expires_at,
			.locked = room->locked },
		.now = (int64_t)time(NULL),
		.life_s = life_of(ti, order) };
	int err = store_setting_get(ti->conf.store, "grants", defaults);

	return err == 0 ? policy_decide(&ask, claims, why) : err;
}

/* Where to go: the same for every token of a room. */
static json_t *endpoints_json(const struct placement_result *where)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < where->count; i++) {
		const struct placement_endpoint *e = &where->endpoints[i];
		if (json_array_append_new(list,
			    json_pack("{s:s,s:i,s:s,s:s}", "address", e->address, "port",
				    (int)e->port, "tls_name", e->tls_name, "pin", e->pin)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* The same places, in the same order, in the token and in the answer. */
static int find_place(
	struct token_issue *ti, const char *room, struct token_claims *c, json_t **endpoints)
{
	struct placement_result where;
	int err = placement_find(
		ti->conf.placement, room, clock_now_ms(), (int64_t)time(NULL), &where);

	if (err != 0) {
		return err == ERR_NOT_FOUND ? ERR_LOGIN : err;
	}
	for (size_t i = 0; i < where.count && i < TOKEN_PLACES_MAX; i++) {
		snprintf(c->places[i], sizeof(c->places[i]), "%s:%u", where.endpoints[i].reflector,
			where.endpoints[i].port);
		c->place_count = i + 1;
	}
	*endpoints = endpoints_json(&where);
	return *endpoints != NULL ? 0 : ERR_NOMEM;
}

/* The store has the last word: what ended since the order was checked is refused there. */
static int record(struct token_issue *ti, const struct token_order *order, struct token_claims *c,
	char why[POLICY_WHY])
{
	struct store_token row = { .issued_at = c->issued_at, .expires_at = c->expires_at };

	snprintf(row.jti, sizeof(row.jti), "%s", c->jti);
	snprintf(row.user, sizeof(row.user), "%s", c->user);
	snprintf(row.participant, sizeof(row.participant), "%s", c->participant);
	snprintf(row.room, sizeof(row.room), "%s", c->room);
	snprintf(row.source, sizeof(row.source), "%s", source_name(order->source));
	snprintf(row.source_id, sizeof(row.source_id), "%s",
		order->source != POLICY_USER ? order->source_id : "");
	int err = order->requested != NULL ? policy_grants_text(order->requested, row.asked, why)
					   : 0;
	if (err == 0) {
		err = store_token_add(ti->conf.store, order->actor, &row, &c->rev);
	}
	if (err == ERR_DENIED && order->source == POLICY_INVITE) {
		return ERR_LOGIN; /* its last use was taken by somebody else meanwhile */
	}
	if (err == ERR_DENIED) {
		snprintf(why, POLICY_WHY, "the user is banned here, or may not enter any more");
	}
	return err == ERR_EXISTS ? ERR_INTERNAL : err;
}

static int sign(struct token_issue *ti, const struct token_claims *c, char **token)
{
	json_t *payload = token_claims_build(c);

	if (payload == NULL) {
		return ERR_NOMEM;
	}
	int err = keyring_sign(ti->conf.keyring, TOKEN_TYP, payload, token);
	json_decref(payload);
	return err;
}

int token_issue_make(struct token_issue *ti, const struct token_order *order,
	struct token_issued *out, char why[POLICY_WHY])
{
	struct store_room room;
	int err = store_room_get(ti->conf.store, order->room, &room);

	memset(out, 0, sizeof(*out));
	why[0] = '\0';
	if (err != 0) {
		return err == ERR_NOT_FOUND ? ERR_LOGIN : err;
	}
	err = fill_names(ti, order, &out->claims);
	if (err == 0) {
		err = judge(ti, order, &room, &out->claims, why);
	}
	if (err == 0) {
		err = find_place(ti, order->room, &out->claims, &out->endpoints);
	}
	if (err == 0) {
		err = record(ti, order, &out->claims, why);
	}
	if (err == 0) {
		err = sign(ti, &out->claims, &out->token);
	}
	memcpy(out->media_key, room.media_key, sizeof(out->media_key));
	sodium_memzero(&room, sizeof(room));
	if (err != 0) {
		token_issued_finish(out);
	}
	return err;
}

json_t *token_issue_answer(struct token_issue *ti, const struct token_issued *issued)
{
	const struct token_claims *c = &issued->claims;
	json_t *keys = token_issue_jwks(ti);

	if (keys == NULL) {
		return NULL;
	}
	return json_pack("{s:s,s:I,s:s,s:s,s:s,s:O,s:o,s:o}", "token", issued->token, "expires_at",
		(json_int_t)c->expires_at, "participant", c->participant, "room", c->room,
		"cluster", c->audience, "endpoints", issued->endpoints, "keys", keys, "media_key",
		room_keys_json(NULL, c->policy.epoch, issued->media_key));
}

json_t *token_issue_jwks(const struct token_issue *ti)
{
	return keyring_jwks(ti->conf.keyring, NULL);
}

int token_issue_verify(struct token_issue *ti, const char *token, struct token_claims *claims)
{
	const struct token_expect expect = { .issuer = ti->conf.issuer,
		.audience = ti->conf.cluster,
		.now = day_clock_now(ti->conf.clock) };
	struct store_token row;
	json_t *payload = NULL;
	/* with every key that is published: a token lives longer than the key that signs */
	int err = keyring_verify(ti->conf.keyring, token, TOKEN_TYP, &payload);

	if (err == 0) {
		err = token_claims_parse(claims, payload);
	}
	if (err == 0) {
		err = token_claims_check(claims, &expect);
	}
	json_decref(payload);
	if (err == 0 && day_clock_over(ti->conf.clock, expect.now, claims->issued_at,
				claims->expires_at)) {
		err = ERR_TOKEN_EXPIRED;
	}
	if (err == 0) {
		err = store_token_get(ti->conf.store, claims->jti, &row);
	}
	if (err == 0 && row.revoked_at != 0) {
		err = ERR_TOKEN_REVOKED;
	}
	return err == 0 || err == ERR_STORE || err == ERR_NOMEM ? err : ERR_TOKEN_INVALID;
}
