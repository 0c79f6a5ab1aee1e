/*
 * policy: the decision who may enter a room now, and with what; and the texts that the store keeps.
 * What cannot be judged is denied: a stored text that is no policy gives nobody a token.
 */
#include "authd/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/pattern.h"
#include "authd/policy_merge.h"
#include "proto/msg.h"

static int load(const char *text, json_t **out)
{
	const char *json = text == NULL || text[0] == '\0' ? "{}" : text;

	return msg_parse_object(json, strlen(json), out) == 0 ? 0 : ERR_INTERNAL;
}

static int dump(const json_t *object, char out[POLICY_TEXT_MAX + 1], char why[POLICY_WHY])
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

	if (text == NULL) {
		return ERR_NOMEM;
	}
	size_t len = strlen(text);
	if (len <= POLICY_TEXT_MAX) {
		memcpy(out, text, len + 1);
	} else {
		snprintf(why, POLICY_WHY, "it has %zu bytes as JSON; at most %u are taken", len,
			POLICY_TEXT_MAX);
	}
	free(text);
	return len <= POLICY_TEXT_MAX ? 0 : ERR_BAD_FIELD;
}

int policy_grants_text(const json_t *object, char out[POLICY_TEXT_MAX + 1], char why[POLICY_WHY])
{
	struct policy_grants grants;

	if (object == NULL) {
		memcpy(out, "{}", sizeof("{}"));
		return 0;
	}
	int err = policy_grants_parse(&grants, object, why);
	return err == 0 ? dump(object, out, why) : err;
}

int policy_room_text(const json_t *object, char out[POLICY_TEXT_MAX + 1], char why[POLICY_WHY])
{
	struct policy_room room;

	if (object == NULL) {
		memcpy(out, "{}", sizeof("{}"));
		return 0;
	}
	int err = policy_room_parse(&room, object, why);
	return err == 0 ? dump(object, out, why) : err;
}

json_t *policy_json(const char *text)
{
	json_t *object = NULL;

	return load(text, &object) == 0 ? object : json_object();
}

int policy_room_text_over(const char *defaults, const json_t *own, char out[POLICY_TEXT_MAX + 1],
	char why[POLICY_WHY])
{
	struct policy_room room;
	json_t *both = NULL;
	int err = load(defaults, &both);

	why[0] = '\0';
	if (err == 0 && own != NULL) {
		err = policy_room_parse(&room, own, why);
		if (err == 0 && json_object_update(both, (json_t *)own) != 0) {
			err = ERR_NOMEM;
		}
	}
	if (err == 0) {
		err = policy_room_text(both, out, why);
	}
	json_decref(both);
	return err;
}

static int parse_room(const char *text, json_t **json, struct policy_room *room)
{
	char why[POLICY_WHY];

	*json = NULL;
	if (load(text, json) != 0 || policy_room_parse(room, *json, why) != 0) {
		json_decref(*json);
		*json = NULL;
		return ERR_INTERNAL;
	}
	return 0;
}

static void fill_room(
	const struct policy_room_row *row, const struct policy_room *room, struct room_policy *out)
{
	*out = (struct room_policy){ .rev = row->rev,
		.capacity = room->capacity,
		.lobby = room->lobby,
		.locked = row->locked,
		.e2ee = room->e2ee,
		.kinds = room->kinds,
		.loudest = room->loudest,
		.epoch = row->epoch,
		.expires_at = row->expires_at };
}

int policy_room_claim(const struct policy_room_row *row, struct room_policy *out)
{
	struct policy_room room;
	json_t *json;
	int err = parse_room(row->policy, &json, &room);

	if (err == 0) {
		fill_room(row, &room, out);
		json_decref(json);
	}
	return err;
}

/* One decision under way. */
struct decision {
	const struct policy_ask *ask;
	char *why;
	struct policy_grants merged;
	int64_t not_before, expires_at;
};

static int deny(struct decision *d, const char *sentence)
{
	snprintf(d->why, POLICY_WHY, "%s", sentence);
	return ERR_DENIED;
}

/* Now must lie in the window; what is left of it bounds the token. */
static int apply_hours(struct decision *d, const struct policy_hours *hours, const char *who)
{
	bool open = false;
	int64_t from = 0, until = 0;
	int err = policy_hours_look(hours, d->ask->now, &open, &from, &until);

	if (err != 0) {
		return err == ERR_NOMEM ? err : ERR_INTERNAL;
	}
	if (!open) {
		char when[96] = "";
		if (from != 0) {
			policy_hours_text(hours->zone, from, when);
		}
		snprintf(d->why, POLICY_WHY, "%s now%s%s", who, from != 0 ? ", but from " : "",
			when);
		return ERR_DENIED;
	}
	if (hours->count > 0) {
		d->not_before = from > d->not_before ? from : d->not_before;
		d->expires_at = until < d->expires_at ? until : d->expires_at;
	}
	return 0;
}

static int apply_grants(struct decision *d, const struct policy_grants *grants)
{
	if (grants->rooms != NULL && !pattern_list_match(grants->rooms, d->ask->room.name)) {
		return deny(d, "the grants do not include this room");
	}
	int err = apply_hours(d, &grants->hours, "the grants do not allow entering");
	if (err != 0) {
		return err;
	}
	err = policy_merge_narrow(&d->merged, grants);
	if (err == ERR_NOT_GRANTED) {
		return deny(d, "there is no network that all grants allow");
	}
	return err == ERR_LIMIT ? deny(d, "the grants name too many networks together") : err;
}

