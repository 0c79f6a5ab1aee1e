/*
 * user: helioctl user add, list, disable, enable, password.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ask.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/listing.h"

static void fill_state(const json_t *item, int64_t now, struct listing_cell *cell)
{
	bool disabled = json_is_true(json_object_get(item, "disabled"));

	(void)now;
	snprintf(cell->text, cell->size, "%s", disabled ? "disabled" : "enabled");
	cell->style = disabled ? STYLE_BAD : STYLE_GOOD;
}

static const struct listing_column columns[] = {
	{ "USER", "name", LISTING_TEXT, NULL },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state },
	{ "CREATED", "created_at", LISTING_TIME, NULL },
};

int user_list(struct ctl *ctl)
{
	json_t *answer = NULL;
	int status = ctl_call(ctl, "list the users", "GET", "/v1/users", NULL, &answer);

	if (status == CTL_OK) {
		status = listing_show(
			ctl, answer, "users", columns, sizeof(columns) / sizeof(columns[0]));
	}
	json_decref(answer);
	return status;
}

/* Sends body (taken over; NULL: it could not be made) and says what was done. */
static int send_user(struct ctl *ctl, const char *what, const char *method, const char *path,
	json_t *body, const char *done)
{
	json_t *answer = NULL;
	int status;

	if (body == NULL) {
		ctl_complain(what, "the name or the password is not UTF-8", "use UTF-8");
		return CTL_USAGE;
	}
	status = ctl_call(ctl, what, method, path, body, &answer);
	if (status == CTL_OK && ctl->json) {
		status = listing_json(answer);
	} else if (status == CTL_OK && !ctl->quiet) {
		printf("user %s %s\n", ctl->options.operands[0], done);
	}
	json_decref(answer);
	json_decref(body);
	return status;
}

int user_add(struct ctl *ctl)
{
	const char *name = ctl->options.operands[0];
	char password[ASK_PASSWORD_MAX];
	int status = ask_password(name, ctl->options.value[OPT_PASSWORD_FILE], password);

	if (status == CTL_OK) {
		status = send_user(ctl, "add the user", "POST", "/v1/users",
			json_pack("{s:s, s:s}", "name", name, "password", password), "added");
	}
	explicit_bzero(password, sizeof(password));
	return status;
}

static void user_path(struct client_path *path, const struct ctl *ctl)
{
	client_path_init(path, "/v1/users");
	client_path_segment(path, ctl->options.operands[0]);
}

int user_password(struct ctl *ctl)
{
	char password[ASK_PASSWORD_MAX];
	struct client_path path;
	int status = ask_password(
		ctl->options.operands[0], ctl->options.value[OPT_PASSWORD_FILE], password);

	user_path(&path, ctl);
	if (status == CTL_OK) {
		status = send_user(ctl, "set the password", "PATCH", path.text,
			json_pack("{s:s}", "password", password), "has a new password");
	}
	explicit_bzero(password, sizeof(password));
	return status;
}

int user_disable(struct ctl *ctl)
{
	struct client_path path;
	char question[256];
	int status;

	snprintf(question, sizeof(question),
		"Disable %.64s, revoke all tokens and end all sessions of this user?",
		ctl->options.operands[0]);
	status = ask_confirm(ctl, question);
	if (status != CTL_OK) {
		return status;
	}
	user_path(&path, ctl);
	return send_user(ctl, "disable the user", "PATCH", path.text,
		json_pack("{s:b}", "disabled", 1), "disabled");
}

int user_enable(struct ctl *ctl)
{
	struct client_path path;

	user_path(&path, ctl);
	return send_user(ctl, "enable the user", "PATCH", path.text,
		json_pack("{s:b}", "disabled", 0), "enabled");
}
