/*
 * token: helioctl token list, revoke. Shows ids and dates of tokens; a token itself is never here.
 */
#include <stdio.h>

#include "ctl/ask.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/listing.h"

static void fill_state(const json_t *item, int64_t now, struct listing_cell *cell)
{
	const json_t *revoked = json_object_get(item, "revoked_at");
	const json_t *expires = json_object_get(item, "expires_at");

	if (json_is_integer(revoked) && json_integer_value(revoked) > 0) {
		snprintf(cell->text, cell->size, "revoked");
		cell->style = STYLE_BAD;
	} else if (json_is_integer(expires) && json_integer_value(expires) <= now) {
		snprintf(cell->text, cell->size, "expired");
		cell->style = STYLE_DIM;
	} else {
		snprintf(cell->text, cell->size, "valid");
		cell->style = STYLE_GOOD;
	}
}

static const struct listing_column columns[] = {
	{ "JTI", "jti", LISTING_TEXT, NULL },
	{ "USER", "user", LISTING_TEXT, NULL },
	{ "PARTICIPANT", "participant", LISTING_TEXT, NULL },
	{ "ROOM", "room", LISTING_TEXT, NULL },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state },
	{ "ISSUED", "issued_at", LISTING_TIME, NULL },
	{ "EXPIRES", "expires_at", LISTING_TIME, NULL },
};

int token_list(struct ctl *ctl)
{
	struct client_path path;
	json_t *answer = NULL;
	int status;

	client_path_init(&path, "/v1/tokens");
	client_path_query(&path, "room", ctl->options.value[OPT_ROOM]);
	client_path_query(&path, "user", ctl->options.value[OPT_USER]);
	client_path_query(&path, "all", ctl->options.value[OPT_ALL] != NULL ? "1" : NULL);
	status = ctl_call(ctl, "list the tokens", "GET", path.text, NULL, &answer);
	if (status == CTL_OK) {
		status = listing_show(
			ctl, answer, "tokens", columns, sizeof(columns) / sizeof(columns[0]));
	}
	json_decref(answer);
	return status;
}

int token_revoke(struct ctl *ctl)
{
	const char *jti = ctl->options.operands[0];
	struct client_path path;
	char question[256];
	json_t *answer = NULL;
	int status;

	snprintf(question, sizeof(question), "Revoke the token %.64s and end its session?", jti);
	status = ask_confirm(ctl, question);
	if (status != CTL_OK) {
		return status;
	}
	client_path_init(&path, "/v1/tokens");
	client_path_segment(&path, jti);
	status = ctl_call(ctl, "revoke the token", "DELETE", path.text, NULL, &answer);
	if (status == CTL_OK && ctl->json) {
		status = listing_json(answer);
	} else if (status == CTL_OK && !ctl->quiet) {
		printf("token %s revoked\n", jti);
	}
	json_decref(answer);
	return status;
}
