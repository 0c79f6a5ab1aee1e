/*
 * route_moderate: what an administrator does to one who is in a room: mute, unmute, kick, admit,
 * deny, move. The worker that holds the session is asked to do it, and its word is the answer.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "authd/room_live.h"
#include "authd/route_handlers.h"
#include "authd/store_apikeys.h"
#include "authd/store_audit.h"
#include "authd/store_invites.h"
#include "authd/store_revocations.h"
#include "authd/store_tokens.h"
#include "authd/store_users.h"
#include "common/log.h"
#include "proto/msg.h"

#define BAN_MAX_S 86400

/* Who it is about, as the worker says. */
struct person {
	char reflector[LIMIT_NAME + 1], user[LIMIT_NAME + 1], jti[LIMIT_JTI + 1];
	char name[LIMIT_DISPLAY_NAME + 1];
};

static void copy(char *to, size_t size, const json_t *item, const char *key)
{
	const char *text = json_string_value(json_object_get(item, key));

	snprintf(to, size, "%s", text != NULL ? text : "");
}

static bool is_him(const json_t *item, const struct store_room *room, const char *id)
{
	const char *his = json_string_value(json_object_get(item, "id"));
	const char *where = json_string_value(json_object_get(item, "room"));

	return his != NULL && where != NULL && strcmp(his, id) == 0 &&
		strcmp(where, room->name) == 0 && room_live_believed(room, item);
}

/* Answers itself when there is nobody. jtis: an array for those of all his sessions, which are
 * several where duplicates are allowed; NULL: not wanted. */
static bool find(const struct route_call *call, struct person *person, json_t *jtis)
{
	struct room_live live = { 0 };
	struct store_room room;
	int err = msg_is_name(call->arg) && msg_is_participant_id(call->arg2)
		? store_room_get(call->ctx->store, call->arg, &room)
		: ERR_NOT_FOUND;

	if (err == 0) {
		err = room_live_ask(&live, call->ctx->link_dial, "participants", room.name);
	}
	bool found = false;
	for (size_t i = 0; err == 0 && i < json_array_size(live.items); i++) {
		const json_t *item = json_array_get(live.items, i);
		if (!is_him(item, &room, call->arg2)) {
			continue;
		}
		if (jtis != NULL && json_array_append(jtis, json_object_get(item, "jti")) != 0) {
			err = ERR_NOMEM;
		}
		if (!found) {
			found = true;
			copy(person->reflector, sizeof(person->reflector), item, "reflector");
			copy(person->user, sizeof(person->user), item, "user");
			copy(person->jti, sizeof(person->jti), item, "jti");
			copy(person->name, sizeof(person->name), item, "name");
		}
	}
	room_live_finish(&live);
	if (!found || err != 0) {
		http_reply_error(call->reply, err != 0 ? err : ERR_NOT_FOUND,
			err == 0 || err == ERR_NOT_FOUND ? "nobody of that id is in such a room"
							 : NULL);
	}
	return found && err == 0;
}

/* Before it is done: nobody is sent away without a record of who wanted it. */
static int record(const struct route_call *call, const struct person *person, const char *what)
{
	char action[32];
	json_t *detail = json_pack("{s:s,s:s}", "room", call->arg, "user", person->user);

	snprintf(action, sizeof(action), "participant.%s", what);
	int err = detail != NULL
		? store_audit_note(call->ctx->store, &call->actor, action, call->arg2, detail)
		: ERR_NOMEM;
	json_decref(detail);
	return err;
}

/* Takes order; answers itself unless all went well. */
static bool do_it(
	const struct route_call *call, const struct person *person, const char *what, json_t *order)
{
	char code[LINK_ORDER_CODE_MAX] = "";
	int err = ERR_NOMEM;

	if (order != NULL && json_object_set_new(order, "what", json_string(what)) == 0 &&
		json_object_set_new(order, "room", json_string(call->arg)) == 0 &&
		json_object_set_new(order, "participant", json_string(call->arg2)) == 0) {
		err = record(call, person, what);
	}
	if (err == 0) {
		err = link_dial_moderate(call->ctx->link_dial, person->reflector, order, code);
	}
	json_decref(order);
	if (err == 0 && code[0] != '\0') {
		err = errcode_from_name(code);
	}
	if (err == ERR_TIMEOUT || err == ERR_STATE) {
		http_reply_problem(call->reply, MHD_HTTP_SERVICE_UNAVAILABLE, ERR_NO_REFLECTOR,
			"the reflector did not answer: see helioctl reflector list");
	} else if (err != 0) {
		http_reply_error(call->reply, err, NULL);
	} else {
		log_event(LOG_LEVEL_INFO, "moderated", LOG_STR("what", what),
			LOG_STR("room", call->arg), LOG_STR("participant", call->arg2));
	}
	return err == 0;
}

static void answer_done(const struct route_call *call)
{
	http_reply_json(call->reply, MHD_HTTP_OK,
		json_pack("{s:s,s:s}", "room", call->arg, "participant", call->arg2));
}

