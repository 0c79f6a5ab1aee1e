/*
 * moderate: the state of being muted and locked, and the ways out of a room that one does not take
 * by oneself. Knows nothing of requests.
 */
#include "reflector/moderate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "proto/frame_hdr.h"
#include "reflector/control.h"
#include "reflector/event.h"
#include "reflector/lobby.h"
#include "reflector/room.h"
#include "reflector/roster.h"
#include "reflector/session.h"
#include "reflector/stream.h"
#include "reflector/worker.h"

struct moderate_memory {
	struct moderate_memory *next;
	char user[LIMIT_NAME + 1];
	unsigned kinds;
	uint16_t by;
};

/* A hidden moderator is not given away: as an administrator. */
static int num_of(const struct session *by)
{
	return by != NULL && !by->hidden ? (int)by->num : 0;
}

json_t *moderate_muted_json(
	const struct session *target, unsigned kinds, bool muted, const struct session *by)
{
	return json_pack("{s:s, s:i, s:o, s:b, s:i}", "type", "muted", "num", (int)target->num,
		"kinds", token_publish_build(kinds), "muted", (int)muted, "by", num_of(by));
}

json_t *moderate_locked_json(const struct room *room, const struct session *by)
{
	return json_pack(
		"{s:s, s:b, s:i}", "type", "locked", "locked", (int)room->locked, "by", num_of(by));
}

/* What was dropped while it was muted is missing to every receiver. */
static void ask_keyframes(struct session *target, unsigned kinds)
{
	for (LIST_EACH(node, &target->streams)) {
		struct stream *stream = LIST_ENTRY(node, struct stream, node);
		if ((kinds & 1u << stream->kind_index) != 0 && stream->frame_kind == FRAME_VIDEO) {
			stream_ask_keyframe(stream);
		}
	}
}

void moderate_mute(struct session *target, unsigned kinds, bool muted, const struct session *by)
{
	json_t *msg = moderate_muted_json(target, kinds, muted, by);
	struct frame *frame = control_frame(target->worker, msg);

	json_decref(msg);
	target->muted = muted ? target->muted | kinds : target->muted & ~kinds;
	target->muted_by = (uint16_t)num_of(by);
	if (!muted) {
		ask_keyframes(target, kinds);
	}
	if (!target->hidden) {
		room_broadcast(target->room, frame, by);
	} else {
		room_broadcast_moderators(target->room, frame, by);
		if (!target->may_moderate) {
			session_push(target, FRAME_CLASS_CONTROL, frame);
		}
	}
	frame_unref(frame);
	event_moderation(target->room, "muted", target, by,
		json_pack("{s:o, s:b}", "kinds", token_publish_build(kinds), "muted", (int)muted));
}

void moderate_lock(struct room *room, bool locked, const struct session *by)
{
	if (room->locked == locked) {
		return;
	}
	room->locked = locked;
	json_t *msg = moderate_locked_json(room, by);
	struct frame *frame = control_frame(room->worker, msg);
	json_decref(msg);
	room_broadcast(room, frame, by);
	frame_unref(frame);
	if (by != NULL) {
		event_moderation(
			room, "locked", NULL, by, json_pack("{s:b}", "locked", (int)locked));
	}
}

static int ban(const struct session *target, int64_t ban_s)
{
	struct worker *worker = target->worker;
	struct revocation r = { .kind = REVOCATION_USER, .ban = true };
	int64_t now = worker->day_s;

	r.until = now + ban_s;
	(void)snprintf(r.id, sizeof(r.id), "%s", target->user);
	(void)snprintf(r.room, sizeof(r.room), "%s", target->room->name);
	int err = revocation_add(&worker->revoked, &r, now);
	return err == ERR_FULL ? 0 : err;
}

static void kick_one(
	struct session *target, int64_t ban_s, const char *text, const struct session *by)
{
	json_t *more = json_pack(
		"{s:I, s:s}", "ban_s", (json_int_t)ban_s, "reason", text != NULL ? text : "");

	event_moderation(target->room, "kicked", target, by, more);
	log_event(LOG_LEVEL_INFO, "kick", LOG_STR("room", target->room->name),
		LOG_STR("participant", target->id), LOG_STR("by", by != NULL ? by->id : ""),
		LOG_INT("ban_s", ban_s));
	session_bye_with(target, ERR_KICKED, NULL, text);
}

