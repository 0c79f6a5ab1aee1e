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

/* Everything is judged before anything is changed. */
static int judge(
	const struct route_call *call, char texts[PARTS][POLICY_TEXT_MAX + 1], bool given[PARTS])
{
	for (size_t i = 0; i < PARTS; i++) {
		const json_t *value = json_object_get(call->body, parts[i].name);
		char why[POLICY_WHY] = "", detail[POLICY_WHY + 16];
		int err = value != NULL ? parts[i].judge(value, texts[i], why) : 0;
		if (err != 0) {
			snprintf(detail, sizeof(detail), "%s: %s", parts[i].name, why);
			http_reply_error(call->reply, err, why[0] != '\0' ? detail : NULL);
			return err;
		}
		given[i] = value != NULL;
	}
	return 0;
}

void route_policy_patch(const struct route_call *call)
{
	char texts[PARTS][POLICY_TEXT_MAX + 1];
	bool given[PARTS];

	if (!route_body_only(call, "grants", "room", NULL) || judge(call, texts, given) != 0) {
		return;
	}
	for (size_t i = 0; i < PARTS; i++) {
		int err = given[i]
			? store_setting_set(call->ctx->store, &call->actor, parts[i].name, texts[i])
			: 0;
		if (err != 0) {
			http_reply_error(call->reply, err, NULL);
			return;
		}
		if (given[i]) {
			log_event(LOG_LEVEL_INFO, "policy-changed", LOG_STR("what", parts[i].name));
		}
	}
	route_policy_get(call);
}
