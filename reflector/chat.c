/*
 * chat: stamps sender and number and queues one shared frame for everyone it is for. Never looks at
 * the text, and never sends it back to its sender.
 */
#include "reflector/chat.h"

#include "proto/limits.h"
#include "reflector/control.h"
#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/worker.h"

static int check(struct session *session, const struct frame *frame, struct session **to)
{
	*to = NULL;
	if (!session->may_chat) {
		return ERR_NOT_GRANTED;
	}
	if (frame->hdr.length == 0) {
		return ERR_BAD_FIELD;
	}
	if (frame->hdr.length > LIMIT_CHAT_PAYLOAD) {
		return ERR_TOO_LARGE;
	}
	if ((frame->hdr.flags & FRAME_MARKER) == 0) {
		return frame->hdr.stream == 0 ? 0 : ERR_BAD_FIELD;
	}
	*to = room_find_num(session->room, frame->hdr.stream);
	if (*to == NULL || *to == session || !(*to)->knows_chat ||
		((*to)->hidden && !session->may_moderate)) {
		return ERR_UNKNOWN_PARTICIPANT;
	}
	return 0;
}

/* A receiver that cannot take chat is closed, so nobody may be sent more than who keeps up takes.
 */
static bool within_bounds(struct session *session, const struct frame *frame)
{
	uint64_t now = session->worker->now_ms;
	size_t cost = frame_queue_cost(frame);

	return bucket_take_many(&session->chat_bytes, cost, now) &&
		bucket_take_many(&session->room->chat_bytes, cost, now);
}

static void refuse(struct session *session, const struct frame *frame, int err)
{
	json_t *msg = control_error_json(err, false, -1, json_string("chat"));

	if (json_object_set_new(msg, "seq", json_integer(frame->hdr.seq)) != 0) {
		json_decref(msg);
		msg = NULL;
	}
	session_send(session, msg);
}

static void push(struct session *to, struct frame *frame)
{
	to->stats.frames_out++;
	to->stats.bytes_out += frame->len;
	session_push(to, FRAME_CLASS_CHAT, frame);
}

static void deliver(struct session *from, struct session *to, struct frame *frame)
{
	if (to != NULL) {
		push(to, frame);
		return;
	}
	for (LIST_EACH(node, &from->room->members)) {
		struct session *member = LIST_ENTRY(node, struct session, member);
		if (member != from && member->knows_chat) {
			push(member, frame);
		}
	}
}

void chat_handle(struct session *session, struct frame *frame)
{
	struct session *to;

	/* More than anybody types: an error each would be more of the same. */
	if (!bucket_take(&session->chat, session->worker->now_ms)) {
		session_fail(session, ERR_LIMIT);
		return;
	}
	int err = check(session, frame, &to);
	if (err == 0 && !within_bounds(session, frame)) {
		err = ERR_LIMIT;
	}
	if (err != 0) {
		refuse(session, frame, err);
		return;
	}
	struct frame_hdr hdr = { .kind = FRAME_CHAT,
		.flags = to != NULL ? FRAME_MARKER : 0,
		.stream = session->num,
		.seq = frame->hdr.seq,
		.timestamp = session->room->chat_number + 1,
		.length = frame->hdr.length };
	struct frame *stamped = frame_create(&hdr, frame_payload(frame), session->worker->now_ms);
	if (stamped == NULL) {
		refuse(session, frame, ERR_NOMEM);
		return;
	}
	session->room->chat_number++;
	deliver(session, to, stamped);
	frame_unref(stamped);
	session_send(session,
		json_pack("{s:s, s:i, s:I}", "type", "chat-ack", "seq", (int)hdr.seq, "number",
			(json_int_t)hdr.timestamp));
}
