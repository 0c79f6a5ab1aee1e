/*
 * conn_join: checks a hello in the order of doc/protocol.md 5.1 and makes a session of it. Nothing
 * of a room is told to anyone whose token has not been verified, and nothing is asked of another
 * process.
 */
#include "config.h"

#include "reflector/conn_join.h"

#include <string.h>
#include <time.h>

#include "common/log.h"
#include "proto/jws_verify.h"
#include "proto/msg.h"
#include "reflector/control.h"
#include "reflector/lane.h"
#include "reflector/roster.h"
#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/stream.h"
#include "reflector/worker.h"

#define CAPABILITIES_MAX 64u
#define VERSIONS_MAX 64u

struct hello {
	const char *token;
	const char *room; /* or NULL */
	bool knows_chat, knows_layers;
	bool subscribe_all;
	uint32_t max_payload;
};

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

static int check_versions(const json_t *msg)
{
	const json_t *versions;
	const json_t *item;
	size_t i;
	bool known = false;

	if (msg_get_array(msg, "versions", VERSIONS_MAX, &versions) != 0) {
		return ERR_BAD_FIELD;
	}
	json_array_foreach(versions, i, item) {
		if (!json_is_integer(item)) {
			return ERR_BAD_FIELD;
		}
		known = known || json_integer_value(item) == 1;
	}
	return known ? 0 : ERR_VERSION;
}

static int read_capabilities(const json_t *msg, struct hello *hello)
{
	const json_t *list;
	const json_t *item;
	size_t i;

	if (json_object_get(msg, "capabilities") == NULL) {
		return 0;
	}
	if (msg_get_array(msg, "capabilities", CAPABILITIES_MAX, &list) != 0) {
		return ERR_BAD_FIELD;
	}
	json_array_foreach(list, i, item) {
		if (!json_is_string(item)) {
			return ERR_BAD_FIELD;
		}
		hello->knows_chat =
			hello->knows_chat || strcmp(json_string_value(item), "chat") == 0;
		hello->knows_layers =
			hello->knows_layers || strcmp(json_string_value(item), "layers") == 0;
	}
	return 0;
}

static int read_hello(const json_t *msg, uint32_t our_max_payload, struct hello *hello)
{
	const char *subscribe = "all";
	const char *client = "";
	int64_t max_payload = LIMIT_PAYLOAD_DEFAULT;

	int err = check_versions(msg);
	if (err != 0) {
		return err;
	}
	if (msg_get_string(msg, "token", LIMIT_PRE_HELLO_PAYLOAD, &hello->token) != 0 ||
		msg_opt_string(msg, "room", LIMIT_PRE_HELLO_PAYLOAD, &hello->room) != 0 ||
		msg_opt_string(msg, "client", LIMIT_DISPLAY_NAME, &client) != 0 ||
		msg_opt_int(msg, "max_payload", LIMIT_PAYLOAD_MIN, LIMIT_PAYLOAD_MAX,
			&max_payload) != 0 ||
		msg_opt_string(msg, "subscribe", LIMIT_LABEL, &subscribe) != 0) {
		return ERR_BAD_FIELD;
	}
	hello->subscribe_all = strcmp(subscribe, "all") == 0;
	if (!hello->subscribe_all && strcmp(subscribe, "none") != 0) {
		return ERR_BAD_FIELD;
	}
	hello->max_payload =
		max_payload < our_max_payload ? (uint32_t)max_payload : our_max_payload;
	return read_capabilities(msg, hello);
}

static int check_token(
	struct worker *worker, const struct hello *hello, struct token_claims *claims)
{
	struct token_expect expect = { .issuer = worker->issuer,
		.audience = worker->cluster,
		.room = hello->room,
		.place = worker->place,
		.now = time(NULL) };
	json_t *payload = NULL;

