/*
 * policy: helioctl policy show, set: the defaults of grants and of rooms.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/pairs.h"

int policy_show(struct ctl *ctl)
{
	json_t *answer = NULL;
	int status = ctl_call(ctl, "show the defaults", "GET", "/v1/policy", NULL, &answer);

	if (status == CTL_OK && ctl->json) {
		status = listing_json(answer);
	} else if (status == CTL_OK) {
		pairs_print(json_object_get(answer, "grants"), "grants.",
			"grants: everything but data, moderate and hidden");
		pairs_print(json_object_get(answer, "room"), "room.",
			"room: anybody; audio, video and screen; no limits");
	}
	json_decref(answer);
	return status;
}

/* One "grants.KEY=VALUE" or "room.KEY=VALUE" into policy. */
static int apply(json_t *policy, const char *pair, char error[256])
{
	bool room = strncmp(pair, "room.", 5) == 0;
	const char *part = room ? "room" : "grants";
	json_t *object;

	if (!room && strncmp(pair, "grants.", 7) != 0) {
		snprintf(error, 256, "\"%.64s\" begins neither with grants. nor with room.", pair);
		return ERR_INVALID;
	}
	object = json_object_get(policy, part);
	if (!json_is_object(object)) {
		object = json_object();
		json_object_set_new(policy, part, object);
	}
	return pairs_apply(object, room ? PAIRS_ROOM : PAIRS_GRANTS, pair + (room ? 5 : 7), error);
}

int policy_set(struct ctl *ctl)
{
	const char *file = ctl->options.value[OPT_FILE];
	json_t *policy = NULL, *body;
	char error[256];
	int status;

	if (file == NULL && ctl->options.operand_count == 0) {
		ctl_complain("change the defaults", "nothing was given",
			"grants.KEY=VALUE, room.KEY=VALUE or --file FILE");
		return CTL_USAGE;
	}
	status = file != NULL
		? pairs_load_file(file, &policy)
		: ctl_call(ctl, "read the defaults", "GET", "/v1/policy", NULL, &policy);
	for (size_t i = 0; status == CTL_OK && i < ctl->options.operand_count; i++) {
		if (apply(policy, ctl->options.operands[i], error) != 0) {
			ctl_complain("change the defaults", error,
				"--help of `user policy` and `room policy` shows the keys");
			status = CTL_USAGE;
		}
	}
	if (status != CTL_OK) {
		json_decref(policy);
		return status;
	}
	body = json_pack("{s:O*, s:O*}", "grants", json_object_get(policy, "grants"), "room",
		json_object_get(policy, "room"));
	json_decref(policy);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "change the defaults",
			.method = "PATCH",
			.path = "/v1/policy",
			.has_body = true,
			.body = body,
			.done = "the defaults are changed" });
}
