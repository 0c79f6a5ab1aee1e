/*
 * token_publish: names of the kinds of stream and lists of them, in tokens and policies of rooms.
 * It must never turn a name nobody knows into a kind.
 */
#include <string.h>

#include "proto/msg.h"
#include "proto/token_claims.h"

#define NAMES_MAX 16u /* in one list: a newer authd may know more kinds */

static const struct {
	unsigned bit;
	const char *name;
} kinds[TOKEN_KINDS] = {
	{ TOKEN_PUBLISH_AUDIO, "audio" },
	{ TOKEN_PUBLISH_VIDEO, "video" },
	{ TOKEN_PUBLISH_SCREEN, "screen" },
	{ TOKEN_PUBLISH_DATA, "data" },
};

unsigned token_publish_from_name(const char *name)
{
	for (size_t i = 0; i < TOKEN_KINDS; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			return kinds[i].bit;
		}
	}
	return 0;
}

const char *token_publish_name(unsigned bit)
{
	for (size_t i = 0; i < TOKEN_KINDS; i++) {
		if (kinds[i].bit == bit) {
			return kinds[i].name;
		}
	}
	return NULL;
}

int token_publish_parse(const json_t *object, const char *key, unsigned *bits)
{
	const json_t *list = NULL;
	unsigned found = 0;

	if (msg_get_array(object, key, NAMES_MAX, &list) != 0) {
		return ERR_BAD_FIELD;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (name == NULL) {
			return ERR_BAD_FIELD;
		}
		found |= token_publish_from_name(name);
	}
	*bits = found;
	return 0;
}

json_t *token_publish_build(unsigned bits)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < TOKEN_KINDS; i++) {
		if ((bits & kinds[i].bit) != 0 &&
			json_array_append_new(list, json_string(kinds[i].name)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
