/*
 * conn_join: makes a session of a hello that may come in, here or out of the lobby. Nothing
 * of a room is told to anyone whose token has not been verified, and nothing is asked of another
 * process.
 */
#include "config.h"

#include "reflector/conn_join.h"

#include <string.h>

#include "common/log.h"
#include "proto/msg.h"
#include "reflector/control.h"
#include "reflector/event.h"
#include "reflector/hello.h"
#include "reflector/lane.h"
#include "reflector/lobby.h"
#include "reflector/moderate.h"
#include "reflector/roster.h"
#include "reflector/room.h"
#include "reflector/room_rules.h"
#include "reflector/session.h"
#include "reflector/stream.h"
#include "reflector/worker.h"

static void log_refused(struct lane *lane, int err)
{
	struct worker *worker = lane->worker;

	if (bucket_take(&worker->log_refusals, worker->now_ms)) {
		log_event(LOG_LEVEL_INFO, "join-refused", LOG_INT("port", worker->port),
			LOG_STR("reason", errcode_name(err)), LOG_STR("addr", lane->address),
			LOG_INT("suppressed", bucket_refused(&worker->log_refusals)));
	}
}

void conn_join_refuse(struct lane *lane, int err)
{
	log_refused(lane, err);
	lane_fail(lane, err);
}

void conn_join_lost(struct lane *lane, int err)
{
	log_refused(lane, err);
}