static int apply_text(struct decision *d, const char *text)
{
	struct policy_grants grants;
	json_t *json = NULL;
	int err = load(text, &json);

	if (err == 0 && policy_grants_parse(&grants, json, d->why) != 0) {
		d->why[0] = '\0'; /* that is not the caller's fault */
		err = ERR_INTERNAL;
	}
	if (err == 0) {
		err = apply_grants(d, &grants);
	}
	json_decref(json);
	return err;
}

/*
 * What an API key asks for. Its own grants are a ceiling: not everybody it brings is to moderate or
 * to be unseen because the key may do so, so these two have to be asked for.
 */
static int apply_request(struct decision *d)
{
	struct policy_grants grants = { 0 };

	if (d->ask->requested != NULL) {
		int err = policy_grants_parse(&grants, d->ask->requested, d->why);
		if (err == 0) {
			err = apply_grants(d, &grants);
		}
		if (err != 0) {
			return err;
		}
	}
	if (d->ask->source == POLICY_APIKEY) {
		d->merged.moderate = d->merged.moderate && grants.moderate;
		d->merged.hidden = d->merged.hidden && grants.hidden;
	}
	return 0;
}

/* Asking for what the key may not give is a mistake of the backend, and nothing to hide. */
static bool asks_for_too_much(const struct policy_grants *may, const json_t *requested)
{
	bool moderate = json_is_true(json_object_get(requested, "moderate"));
	bool hidden = json_is_true(json_object_get(requested, "hidden"));

	return (moderate && !(may->has_moderate && may->moderate)) ||
		(hidden && !(may->has_hidden && may->hidden));
}

static int apply_sources(struct decision *d)
{
	int err = apply_text(d, d->ask->defaults);

	if (err == 0) {
		err = apply_text(d, d->ask->grants);
	}
	if (err == 0 && asks_for_too_much(&d->merged, d->ask->requested)) {
		return deny(d, "the key's own grants do not allow what is asked for");
	}
	if (err == 0) {
		err = apply_request(d);
	}
	policy_merge_settle(&d->merged);
	return err;
}

static bool may_enter(const struct policy_ask *ask, const struct policy_room *room)
{
	switch (ask->source) {
	case POLICY_USER:
		return room->users == NULL || pattern_list_match(room->users, ask->user);
	case POLICY_APIKEY:
		return room->apikeys == NULL ||
			(ask->key_name != NULL &&
				pattern_list_match(room->apikeys, ask->key_name)) ||
			(ask->key_id != NULL && pattern_list_match(room->apikeys, ask->key_id));
	case POLICY_INVITE:
		return room->guests;
	}
	return false;
}

static int apply_room(struct decision *d, const struct policy_room *room)
{
	const struct policy_ask *ask = d->ask;

	if (ask->room.expires_at != 0) {
		if (ask->room.expires_at <= ask->now) {
			return deny(d, "the room is over");
		}
		if (ask->room.expires_at < d->expires_at) {
			d->expires_at = ask->room.expires_at;
		}
	}
	if (!may_enter(ask, room)) {
		return deny(d,
			ask->source == POLICY_INVITE ? "the room takes no guests"
						     : "the room is only for others");
	}
	int err = apply_hours(d, &room->hours, "the room cannot be entered");
	if (err != 0) {
		return err;
	}
	if (ask->room.locked && !d->merged.moderate) {
		return deny(d, "the room is locked");
	}
	d->merged.publish &= room->kinds;
	return 0;
}

static int apply_network(struct decision *d)
{
	bool inside = d->merged.net_count == 0 || d->ask->address == NULL;

	for (size_t i = 0; !inside && i < d->merged.net_count; i++) {
		inside = token_net_has(&d->merged.nets[i], d->ask->address);
	}
	return inside ? 0 : deny(d, "the grants do not allow entering from this network");
}

static void fill_claims(const struct decision *d, struct token_claims *c)
{
	const struct policy_grants *g = &d->merged;

	c->publish = g->hidden ? 0 : g->publish;
	c->subscribe = g->subscribe;
	c->chat = g->chat;
	c->moderate = g->moderate;
	c->hidden = g->hidden;
	memcpy(c->bitrate, g->bitrate, sizeof(c->bitrate));
	c->session_s = g->session_s;
	memcpy(c->nets, g->nets, sizeof(c->nets));
	c->net_count = g->net_count;
	c->duplicate = g->duplicate;
	c->issued_at = d->ask->now;
	c->not_before = d->not_before;
	c->expires_at = d->expires_at;
}

int policy_decide(const struct policy_ask *ask, struct token_claims *claims, char why[POLICY_WHY])
{
	struct decision d = { .ask = ask, .why = why, .expires_at = ask->now + ask->life_s };
	struct policy_room room;
	json_t *room_json;

	why[0] = '\0';
	int err = parse_room(ask->room.policy, &room_json, &room);
	if (err != 0) {
		return err;
	}
	err = apply_sources(&d);
	if (err == 0) {
		err = apply_room(&d, &room);
	}
	if (err == 0) {
		err = apply_network(&d);
	}
	if (err == 0) {
		fill_claims(&d, claims);
		fill_room(&ask->room, &room, &claims->policy);
	}
	json_decref(room_json);
	return err;
}
