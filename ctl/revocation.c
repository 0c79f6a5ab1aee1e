/*
 * revocation: whom a revocation or ban concerns, the question before it and what it met.
 */
#include "ctl/revocation.h"

#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/impact.h"
#include "ctl/listing.h"

struct target {
	const char *kind, *id, *room; /* room: of a user or key, in this room only */
	const char *name; /* what the administrator called it */
	char source[96];
	struct impact impact;
};

static int choose_target(struct ctl *ctl, struct target *target)
{
	const char *const *value = ctl->options.value;
	int status = CTL_OK;

	if (value[OPT_USER] != NULL && value[OPT_APIKEY] != NULL) {
		ctl_complain("choose whom it concerns", "both --user and --apikey were given",
			"give one of them, with or without --room");
		return CTL_USAGE;
	}
	if (value[OPT_APIKEY] != NULL) {
		status = impact_apikey_source(ctl, value[OPT_APIKEY], target->source);
		target->kind = "apikey";
		target->id = target->source;
		target->impact.source = target->source;
		target->name = value[OPT_APIKEY];
	} else {
		target->kind = value[OPT_USER] != NULL ? "user" : "room";
		target->name = value[OPT_USER] != NULL ? value[OPT_USER] : value[OPT_ROOM];
		target->id = target->name;
		target->impact.user = value[OPT_USER];
	}
	target->impact.room = value[OPT_ROOM];
	target->room = strcmp(target->kind, "room") != 0 ? value[OPT_ROOM] : NULL;
	return status;
}

static void report(struct ctl *ctl, const struct target *target, int64_t ban_s, json_t *answer)
{
	json_int_t tokens = json_integer_value(json_object_get(answer, "tokens"));
	json_int_t seq = json_integer_value(json_object_get(answer, "seq"));

	if (ctl->quiet) {
		return;
	}
	if (ban_s > 0) {
		printf("%s %s banned%s%s, number %" JSON_INTEGER_FORMAT ": ", target->kind,
			target->name, target->room != NULL ? " from room " : "",
			target->room != NULL ? target->room : "", seq);
	}
	printf("%" JSON_INTEGER_FORMAT " token%s revoked\n", tokens, tokens == 1 ? "" : "s");
}

int revocation_add(struct ctl *ctl, int64_t ban_s)
{
	struct target target = { .kind = NULL };
	char question[400];
	json_t *body, *answer = NULL;
	bool go;
	int status = choose_target(ctl, &target);

	if (status != CTL_OK) {
		return status;
	}
	snprintf(question, sizeof(question), "%s %s %.64s%s%.64s and end %s sessions?",
		ban_s > 0 ? "Ban" : "Revoke all tokens of", target.kind, target.name,
		target.room != NULL ? " in the room " : "", target.room != NULL ? target.room : "",
		strcmp(target.kind, "room") == 0 ? "all its" : "the");
	target.impact.question = question;
	status = impact_confirm(ctl, &target.impact, &go);
	if (status != CTL_OK || !go) {
		return status;
	}
	body = json_pack("{s:s, s:s, s:s*, s:s*}", "kind", target.kind, "id", target.id, "room",
		target.room, "reason", ctl->options.value[OPT_REASON]);
	if (body != NULL && ban_s > 0) {
		json_object_set_new(body, "ban_s", json_integer(ban_s));
	}
	if (body == NULL) {
		ctl_complain("revoke", "what was given is not UTF-8", "names and texts are UTF-8");
		return CTL_USAGE;
	}
	status = ctl_call(ctl, ban_s > 0 ? "ban" : "revoke the tokens", "POST", "/v1/revocations",
		body, &answer);
	if (status == CTL_OK && ctl->json) {
		status = listing_json(answer);
	} else if (status == CTL_OK) {
		report(ctl, &target, ban_s, answer);
	}
	json_decref(answer);
	json_decref(body);
	return status;
}
