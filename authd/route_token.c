/*
 * route_token: POST /v1/token in its three ways: a user's password, an API key, an invite; and
 * the key set. Must never say which of what a stranger showed was wrong.
 */
#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "authd/apikey.h"
#include "authd/invite.h"
#include "authd/route_handlers.h"
#include "authd/store_users.h"
#include "common/clock.h"
#include "common/log.h"
#include "proto/msg.h"

#define NO_REFLECTOR_RETRY_S 2u
#define QUEUE_RETRY_S 1u
#define JTI_LOGGED 8
#define LIFE_MAX_S (30 * 86400)
#define NAME_RULE "must be 1-64 characters of A-Z a-z 0-9 . _ @ -"

/* One request on its way to a token. */
struct asking {
	const struct route_call *call;
	struct store_actor actor;
	struct token_order order;
	const char *why; /* for bad-field, and for who was recognised; NULL: nothing is said */
	unsigned retry_after;
};

static bool is_device(const char *s)
{
	size_t len = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return len > 0 && len <= LIMIT_DEVICE && s[len] == '\0';
}

/* What a user and an API key ask for alike. */
static int parse_order(struct asking *a)
{
	const json_t *body = a->call->body;
	struct token_order *o = &a->order;

	if (msg_get_string(body, "user", LIMIT_NAME, &o->user) != 0 || !msg_is_name(o->user)) {
		a->why = "user " NAME_RULE;
	} else if (msg_get_string(body, "room", LIMIT_NAME, &o->room) != 0 ||
		!msg_is_name(o->room)) {
		a->why = "room " NAME_RULE;
	} else if (msg_opt_string(body, "device", LIMIT_DEVICE, &o->device) != 0 ||
		(o->device != NULL && !is_device(o->device))) {
		a->why = "device must be 1-32 characters of A-Z a-z 0-9 _ -";
	} else if (msg_opt_string(body, "name", LIMIT_DISPLAY_NAME, &o->name) != 0 ||
		(o->name != NULL && !msg_is_display_name(o->name))) {
		a->why = "name must be 1-128 bytes of UTF-8 without control characters";
	} else {
		return 0;
	}
	return ERR_BAD_FIELD;
}

static int issue(struct asking *a)
{
	const struct route_call *call = a->call;
	struct token_issued issued = { 0 };
	char denied[POLICY_WHY] = "", short_jti[JTI_LOGGED + 1] = "";

	a->order.actor = &a->actor;
	int err = token_issue_make(call->ctx->token_issue, &a->order, &issued, denied);
	if (err != 0) {
		http_reply_error(call->reply, err, denied[0] != '\0' ? denied : NULL);
		return err;
	}
	memcpy(short_jti, issued.claims.jti, JTI_LOGGED);
	log_event(LOG_LEVEL_INFO, "token-issued", LOG_STR("jti", short_jti),
		LOG_STR("room", a->order.room), LOG_STR("participant", issued.claims.participant),
		LOG_STR("by", a->actor.name), LOG_STR("place", issued.claims.places[0]));
	http_reply_json(
		call->reply, MHD_HTTP_OK, token_issue_answer(call->ctx->token_issue, &issued));
	token_issued_finish(&issued);
	return 0;
}

/* ---- a user's password ---- */

/* Asked for when the password was right only: a stranger can neither use up what a user may have,
 * nor see from it that there is such a user. */
static int limit_user(struct asking *a)
{
	const struct routes_ctx *ctx = a->call->ctx;

	a->retry_after = ctx->rate_user != NULL
		? rate_take(ctx->rate_user, a->order.user, clock_now_ms())
		: 0;
	if (a->retry_after == 0) {
		return 0;
	}
	metrics_add(ctx->metrics, METRICS_RATE_LIMITED);
	a->why = "too many tokens for this user: wait";
	return ERR_RATE;
}

