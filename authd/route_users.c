/*
 * route_users: accounts for the administrator. Passwords are judged and hashed here and never
 * leave.
 */
#include <microhttpd.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "authd/routes.h"
#include "authd/store_users.h"
#include "common/log.h"
#include "proto/msg.h"

#define RETRY_S 1u

static json_t *user_json(const struct store_user *row)
{
	return json_pack("{s:s,s:I,s:b}", "name", row->name, "created_at",
		(json_int_t)row->created_at, "disabled", (int)row->disabled);
}

struct user_list {
	json_t *users;
	char last[LIMIT_NAME + 1];
	unsigned count; /* in this page */
};

static int add_user(const struct store_user *row, void *arg)
{
	struct user_list *list = arg;

	memcpy(list->last, row->name, sizeof(list->last));
	list->count++;
	return json_array_append_new(list->users, user_json(row)) == 0 ? 0 : ERR_NOMEM;
}

static int add_users(struct store *store, struct user_list *list)
{
	struct store_page page = { .limit = STORE_PAGE_MAX };
	int err;

	do {
		char after[LIMIT_NAME + 1];

		memcpy(after, list->last, sizeof(after));
		page.after = after;
		list->count = 0;
		err = store_user_list(store, &page, add_user, list);
	} while (err == 0 && list->count == STORE_PAGE_MAX);
	return err;
}

void route_users_get(const struct route_call *call)
{
	struct store *store = call->ctx->store;
	struct user_list list = { .users = json_array() };
	int err = list.users != NULL ? add_users(store, &list) : ERR_NOMEM;

	if (err != 0) {
		json_decref(list.users);
		http_reply_error(call->reply, err, NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK, json_pack("{s:o}", "users", list.users));
}

/* Hashes the body's password and wipes it. */
static int hash_password(const struct route_call *call, char hash[PASS_HASH_SIZE])
{
	const char *password = NULL;

	if (msg_get_string(call->body, "password", LOGIN_PASSWORD_MAX, &password) != 0 ||
		strlen(password) < LOGIN_PASSWORD_MIN) {
		return ERR_BAD_FIELD;
	}
	int err = pass_hash_make(call->ctx->pass_hash, PASS_HASH_KNOWN, password, hash);
	sodium_memzero((void *)(uintptr_t)password, strlen(password));
	return err;
}

static void refuse(const struct route_call *call, int err)
{
	const char *detail = err == ERR_BAD_FIELD ? "password must be 8 to 1024 bytes"
		: err == ERR_EXISTS               ? "there is a user of that name"
		: err == ERR_NOT_FOUND            ? "there is no such user"
						  : NULL;

	http_reply_error(call->reply, err, detail);
	call->reply->retry_after_s = err == ERR_RATE ? RETRY_S : 0;
}

void route_users_post(const struct route_call *call)
{
	struct store *store = call->ctx->store;
	struct store_user user = { .created_at = (int64_t)time(NULL) };
	const char *name = NULL;

	if (msg_get_string(call->body, "name", LIMIT_NAME, &name) != 0 || !msg_is_name(name)) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"name must be 1-64 characters of A-Z a-z 0-9 . _ @ -");
		return;
	}
	snprintf(user.name, sizeof(user.name), "%s", name);
	int err = hash_password(call, user.hash);
	if (err == 0) {
		err = store_user_add(store, &call->actor, &user);
	}
	if (err != 0) {
		refuse(call, err);
		return;
	}
	log_event(LOG_LEVEL_INFO, "user-added", LOG_STR("user", user.name));
	http_reply_json(call->reply, MHD_HTTP_CREATED, user_json(&user));
}

static int set_disabled(const struct route_call *call, bool disabled)
{
	struct store *store = call->ctx->store;
	int err = store_user_set_disabled(
		store, &call->actor, call->arg, disabled, (int64_t)time(NULL));

	if (err == 0) {
		log_event(LOG_LEVEL_INFO, disabled ? "user-disabled" : "user-enabled",
			LOG_STR("user", call->arg));
	}
	return err;
}

static int set_password(const struct route_call *call)
{
	struct store *store = call->ctx->store;
	char hash[PASS_HASH_SIZE];
	int err = hash_password(call, hash);

	if (err == 0) {
		err = store_user_set_hash(store, &call->actor, call->arg, hash, false, NULL,
			(int64_t)time(NULL));
	}
	if (err == 0) {
		log_event(LOG_LEVEL_INFO, "user-password", LOG_STR("user", call->arg));
	}
	return err;
}

void route_user_patch(const struct route_call *call)
{
	bool has_disabled = json_object_get(call->body, "disabled") != NULL;
	bool has_password = json_object_get(call->body, "password") != NULL;
	struct store *store = call->ctx->store;
	struct store_user user;
	bool disabled = false;
	int err = msg_is_name(call->arg) ? store_user_get(store, call->arg, &user)
					 : ERR_NOT_FOUND;

	if (err == 0 &&
		(msg_opt_bool(call->body, "disabled", &disabled) != 0 ||
			has_disabled == has_password)) {
		http_reply_error(call->reply, ERR_BAD_FIELD,
			"give either disabled (true or false) or password");
		return;
	}
	if (err == 0) {
		err = has_disabled ? set_disabled(call, disabled) : set_password(call);
	}
	if (err == 0) {
		err = store_user_get(store, call->arg, &user);
	}
	if (err != 0) {
		refuse(call, err);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK, user_json(&user));
}
