/*
 * room_change: helioctl room create, policy, lock, unlock, close, delete, rekey.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/client.h"
#include "ctl/impact.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/pairs.h"
#include "ctl/when.h"

static void room_path(struct client_path *path, const struct ctl *ctl, const char *tail)
{
	client_path_init(path, "/v1/rooms");
	client_path_segment(path, ctl->options.operands[0]);
	if (tail != NULL) {
		client_path_segment(path, tail);
	}
}

/* --expires as a field of body. */
static int put_expires(const struct ctl *ctl, json_t *body)
{
	const char *text = ctl->options.value[OPT_EXPIRES];
	int64_t when;

	if (text == NULL) {
		return CTL_OK;
	}
	if (!when_parse(text, (int64_t)time(NULL), false, &when)) {
		ctl_complain("use --expires", "it is no time",
			"12h, 7d, 2026-12-01, 2026-12-01T08:00:00Z or never");
		return CTL_USAGE;
	}
	json_object_set_new(body, "expires_at", json_integer(when));
	return CTL_OK;
}

int room_create(struct ctl *ctl)
{
	json_t *body = json_pack("{s:s}", "name", ctl->options.operands[0]), *policy = NULL;
	char done[256];
	int status = pairs_read(ctl, PAIRS_ROOM, 1, NULL, &policy);

	if (status == CTL_OK && body != NULL && json_object_size(policy) > 0) {
		json_object_set(body, "policy", policy);
	}
	json_decref(policy);
	if (status == CTL_OK && body != NULL) {
		status = put_expires(ctl, body);
	}
	if (status != CTL_OK) {
		json_decref(body);
		return status;
	}
	snprintf(done, sizeof(done), "room %s created", ctl->options.operands[0]);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "create the room",
			.method = "POST",
			.path = "/v1/rooms",
			.has_body = true,
			.body = body,
			.done = done });
}

static int show_policy(struct ctl *ctl, const json_t *room)
{
	json_t *policy = json_object_get(room, "policy");

	if (!ctl->json) {
		pairs_print(policy, "", "the room has the defaults: `helioctl policy show`");
		return CTL_OK;
	}
	return listing_json(policy);
}

int room_policy(struct ctl *ctl)
{
	bool changes = ctl->options.operand_count > 1 || ctl->options.value[OPT_FILE] != NULL ||
		ctl->options.value[OPT_EXPIRES] != NULL;
	struct client_path path;
	json_t *room = NULL, *policy = NULL, *body;
	char done[256];
	int status;

	room_path(&path, ctl, NULL);
	status = ctl_call(ctl, "show the room's policy", "GET", path.text, NULL, &room);
	if (status != CTL_OK || !changes) {
		status = status == CTL_OK ? show_policy(ctl, room) : status;
		json_decref(room);
		return status;
	}
	status = pairs_read(ctl, PAIRS_ROOM, 1, json_object_get(room, "policy"), &policy);
	body = json_pack("{s:o*}", "policy", policy);
	if (status == CTL_OK) {
		status = put_expires(ctl, body);
	}
	json_decref(room);
	if (status != CTL_OK) {
		json_decref(body);
		return status;
	}
	snprintf(done, sizeof(done), "room %s has a new policy", ctl->options.operands[0]);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "change the room's policy",
			.method = "PATCH",
			.path = path.text,
			.has_body = true,
			.body = body,
			.done = done });
}

static int set_locked(struct ctl *ctl, bool locked)
{
	struct client_path path;
	char done[256];

	room_path(&path, ctl, NULL);
	snprintf(done, sizeof(done), "room %s %s", ctl->options.operands[0],
		locked ? "is locked" : "is open again");
	return ctl_change(ctl,
		&(struct ctl_change){ .what = locked ? "lock the room" : "unlock the room",
			.method = "PATCH",
			.path = path.text,
			.has_body = true,
			.body = json_pack("{s:b}", "locked", locked),
			.done = done });
}

int room_lock(struct ctl *ctl)
{
	return set_locked(ctl, true);
}

int room_unlock(struct ctl *ctl)
{
	return set_locked(ctl, false);
}

int room_close(struct ctl *ctl)
{
	const char *reason = ctl->options.value[OPT_REASON];
	struct impact impact = { .room = ctl->options.operands[0] };
	struct client_path path;
	char question[256], done[256];
	bool go;
	int status;

	snprintf(question, sizeof(question),
		"Send everybody out of the room %.64s and end all its tokens?",
		ctl->options.operands[0]);
	impact.question = question;
	status = impact_confirm(ctl, &impact, &go);
	if (status != CTL_OK || !go) {
		return status;
	}
	room_path(&path, ctl, "close");
	snprintf(done, sizeof(done), "room %s closed", ctl->options.operands[0]);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "close the room",
			.method = "POST",
			.path = path.text,
			.has_body = true,
			.body = json_pack("{s:s*}", "reason", reason),
			.done = done });
}

int room_delete(struct ctl *ctl)
{
	struct impact impact = { .room = ctl->options.operands[0],
		.also = "forget the room and its policy" };
	struct client_path path;
	char question[256], done[256];
	bool go;
	int status;

	snprintf(question, sizeof(question),
		"Close the room %.64s, end all its tokens and forget it?",
		ctl->options.operands[0]);
	impact.question = question;
	status = impact_confirm(ctl, &impact, &go);
	if (status != CTL_OK || !go) {
		return status;
	}
	room_path(&path, ctl, NULL);
	snprintf(done, sizeof(done), "room %s deleted", ctl->options.operands[0]);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "delete the room",
			.method = "DELETE",
			.path = path.text,
			.done = done });
}

int room_rekey(struct ctl *ctl)
{
	struct client_path path;
	char done[256];

	room_path(&path, ctl, "rekey");
	snprintf(done, sizeof(done), "room %s has a new media key", ctl->options.operands[0]);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "make a new media key",
			.method = "POST",
			.path = path.text,
			.done = done });
}
