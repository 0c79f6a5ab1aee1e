/*
 * apikey: helioctl apikey create, list, show, revoke. A key is shown once, by create, and nowhere
 * else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/impact.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/pairs.h"
#include "ctl/show.h"
#include "ctl/when.h"

static void fill_state(const json_t *item, int64_t now, struct listing_cell *cell)
{
	int64_t revoked = json_integer_value(json_object_get(item, "revoked_at"));
	int64_t expires = json_integer_value(json_object_get(item, "expires_at"));

	if (revoked > 0 || (expires > 0 && expires <= now)) {
		snprintf(cell->text, cell->size, "%s", revoked > 0 ? "revoked" : "expired");
		cell->style = revoked > 0 ? STYLE_BAD : STYLE_DIM;
	} else {
		snprintf(cell->text, cell->size, "valid");
		cell->style = STYLE_GOOD;
	}
}

static const struct listing_column columns[] = {
	{ "APIKEY", "name", LISTING_TEXT, NULL, FIT_KEEP },
	{ "ID", "id", LISTING_TEXT, NULL, FIT_DROP(8) },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state, FIT_KEEP },
	{ "ADMIN", "admin", LISTING_BOOL, NULL, FIT_KEEP },
	{ "ROOMS", "rooms", LISTING_LIST, NULL, FIT_CUT },
	{ "CREATED", "created_at", LISTING_TIME, NULL, FIT_DROP(9) },
	{ "EXPIRES", "expires_at", LISTING_TIME, NULL, FIT_KEEP },
};
#define COUNT (sizeof(columns) / sizeof(columns[0]))

int apikey_list(struct ctl *ctl)
{
	struct client_path path;

	client_path_init(&path, "/v1/apikeys");
	return show_list(ctl, "list the API keys", &path, "apikeys", columns, COUNT);
}

int apikey_show(struct ctl *ctl)
{
	struct client_path path;

	client_path_init(&path, "/v1/apikeys");
	client_path_segment(&path, ctl->options.operands[0]);
	return show_one(ctl, "show the API key", path.text, columns, COUNT, "grants");
}

/* The body of the request; NULL after complaining, with *status. */
static json_t *create_body(const struct ctl *ctl, int *status)
{
	const char *expires = ctl->options.value[OPT_EXPIRES];
	json_t *grants, *rooms, *body;
	int64_t when = 0;

	*status = CTL_USAGE;
	if (expires != NULL && !when_parse(expires, (int64_t)time(NULL), false, &when)) {
		ctl_complain("use --expires", "it is no time", "12h, 7d, 2026-12-01 or never");
		return NULL;
	}
	*status = pairs_read(ctl, PAIRS_GRANTS, 1, NULL, &grants);
	if (*status != CTL_OK) {
		return NULL;
	}
	/* Which rooms it may be used for is the key's, not that of the grants it gives. */
	rooms = json_incref(json_object_get(grants, "rooms"));
	json_object_del(grants, "rooms");
	body = json_pack("{s:s, s:o*, s:o*}", "name", ctl->options.operands[0], "rooms", rooms,
		"grants", grants);
	if (body == NULL) {
		*status = CTL_USAGE;
		ctl_complain("make the API key", "the name is not UTF-8",
			"names are 1-64 of A-Z a-z 0-9 . _ @ -");
		return NULL;
	}
	if (ctl->options.value[OPT_ADMIN] != NULL) {
		json_object_set_new(body, "admin", json_true());
	}
	if (when > 0) {
		json_object_set_new(body, "expires_at", json_integer(when));
	}
	return body;
}

int apikey_create(struct ctl *ctl)
{
	json_t *answer = NULL, *body;
	const char *key;
	int status;

	body = create_body(ctl, &status);
	if (body == NULL) {
		return status;
	}
	status = ctl_call(ctl, "make the API key", "POST", "/v1/apikeys", body, &answer);
	key = json_string_value(json_object_get(answer, "key"));
	if (status == CTL_OK && ctl->json) {
		status = listing_json(answer);
	} else if (status == CTL_OK && key == NULL) {
		ctl_complain("show the API key", "authd's answer has none",
			"are helioctl and authd of one version? Revoke it and try again");
		status = CTL_FAILED;
	} else if (status == CTL_OK) {
		char *safe = columns_escape(key);

		puts(safe != NULL ? safe : "-"); /* alone on stdout, for scripts */
		free(safe);
		if (!ctl->quiet) {
			fputs("This is the key. It is shown this once; keep it as secret as a "
			      "password.\n",
				stderr);
		}
	}
	json_decref(answer);
	json_decref(body);
	return status;
}

int apikey_revoke(struct ctl *ctl)
{
	const char *name = ctl->options.operands[0];
	char question[256], source[96], done[256];
	struct impact impact = { .question = question, .source = source, .also = "end the key" };
	struct client_path path;
	bool go;
	int status = impact_apikey_source(ctl, name, source);

	if (status != CTL_OK) {
		return status;
	}
	snprintf(question, sizeof(question),
		"Revoke the API key %.64s and all tokens that were made with it?", name);
	status = impact_confirm(ctl, &impact, &go);
	if (status != CTL_OK || !go) {
		return status;
	}
	client_path_init(&path, "/v1/apikeys");
	client_path_segment(&path, name);
	snprintf(done, sizeof(done), "API key %s revoked", name);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "revoke the API key",
			.method = "DELETE",
			.path = path.text,
			.done = done });
}