static int by_password(struct asking *a)
{
	const struct route_call *call = a->call;
	struct store_user user;
	const char *password = NULL;
	int err = parse_order(a);

	if (err == 0 &&
		msg_get_string(call->body, "password", LOGIN_PASSWORD_MAX, &password) != 0) {
		a->why = "password must be a string of at most 1024 bytes";
		err = ERR_BAD_FIELD;
	}
	if (err != 0) {
		return err;
	}
	const struct login_attempt attempt = { .user = a->order.user,
		.password = password,
		.room = a->order.room,
		.address = call->req->peer };
	err = login_check(call->ctx->login, &attempt, &a->retry_after);
	route_wipe(password);
	if (err == 0) {
		err = store_user_get(call->ctx->store, a->order.user, &user);
	}
	if (err == 0) {
		err = limit_user(a);
	}
	if (err != 0) {
		return err == ERR_NOT_FOUND ? ERR_LOGIN : err;
	}
	snprintf(a->actor.name, sizeof(a->actor.name), "user:%s", a->order.user);
	a->order.source = POLICY_USER;
	a->order.grants = user.policy;
	a->order.address = call->req->listener == HTTP_ADMIN ? NULL : call->req->peer;
	return issue(a);
}

/* ---- an API key ---- */

static int by_key(struct asking *a)
{
	const struct route_call *call = a->call;
	const struct store_apikey *key = call->key;
	int err = parse_order(a);

	if (err == 0 && msg_opt_int(call->body, "life_s", 1, LIFE_MAX_S, &a->order.life_s) != 0) {
		a->why = "life_s must be a number of seconds, from 1 to 2592000";
		err = ERR_BAD_FIELD;
	}
	if (err == 0 && !apikey_allows_room(key, a->order.room)) {
		a->why = "this API key is not for that room";
		err = ERR_DENIED;
	}
	if (err != 0) {
		return err;
	}
	a->actor = call->actor;
	a->order.source = POLICY_APIKEY;
	a->order.source_id = key->id;
	a->order.source_name = key->name;
	a->order.grants = key->grants;
	a->order.requested = json_object_get(call->body, "grants");
	return issue(a);
}

/* ---- an invite ---- */

static int parse_guest(struct asking *a, const char **invite, const char **passcode)
{
	const json_t *body = a->call->body;

	if (msg_get_string(body, "invite", INVITE_LINK_MAX, invite) != 0) {
		a->why = "invite must be a link or its token";
	} else if (msg_get_string(body, "name", LIMIT_DISPLAY_NAME, &a->order.name) != 0 ||
		!msg_is_display_name(a->order.name)) {
		a->why = "name must be 1-128 bytes of UTF-8 without control characters";
	} else if (msg_opt_string(body, "passcode", INVITE_PASSCODE_MAX, passcode) != 0) {
		a->why = "passcode must be at most 64 bytes";
	} else {
		return 0;
	}
	return ERR_BAD_FIELD;
}

/* A passcode is hashed whenever one is given, whatever the link is worth: so how long the answer
 * takes tells nothing about the link. */
static int check_guest(struct asking *a, const char *invite, const char *passcode, bool known,
	struct store_invite *row)
{
	const struct routes_ctx *ctx = a->call->ctx;
	int err = invite_check(
		ctx->store, ctx->keyring, ctx->issuer, invite, day_clock_now(ctx->clock), row);
	bool wanted = row->passcode[0] != '\0';

	if (err != 0 && err != ERR_LOGIN) {
		return err;
	}
	if (passcode == NULL) {
		return wanted ? ERR_LOGIN : err;
	}
	int hash_err =
		pass_hash_verify(ctx->pass_hash, known ? PASS_HASH_KNOWN : PASS_HASH_STRANGER,
			wanted ? row->passcode : NULL, passcode, NULL);
	if (hash_err != 0 && hash_err != ERR_LOGIN) {
		return hash_err;
	}
	return err != 0 || (wanted && hash_err != 0) ? ERR_LOGIN : 0;
}

