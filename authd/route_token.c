/*
 * route_token: POST /v1/token, the key set and the health check: what strangers can reach. Must
 * never say which of user, password and room was wrong.
 */
#include <microhttpd.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/routes.h"
#include "authd/store_users.h"
#include "common/log.h"
#include "proto/msg.h"

#define NO_REFLECTOR_RETRY_S 2u
#define JTI_LOGGED 8

struct fields {
	const char *password;
	struct token_order order;
};

static bool is_device(const char *s)
{
	size_t len = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return len > 0 && len <= LIMIT_DEVICE && s[len] == '\0';
}

static int parse(const json_t *body, struct fields *f, const char **why)
{
	struct token_order *o = &f->order;

	if (msg_get_string(body, "user", LIMIT_NAME, &o->user) != 0 || !msg_is_name(o->user)) {
		*why = "user must be 1-64 characters of A-Z a-z 0-9 . _ @ -";
	} else if (msg_get_string(body, "password", LOGIN_PASSWORD_MAX, &f->password) != 0) {
		*why = "password must be a string of at most 1024 bytes";
	} else if (msg_get_string(body, "room", LIMIT_NAME, &o->room) != 0 ||
		!msg_is_name(o->room)) {
		*why = "room must be 1-64 characters of A-Z a-z 0-9 . _ @ -";
	} else if (msg_opt_string(body, "device", LIMIT_DEVICE, &o->device) != 0 ||
		(o->device != NULL && !is_device(o->device))) {
		*why = "device must be 1-32 characters of A-Z a-z 0-9 _ -";
	} else if (msg_opt_string(body, "name", LIMIT_DISPLAY_NAME, &o->name) != 0 ||
		(o->name != NULL && !msg_is_display_name(o->name))) {
		*why = "name must be 1-128 bytes of UTF-8 without control characters";
	} else {
		return 0;
	}
	return ERR_BAD_FIELD;
}

/* why: for who was recognised; "": nothing that may be said. */
static void refuse(const struct route_call *call, int err, unsigned retry_after, const char *why)
{
	static const char *const busy = "too many attempts: try again later";
	const char *detail = err == ERR_RATE ? busy : why[0] != '\0' ? why : NULL;

	http_reply_error(call->reply, err, detail);
	call->reply->retry_after_s = err == ERR_NO_REFLECTOR ? NO_REFLECTOR_RETRY_S : retry_after;
}

/* jansson frees its strings without clearing them. */
static void wipe(const char *text)
{
	sodium_memzero((void *)(uintptr_t)text, strlen(text));
}

void route_token_post(const struct route_call *call)
{
	struct fields f = { 0 };
	struct token_issued issued = { 0 };
	struct store_user user = { .policy = "" };
	char denied[POLICY_WHY] = "";
	const char *why = NULL;
	unsigned retry_after = 0;
	int err = parse(call->body, &f, &why);

	if (err != 0) {
		http_reply_error(call->reply, err, why);
		return;
	}
	const struct login_attempt attempt = { .user = f.order.user,
		.password = f.password,
		.room = f.order.room,
		.address = call->req->peer };
	struct store_actor who = call->actor;
	snprintf(who.name, sizeof(who.name), "user:%s", f.order.user);
	err = login_check(call->ctx->login, &attempt, &retry_after);
	wipe(f.password);
	if (err == 0) {
		err = store_user_get(call->ctx->store, f.order.user, &user);
	}
	if (err == 0) {
		f.order.source = POLICY_USER;
		f.order.actor = &who;
		f.order.grants = user.policy;
		f.order.address = call->req->listener == HTTP_ADMIN ? NULL : call->req->peer;
		err = token_issue_make(call->ctx->token_issue, &f.order, &issued, denied);
	}
	if (err != 0) {
		refuse(call, err == ERR_NOT_FOUND ? ERR_LOGIN : err, retry_after, denied);
		return;
	}
	char short_jti[JTI_LOGGED + 1] = "";
	memcpy(short_jti, issued.claims.jti, JTI_LOGGED);
	log_event(LOG_LEVEL_INFO, "token-issued", LOG_STR("jti", short_jti),
		LOG_STR("room", f.order.room), LOG_STR("participant", issued.claims.participant),
		LOG_STR("place", issued.claims.places[0]));
	http_reply_json(call->reply, MHD_HTTP_OK,
		token_issue_answer(call->ctx->token_issue, &issued));
	token_issued_finish(&issued);
}

void route_jwks_get(const struct route_call *call)
{
	http_reply_json(call->reply, MHD_HTTP_OK, token_issue_jwks(call->ctx->token_issue));
}