static struct session *another_of(
	const struct list *sessions, const char *user, const struct session *by)
{
	for (LIST_EACH(node, sessions)) {
		struct session *session = LIST_ENTRY(node, struct session, member);
		if (session != by && strcmp(session->user, user) == 0) {
			return session;
		}
	}
	return NULL;
}

int moderate_kick(struct session *target, int64_t ban_s, const char *text, const struct session *by)
{
	struct room *room = target->room;
	struct session *next = target;
	char user[LIMIT_NAME + 1];
	/* without a ban a moderator may send another device of his own away */
	bool all = ban_s > 0 || by == NULL || strcmp(by->user, target->user) != 0;

	if (ban_s > 0) {
		int err = ban(target, ban_s);
		if (err != 0) {
			return err;
		}
	}
	(void)snprintf(user, sizeof(user), "%s", target->user);
	while (next != NULL) {
		kick_one(next, ban_s, text, by);
		next = all ? another_of(&room->members, user, by) : NULL;
		if (next == NULL && all) {
			next = another_of(&room->waiting, user, by);
		}
	}
	return 0;
}

int moderate_move(struct session *target, const json_t *answer)
{
	json_t *msg =
		json_pack("{s:s, s:O}", "type", "move", "answer", (json_t *)(uintptr_t)answer);
	struct frame *frame = control_frame(target->worker, msg);
	int err = frame == NULL ? ERR_NOMEM : 0;

	json_decref(msg);
	if (err == 0 && frame->hdr.length > target->max_payload) {
		err = ERR_TOO_LARGE;
	}
	if (err == 0) {
		session_bye_with(target, ERR_MOVED, frame, NULL);
	}
	frame_unref(frame);
	return err;
}

/* All of its muted kinds, with the number of who did it last. */
static json_t *still_muted_json(const struct session *target)
{
	json_t *msg = moderate_muted_json(target, target->muted, true, NULL);

	if (json_object_set_new(msg, "by", json_integer(target->muted_by)) != 0) {
		json_decref(msg);
		return NULL;
	}
	return msg;
}

void moderate_tell_recalled(const struct session *session)
{
	if (session->muted != 0) {
		json_t *msg = still_muted_json(session);
		struct frame *frame = control_frame(session->worker, msg);
		json_decref(msg);
		room_tell_of(session->room, frame, session);
		frame_unref(frame);
	}
}

void moderate_tell(struct session *session)
{
	struct room *room = session->room;

	for (LIST_EACH(node, &room->members)) {
		const struct session *other = LIST_ENTRY(node, struct session, member);
		if (other->muted != 0 && (!other->hidden || session->may_moderate)) {
			roster_push(session, still_muted_json(other));
		}
	}
	if (room->locked) {
		roster_push(session, moderate_locked_json(room, NULL));
	}
	if (session->may_moderate) {
		lobby_tell(session);
	}
}

void moderate_remember(const struct session *session)
{
	struct moderate_memory *memory = session->muted != 0 ? calloc(1, sizeof(*memory)) : NULL;
	struct moderate_memory **link = &session->room->muted;

	if (memory == NULL) {
		return;
	}
	(void)snprintf(memory->user, sizeof(memory->user), "%s", session->user);
	memory->kinds = session->muted;
	memory->by = session->muted_by;
	memory->next = *link;
	*link = memory;
	for (unsigned i = 0; i < MODERATE_MEMORY_MAX && *link != NULL; i++) {
		link = &(*link)->next;
	}
	if (*link != NULL) {
		free(*link);
		*link = NULL;
	}
}

void moderate_recall(struct session *session)
{
	struct moderate_memory **link = &session->room->muted;

	/* nor is one more session a way round it */
	for (LIST_EACH(node, &session->room->members)) {
		const struct session *other = LIST_ENTRY(node, struct session, member);
		if (other->muted != 0 && strcmp(other->user, session->user) == 0) {
			session->muted |= other->muted;
			session->muted_by = other->muted_by;
		}
	}
	while (*link != NULL) {
		struct moderate_memory *memory = *link;
		if (strcmp(memory->user, session->user) != 0) {
			link = &memory->next;
			continue;
		}
		session->muted |= memory->kinds;
		session->muted_by = memory->by;
		*link = memory->next;
		free(memory);
	}
}

void moderate_forget(struct room *room)
{
	while (room->muted != NULL) {
		struct moderate_memory *memory = room->muted;
		room->muted = memory->next;
		free(memory);
	}
}