	if (worker->keys == NULL) {
		return ERR_AUTHD_AWAY;
	}
	int err = strlen(hello->token) <= LIMIT_TOKEN
		? jws_verify(worker->keys, hello->token, TOKEN_TYP, &payload)
		: ERR_TOKEN_INVALID;
	if (err == 0) {
		err = token_claims_parse(claims, payload);
	}
	json_decref(payload);
	if (err == 0) {
		err = token_claims_check(claims, &expect);
	}
	if (err == 0 && revocation_has(&worker->revoked, claims->jti, expect.now)) {
		err = ERR_TOKEN_REVOKED;
	}
	return err;
}

static json_t *capabilities_json(const struct session *session)
{
	json_t *list = json_array();

	if ((session->knows_chat && json_array_append_new(list, json_string("chat")) != 0) ||
		(session->knows_layers &&
			json_array_append_new(list, json_string("layers")) != 0)) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *grants_json(const struct session *session)
{
	json_t *publish = json_array();

	for (unsigned bit = TOKEN_PUBLISH_AUDIO; bit <= TOKEN_PUBLISH_DATA; bit <<= 1) {
		if ((session->may_publish & bit) != 0 &&
			json_array_append_new(publish, json_string(token_publish_name(bit))) != 0) {
			json_decref(publish);
			return NULL;
		}
	}
	return json_pack("{s:o, s:b, s:b, s:b}", "publish", publish, "subscribe",
		(int)session->may_subscribe, "chat", (int)session->may_chat, "moderate",
		(int)session->may_moderate);
}

static void send_welcome(struct session *session)
{
	json_t *participant = json_pack("{s:s, s:i, s:s}", "id", session->id, "num",
		(int)session->num, "name", session->name);
	json_t *msg = json_pack("{s:s, s:i, s:o, s:s, s:s, s:o, s:o, s:i, s:i, s:i, s:i}", "type",
		"welcome", "version", 1, "capabilities", capabilities_json(session), "server",
		"helio-reflector/" PACKAGE_VERSION, "room", session->room->name, "participant",
		participant, "grants", grants_json(session), "max_payload",
		(int)session->max_payload, "heartbeat_ms",
		(int)session->worker->limits.heartbeat_ms, "max_lanes", 1, "max_streams",
		(int)LIMIT_STREAMS_PER_PARTICIPANT);

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

/* A room that would be full but for the older session of the same participant has a place. */
static int enter_room(struct worker *worker, const char *name, struct session *session)
{
	struct room *room = room_table_find(&worker->rooms, name);

	if (room == NULL) {
		int err = room_create(&room, worker, name);
		if (err != 0) {
			return err;
		}
	}
	struct session *older = room_find_id(room, session->id);
	if (older != NULL) {
		session_bye(older, ERR_REPLACED);
	}
	return room_add(room, session);
}

static int join(struct lane *lane, const struct hello *hello, const struct token_claims *claims)
{
	struct session *session;

	int err = session_create(&session, lane, claims);
	if (err != 0) {
		return err;
	}
	session->knows_chat = hello->knows_chat;
	session->knows_layers = hello->knows_layers;
	session->subscribe_all = hello->subscribe_all && claims->subscribe;
	session->max_payload = session->queue.max_payload = hello->max_payload;
	err = enter_room(lane->worker, claims->room, session);
	if (err != 0) {
		session_destroy(session);
		return err;
	}
	lane_enter(lane, LANE_JOINED, 0);
	send_welcome(session);
	roster_send(session);
	roster_tell_joined(session);
	if (session->subscribe_all) {
		subscribe_to_room(session);
	}
	if (bucket_take(&lane->worker->log_moves, lane->worker->now_ms)) {
		log_event(LOG_LEVEL_INFO, "join", LOG_STR("room", session->room->name),
			LOG_STR("participant", session->id), LOG_INT("num", session->num),
			LOG_STR("jti", session->jti), LOG_STR("addr", lane->address),
			LOG_INT("suppressed", bucket_refused(&lane->worker->log_moves)));
	}
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
		err = read_hello(msg, lane->worker->limits.max_payload, &hello);
	}
	if (err == 0 && lane->worker->stopping) {
		err = ERR_SHUTDOWN;
	}
	if (err == 0) {
		err = check_token(lane->worker, &hello, &claims);
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