static void mute(const struct route_call *call, const char *what)
{
	const json_t *kinds = NULL;
	struct person person;

	if (!route_body_only(call, "kinds", NULL)) {
		return;
	}
	if (json_object_get(call->body, "kinds") != NULL &&
		msg_get_array(call->body, "kinds", 4, &kinds) != 0) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"kinds must be a list of audio, video, screen, data");
		return;
	}
	if (!find(call, &person, NULL)) {
		return;
	}
	json_t *list = kinds != NULL ? json_deep_copy(kinds)
				     : json_pack("[s,s,s]", "audio", "video", "screen");
	if (do_it(call, &person, what, json_pack("{s:o}", "kinds", list))) {
		answer_done(call);
	}
}

void route_participant_mute(const struct route_call *call)
{
	mute(call, "mute");
}

void route_participant_unmute(const struct route_call *call)
{
	mute(call, "unmute");
}

void route_participant_admit(const struct route_call *call)
{
	struct person person;

	if (route_body_only(call, NULL) && find(call, &person, NULL) &&
		do_it(call, &person, "admit", json_object())) {
		answer_done(call);
	}
}

/* Behind the kick, so that the bye says kicked; who is quick enough to be back is closed by it. */
static int ban(const struct route_call *call, const struct person *person, int64_t ban_s,
	const char *reason)
{
	struct store_revocation entry = { .kind = "user", .ban = true };
	size_t tokens = 0;
	int64_t now = (int64_t)time(NULL);

	snprintf(entry.id, sizeof(entry.id), "%s", person->user);
	snprintf(entry.room, sizeof(entry.room), "%s", call->arg);
	snprintf(entry.reason, sizeof(entry.reason), "%s", reason);
	entry.until = now + ban_s;
	return store_revocation_add(call->ctx->store, &call->actor, &entry, now, &tokens);
}

/* What a worker says of somebody's token is believed when the store knows it of that token: else a
 * captured reflector could have others' tokens made, or ended. */
static int find_token(const struct route_call *call, const char *user, const char *jti,
	struct store_token *token)
{
	int err = store_token_get(call->ctx->store, jti, token);

	if (err != 0) {
		return err;
	}
	return strcmp(token->room, call->arg) == 0 && strcmp(token->user, user) == 0 &&
			strcmp(token->participant, call->arg2) == 0
		? 0
		: ERR_NOT_FOUND;
}

/* Without a ban: he may come back, but with a new token, and gets the room's next media key with
 * that one only. Who is denied keeps what his other devices came in with. */
static int end_tokens(const struct route_call *call, const struct person *person,
	const json_t *jtis, bool denied, const char *reason)
{
	struct store *store = call->ctx->store;
	int64_t now = (int64_t)time(NULL);
	struct store_token token;
	int err = 0;

	for (size_t i = 0; err == 0 && i < json_array_size(jtis); i++) {
		const char *jti = json_string_value(json_array_get(jtis, i));
		err = jti != NULL ? find_token(call, person->user, jti, &token) : ERR_NOT_FOUND;
		if (err == 0 && denied) {
			err = store_token_revoke(store, &call->actor, jti, now, &token);
		} else if (err == 0) {
			err = store_revocation_kick(store, &call->actor, jti, reason, now);
		}
		err = err == ERR_NOT_FOUND ? 0 : err;
	}
	return err;
}

static void kick(const struct route_call *call, int64_t ban_s, const char *reason, json_t *jtis)
{
	struct person person;

	if (!find(call, &person, jtis) ||
		!do_it(call, &person, "kick", json_pack("{s:s}", "reason", reason))) {
		return;
	}
	int err = ban_s > 0 ? ban(call, &person, ban_s, reason)
			    : end_tokens(call, &person, jtis, false, reason);
	if (err != 0) {
		http_reply_error(call->reply, err,
			ban_s > 0 ? "the participant was sent away, but not banned: ban the user"
				  : "the participant was sent away, but the token still holds:"
				    " revoke it");
		return;
	}
	answer_done(call);
}

void route_participant_kick(const struct route_call *call)
{
	const char *reason = "";
	int64_t ban_s = 0;

	if (!route_body_only(call, "ban_s", "reason", NULL)) {
		return;
	}
	if (msg_opt_int(call->body, "ban_s", 0, BAN_MAX_S, &ban_s) != 0 ||
		msg_opt_string(call->body, "reason", LIMIT_DISPLAY_NAME, &reason) != 0 ||
		(reason[0] != '\0' && !msg_is_display_name(reason))) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"ban_s is 0 to 86400, reason up to 128 bytes of text");
		return;
	}
	json_t *jtis = json_array();
	if (jtis == NULL) {
		http_reply_error(call->reply, ERR_NOMEM, NULL);
		return;
	}
	kick(call, ban_s, reason, jtis);
	json_decref(jtis);
}

