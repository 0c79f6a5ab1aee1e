/*
 * route_users: accounts for the administrator. Passwords and imported hashes are judged here, and
 * neither ever leaves.
 */
#include <microhttpd.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "authd/pass_crypt.h"
#include "authd/policy.h"
#include "authd/route_handlers.h"
#include "authd/route_page.h"
#include "authd/store_users.h"
#include "common/log.h"
#include "proto/msg.h"

#define RETRY_S 1u

static json_t *user_json(const struct store_user *row)
{
	return json_pack("{s:s,s:I,s:b,s:o}", "name", row->name, "created_at",
		(json_int_t)row->created_at, "disabled", (int)row->disabled, "policy",
		policy_json(row->policy));
}

static int add_row(const struct store_user *row, void *arg)
{
	return route_page_add(arg, row->name, user_json(row));
}

void route_users_get(const struct route_call *call)
{
	struct route_page page;

	if (route_page_begin(call, &page)) {
		int err = store_user_list(call->ctx->store, &page.page, add_row, &page);
		route_page_end(call, &page, "users", err);
	}
}

/* why NULL: what the error says by itself. */
static void refuse(const struct route_call *call, int err, const char *why)
{
	http_reply_error(call->reply, err,
		why != NULL                    ? why
			: err == ERR_EXISTS    ? "there is a user of that name"
			: err == ERR_NOT_FOUND ? "there is no such user"
					       : NULL);
	call->reply->retry_after_s = err == ERR_RATE ? RETRY_S : 0;
}

static void answer(const struct route_call *call, int status, const char *name)
{
	struct store_user user;
	int err = store_user_get(call->ctx->store, name, &user);

	if (err != 0) {
		refuse(call, err, NULL);
		return;
	}
	http_reply_json(call->reply, status, user_json(&user));
}

/* Hashes the body's password and wipes it. */
static int hash_password(const struct route_call *call, char hash[PASS_HASH_SIZE], const char **why)
{
	const char *password = NULL;

	if (msg_get_string(call->body, "password", LOGIN_PASSWORD_MAX, &password) != 0 ||
		strlen(password) < LOGIN_PASSWORD_MIN) {
		*why = "password must be 8 to 1024 bytes";
		return ERR_BAD_FIELD;
	}
	int err = pass_hash_make(call->ctx->pass_hash, PASS_HASH_KNOWN, password, hash);
	route_wipe(password);
	return err;
}

/* A hash of another system, as it is. */
static int import_hash(const struct route_call *call, char hash[PASS_HASH_SIZE], const char **why)
{
	const char *given = NULL;

	_Static_assert(PASS_HASH_SIZE == STORE_HASH_MAX + 1, "what is imported must fit");
	if (msg_get_string(call->body, "hash", STORE_HASH_MAX, &given) != 0) {
		*why = "hash must be a string of at most 191 characters";
		return ERR_BAD_FIELD;
	}
	*why = pass_crypt_judge(given);
	if (*why != NULL) {
		return ERR_BAD_FIELD;
	}
	snprintf(hash, PASS_HASH_SIZE, "%s", given);
	return 0;
}

/* The one of the two that is there. */
static int take_secret(const struct route_call *call, char hash[PASS_HASH_SIZE], const char **why)
{
	bool has_hash = json_object_get(call->body, "hash") != NULL;

	if (has_hash && json_object_get(call->body, "password") != NULL) {
		*why = "give either password or hash";
		return ERR_BAD_FIELD;
	}
	return has_hash ? import_hash(call, hash, why) : hash_password(call, hash, why);
}

void route_users_post(const struct route_call *call)
{
	struct store_user user = { .created_at = (int64_t)time(NULL) };
	char policy_why[POLICY_WHY] = "";
	const char *name = NULL, *why = NULL;

	if (!route_body_only(call, "name", "password", "hash", "policy", NULL)) {
		return;
	}
	if (msg_get_string(call->body, "name", LIMIT_NAME, &name) != 0 || !msg_is_name(name)) {
		refuse(call, ERR_BAD_FIELD, "name must be 1-64 characters of A-Z a-z 0-9 . _ @ -");
		return;
	}
	snprintf(user.name, sizeof(user.name), "%s", name);
	int err =
		policy_grants_text(json_object_get(call->body, "policy"), user.policy, policy_why);
	if (err != 0) {
		refuse(call, err, policy_why);
		return;
	}
	err = take_secret(call, user.hash, &why);
	if (err == 0) {
		err = store_user_add(call->ctx->store, &call->actor, &user);
	}
	sodium_memzero(user.hash, sizeof(user.hash));
	if (err != 0) {
		refuse(call, err, why);
		return;
	}
	log_event(LOG_LEVEL_INFO, "user-added", LOG_STR("user", user.name),
		LOG_STR("by", call->actor.name));
	answer(call, MHD_HTTP_CREATED, user.name);
}

