/*
 * token: helioctl token list, revoke. Shows ids and dates of tokens; a token itself is never here.
 */
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/impact.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/revocation.h"
#include "ctl/show.h"

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

/* "user", "apikey abcdefghijkl": how it was got. */
static void fill_source(const json_t *item, int64_t now, struct listing_cell *cell)
{
	const char *source = json_string_value(json_object_get(item, "source"));
	const char *id = json_string_value(json_object_get(item, "source_id"));

	(void)now;
	snprintf(cell->text, cell->size, "%s%s%s", source != NULL ? source : "",
		id != NULL && id[0] != '\0' ? " " : "", id != NULL ? id : "");
}

static const struct listing_column columns[] = {
	{ "JTI", "jti", LISTING_TEXT, NULL, FIT_ID },
	{ "USER", "user", LISTING_TEXT, NULL, FIT_KEEP },
	{ "PARTICIPANT", "participant", LISTING_TEXT, NULL, FIT_DROP(7) },
	{ "ROOM", "room", LISTING_TEXT, NULL, FIT_KEEP },
	{ "SOURCE", NULL, LISTING_CUSTOM, fill_source, FIT_DROP(9) },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state, FIT_KEEP },
	{ "ISSUED", "issued_at", LISTING_TIME, NULL, FIT_DROP(8) },
	{ "EXPIRES", "expires_at", LISTING_TIME, NULL, FIT_KEEP },
};

int token_list(struct ctl *ctl)
{
	const char *apikey = ctl->options.value[OPT_APIKEY];
	struct client_path path;
	char source[96] = "";

	client_path_init(&path, "/v1/tokens");
	client_path_query(&path, "room", ctl->options.value[OPT_ROOM]);
	client_path_query(&path, "user", ctl->options.value[OPT_USER]);
	client_path_query(&path, "all", ctl->options.value[OPT_ALL] != NULL ? "1" : NULL);
	if (apikey != NULL) {
		int status = impact_apikey_source(ctl, apikey, source);
		if (status != CTL_OK) {
			return status;
		}
		client_path_query(&path, "source", source);
	}
	return show_list(ctl, "list the tokens", &path, "tokens", columns,
		sizeof(columns) / sizeof(columns[0]));
}

static int revoke_by_jti(struct ctl *ctl)
{
	const char *jti = ctl->options.operands[0];
	struct impact impact = { .jti = jti };
	struct client_path path;
	char question[256], done[256];
	bool go;
	int status;

	snprintf(question, sizeof(question), "Revoke the token %.64s and end its session?", jti);
	impact.question = question;
	status = impact_confirm(ctl, &impact, &go);
	if (status != CTL_OK || !go) {
		return status;
	}
	client_path_init(&path, "/v1/tokens");
	client_path_segment(&path, jti);
	snprintf(done, sizeof(done), "token %s revoked", jti);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "revoke the token",
			.method = "DELETE",
			.path = path.text,
			.done = done });
}

int token_revoke(struct ctl *ctl)
{
	const struct options *options = &ctl->options;
	bool by_option = options->value[OPT_USER] != NULL || options->value[OPT_ROOM] != NULL ||
		options->value[OPT_APIKEY] != NULL;

	if ((options->operand_count == 1) == by_option ||
		(options->operand_count == 1 && options->value[OPT_REASON] != NULL)) {
		ctl_complain("revoke tokens",
			options->operand_count == 1
				? "a token was named, so no option may name others or a reason"
				: "it was not said which",
			"give a JTI, or --user, --room or --apikey");
		return CTL_USAGE;
	}
	return by_option ? revocation_add(ctl, 0) : revoke_by_jti(ctl);
}