static void deny(const struct route_call *call, json_t *jtis)
{
	struct person person;

	if (!find(call, &person, jtis) || !do_it(call, &person, "deny", json_object())) {
		return;
	}
	int err = end_tokens(call, &person, jtis, true, "");
	if (err != 0) {
		http_reply_error(call->reply, err,
			"the participant was sent away, but the token still holds: revoke it");
		return;
	}
	answer_done(call);
}

void route_participant_deny(const struct route_call *call)
{
	if (!route_body_only(call, NULL)) {
		return;
	}
	json_t *jtis = json_array();
	if (jtis == NULL) {
		http_reply_error(call->reply, ERR_NOMEM, NULL);
		return;
	}
	deny(call, jtis);
	json_decref(jtis);
}

/* ---- move ---- */

/* What the token that he came with was made from. */
struct origin {
	enum policy_source source;
	char source_id[STORE_SOURCE_ID_MAX + 1];
	char source_name[LIMIT_NAME + 1]; /* of an API key */
	char grants[STORE_JSON_MAX + 1];
	json_t *asked;
	int64_t left_s;
};

static int find_origin(const struct route_call *call, const struct person *person, struct origin *o)
{
	struct store *store = call->ctx->store;
	struct store_token token;
	union {
		struct store_user user;
		struct store_apikey key;
		struct store_invite invite;
	} row;
	int err = find_token(call, person->user, person->jti, &token);

	if (err != 0) {
		return err;
	}
	o->left_s = token.expires_at - (int64_t)time(NULL);
	if (o->left_s <= 0 || token.revoked_at != 0) {
		return ERR_NOT_FOUND;
	}
	if (token.asked[0] != '\0' &&
		msg_parse_object(token.asked, strlen(token.asked), &o->asked) != 0) {
		return ERR_INTERNAL;
	}
	snprintf(o->source_id, sizeof(o->source_id), "%s", token.source_id);
	if (strcmp(token.source, "apikey") == 0) {
		o->source = POLICY_APIKEY;
		err = store_apikey_get(store, token.source_id, &row.key);
		snprintf(o->grants, sizeof(o->grants), "%s", err == 0 ? row.key.grants : "{}");
		snprintf(
			o->source_name, sizeof(o->source_name), "%s", err == 0 ? row.key.name : "");
	} else if (strcmp(token.source, "invite") == 0) {
		o->source = POLICY_INVITE;
		err = store_invite_get(store, token.source_id, &row.invite);
		snprintf(o->grants, sizeof(o->grants), "%s", err == 0 ? row.invite.grants : "{}");
	} else {
		o->source = POLICY_USER;
		err = store_user_get(store, token.user, &row.user);
		snprintf(o->grants, sizeof(o->grants), "%s", err == 0 ? row.user.policy : "{}");
	}
	return err;
}

static json_t *issue_for(const struct route_call *call, const struct person *person, const char *to)
{
	const char *plus = strchr(call->arg2, '+');
	char why[POLICY_WHY] = "";
	struct token_issued issued = { 0 };
	struct origin origin = { .asked = NULL };
	json_t *answer = NULL;
	int err = find_origin(call, person, &origin);

	if (err == 0) {
		const struct token_order order = { .source = origin.source,
			.source_id = origin.source == POLICY_USER ? NULL : origin.source_id,
			.source_name = origin.source_name[0] != '\0' ? origin.source_name : NULL,
			.actor = &call->actor,
			.user = person->user,
			.room = to,
			.device = plus != NULL ? plus + 1 : NULL,
			.name = person->name[0] != '\0' ? person->name : NULL,
			.grants = origin.grants,
			.requested = origin.asked,
			.life_s = origin.left_s };
		err = token_issue_make(call->ctx->token_issue, &order, &issued, why);
	}
	if (err == 0) {
		answer = token_issue_answer(call->ctx->token_issue, &issued);
		token_issued_finish(&issued);
		err = answer != NULL ? 0 : ERR_NOMEM;
	}
	json_decref(origin.asked);
	if (err == ERR_LOGIN || err == ERR_NOT_FOUND) {
		http_reply_error(call->reply, ERR_NOT_FOUND,
			"there is no such room to go to, or nobody of that id with a token that holds");
	} else if (err != 0) {
		http_reply_error(call->reply, err, why[0] != '\0' ? why : NULL);
	}
	return answer;
}

void route_participant_move(const struct route_call *call)
{
	const char *to = NULL;
	struct person person;

	if (!route_body_only(call, "to", NULL)) {
		return;
	}
	if (msg_get_string(call->body, "to", LIMIT_NAME, &to) != 0 || !msg_is_name(to)) {
		http_reply_error(call->reply, ERR_BAD_FIELD, "to must be the name of a room");
		return;
	}
	if (!find(call, &person, NULL)) {
		return;
	}
	json_t *answer = issue_for(call, &person, to);
	if (answer != NULL && do_it(call, &person, "move", json_pack("{s:o}", "answer", answer))) {
		answer_done(call);
	}
}
