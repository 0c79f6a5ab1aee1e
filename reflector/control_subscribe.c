/*
 * control_subscribe: who wants which streams, which layers of them, and a keyframe now.
 */
#include "proto/msg.h"
#include "reflector/control.h"
#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/stream.h"

#define STREAMS_PER_REQUEST 64u

/* One stream of a list: done or not, that is the question; an error ends the request. */
typedef int (*apply)(struct session *session, struct stream *stream);

static int add(struct session *session, struct stream *stream)
{
	if (subscription_find(stream, session) != NULL) {
		return 0;
	}
	int err = subscription_create(stream, session);
	if (err == 0 && stream->frame_kind == FRAME_VIDEO) {
		stream_ask_keyframe(stream);
	}
	return err;
}

static int take_away(struct session *session, struct stream *stream)
{
	struct subscription *subscription = subscription_find(stream, session);

	if (subscription != NULL) {
		subscription_end(subscription);
	}
	return 0;
}

/* The stream with this id, if it can be subscribed to by this session. */
static struct stream *others_stream(const struct session *session, int64_t id)
{
	struct stream *stream;

	if (id < 1 || id > UINT16_MAX) {
		return NULL;
	}
	stream = stream_ids_find(&session->room->streams, (uint16_t)id);
	return stream != NULL && stream->publisher != session ? stream : NULL;
}

static int get_list(const json_t *msg, const json_t **list)
{
	const json_t *item;
	size_t i;

	if (msg_get_array(msg, "streams", STREAMS_PER_REQUEST, list) != 0 ||
		json_array_size(*list) == 0) {
		return ERR_BAD_FIELD;
	}
	json_array_foreach(*list, i, item) {
		if (!json_is_integer(item)) {
			return ERR_BAD_FIELD;
		}
	}
	return 0;
}

static int for_each_listed(
	const struct control_request *request, apply apply_one, const char *answer)
{
	const json_t *list;
	const json_t *item;
	size_t i;

	int err = get_list(request->msg, &list);
	if (err != 0) {
		return err;
	}
	json_t *done = json_array();
	json_array_foreach(list, i, item) {
		struct stream *stream = others_stream(request->session, json_integer_value(item));
		if (stream == NULL) {
			continue;
		}
		err = apply_one(request->session, stream);
		if (err == 0 && json_array_append_new(done, json_integer(stream->id)) != 0) {
			err = ERR_NOMEM;
		}
		if (err != 0) {
			json_decref(done);
			return err;
		}
	}
	if (json_array_size(done) == 0) {
		json_decref(done);
		return ERR_UNKNOWN_STREAM;
	}
	control_answer(request, json_pack("{s:s, s:o}", "type", answer, "streams", done));
	return 0;
}

int control_subscribe(const struct control_request *request)
{
	if (!request->session->may_subscribe) {
		return ERR_NOT_GRANTED;
	}
	return for_each_listed(request, add, "subscribed");
}

int control_unsubscribe(const struct control_request *request)
{
	return for_each_listed(request, take_away, "unsubscribed");
}

int control_layers(const struct control_request *request)
{
	struct session *session = request->session;
	int64_t id, spatial, temporal;

	if (!session->knows_layers) {
		return ERR_UNKNOWN_MESSAGE;
	}
	if (msg_get_int(request->msg, "stream", 1, UINT16_MAX, &id) != 0 ||
		msg_get_int(request->msg, "spatial", 0, 15, &spatial) != 0 ||
		msg_get_int(request->msg, "temporal", 0, 15, &temporal) != 0) {
		return ERR_BAD_FIELD;
	}
	struct stream *stream = others_stream(session, id);
	struct subscription *subscription =
		stream != NULL ? subscription_find(stream, session) : NULL;
	if (subscription == NULL) {
		return ERR_UNKNOWN_STREAM;
	}
	subscription->max_spatial = (uint8_t)spatial;
	subscription->max_temporal = (uint8_t)temporal;
	control_answer(request,
		json_pack("{s:s, s:i, s:i, s:i}", "type", "layers", "stream", (int)id, "spatial",
			(int)spatial, "temporal", (int)temporal));
	return 0;
}

int control_keyframe(const struct control_request *request)
{
	int64_t id;

	int err = msg_get_int(request->msg, "stream", 1, UINT16_MAX, &id);
	if (err != 0) {
		return err;
	}
	struct stream *stream = others_stream(request->session, id);
	if (stream == NULL || subscription_find(stream, request->session) == NULL ||
		stream->frame_kind != FRAME_VIDEO) {
		return ERR_UNKNOWN_STREAM;
	}
	stream_ask_keyframe(stream);
	return 0;
}