/* Guessing at a passcode has the same budget as guessing at a password; a link cannot be guessed.
 */
static int check_counted(
	struct asking *a, const char *invite, const char *passcode, struct store_invite *row)
{
	struct login *login = a->call->ctx->login;
	char label[INVITE_LABEL_SIZE];
	bool known = false;

	if (passcode == NULL) {
		return check_guest(a, invite, NULL, false, row);
	}
	invite_label(invite, label);
	const struct login_attempt attempt = {
		.user = label, .room = "", .address = a->call->req->peer
	};
	int err = login_begin(login, &attempt, &known, &a->retry_after);
	if (err == 0) {
		err = check_guest(a, invite, passcode, known, row);
		login_end(login, &attempt, err);
	}
	return err;
}

static int by_invite(struct asking *a)
{
	const char *invite = NULL, *passcode = NULL;
	struct store_invite row;
	char user[LIMIT_NAME + 1];
	int err = parse_guest(a, &invite, &passcode);

	if (err == 0) {
		err = check_counted(a, invite, passcode, &row);
	}
	route_wipe(passcode);
	if (err != 0) {
		return err;
	}
	invite_make_guest(user);
	snprintf(a->actor.name, sizeof(a->actor.name), "invite:%s", row.id);
	a->order.source = POLICY_INVITE;
	a->order.source_id = row.id;
	a->order.user = user;
	a->order.room = row.room;
	a->order.grants = row.grants;
	a->order.address = a->call->req->listener == HTTP_ADMIN ? NULL : a->call->req->peer;
	return issue(a);
}

static void refuse(const struct asking *a, int err)
{
	struct http_reply *reply = a->call->reply;

	if (reply->status == 0) { /* policy may have said why */
		http_reply_error(reply, err,
			err == ERR_RATE && a->why == NULL ? "too many attempts: try again later"
							  : a->why);
	}
	if (err == ERR_RATE) {
		reply->retry_after_s = a->retry_after > 0 ? a->retry_after : QUEUE_RETRY_S;
	} else if (err == ERR_NO_REFLECTOR) {
		reply->retry_after_s = NO_REFLECTOR_RETRY_S;
	}
}

/* For the metrics. */
static void count(const struct route_call *call, bool invite)
{
	bool good = call->reply->status == MHD_HTTP_OK;
	struct metrics *m = call->ctx->metrics;

	if (good) {
		metrics_add(m,
			call->key != NULL ? METRICS_TOKEN_APIKEY
				: invite  ? METRICS_TOKEN_INVITE
					  : METRICS_TOKEN_PASSWORD);
	}
	if (call->key != NULL || invite) {
		return;
	}
	if (good) {
		metrics_add(m, METRICS_LOGIN_OK);
	} else if (call->reply->status == MHD_HTTP_UNAUTHORIZED) {
		metrics_add(m, METRICS_LOGIN_FAILED);
	} else if (call->reply->status == MHD_HTTP_TOO_MANY_REQUESTS) {
		metrics_add(m, METRICS_LOGIN_LIMITED);
	}
}

void route_token_post(const struct route_call *call)
{
	bool invite = json_object_get(call->body, "invite") != NULL;
	struct asking a = { .call = call };
	int err;

	snprintf(a.actor.address, sizeof(a.actor.address), "%s", call->actor.address);
	if (call->key != NULL) {
		err = by_key(&a);
	} else if (invite) {
		err = by_invite(&a);
	} else {
		err = by_password(&a);
	}
	if (err != 0) {
		refuse(&a, err);
	}
	count(call, invite);
}

void route_jwks_get(const struct route_call *call)
{
	/* whoever keeps it that long knows a new key before it signs */
	call->reply->cache_s = KEYRING_CACHE_S;
	http_reply_json(call->reply, MHD_HTTP_OK, token_issue_jwks(call->ctx->token_issue));
}
