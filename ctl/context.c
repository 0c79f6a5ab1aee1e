/*
 * context: helioctl context add, list, use, remove. Talks to no server; shows no key.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/contexts.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"

/* Files are remembered by their whole path: the next call may be made elsewhere. */
static int put_file(json_t *context, const char *key, const char *file)
{
	char path[PATH_MAX];

	if (file == NULL) {
		return 0;
	}
	if (realpath(file, path) == NULL || access(path, R_OK) != 0) {
		char what[160];

		snprintf(what, sizeof(what), "add the context: the file %.100s", file);
		ctl_complain(what, "it cannot be read", "check its name and mode");
		return -1;
	}
	return json_object_set_new(context, key, json_string(path));
}

/* The admin key: from --key-file, or asked for where there is neither key nor certificate. */
static int put_key(const struct ctl *ctl, json_t *context)
{
	const char *file = ctl->options.value[OPT_KEY_FILE];
	char key[ASK_PASSWORD_MAX];
	int status;

	if (file == NULL && ctl->options.value[OPT_CERTIFICATE] != NULL) {
		return CTL_OK;
	}
	status = ask_secret("admin key (hk_...): ", file, "--key-file", key);
	if (status == CTL_OK &&
		(strncmp(key, "hk_", 3) != 0 || strlen(key) > 256 ||
			key[strspn(key,
				"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				"0123456789_-")] != '\0')) {
		ctl_complain("use the admin key", "it is no API key: they begin with hk_",
			"make one with `helioctl apikey create NAME --admin` on authd's host");
		status = CTL_FAILED;
	}
	if (status == CTL_OK && json_object_set_new(context, "key", json_string(key)) != 0) {
		status = CTL_FAILED;
	}
	explicit_bzero(key, sizeof(key));
	return status;
}

static int check_arguments(const struct ctl *ctl)
{
	const char *why = contexts_judge_name(ctl->options.operands[0]);

	if (why == NULL) {
		why = contexts_judge_url(ctl->options.operands[1]);
	}
	if (why == NULL && ctl->options.value[OPT_CERTIFICATE_KEY] != NULL &&
		ctl->options.value[OPT_CERTIFICATE] == NULL) {
		why = "--certificate-key needs --certificate";
	}
	if (why != NULL) {
		ctl_complain("add the context", why, "see helioctl context add --help");
		return CTL_USAGE;
	}
	return CTL_OK;
}

int context_add(struct ctl *ctl)
{
	const char *name = ctl->options.operands[0];
	json_t *all = NULL, *context = NULL;
	int status = check_arguments(ctl);

	if (status == CTL_OK) {
		status = contexts_load(&all);
	}
	if (status == CTL_OK) {
		context = json_pack("{s:s}", "url", ctl->options.operands[1]);
		if (context == NULL || put_file(context, "ca", ctl->options.value[OPT_CA]) != 0 ||
			put_file(context, "certificate", ctl->options.value[OPT_CERTIFICATE]) !=
				0 ||
			put_file(context, "certificate_key",
				ctl->options.value[OPT_CERTIFICATE_KEY]) != 0) {
			status = CTL_FAILED;
		}
	}
	if (status == CTL_OK) {
		status = put_key(ctl, context);
	}
	if (status == CTL_OK &&
		json_object_set(json_object_get(all, "contexts"), name, context) != 0) {
		status = CTL_FAILED;
	}
	if (status == CTL_OK) {
		status = contexts_save(all);
	}
	if (status == CTL_OK && !ctl->quiet) {
		printf("context %s added; `helioctl context use %s` makes it the one in use\n",
			name, name);
	}
	json_decref(context);
	json_decref(all);
	return status;
}

static void fill_opens(const json_t *item, int64_t now, struct listing_cell *cell)
{
	(void)now;
	snprintf(cell->text, cell->size, "%s%s%s",
		json_is_true(json_object_get(item, "has_key")) ? "key" : "",
		json_is_true(json_object_get(item, "has_key")) &&
				json_object_get(item, "certificate") != NULL
			? ", "
			: "",
		json_object_get(item, "certificate") != NULL ? "certificate" : "");
}

static void fill_current(const json_t *item, int64_t now, struct listing_cell *cell)
{
	(void)now;
	snprintf(cell->text, cell->size, "%s",
		json_is_true(json_object_get(item, "current")) ? "*" : " ");
}

static const struct listing_column columns[] = {
	{ "CONTEXT", "name", LISTING_TEXT, NULL, FIT_KEEP },
	{ "USED", NULL, LISTING_CUSTOM, fill_current, FIT_KEEP },
	{ "URL", "url", LISTING_TEXT, NULL, FIT_KEEP },
	{ "OPENED BY", NULL, LISTING_CUSTOM, fill_opens, FIT_DROP(8) },
	{ "CA", "ca", LISTING_TEXT, NULL, FIT_DROP(9) },
};

/* The list as shown: without the keys themselves. */
static json_t *build_list(const json_t *all)
{
	const char *current = json_string_value(json_object_get(all, "current"));
	json_t *list = json_array(), *context;
	const char *name;

	json_array_append_new(list,
		json_pack("{s:s, s:b, s:s}", "name", CONTEXT_LOCAL, "current",
			current == NULL || strcmp(current, CONTEXT_LOCAL) == 0, "url",
			"unix socket"));
	json_object_foreach((json_t *)json_object_get(all, "contexts"), name, context) {
		json_t *item = json_copy(context);

		json_object_set_new(
			item, "has_key", json_boolean(json_object_get(item, "key") != NULL));
		json_object_del(item, "key");
		json_object_set_new(item, "name", json_string(name));
		json_object_set_new(item, "current",
			json_boolean(current != NULL && strcmp(current, name) == 0));
		json_array_append_new(list, item);
	}
	return json_pack("{s:o}", "contexts", list);
}

int context_list(struct ctl *ctl)
{
	json_t *all, *answer;
	int status = contexts_load(&all);

	if (status != CTL_OK) {
		return status;
	}
	answer = build_list(all);
	status = listing_show(
		ctl, answer, "contexts", columns, sizeof(columns) / sizeof(columns[0]));
	json_decref(answer);
	json_decref(all);
	return status;
}

/* The context is there, or it is said that it is not. */
static int check_known(const char *name, const json_t *all)
{
	if (strcmp(name, CONTEXT_LOCAL) == 0 ||
		json_object_get(json_object_get(all, "contexts"), name) != NULL) {
		return CTL_OK;
	}
	ctl_complain("find the context", "there is no such context",
		"`helioctl context list` shows what there is");
	return CTL_NOT_FOUND;
}

int context_use(struct ctl *ctl)
{
	const char *name = ctl->options.operands[0];
	json_t *all;
	int status = contexts_load(&all);

	if (status == CTL_OK) {
		status = check_known(name, all);
	}
	if (status == CTL_OK) {
		status = json_object_set_new(all, "current", json_string(name)) == 0
			? contexts_save(all)
			: CTL_FAILED;
	}
	if (status == CTL_OK && !ctl->quiet) {
		printf("context %s is in use\n", name);
	}
	json_decref(all);
	return status;
}

int context_remove(struct ctl *ctl)
{
	const char *name = ctl->options.operands[0];
	const char *current;
	json_t *all;
	int status = contexts_load(&all);

	if (status == CTL_OK) {
		status = strcmp(name, CONTEXT_LOCAL) != 0 ? check_known(name, all) : CTL_USAGE;
		if (status == CTL_USAGE) {
			ctl_complain("remove the context", "local is always there", NULL);
		}
	}
	if (status == CTL_OK) {
		current = json_string_value(json_object_get(all, "current"));
		if (current != NULL && strcmp(current, name) == 0) {
			json_object_del(all, "current");
		}
		json_object_del(json_object_get(all, "contexts"), name);
		status = contexts_save(all);
	}
	if (status == CTL_OK && !ctl->quiet) {
		printf("context %s removed\n", name);
	}
	json_decref(all);
	return status;
}
