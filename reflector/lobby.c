/*
 * lobby: waiting sessions of a room. They hear nothing of it: whoever waits gets one message and
 * then the welcome or the end.
 */
#include "reflector/lobby.h"

#include <string.h>

#include "proto/limits.h"
#include "proto/msg.h"
#include "reflector/conn_join.h"
#include "reflector/control.h"
#include "reflector/event.h"
#include "reflector/frame_route.h"
#include "reflector/room.h"
#include "reflector/room_rules.h"
#include "reflector/roster.h"
#include "reflector/session.h"
#include "reflector/worker.h"

static json_t *waiting_json(const struct session *session)
{
	return json_pack("{s:s, s:s, s:i, s:s}", "type", "waiting", "id", session->id, "num",
		(int)session->num, "name", session->name);
}

int lobby_enter(struct room *room, struct session *session)
{
	if (room->waiting_count >= LIMIT_LOBBY) {
		return ERR_LIMIT;
	}
	room_add_waiting(room, session);
	session->until_ms = session->worker->now_ms + LIMIT_LOBBY_MS;
	session_send(session,
		json_pack("{s:s, s:s, s:i, s:i}", "type", "lobby", "room", room->name, "num",
			(int)session->num, "heartbeat_ms",
			(int)session->worker->limits.heartbeat_ms));
	json_t *msg = waiting_json(session);
	struct frame *frame = control_frame(session->worker, msg);
	json_decref(msg);
	if (frame == NULL) {
		/* Nobody would let it in: it is closed instead. */
		session_doom(session, ERR_NOMEM);
	} else {
		room_broadcast_moderators(room, frame, session);
		frame_unref(frame);
	}
	event_session(session, "waiting", NULL);
	return 0;
}

void lobby_leave(struct session *session)
{
	struct room *room = session->room;
	json_t *msg = json_pack("{s:s, s:i}", "type", "waiting-left", "num", (int)session->num);
	struct frame *frame = control_frame(session->worker, msg);

	json_decref(msg);
	room_remove_waiting(room, session);
	room_broadcast_moderators(room, frame, session);
	frame_unref(frame);
}

int lobby_admit(struct session *session)
{
	struct room *room = session->room;

	if (room->member_count >= room->worker->limits.max_participants ||
		!room_rules_has_place(room)) {
		return ERR_LIMIT;
	}
	lobby_leave(session);
	int err = conn_join_enter(room, session);
	if (err != 0) {
		session_doom(session, err);
	}
	return err;
}

void lobby_deny(struct session *session, const struct session *by)
{
	event_moderation(session->room, "denied", session, by, NULL);
	session_fail(session, ERR_DENIED);
}

void lobby_admit_all(struct room *room)
{
	while (!list_empty(&room->waiting) &&
		lobby_admit(LIST_ENTRY(room->waiting.next, struct session, member)) == 0) {
	}
}

void lobby_tell(struct session *moderator)
{
	for (LIST_EACH(node, &moderator->room->waiting)) {
		roster_push(moderator, waiting_json(LIST_ENTRY(node, struct session, member)));
	}
}

/* Only goodbyes are understood here. */
static bool is_goodbye(struct frame *frame)
{
	const char *type = NULL;
	json_t *msg = NULL;
	bool fatal = false;

	if (frame->hdr.kind != FRAME_CONTROL ||
		msg_parse(frame_payload(frame), frame->hdr.length, &msg, &type) != 0) {
		return false;
	}
	bool goodbye = strcmp(type, "bye") == 0 ||
		(strcmp(type, "error") == 0 && msg_opt_bool(msg, "fatal", &fatal) == 0 && fatal);
	json_decref(msg);
	return goodbye;
}

void lobby_frame(struct session *session, struct frame *frame)
{
	if (frame->hdr.kind == FRAME_PING || frame->hdr.kind == FRAME_PONG) {
		frame_route_ping(session, frame);
	} else if (is_goodbye(frame)) {
		control_handle(session, frame);
	} else {
		session_fail(session, ERR_NOT_GRANTED);
	}
}
