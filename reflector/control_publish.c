/*
 * control_publish: a participant's streams come and go, and the room is told.
 */
#include <string.h>

#include "proto/msg.h"
#include "reflector/control.h"
#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/stream.h"

static json_t *published_json(const struct stream *stream)
{
	json_t *msg = stream_json(stream);

	if (msg != NULL && json_object_set_new(msg, "type", json_string("published")) != 0) {
		json_decref(msg);
		return NULL;
	}
	return msg;
}

/* A publisher whom nobody was told of would speak to nobody: it is closed instead. */
static void tell_others(const struct stream *stream)
{
	struct session *publisher = stream->publisher;
	json_t *msg = published_json(stream);

	if (json_object_set_new(msg, "id", json_string(publisher->id)) != 0 ||
		json_object_set_new(msg, "num", json_integer(publisher->num)) != 0) {
		json_decref(msg);
		msg = NULL;
	}
	struct frame *frame = control_frame(publisher->worker, msg);
	json_decref(msg);
	if (frame == NULL) {
		session_doom(publisher, ERR_NOMEM);
		return;
	}
	room_broadcast(publisher->room, frame, publisher);
	frame_unref(frame);
}

/* A receiver that cannot be subscribed would silently hear nothing: it is closed instead. */
static void subscribe_everybody(struct stream *stream)
{
	for (LIST_EACH(node, &stream->publisher->room->members)) {
		struct session *session = LIST_ENTRY(node, struct session, member);
		if (session != stream->publisher && session->subscribe_all &&
			subscription_create(stream, session) != 0) {
			session_doom(session, ERR_NOMEM);
		}
	}
}

int control_publish(const struct control_request *request)
{
	struct session *session = request->session;
	const char *kind, *codec;
	const char *label = "";
	struct stream *stream;

	/* What goes out to the room must be what every client takes. */
	if (msg_get_string(request->msg, "kind", LIMIT_LABEL, &kind) != 0 ||
		msg_get_string(request->msg, "codec", LIMIT_CODEC, &codec) != 0 ||
		msg_opt_string(request->msg, "label", LIMIT_LABEL, &label) != 0 ||
		!msg_is_codec(codec) || !msg_is_label(label)) {
		return ERR_BAD_FIELD;
	}
	unsigned bit = token_publish_from_name(kind);
	if (bit == 0) {
		return ERR_BAD_FIELD;
	}
	if ((session->may_publish & session->room->policy.kinds & bit) == 0) {
		return ERR_NOT_GRANTED;
	}
	int err = stream_create(&stream, session, kind, codec, label);
	if (err != 0) {
		return err;
	}
	control_answer(request, published_json(stream));
	tell_others(stream);
	subscribe_everybody(stream);
	return 0;
}

int control_unpublish(const struct control_request *request)
{
	struct session *session = request->session;
	int64_t id;

	int err = msg_get_int(request->msg, "stream", 1, UINT16_MAX, &id);
	if (err != 0) {
		return err;
	}
	struct stream *stream = stream_ids_find(&session->room->streams, (uint16_t)id);
	if (stream == NULL || stream->publisher != session) {
		return ERR_UNKNOWN_STREAM;
	}
	json_t *msg = json_pack("{s:s, s:i, s:i}", "type", "unpublished", "stream", (int)id, "num",
		(int)session->num);
	struct frame *frame = control_frame(session->worker, msg);
	if (frame == NULL) {
		json_decref(msg);
		return ERR_NOMEM;
	}
	stream_destroy(stream);
	room_broadcast(session->room, frame, session);
	frame_unref(frame);
	control_answer(request, msg);
	return 0;
}
