/*
 * control_moderation: the lobby from both sides, and what moderators and administrators do. It
 * tells the application; only a move is carried out here.
 */
#include <stdlib.h>
#include <string.h>

#include "client-sdk/control.h"
#include "client-sdk/control_out.h"
#include "proto/msg.h"

#define HEARTBEAT_UNTIL_TOLD_MS 5000

int control_on_lobby(struct session *s, const json_t *message, int64_t now)
{
	int64_t heartbeat = HEARTBEAT_UNTIL_TOLD_MS;
	int64_t number;
	const char *room;

	(void)now;
	if (msg_get_string(message, "room", LIMIT_NAME, &room) != 0 ||
		msg_get_int(message, "num", 1, UINT16_MAX, &number) != 0 ||
		msg_opt_int(message, "heartbeat_ms", CONTROL_HEARTBEAT_MIN_MS,
			CONTROL_HEARTBEAT_MAX_MS, &heartbeat) != 0 ||
		strcmp(room, s->answer.room) != 0) {
		return ERR_BAD_FIELD;
	}
	s->heartbeat_ms = heartbeat;
	session_waits(s);
	events_add_text(s->events, HELIO_EVENT_LOBBY, 0, room);
	return 0;
}

static void tell_waiting(
	struct session *s, enum helio_event_type type, const struct roster_participant *waiting)
{
	struct event_who view = { waiting->number, waiting->id, waiting->name, false };

	if (s->joined) {
		events_add_participant(s->events, type, &view, 0);
	}
}

int control_on_waiting(struct session *s, const json_t *message, int64_t now)
{
	const char *id, *name;
	int64_t number;

	(void)now;
	if (msg_get_string(message, "id", LIMIT_PARTICIPANT_ID, &id) != 0 ||
		msg_get_string(message, "name", LIMIT_DISPLAY_NAME, &name) != 0 ||
		msg_get_int(message, "num", 1, UINT16_MAX, &number) != 0 ||
		!msg_is_participant_id(id) || !msg_is_display_name(name)) {
		return ERR_BAD_FIELD;
	}
	if (roster_find(&s->waiting, (uint16_t)number) != NULL) {
		return 0; /* said twice is no harm */
	}
	int err = roster_add(&s->waiting, (uint16_t)number, id, name);
	if (err == 0) {
		tell_waiting(s, HELIO_EVENT_WAITING, roster_find(&s->waiting, (uint16_t)number));
	}
	return err;
}

int control_on_waiting_left(struct session *s, const json_t *message, int64_t now)
{
	int64_t number;

	(void)now;
	if (msg_get_int(message, "num", 1, UINT16_MAX, &number) != 0) {
		return ERR_BAD_FIELD;
	}
	struct roster_participant *waiting = roster_find(&s->waiting, (uint16_t)number);
	if (waiting != NULL) {
		tell_waiting(s, HELIO_EVENT_WAITING_LEFT, waiting);
		roster_remove(&s->waiting, waiting);
	}
	return 0;
}

/* Kinds that a newer reflector knows are left out. */
static int read_kinds(const json_t *object, unsigned *kinds)
{
	const json_t *list;
	enum helio_kind kind;

	*kinds = 0;
	if (msg_get_array(object, "kinds", 16, &list) != 0) {
		return ERR_BAD_FIELD;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (name == NULL) {
			return ERR_BAD_FIELD;
		}
		*kinds |= control_kind_from_name(name, &kind) ? HELIO_KIND_BIT(kind) : 0;
	}
	return 0;
}

