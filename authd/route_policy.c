/*
 * route_policy: the defaults: grants that bound everybody's, and the policy that new rooms get.
 */
#include <microhttpd.h>
#include <stdio.h>

#include "authd/policy.h"
#include "authd/route_handlers.h"
#include "authd/store_rooms.h"
#include "common/log.h"

typedef int (*text_fn)(const json_t *object, char out[POLICY_TEXT_MAX + 1], char why[POLICY_WHY]);

static const struct part {
	const char *name; /* of the field and of the setting */
	text_fn judge;
} parts[] = {
	{ "grants", policy_grants_text },
	{ "room", policy_room_text },
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

void route_policy_get(const struct route_call *call)
{
	json_t *answer = json_object();
	int err = answer != NULL ? 0 : ERR_NOMEM;

	for (size_t i = 0; err == 0 && i < PARTS; i++) {
		char text[STORE_JSON_MAX + 1];
		err = store_setting_get(call->ctx->store, parts[i].name, text);
		if (err == 0 &&
			json_object_set_new(answer, parts[i].name, policy_json(text)) != 0) {
			err = ERR_NOMEM;
		}
	}
	if (err != 0) {
		json_decref(answer);
		http_reply_error(call->reply, err, NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK, answer);
}

/* Everything is judged before anything is changed. count: of those that are given. */
static int judge(const struct route_call *call, char texts[PARTS][POLICY_TEXT_MAX + 1],
	struct store_setting given[PARTS], size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < PARTS; i++) {
		const json_t *value = json_object_get(call->body, parts[i].name);
		char why[POLICY_WHY] = "", detail[POLICY_WHY + 16];
		if (value == NULL) {
			continue;
		}
		int err = parts[i].judge(value, texts[i], why);
		if (err != 0) {
			snprintf(detail, sizeof(detail), "%s: %s", parts[i].name, why);
			http_reply_error(call->reply, err, why[0] != '\0' ? detail : NULL);
			return err;
		}
		given[(*count)++] =
			(struct store_setting){ .name = parts[i].name, .value = texts[i] };
	}
	return 0;
}

void route_policy_patch(const struct route_call *call)
{
	char texts[PARTS][POLICY_TEXT_MAX + 1];
	struct store_setting given[PARTS];
	size_t count = 0;

	if (!route_body_only(call, "grants", "room", NULL) ||
		judge(call, texts, given, &count) != 0) {
		return;
	}
	int err = store_setting_set(call->ctx->store, &call->actor, given, count);
	if (err != 0) {
		http_reply_error(call->reply, err, NULL);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		log_event(LOG_LEVEL_INFO, "policy-changed", LOG_STR("what", given[i].name));
	}
	route_policy_get(call);
}