/* What can be no user's name never gets to the store. */
static bool has_name(const struct route_call *call)
{
	if (!msg_is_name(call->arg)) {
		refuse(call, ERR_NOT_FOUND, NULL);
		return false;
	}
	return true;
}

void route_user_get(const struct route_call *call)
{
	if (!has_name(call)) {
		return;
	}
	answer(call, MHD_HTTP_OK, call->arg);
}

void route_user_delete(const struct route_call *call)
{
	if (!has_name(call)) {
		return;
	}
	int err = store_user_delete(call->ctx->store, &call->actor, call->arg, (int64_t)time(NULL));

	if (err != 0) {
		refuse(call, err, NULL);
		return;
	}
	log_event(LOG_LEVEL_INFO, "user-deleted", LOG_STR("user", call->arg),
		LOG_STR("by", call->actor.name));
	http_reply_empty(call->reply, MHD_HTTP_NO_CONTENT);
}

static int set_disabled(const struct route_call *call, const char **why)
{
	bool disabled = false;

	if (msg_opt_bool(call->body, "disabled", &disabled) != 0) {
		*why = "disabled must be true or false";
		return ERR_BAD_FIELD;
	}
	int err = store_user_set_disabled(
		call->ctx->store, &call->actor, call->arg, disabled, (int64_t)time(NULL));
	if (err == 0) {
		log_event(LOG_LEVEL_INFO, disabled ? "user-disabled" : "user-enabled",
			LOG_STR("user", call->arg), LOG_STR("by", call->actor.name));
	}
	return err;
}

static int set_password(const struct route_call *call, const char **why)
{
	char hash[PASS_HASH_SIZE];
	int err = hash_password(call, hash, why);

	if (err == 0) {
		err = store_user_set_hash(call->ctx->store, &call->actor, call->arg, hash, false,
			NULL, (int64_t)time(NULL));
	}
	if (err == 0) {
		log_event(LOG_LEVEL_INFO, "user-password", LOG_STR("user", call->arg),
			LOG_STR("by", call->actor.name));
	}
	sodium_memzero(hash, sizeof(hash));
	return err;
}

static int set_policy(const struct route_call *call, char policy_why[POLICY_WHY], const char **why)
{
	char policy[STORE_JSON_MAX + 1];
	int err = policy_grants_text(json_object_get(call->body, "policy"), policy, policy_why);

	if (err != 0) {
		*why = policy_why;
		return err;
	}
	err = store_user_set_policy(call->ctx->store, &call->actor, call->arg, policy);
	if (err == 0) {
		log_event(LOG_LEVEL_INFO, "user-policy", LOG_STR("user", call->arg),
			LOG_STR("by", call->actor.name));
	}
	return err;
}

/* One change at a time: each is a record of its own, and none is half done. */
void route_user_patch(const struct route_call *call)
{
	char policy_why[POLICY_WHY] = "";
	const char *why = NULL;
	int err;

	if (!has_name(call) || !route_body_only(call, "disabled", "password", "policy", NULL)) {
		return;
	}
	if (json_object_size(call->body) != 1) {
		refuse(call, ERR_BAD_FIELD, "give one of disabled, password and policy");
		return;
	}
	if (json_object_get(call->body, "disabled") != NULL) {
		err = set_disabled(call, &why);
	} else if (json_object_get(call->body, "password") != NULL) {
		err = set_password(call, &why);
	} else {
		err = set_policy(call, policy_why, &why);
	}
	if (err != 0) {
		refuse(call, err, why);
		return;
	}
	answer(call, MHD_HTTP_OK, call->arg);
}
