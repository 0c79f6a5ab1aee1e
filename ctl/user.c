/*
 * user: helioctl user list, show, add, password, enable, disable, policy, delete.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ask.h"
#include "ctl/client.h"
#include "ctl/impact.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/pairs.h"
#include "ctl/show.h"

static void fill_state(const json_t *item, int64_t now, struct listing_cell *cell)
{
	bool disabled = json_is_true(json_object_get(item, "disabled"));

	(void)now;
	snprintf(cell->text, cell->size, "%s", disabled ? "disabled" : "enabled");
	cell->style = disabled ? STYLE_BAD : STYLE_GOOD;
}

static const struct listing_column columns[] = {
	{ "USER", "name", LISTING_TEXT, NULL, FIT_KEEP },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state, FIT_KEEP },
	{ "CREATED", "created_at", LISTING_TIME, NULL, FIT_KEEP },
};
static const struct listing_column fields[] = {
	{ "user", "name", LISTING_TEXT, NULL, FIT_KEEP },
	{ "state", NULL, LISTING_CUSTOM, fill_state, FIT_KEEP },
	{ "created", "created_at", LISTING_TIME, NULL, FIT_KEEP },
};

static void user_path(struct client_path *path, const struct ctl *ctl)
{
	client_path_init(path, "/v1/users");
	client_path_segment(path, ctl->options.operands[0]);
}

int user_list(struct ctl *ctl)
{
	struct client_path path;

	client_path_init(&path, "/v1/users");
	return show_list(ctl, "list the users", &path, "users", columns,
		sizeof(columns) / sizeof(columns[0]));
}

int user_show(struct ctl *ctl)
{
	struct client_path path;

	user_path(&path, ctl);
	return show_one(ctl, "show the user", path.text, fields, sizeof(fields) / sizeof(fields[0]),
		"policy");
}

/* Sends a change of the user; body is taken over. */
static int send_user(
	struct ctl *ctl, const char *what, const char *method, json_t *body, const char *done)
{
	bool add = strcmp(method, "POST") == 0;
	struct client_path path;
	char text[256];

	user_path(&path, ctl);
	snprintf(text, sizeof(text), "user %s %s", ctl->options.operands[0], done);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = what,
			.method = method,
			.path = add ? "/v1/users" : path.text,
			.has_body = strcmp(method, "DELETE") != 0,
			.body = body,
			.done = text });
}

/* "password" or "hash" of the new user into body. */
static int put_secret(struct ctl *ctl, json_t *body)
{
	const char *hash = ctl->options.value[OPT_HASH];
	char secret[ASK_PASSWORD_MAX];
	int status;

	if (hash != NULL && ctl->options.value[OPT_PASSWORD_FILE] != NULL) {
		ctl_complain("add the user", "both --hash and --password-file were given",
			"give one of them");
		return CTL_USAGE;
	}
	status = hash != NULL ? ask_secret("", hash, "--hash", secret)
			      : ask_password(ctl->options.operands[0],
					ctl->options.value[OPT_PASSWORD_FILE], secret);
	if (status == CTL_OK) {
		json_t *text = json_string(secret);

		if (text == NULL) {
			ctl_complain("use the password", "it is not UTF-8", "take another");
			status = CTL_USAGE;
		} else {
			json_object_set_new(body, hash != NULL ? "hash" : "password", text);
		}
	}
	explicit_bzero(secret, sizeof(secret));
	return status;
}

int user_add(struct ctl *ctl)
{
	json_t *body = json_pack("{s:s}", "name", ctl->options.operands[0]), *policy = NULL;
	int status = body != NULL ? pairs_read(ctl, PAIRS_GRANTS, 1, NULL, &policy) : CTL_OK;

	if (json_object_size(policy) > 0) {
		json_object_set(body, "policy", policy);
	}
	json_decref(policy);
	if (status == CTL_OK && body != NULL) {
		status = put_secret(ctl, body);
	}
	if (status != CTL_OK) {
		json_decref(body);
		return status;
	}
	return send_user(ctl, "add the user", "POST", body, "added");
}

int user_password(struct ctl *ctl)
{
	json_t *body = json_object();
	int status = put_secret(ctl, body);

	if (status != CTL_OK) {
		json_decref(body);
		return status;
	}
	return send_user(ctl, "set the password", "PATCH", body, "has a new password");
}

int user_policy(struct ctl *ctl)
{
	bool changes = ctl->options.operand_count > 1 || ctl->options.value[OPT_FILE] != NULL;
	struct client_path path;
	json_t *user = NULL, *policy = NULL, *before;
	int status;

	user_path(&path, ctl);
	status = ctl_call(ctl, "show the user's policy", "GET", path.text, NULL, &user);
	before = json_object_get(user, "policy");
	if (status == CTL_OK && !changes && ctl->json) {
		status = listing_json(before);
	} else if (status == CTL_OK && !changes) {
		pairs_print(before, "", "the user has the defaults: `helioctl policy show`");
	} else if (status == CTL_OK) {
		status = pairs_read(ctl, PAIRS_GRANTS, 1, before, &policy);
	}
	json_decref(user);
	if (status != CTL_OK || !changes) {
		return status;
	}
	return send_user(ctl, "change the user's policy", "PATCH",
		json_pack("{s:o}", "policy", policy), "has a new policy");
}

/* Asks, or says what would happen; *go: do it. */
static int confirm(struct ctl *ctl, const char *verb, const char *also, bool *go)
{
	char question[256];
	struct impact impact = {
		.question = question, .user = ctl->options.operands[0], .also = also
	};

	snprintf(question, sizeof(question),
		"%s %.64s, revoke all tokens and end all sessions of this user?", verb,
		ctl->options.operands[0]);
	return impact_confirm(ctl, &impact, go);
}

int user_disable(struct ctl *ctl)
{
	bool go;
	int status = confirm(ctl, "Disable", "lock the user out", &go);

	if (status != CTL_OK || !go) {
		return status;
	}
	return send_user(
		ctl, "disable the user", "PATCH", json_pack("{s:b}", "disabled", 1), "disabled");
}

int user_enable(struct ctl *ctl)
{
	return send_user(
		ctl, "enable the user", "PATCH", json_pack("{s:b}", "disabled", 0), "enabled");
}

int user_delete(struct ctl *ctl)
{
	bool go;
	int status = confirm(ctl, "Delete", "forget the user", &go);

	if (status != CTL_OK || !go) {
		return status;
	}
	return send_user(ctl, "delete the user", "DELETE", NULL, "deleted");
}