int control_on_muted(struct session *s, const json_t *message, int64_t now)
{
	struct helio_moderation moderation = { .on = 0 };
	struct event_who who = { s->number, s->id, s->name, false };
	int64_t number, by = 0;
	bool muted = false;

	(void)now;
	if (msg_get_int(message, "num", 1, UINT16_MAX, &number) != 0 ||
		msg_opt_int(message, "by", 0, UINT16_MAX, &by) != 0 ||
		json_object_get(message, "muted") == NULL ||
		msg_opt_bool(message, "muted", &muted) != 0 ||
		read_kinds(message, &moderation.kinds) != 0) {
		return ERR_BAD_FIELD;
	}
	const struct roster_participant *other = roster_find(&s->roster, (uint16_t)number);
	if (other != NULL) {
		who = (struct event_who){ other->number, other->id, other->name, other->hidden };
	}
	moderation.on = muted;
	moderation.by = (uint16_t)by;
	if (s->joined && (other != NULL || number == s->number)) {
		events_add_moderation(s->events, HELIO_EVENT_MUTED, &who, &moderation);
	}
	return 0;
}

int control_on_locked(struct session *s, const json_t *message, int64_t now)
{
	struct helio_moderation moderation = { .on = 0 };
	bool locked = false;
	int64_t by = 0;

	(void)now;
	if (json_object_get(message, "locked") == NULL ||
		msg_opt_bool(message, "locked", &locked) != 0 ||
		msg_opt_int(message, "by", 0, UINT16_MAX, &by) != 0) {
		return ERR_BAD_FIELD;
	}
	moderation.on = locked;
	moderation.by = (uint16_t)by;
	if (s->joined) {
		events_add_moderation(s->events, HELIO_EVENT_LOCKED, NULL, &moderation);
	}
	return 0;
}

int control_on_policy(struct session *s, const json_t *message, int64_t now)
{
	struct helio_policy policy = { .size = sizeof(policy) };
	const json_t *object;
	int64_t capacity = 0, loudest = 0, epoch = 0;
	bool lobby = false, locked = false, e2ee = false;

	(void)now;
	if (msg_get_object(message, "policy", &object) != 0 ||
		read_kinds(object, &policy.kinds) != 0 ||
		msg_opt_int(object, "capacity", 0, INT32_MAX, &capacity) != 0 ||
		msg_opt_int(object, "loudest", 0, INT32_MAX, &loudest) != 0 ||
		msg_opt_int(object, "epoch", 0, INT64_MAX, &epoch) != 0 ||
		msg_opt_int(object, "exp", 0, INT64_MAX, &policy.expires_at) != 0 ||
		msg_opt_bool(object, "lobby", &lobby) != 0 ||
		msg_opt_bool(object, "locked", &locked) != 0 ||
		msg_opt_bool(object, "e2ee", &e2ee) != 0) {
		return ERR_BAD_FIELD;
	}
	policy.capacity = (unsigned)capacity;
	policy.loudest = (unsigned)loudest;
	policy.epoch = (uint64_t)epoch;
	policy.lobby = lobby;
	policy.locked = locked;
	policy.e2ee = e2ee;
	if (s->joined) {
		events_add_policy(s->events, &policy);
	}
	return 0;
}

int control_on_rekey(struct session *s, const json_t *message, int64_t now)
{
	struct helio_moderation moderation = { .on = 0 };
	int64_t epoch;

	(void)now;
	if (msg_get_int(message, "epoch", 0, INT64_MAX, &epoch) != 0) {
		return ERR_BAD_FIELD;
	}
	moderation.epoch = (uint64_t)epoch;
	if (s->joined) {
		events_add_moderation(s->events, HELIO_EVENT_REKEY, NULL, &moderation);
	}
	return 0;
}

/* The goodbye behind it sets us going. */
int control_on_move(struct session *s, const json_t *message, int64_t now)
{
	const json_t *answer;
	size_t len = 0;

	(void)now;
	if (msg_get_object(message, "answer", &answer) != 0) {
		return ERR_BAD_FIELD;
	}
	char *text = msg_dump(answer, &len);
	if (text == NULL) {
		return ERR_NOMEM;
	}
	int err = endpoint_answer_parse(&s->next, text, len);
	free(text);
	if (err != 0) {
		endpoint_answer_wipe(&s->next);
	}
	return err;
}
