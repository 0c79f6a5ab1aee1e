/*
 * ban: helioctl ban list, add, lift: the numbered list of revocations that reflectors go by.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/revocation.h"
#include "ctl/show.h"
#include "ctl/when.h"

static void fill_ban(const json_t *item, int64_t now, struct listing_cell *cell)
{
	bool ban = json_is_true(json_object_get(item, "ban"));

	(void)now;
	snprintf(cell->text, cell->size, "%s", ban ? "ban" : "revoked");
	cell->style = ban ? STYLE_BAD : STYLE_PLAIN;
}

static const struct listing_column columns[] = {
	{ "NUMBER", "seq", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "WHAT", NULL, LISTING_CUSTOM, fill_ban, FIT_KEEP },
	{ "KIND", "kind", LISTING_TEXT, NULL, FIT_DROP(8) },
	{ "ID", "id", LISTING_TEXT, NULL, FIT_KEEP },
	{ "ROOM", "room", LISTING_TEXT, NULL, FIT_KEEP },
	{ "ENDS", "until", LISTING_TIME, NULL, FIT_KEEP },
	{ "MADE", "created_at", LISTING_TIME, NULL, FIT_DROP(9) },
	{ "REASON", "reason", LISTING_TEXT, NULL, FIT_CUT },
};

int ban_list(struct ctl *ctl)
{
	struct client_path path;

	client_path_init(&path, "/v1/revocations");
	return show_list(ctl, "list the bans", &path, "revocations", columns,
		sizeof(columns) / sizeof(columns[0]));
}

int ban_add(struct ctl *ctl)
{
	const char *const *value = ctl->options.value;
	int64_t seconds;

	if (!when_parse_duration(ctl->options.operands[0], &seconds)) {
		ctl_complain("ban", "the first argument is no duration",
			"30m, 12h, 7d ...; see helioctl ban add --help");
		return CTL_USAGE;
	}
	if (value[OPT_USER] == NULL && value[OPT_ROOM] == NULL && value[OPT_APIKEY] == NULL) {
		ctl_complain("ban", "it was not said whom", "give --user, --room or --apikey");
		return CTL_USAGE;
	}
	return revocation_add(ctl, seconds);
}

int ban_lift(struct ctl *ctl)
{
	const char *number = ctl->options.operands[0];
	struct client_path path;
	char done[160];

	if (number[strspn(number, "0123456789")] != '\0') {
		ctl_complain("lift the ban", "that is no number",
			"`helioctl ban list` shows the numbers");
		return CTL_USAGE;
	}
	client_path_init(&path, "/v1/revocations");
	client_path_segment(&path, number);
	snprintf(done, sizeof(done), "ban %s lifted", number);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "lift the ban",
			.method = "DELETE",
			.path = path.text,
			.done = done });
}
