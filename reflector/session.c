/*
 * session: a participant's state, its way out of the room, and its queue's handling. Never writes
 * to a socket itself and never frees below a callback.
 */
#include "reflector/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "reflector/chat.h"
#include "reflector/control.h"
#include "reflector/event.h"
#include "reflector/frame_policy.h"
#include "reflector/frame_write.h"
#include "reflector/lane.h"
#include "reflector/lobby.h"
#include "reflector/moderate.h"
#include "reflector/room.h"
#include "reflector/stream.h"
#include "reflector/worker.h"

#define CONTROL_PER_SECOND 50u
#define CONTROL_BURST 200u

static void copy_claims(struct session *session, const struct token_claims *claims)
{
	(void)snprintf(session->id, sizeof(session->id), "%s", claims->participant);
	(void)snprintf(session->name, sizeof(session->name), "%s", claims->display_name);
	(void)snprintf(session->user, sizeof(session->user), "%s", claims->user);
	(void)snprintf(session->jti, sizeof(session->jti), "%s", claims->jti);
	(void)snprintf(session->source, sizeof(session->source), "%s", claims->source);
	session->rev = claims->rev;
	session->hidden = claims->hidden;
	session->may_publish = claims->hidden ? 0 : claims->publish;
	session->may_subscribe = claims->subscribe;
	session->may_chat = claims->chat && !claims->hidden;
	session->may_moderate = claims->moderate;
	session->expires_at = claims->expires_at;
	session->session_s = claims->session_s;
	for (unsigned i = 0; i < TOKEN_KINDS; i++) {
		frame_police_init(&session->police[i], claims->bitrate[i], session->worker->now_ms);
	}
}

int session_create(struct session **out, struct lane *lane, const struct token_claims *claims)
{
	struct worker *worker = lane->worker;
	struct session *session = calloc(1, sizeof(*session));

	if (session == NULL) {
		return ERR_NOMEM;
	}
	session->worker = worker;
	copy_claims(session, claims);
	session->joined_at = time(NULL);
	session->max_payload = worker->limits.max_payload;
	frame_queue_init(&session->queue, &worker->pool);
	frame_policy_apply(&worker->policy, &session->queue);
	list_init(&session->streams);
	list_init(&session->subscriptions);
	list_init(&session->member);
	list_init(&session->dirty);
	list_init(&session->doomed);
	bucket_init(&session->control, CONTROL_PER_SECOND, CONTROL_BURST, worker->now_ms);
	bucket_init(&session->chat, CONTROL_PER_SECOND, CONTROL_BURST, worker->now_ms);
	bucket_init(
		&session->chat_bytes, CHAT_SESSION_PER_SECOND, CHAT_SESSION_BURST, worker->now_ms);
	list_append(&worker->sessions, &session->all);
	session->lanes[session->lane_count++] = lane;
	lane->session = session;
	*out = session;
	return 0;
}

void session_destroy(struct session *session)
{
	frame_queue_finish(&session->queue);
	subscription_reap(&session->queue);
	list_remove(&session->all);
	list_remove(&session->dirty);
	list_remove(&session->doomed);
	for (unsigned i = 0; i < session->lane_count; i++) {
		session->lanes[i]->session = NULL;
	}
	free(session);
}

void session_mark_dirty(struct session *session)
{
	if (list_empty(&session->dirty)) {
		list_append(&session->worker->dirty, &session->dirty);
	}
}

void session_doom(struct session *session, int err)
{
	if (session->doom == 0 && !session->ended) {
		session->doom = err;
		list_append(&session->worker->doomed, &session->doomed);
	}
}

void session_push(struct session *session, enum frame_class c, struct frame *frame)
{
	if (session->ended) {
		return;
	}
	int err = frame != NULL ? frame_queue_push(&session->queue, c, frame, NULL) : ERR_NOMEM;
	if (err != 0) {
		session_doom(session, err == ERR_FULL ? ERR_TOO_SLOW : err);
		return;
	}
	session_mark_dirty(session);
}

void session_send(struct session *session, json_t *msg)
{
	struct frame *frame = control_frame(session->worker, msg);

	json_decref(msg);
	session_push(session, FRAME_CLASS_CONTROL, frame);
	frame_unref(frame);
}

