/*
 * moderate: helioctl participant mute, unmute, kick, move, admit, deny.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/impact.h"
#include "ctl/nouns.h"
#include "ctl/when.h"

/* Sends POST .../participants/ID/VERB; body is taken over. */
static int moderate(struct ctl *ctl, const char *verb, const char *done, json_t *body)
{
	const char *room = ctl->options.operands[0], *id = ctl->options.operands[1];
	struct client_path path;
	char what[64], text[400];

	client_path_init(&path, "/v1/rooms");
	client_path_segment(&path, room);
	client_path_segment(&path, "participants");
	client_path_segment(&path, id);
	client_path_segment(&path, verb);
	snprintf(what, sizeof(what), "%s the participant", verb);
	snprintf(text, sizeof(text), "%s %s", id, done);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = what,
			.method = "POST",
			.path = path.text,
			.has_body = true,
			.body = body,
			.done = text });
}

/* {"kinds": [...]} of --kinds, audio by default; NULL after complaining. */
static json_t *kinds_body(const struct ctl *ctl)
{
	static const char *const known[] = { "audio", "video", "screen", "data" };
	const char *text = ctl->options.value[OPT_KINDS];
	json_t *kinds = json_array();

	for (text = text != NULL ? text : "audio"; kinds != NULL;) {
		size_t length = strcspn(text, ","), i = 0;

		while (i < 4 &&
			(strlen(known[i]) != length || memcmp(known[i], text, length) != 0)) {
			i++;
		}
		if (i == 4) {
			ctl_complain("use --kinds", "a word in it is no kind of stream",
				"audio, video, screen, data, separated by commas");
			json_decref(kinds);
			return NULL;
		}
		json_array_append_new(kinds, json_string(known[i]));
		if (text[length] == '\0') {
			break;
		}
		text += length + 1;
	}
	return json_pack("{s:o}", "kinds", kinds);
}

int participant_mute(struct ctl *ctl)
{
	json_t *body = kinds_body(ctl);

	return body != NULL ? moderate(ctl, "mute", "is muted", body) : CTL_USAGE;
}

int participant_unmute(struct ctl *ctl)
{
	json_t *body = kinds_body(ctl);

	return body != NULL ? moderate(ctl, "unmute", "may speak again", body) : CTL_USAGE;
}

int participant_admit(struct ctl *ctl)
{
	return moderate(ctl, "admit", "is let in", json_object());
}

int participant_deny(struct ctl *ctl)
{
	return moderate(ctl, "deny", "is sent away",
		json_pack("{s:s*}", "reason", ctl->options.value[OPT_REASON]));
}

int participant_move(struct ctl *ctl)
{
	char done[160];

	snprintf(done, sizeof(done), "is sent to room %s", ctl->options.operands[2]);
	return moderate(ctl, "move", done, json_pack("{s:s}", "to", ctl->options.operands[2]));
}

int participant_kick(struct ctl *ctl)
{
	const char *ban = ctl->options.value[OPT_BAN];
	const char *room = ctl->options.operands[0], *id = ctl->options.operands[1];
	char question[400], also[400];
	struct impact impact = { .question = question, .also = also };
	int64_t ban_s = 0;
	json_t *body;
	bool go;
	int status;

	if (ban != NULL && !when_parse_duration(ban, &ban_s)) {
		ctl_complain("use --ban", "it is no duration", "30m, 12h, 7d ...");
		return CTL_USAGE;
	}
	snprintf(question, sizeof(question), "Send %.128s out of the room %.64s%s%.32s?", id, room,
		ban != NULL ? " and ban the user for " : "", ban != NULL ? ban : "");
	snprintf(also, sizeof(also), "end the session of %.128s in the room %.64s%s%.32s", id, room,
		ban != NULL ? ", ban the user for " : "", ban != NULL ? ban : "");
	status = impact_confirm(ctl, &impact, &go);
	if (status != CTL_OK || !go) {
		return status;
	}
	body = json_pack("{s:s*}", "reason", ctl->options.value[OPT_REASON]);
	if (body != NULL && ban_s > 0) {
		json_object_set_new(body, "ban_s", json_integer(ban_s));
	}
	return moderate(ctl, "kick",
		ban_s > 0 ? "is sent away and banned from the room" : "is sent away", body);
}
