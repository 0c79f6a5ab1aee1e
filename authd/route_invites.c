/*
 * route_invites: invites for the administrator, and what a guest is shown before he asks for a
 * token. A link leaves in the answer to its making, and never again.
 */
#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/invite.h"
#include "authd/policy.h"
#include "authd/route_handlers.h"
#include "authd/route_page.h"
#include "authd/store_invites.h"
#include "common/log.h"
#include "proto/msg.h"

#define LIFE_DEFAULT_S (7 * 86400)
#define RETRY_S 1u

static json_t *invite_json(const struct store_invite *row)
{
	return json_pack("{s:s,s:s,s:s,s:o,s:b,s:I,s:I,s:I,s:I,s:I}", "id", row->id, "room",
		row->room, "label", row->label, "grants", policy_json(row->grants), "passcode",
		(int)(row->passcode[0] != '\0'), "uses_max", (json_int_t)row->uses_max, "uses",
		(json_int_t)row->uses, "created_at", (json_int_t)row->created_at, "expires_at",
		(json_int_t)row->expires_at, "revoked_at", (json_int_t)row->revoked_at);
}

static int add_row(const struct store_invite *row, void *arg)
{
	return route_page_add(arg, row->id, invite_json(row));
}

void route_invites_get(const struct route_call *call)
{
	const char *room = http_request_query(call->req, "room");
	struct route_page page;

	if (route_page_begin(call, &page)) {
		int err = store_invite_list(call->ctx->store, room, &page.page, add_row, &page);
		route_page_end(call, &page, "invites", err);
	}
}

static void refuse(const struct route_call *call, int err, const char *why)
{
	http_reply_error(call->reply, err, why);
	call->reply->retry_after_s = err == ERR_RATE ? RETRY_S : 0;
}

static int parse_bounds(const json_t *body, struct store_invite *row, const char **why)
{
	int64_t latest = row->created_at + INVITE_LIFE_MAX_S;

	row->expires_at = row->created_at + LIFE_DEFAULT_S;
	if (msg_opt_int(body, "expires_at", row->created_at + 1, latest, &row->expires_at) != 0) {
		*why = "expires_at must be in the future, and within 366 days";
	} else if (msg_opt_int(body, "uses", 0, INVITE_USES_MAX, &row->uses_max) != 0) {
		*why = "uses must be a number from 1 to 1000000, or 0 for no limit";
	} else {
		return 0;
	}
	return ERR_BAD_FIELD;
}

static int parse(const json_t *body, struct store_invite *row, const char **passcode,
	char policy_why[POLICY_WHY], const char **why)
{
	const char *room = NULL, *label = NULL;

	if (msg_get_string(body, "room", LIMIT_NAME, &room) != 0 || !msg_is_name(room)) {
		*why = "room must be 1-64 characters of A-Z a-z 0-9 . _ @ -";
	} else if (msg_opt_string(body, "label", LIMIT_DISPLAY_NAME, &label) != 0 ||
		(label != NULL && label[0] != '\0' && !msg_is_display_name(label))) {
		*why = "label must be at most 128 bytes of UTF-8 without control characters";
	} else if (msg_opt_string(body, "passcode", INVITE_PASSCODE_MAX, passcode) != 0 ||
		(*passcode != NULL && strlen(*passcode) < INVITE_PASSCODE_MIN)) {
		*why = "passcode must be 4 to 64 bytes";
	} else {
		snprintf(row->room, sizeof(row->room), "%s", room);
		snprintf(row->label, sizeof(row->label), "%s", label != NULL ? label : "");
		*why = policy_why;
		int err = policy_grants_text(
			json_object_get(body, "grants"), row->grants, policy_why);
		return err != 0 ? err : parse_bounds(body, row, why);
	}
	return ERR_BAD_FIELD;
}

static int make(
	const struct route_call *call, struct store_invite *row, const char *passcode, char **url)
{
	const struct routes_ctx *ctx = call->ctx;
	int err = passcode != NULL
		? pass_hash_make(ctx->pass_hash, PASS_HASH_KNOWN, passcode, row->passcode)
		: 0;

	if (err == 0) {
		err = invite_make_id(row->id);
	}
	if (err == 0) {
		err = invite_make_url(ctx->keyring, ctx->issuer, ctx->public_url, row, url);
	}
	return err != 0 ? err : store_invite_add(ctx->store, &call->actor, row);
}

void route_invites_post(const struct route_call *call)
{
	struct store_invite row = { .created_at = (int64_t)time(NULL) };
	const char *passcode = NULL, *why = NULL;
	char policy_why[POLICY_WHY] = "";
	char *url = NULL;

	if (!route_body_only(
		    call, "room", "expires_at", "uses", "passcode", "grants", "label", NULL)) {
		return;
	}
	int err = parse(call->body, &row, &passcode, policy_why, &why);
	if (err == 0) {
		err = make(call, &row, passcode, &url);
		why = err == ERR_NOT_FOUND ? "there is no such room" : NULL;
	}
	route_wipe(passcode);
	if (err != 0) {
		free(url);
		refuse(call, err, why);
		return;
	}
	log_event(LOG_LEVEL_INFO, "invite-added", LOG_STR("invite", row.id),
		LOG_STR("room", row.room), LOG_STR("by", call->actor.name));
	json_t *answer = invite_json(&row);
	if (answer != NULL && json_object_set_new(answer, "url", json_string(url)) != 0) {
		json_decref(answer);
		answer = NULL;
	}
	route_wipe(url);
	free(url);
	http_reply_json(call->reply, MHD_HTTP_CREATED, answer);
}

void route_invite_get(const struct route_call *call)
{
	struct store_invite row;
	int err = store_invite_get(call->ctx->store, call->arg, &row);

	if (err != 0) {
		refuse(call, err, err == ERR_NOT_FOUND ? "there is no such invite" : NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK, invite_json(&row));
}

void route_invite_delete(const struct route_call *call)
{
	int err =
		store_invite_revoke(call->ctx->store, &call->actor, call->arg, (int64_t)time(NULL));

	if (err != 0) {
		refuse(call, err, err == ERR_NOT_FOUND ? "there is no such invite" : NULL);
		return;
	}
	log_event(LOG_LEVEL_INFO, "invite-revoked", LOG_STR("invite", call->arg),
		LOG_STR("by", call->actor.name));
	http_reply_empty(call->reply, MHD_HTTP_NO_CONTENT);
}

/* A link cannot be guessed, so no budget of failures is kept here; requests by address are. */
void route_invite_post(const struct route_call *call)
{
	struct store_invite row;
	const char *text = NULL;

	if (msg_get_string(call->body, "invite", INVITE_LINK_MAX, &text) != 0) {
		http_reply_error(call->reply, ERR_BAD_FIELD, "invite must be a link or its token");
		return;
	}
	int err = invite_check(call->ctx->store, call->ctx->keyring, call->ctx->issuer, text,
		day_clock_now(call->ctx->clock), &row);
	if (err != 0) {
		refuse(call, err, NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK,
		json_pack("{s:s,s:s,s:b,s:I}", "room", row.room, "label", row.label, "passcode",
			(int)(row.passcode[0] != '\0'), "expires_at", (json_int_t)row.expires_at));
}
