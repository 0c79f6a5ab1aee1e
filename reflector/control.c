/*
 * control: which message goes to which handler, and what a peer is told when one is refused. A peer
 * may cause only so many messages and answers a second. Handlers live in control_*.c by topic.
 */
#include "reflector/control.h"

#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/msg.h"
#include "reflector/lane.h"
#include "reflector/session.h"
#include "reflector/worker.h"

/* The peer ends the connection; the others are told its reason, if that is a name they can know. */
static int end_by_peer(const struct control_request *request, const char *key)
{
	const char *name = "bye";
	int why = 0;

	if (msg_opt_string(request->msg, key, LIMIT_LABEL, &name) == 0 &&
		strcmp(name, "bye") != 0) {
		why = errcode_from_name(name);
	}
	session_gone(request->session, why == ERR_INTERNAL ? 0 : why);
	for (unsigned i = 0; i < request->session->lane_count; i++) {
		lane_finish(request->session->lanes[i]);
	}
	return 0;
}

static int control_bye(const struct control_request *request)
{
	return end_by_peer(request, "reason");
}

/* An error is never answered with an error: the two sides would not find an end. */
static int control_error(const struct control_request *request)
{
	bool fatal = false;

	return msg_opt_bool(request->msg, "fatal", &fatal) == 0 && fatal
		? end_by_peer(request, "code")
		: 0;
}

static const struct {
	const char *type;
	control_handler handler;
} handlers[] = {
	{ "publish", control_publish },
	{ "unpublish", control_unpublish },
	{ "subscribe", control_subscribe },
	{ "unsubscribe", control_unsubscribe },
	{ "layers", control_layers },
	{ "keyframe", control_keyframe },
	{ "mute", control_mute },
	{ "kick", control_kick },
	{ "lock", control_lock },
	{ "admit", control_admit },
	{ "deny", control_deny },
	{ "bye", control_bye },
	{ "error", control_error },
};

static int dispatch(const struct control_request *request, const char *type)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (strcmp(handlers[i].type, type) == 0) {
			return handlers[i].handler(request);
		}
	}
	return ERR_UNKNOWN_MESSAGE;
}

void control_handle(struct session *session, struct frame *frame)
{
	struct control_request request = { .session = session, .req = -1 };
	const char *type = NULL;
	json_t *msg = NULL;

	if (!bucket_take(&session->control, session->worker->now_ms)) {
		session_fail(session, ERR_LIMIT);
		return;
	}
	int err = msg_parse(frame_payload(frame), frame->hdr.length, &msg, &type);
	if (err == 0 && strcmp(type, "hello") == 0) {
		session_fail(session, ERR_SECOND_HELLO);
		json_decref(msg);
		return;
	}
	if (err == 0) {
		request.msg = msg;
		err = msg_opt_int(msg, "req", 0, INT32_MAX, &request.req);
	}
	if (err == 0) {
		err = dispatch(&request, type);
	}
	if (err != 0 && !session->ended) {
		json_t *about = type != NULL ? json_string(type) : NULL;
		session_send(session, control_error_json(err, false, request.req, about));
	}
	json_decref(msg);
}

struct frame *control_frame(struct worker *worker, const json_t *msg)
{
	struct frame_hdr hdr = { .kind = FRAME_CONTROL, .flags = FRAME_FIRST | FRAME_LAST };
	struct frame *frame = NULL;
	size_t len = 0;
	char *text = msg != NULL ? msg_dump(msg, &len) : NULL;

	if (text != NULL && len <= LIMIT_JSON_BYTES) {
		hdr.length = (uint32_t)len;
		frame = frame_create(&hdr, text, worker->now_ms);
	}
	free(text);
	return frame;
}

json_t *control_error_json(int err, bool fatal, int64_t req, json_t *about)
{
	json_t *msg = json_pack("{s:s, s:s, s:s, s:b}", "type", "error", "code", errcode_name(err),
		"text", errcode_text(err), "fatal", (int)fatal);

	/* Without them the peer would wait for the answer to its request. */
	if ((req >= 0 && json_object_set_new(msg, "req", json_integer(req)) != 0) ||
		(about != NULL && json_object_set(msg, "about", about) != 0)) {
		json_decref(msg);
		msg = NULL;
	}
	json_decref(about);
	return msg;
}

struct frame *control_error_frame(struct worker *worker, int err)
{
	json_t *msg = control_error_json(err, true, -1, NULL);
	struct frame *frame = control_frame(worker, msg);

	json_decref(msg);
	return frame;
}

void control_answer(const struct control_request *request, json_t *msg)
{
	if (request->req >= 0 && json_object_set_new(msg, "req", json_integer(request->req)) != 0) {
		json_decref(msg);
		msg = NULL;
	}
	session_send(request->session, msg);
}
