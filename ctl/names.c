/*
 * names: asks the server for the names of a noun and finds the one that was probably meant. Never
 * complains: whoever calls has a failure to report already.
 */
#include "ctl/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/suggest.h"

static const struct {
	const char *noun, *path, *list, *key;
} sources[] = {
	{ "room", "/v1/rooms?limit=1000", "rooms", "name" },
	{ "participant", "/v1/participants", "participants", "id" },
	{ "token", "/v1/tokens?limit=1000", "tokens", "jti" },
	{ "user", "/v1/users?limit=1000", "users", "name" },
	{ "apikey", "/v1/apikeys?limit=1000", "apikeys", "name" },
	{ "invite", "/v1/invites?limit=1000", "invites", "id" },
	{ "reflector", "/v1/reflectors", "reflectors", "name" },
};

/* Offers all names of one source; true when typed itself is among them. */
static bool offer_all(struct suggest *near, const json_t *items, const char *key)
{
	size_t i;
	json_t *item;

	json_array_foreach(items, i, item) {
		const char *name = json_string_value(json_object_get(item, key));

		if (name != NULL && strcmp(name, near->typed) == 0) {
			return true;
		}
		if (name != NULL) {
			suggest_offer(near, name);
		}
	}
	return false;
}

/* True when something was found to be said about this operand. */
static bool suggest_one(
	struct ctl *ctl, const char *noun, size_t length, const char *typed, char *out, size_t size)
{
	struct suggest near;
	json_t *answer = NULL;
	bool found = false;

	suggest_init(&near, typed, strlen(typed));
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (strlen(sources[i].noun) != length ||
			memcmp(sources[i].noun, noun, length) != 0) {
			continue;
		}
		if (client_request(ctl->client, "GET", sources[i].path, NULL, &answer) != 0) {
			return false;
		}
		if (!offer_all(&near, json_object_get(answer, sources[i].list), sources[i].key) &&
			near.best != NULL) {
			char *safe = columns_escape(near.best);

			snprintf(out, size, "did you mean %.100s? `helioctl %s list` shows all",
				safe != NULL ? safe : "-", sources[i].noun);
			free(safe);
			found = true;
		}
	}
	json_decref(answer);
	return found;
}

void names_suggest(struct ctl *ctl, char *out, size_t size)
{
	const char *noun = ctl->command->completes;

	out[0] = '\0';
	for (size_t i = 0; noun != NULL && i < ctl->options.operand_count; i++) {
		size_t length = strcspn(noun, " ");

		if (suggest_one(ctl, noun, length, ctl->options.operands[i], out, size)) {
			return;
		}
		noun = noun[length] == ' ' ? noun + length + 1 : NULL;
	}
}