static json_t *capabilities_json(const struct session *session)
{
	json_t *list = json_array();

	if ((session->knows_chat && json_array_append_new(list, json_string("chat")) != 0) ||
		(session->knows_layers &&
			json_array_append_new(list, json_string("layers")) != 0) ||
		(session->knows_e2ee && json_array_append_new(list, json_string("e2ee")) != 0)) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *bitrate_json(const struct session *session)
{
	json_t *bitrate = json_object();

	for (unsigned i = 0; i < TOKEN_KINDS; i++) {
		if (session->police[i].bitrate != 0 &&
			json_object_set_new(bitrate, token_publish_name(1u << i),
				json_integer((json_int_t)session->police[i].bitrate)) != 0) {
			json_decref(bitrate);
			return NULL;
		}
	}
	return bitrate;
}

static json_t *grants_json(const struct session *session)
{
	return json_pack("{s:o, s:b, s:b, s:b, s:b, s:o}", "publish",
		token_publish_build(session->may_publish), "subscribe", (int)session->may_subscribe,
		"chat", (int)session->may_chat, "moderate", (int)session->may_moderate, "hidden",
		(int)session->hidden, "bitrate", bitrate_json(session));
}

static void send_welcome(struct session *session)
{
	json_t *participant = json_pack("{s:s, s:i, s:s}", "id", session->id, "num",
		(int)session->num, "name", session->name);
	json_t *msg = json_pack("{s:s, s:i, s:o, s:s, s:s, s:o, s:o, s:i, s:i, s:i, s:i, "
				"s:o}",
		"type", "welcome", "version", 1, "capabilities", capabilities_json(session),
		"server", "helio-reflector/" PACKAGE_VERSION, "room", session->room->name,
		"participant", participant, "grants", grants_json(session), "max_payload",
		(int)session->max_payload, "heartbeat_ms",
		(int)session->worker->limits.heartbeat_ms, "max_lanes", 1, "max_streams",
		(int)LIMIT_STREAMS_PER_PARTICIPANT, "policy",
		room_policy_build(&session->room->policy));

	session_send(session, msg);
}

static void subscribe_to_room(struct session *session)
{
	struct stream_ids *ids = &session->room->streams;

	for (struct stream *stream = stream_ids_next(ids, 1); stream != NULL;
		stream = stream_ids_next(ids, stream->id + 1u)) {
		if (subscription_create(stream, session) != 0) {
			session_doom(session, ERR_NOMEM);
			return;
		}
		if (stream->frame_kind == FRAME_VIDEO) {
			stream_ask_keyframe(stream);
		}
	}
}

int conn_join_enter(struct room *room, struct session *session)
{
	struct worker *worker = session->worker;

	int err = room_add(room, session);
	if (err != 0) {
		return err;
	}
	session->until_ms =
		session->session_s > 0 ? worker->now_ms + (uint64_t)session->session_s * 1000u : 0;
	moderate_recall(session);
	send_welcome(session);
	roster_send(session);
	moderate_tell(session);
	roster_tell_joined(session);
	moderate_tell_recalled(session);
	if (session->subscribe_all) {
		subscribe_to_room(session);
	}
	event_session(session, "joined", NULL);
	if (bucket_take(&worker->log_moves, worker->now_ms)) {
		log_event(LOG_LEVEL_INFO, "join", LOG_STR("room", room->name),
			LOG_STR("participant", session->id), LOG_INT("num", session->num),
			LOG_STR("jti", session->jti), LOG_STR("addr", session->lanes[0]->address),
			LOG_INT("suppressed", bucket_refused(&worker->log_moves)));
	}
	return 0;
}

/* The room as its newest policy wants it; none is made for one who may not enter. */
static int open_room(struct worker *worker, const struct hello *hello,
	const struct token_claims *claims, struct room **room)
{
	int err = room_rules_learn(worker, claims->room, &claims->policy);
	if (err != 0) {
		return err;
	}
	*room = room_table_find(&worker->rooms, claims->room);
	err = room_rules_check(worker, *room, claims, hello->knows_e2ee);
	if (err == 0 && *room == NULL) {
		err = room_create(room, worker, claims->room);
		if (err == 0) {
			room_rules_begin(*room, &claims->policy);
		}
	}
	return err;
}

static int join(struct lane *lane, const struct hello *hello, const struct token_claims *claims)
{
	struct session *session;
	struct room *room;

	int err = open_room(lane->worker, hello, claims, &room);
	if (err != 0) {
		return err;
	}
	err = session_create(&session, lane, claims);
	if (err != 0) {
		return err;
	}
	session->knows_chat = hello->knows_chat;
	session->knows_layers = hello->knows_layers;
	session->knows_e2ee = hello->knows_e2ee;
	session->subscribe_all = hello->subscribe_all && claims->subscribe;
	session->max_payload = session->queue.max_payload = hello->max_payload;
	if (claims->duplicate == TOKEN_DUP_REPLACE) {
		room_rules_replace(room, session->id);
	}
	err = room->policy.lobby && !session->may_moderate ? lobby_enter(room, session)
							   : conn_join_enter(room, session);
	if (err != 0) {
		session_destroy(session);
		return err;
	}
	lane_enter(lane, LANE_JOINED, 0);
	return 0;
}

static int handle_hello(struct lane *lane, struct frame *frame)
{
	struct token_claims claims;
	struct hello hello = { 0 };
	const char *type = NULL;
	json_t *msg = NULL;

	if (frame->hdr.kind != FRAME_CONTROL) {
		return ERR_HELLO_EXPECTED;
	}
	int err = msg_parse(frame_payload(frame), frame->hdr.length, &msg, &type);
	if (err == 0 && strcmp(type, "hello") != 0) {
		err = ERR_HELLO_EXPECTED;
	}
	if (err == 0) {
		err = hello_read(&hello, msg, lane->worker->limits.max_payload);
	}
	if (err == 0 && lane->worker->stopping) {
		err = ERR_SHUTDOWN;
	}
	if (err == 0) {
		err = hello_check_token(lane->worker, &hello, lane->host, &claims);
	}
	if (err == 0) {
		err = join(lane, &hello, &claims);
	}
	json_decref(msg);
	return err;
}

void conn_join_frame(struct lane *lane, struct frame *frame)
{
	int err = handle_hello(lane, frame);

	if (err != 0) {
		conn_join_refuse(lane, err);
	}
}