static void tell_left(struct session *session, struct room *room, const char *reason)
{
	json_t *msg = json_pack("{s:s, s:s, s:i, s:s}", "type", "left", "id", session->id, "num",
		(int)session->num, "reason", reason);
	struct frame *frame = control_frame(session->worker, msg);

	json_decref(msg);
	room_tell_of(room, frame, session);
	frame_unref(frame);
}

static void leave(struct session *session, int err)
{
	struct room *room = session->room;
	const char *reason = err == 0 ? "bye" : errcode_name(err);

	session->ended = true;
	list_remove(&session->doomed);
	if (room == NULL) {
		return;
	}
	event_session(session, "left", reason);
	if (session->waiting) {
		lobby_leave(session);
		return;
	}
	moderate_remember(session);
	while (!list_empty(&session->subscriptions)) {
		subscription_end(
			LIST_ENTRY(session->subscriptions.next, struct subscription, node));
	}
	while (!list_empty(&session->streams)) {
		stream_destroy(LIST_ENTRY(session->streams.next, struct stream, node));
	}
	room_remove(room, session);
	tell_left(session, room, reason);
	if (bucket_take(&session->worker->log_moves, session->worker->now_ms)) {
		log_event(LOG_LEVEL_INFO, "leave", LOG_STR("room", room->name),
			LOG_STR("participant", session->id), LOG_INT("num", session->num),
			LOG_STR("reason", reason),
			LOG_INT("seconds", time(NULL) - session->joined_at),
			LOG_INT("dropped", session->queue.dropped),
			LOG_INT("suppressed", bucket_refused(&session->worker->log_moves)));
	}
}

/* Best effort: without it the peer sees the connection end. */
static void push_last(struct session *session, struct frame *frame)
{
	if (frame != NULL) {
		int pushed = frame_queue_push(&session->queue, FRAME_CLASS_CONTROL, frame, NULL);
		(void)pushed;
	}
}

/* The last words: everything else that waits gives way to them, but a frame that was begun. */
static void close_with(struct session *session, int err, struct frame *before, struct frame *last)
{
	leave(session, err);
	frame_queue_clear(&session->queue);
	session->queue.lists[FRAME_CLASS_CONTROL].bound = FRAME_POLICY_CONTROL_BYTES;
	push_last(session, before);
	push_last(session, last);
	frame_unref(last);
	for (unsigned i = 0; i < session->lane_count; i++) {
		lane_close(session->lanes[i]);
	}
}

void session_bye_with(struct session *session, int err, struct frame *before, const char *text)
{
	if (!session->ended) {
		json_t *msg = json_pack("{s:s, s:s, s:s*}", "type", "bye", "reason",
			err == 0 ? "bye" : errcode_name(err), "text", text);
		close_with(session, err, before, control_frame(session->worker, msg));
		json_decref(msg);
	}
}

void session_bye(struct session *session, int err)
{
	session_bye_with(session, err, NULL, NULL);
}

void session_fail(struct session *session, int err)
{
	if (!session->ended) {
		close_with(session, err, NULL, control_error_frame(session->worker, err));
	}
}

void session_gone(struct session *session, int err)
{
	if (!session->ended) {
		leave(session, err);
		frame_queue_clear(&session->queue);
	}
}

static void ask_keyframes(struct session *session)
{
	session->queue.wants_keyframe = false;
	for (LIST_EACH(node, &session->queue.dropped_feeds)) {
		struct frame_feed *feed = LIST_ENTRY(node, struct frame_feed, node);
		struct subscription *subscription = LIST_ENTRY(feed, struct subscription, feed);
		if (feed->wants_keyframe) {
			feed->wants_keyframe = false;
			stream_ask_keyframe(subscription->stream);
		}
	}
}

void session_flush(struct session *session)
{
	for (unsigned i = 0; i < session->lane_count; i++) {
		frame_write_lane(session->lanes[i]);
	}
	if (session->queue.wants_keyframe) {
		ask_keyframes(session);
	}
	subscription_reap(&session->queue);
}

json_t *session_json(const struct session *session)
{
	json_t *streams = json_array();

	for (LIST_EACH(node, &session->streams)) {
		json_t *stream = stream_json(LIST_ENTRY(node, struct stream, node));
		if (json_array_append_new(streams, stream) != 0) {
			json_decref(streams);
			return NULL;
		}
	}
	json_t *json = json_pack("{s:s, s:i, s:s, s:o}", "id", session->id, "num",
		(int)session->num, "name", session->name, "streams", streams);
	if (session->hidden && json_object_set_new(json, "hidden", json_true()) != 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}
