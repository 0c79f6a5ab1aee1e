/*
 * key: helioctl key list, rotate: the keys that sign tokens.
 */
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/impact.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/show.h"

static void fill_state(const json_t *item, int64_t now, struct listing_cell *cell)
{
	int64_t retired = json_integer_value(json_object_get(item, "retired_at"));
	int64_t active = json_integer_value(json_object_get(item, "active_at"));

	if (json_is_true(json_object_get(item, "signs"))) {
		snprintf(cell->text, cell->size, "signs");
		cell->style = STYLE_GOOD;
	} else if (retired > 0 && retired <= now) {
		snprintf(cell->text, cell->size, "verifies");
		cell->style = STYLE_DIM;
	} else {
		snprintf(cell->text, cell->size, "%s", active > now ? "published" : "verifies");
	}
}

static const struct listing_column columns[] = {
	{ "KEY", "kid", LISTING_TEXT, NULL, FIT_ID },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state, FIT_KEEP },
	{ "CREATED", "created_at", LISTING_TIME, NULL, FIT_DROP(9) },
	{ "SIGNS FROM", "active_at", LISTING_TIME, NULL, FIT_KEEP },
	{ "SIGNS UNTIL", "retired_at", LISTING_TIME, NULL, FIT_KEEP },
};

int key_list(struct ctl *ctl)
{
	return show_whole(ctl, "list the keys", "/v1/keys", "keys", columns,
		sizeof(columns) / sizeof(columns[0]));
}

int key_rotate(struct ctl *ctl)
{
	struct impact impact = { .question = "Make a new signing key and retire the one in use?",
		.also = "make a new signing key; tokens signed with the old one stay valid" };
	bool go;
	int status = impact_confirm(ctl, &impact, &go);

	if (status != CTL_OK || !go) {
		return status;
	}
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "rotate the signing key",
			.method = "POST",
			.path = "/v1/keys/rotate",
			.done = "a new key is published and signs from 30 s from now" });
}
