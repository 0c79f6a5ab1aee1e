/*
 * roster: builds the pages that stand behind a welcome. They may be more than a queue usually
 * holds, so the newcomer's bound is raised by as much.
 */
#include "reflector/roster.h"

#include "reflector/control.h"
#include "reflector/json_page.h"
#include "reflector/room.h"
#include "reflector/session.h"

#define ENVELOPE 64u /* {"type":"roster","more":false,"participants":} and some */

static int append_published(json_t *late, const json_t *participant, const json_t *streams)
{
	const json_t *stream;
	size_t i;

	json_array_foreach(streams, i, stream) {
		json_t *msg = json_copy((json_t *)(uintptr_t)stream);
		if (msg == NULL ||
			json_object_set_new(msg, "type", json_string("published")) != 0 ||
			json_object_set(msg, "id", json_object_get(participant, "id")) != 0 ||
			json_object_set(msg, "num", json_object_get(participant, "num")) != 0) {
			json_decref(msg);
			return ERR_NOMEM;
		}
		if (json_array_append_new(late, msg) != 0) {
			return ERR_NOMEM;
		}
	}
	return 0;
}

/* Entries that are too large by themselves lose their streams to messages of their own. */
static int shorten(json_t *participants, size_t limit, json_t *late)
{
	json_t *participant;
	size_t i;

	json_array_foreach(participants, i, participant) {
		if (json_page_size(participant) + 3 <= limit) {
			continue;
		}
		json_t *streams = json_incref(json_object_get(participant, "streams"));
		int err = json_object_set_new(participant, "streams", json_array()) == 0
			? append_published(late, participant, streams)
			: ERR_NOMEM;
		json_decref(streams);
		if (err != 0) {
			return err;
		}
	}
	return 0;
}

static int append_pages(const json_t *participants, size_t limit, json_t *messages)
{
	size_t at = 0;

	do {
		json_t *page;
		int err = json_page_take(participants, &at, limit, &page);
		if (err != 0) {
			return err;
		}
		json_t *msg = json_pack("{s:s, s:b, s:o}", "type", "roster", "more",
			(int)(at < json_array_size(participants)), "participants", page);
		if (msg == NULL || json_array_append_new(messages, msg) != 0) {
			return ERR_NOMEM;
		}
	} while (at < json_array_size(participants));
	return 0;
}

int roster_messages(json_t *participants, size_t limit, json_t **messages)
{
	json_t *late = json_array();
	int err = ERR_NOMEM;

	*messages = json_array();
	if (late != NULL && *messages != NULL) {
		err = shorten(participants, limit - ENVELOPE, late);
	}
	if (err == 0) {
		err = append_pages(participants, limit - ENVELOPE, *messages);
	}
	if (err == 0 && json_array_extend(*messages, late) != 0) {
		err = ERR_NOMEM;
	}
	json_decref(late);
	if (err != 0) {
		json_decref(*messages);
		*messages = NULL;
	}
	return err;
}

void roster_push(struct session *session, json_t *msg)
{
	struct frame *frame = control_frame(session->worker, msg);

	json_decref(msg);
	if (frame != NULL) {
		session->queue.lists[FRAME_CLASS_CONTROL].bound += frame_queue_cost(frame);
	}
	session_push(session, FRAME_CLASS_CONTROL, frame);
	frame_unref(frame);
}

static bool shown_to(const struct session *session, const struct session *other)
{
	return other != session && (!other->hidden || session->may_moderate);
}

void roster_send(struct session *session)
{
	json_t *participants = json_array();
	json_t *messages = NULL;
	json_t *msg;
	size_t i;

	for (LIST_EACH(node, &session->room->members)) {
		const struct session *other = LIST_ENTRY(node, struct session, member);
		if (shown_to(session, other) &&
			json_array_append_new(participants, session_json(other)) != 0) {
			session_doom(session, ERR_NOMEM);
		}
	}
	if (roster_messages(participants, session->max_payload, &messages) != 0) {
		session_doom(session, ERR_NOMEM);
	}
	json_decref(participants);
	json_array_foreach(messages, i, msg) {
		roster_push(session, json_incref(msg));
	}
	json_decref(messages);
}

void roster_tell_joined(struct session *session)
{
	json_t *msg =
		json_pack("{s:s, s:o}", "type", "joined", "participant", session_json(session));
	struct frame *frame = control_frame(session->worker, msg);

	json_decref(msg);
	if (frame == NULL) {
		/* Nobody would know of it: it is closed instead. */
		session_doom(session, ERR_NOMEM);
		return;
	}
	room_tell_of(session->room, frame, session);
	frame_unref(frame);
}
