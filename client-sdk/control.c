/*
 * control: the table of control messages, and those that are not about the roster. A message says
 * in which states it may come; nothing but welcome, error and bye may stand before the welcome.
 */
#include "client-sdk/control.h"

#include <stdio.h>
#include <string.h>

#include "client-sdk/control_out.h"
#include "proto/msg.h"

#define TEXT_MAX 1024u /* bytes of a text for people */
#define REFUSE_EVERY_MS 1000 /* unknown messages are answered this often at most */

int control_reason(const json_t *message)
{
	const char *reason = "bye";

	/* A reason we cannot read is as good as none; the end is what counts. */
	if (msg_opt_string(message, "reason", TEXT_MAX, &reason) != 0) {
		return ERR_INTERNAL;
	}
	return strcmp(reason, "bye") == 0 ? 0 : errcode_from_name(reason);
}

static bool has_capability(const json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *value = json_string_value(json_array_get(list, i));

		if (value != NULL && strcmp(value, name) == 0) {
			return true;
		}
	}
	return false;
}

static int welcome_participant(struct session *s, const json_t *message)
{
	const json_t *participant;
	const char *id, *name;
	int64_t number;

	if (msg_get_object(message, "participant", &participant) != 0 ||
		msg_get_string(participant, "id", LIMIT_PARTICIPANT_ID, &id) != 0 ||
		msg_get_string(participant, "name", LIMIT_DISPLAY_NAME, &name) != 0 ||
		msg_get_int(participant, "num", 1, UINT16_MAX, &number) != 0) {
		return ERR_BAD_FIELD;
	}
	if (!msg_is_participant_id(id) || !msg_is_display_name(name)) {
		return ERR_BAD_FIELD;
	}
	s->number = (uint16_t)number;
	snprintf(s->id, sizeof(s->id), "%s", id);
	snprintf(s->name, sizeof(s->name), "%s", name);
	return 0;
}

static int on_welcome(struct session *s, const json_t *message, int64_t now)
{
	const char *room;
	const json_t *capabilities;
	int64_t version, max_payload, heartbeat;

	if (msg_get_int(message, "version", INT32_MIN, INT32_MAX, &version) != 0) {
		return ERR_BAD_FIELD;
	}
	if (version != 1) {
		return ERR_VERSION;
	}
	/* We offered LIMIT_PAYLOAD_DEFAULT; the reflector may only take less. */
	if (msg_get_string(message, "room", LIMIT_NAME, &room) != 0 ||
		msg_get_int(message, "max_payload", LIMIT_PAYLOAD_MIN, LIMIT_PAYLOAD_DEFAULT,
			&max_payload) != 0 ||
		msg_get_int(message, "heartbeat_ms", CONTROL_HEARTBEAT_MIN_MS,
			CONTROL_HEARTBEAT_MAX_MS,
			&heartbeat) != 0 ||
		msg_get_array(message, "capabilities", 64, &capabilities) != 0 ||
		strcmp(room, s->answer.room) != 0) {
		return ERR_BAD_FIELD;
	}
	int err = welcome_participant(s, message);
	if (err == 0) {
		s->heartbeat_ms = heartbeat;
		s->can_chat = has_capability(capabilities, "chat");
		s->can_layers = has_capability(capabilities, "layers");
		if (s->state == SESSION_LOBBY) {
			s->join_deadline = now + s->config->connect_timeout_ms;
		}
		session_welcomed(s, (uint32_t)max_payload);
	}
	return err;
}

static int on_keyframe(struct session *s, const json_t *message, int64_t now)
{
	struct publication *publication;
	int64_t stream;

	if (msg_get_int(message, "stream", 1, UINT16_MAX, &stream) != 0) {
		return ERR_BAD_FIELD;
	}
	publication = publication_find_stream(&s->publications, (uint16_t)stream);
	if (publication == NULL || publication->state != PUBLICATION_LIVE) {
		return 0;
	}
	/* The reflector promises a pace; a hostile one is held to it, within half of it. */
	if (publication->keyframe_told_at == 0 ||
		now - publication->keyframe_told_at >= LIMIT_KEYFRAME_REQUEST_MS / 2) {
		publication->keyframe_told_at = now;
		events_add_publication(
			s->events, HELIO_EVENT_KEYFRAME_REQUEST, publication->id, NULL, 0, NULL);
	}
	return 0;
}

static int on_drops(struct session *s, const json_t *message, int64_t now)
{
	struct helio_drops drops = { .outgoing = 0 };
	int64_t stream, count, bytes = 0;

	(void)now;
	if (msg_get_int(message, "stream", 1, UINT16_MAX, &stream) != 0 ||
		msg_get_string(message, "reason", 32, &drops.reason) != 0 ||
		msg_get_int(message, "count", 0, UINT32_MAX, &count) != 0 ||
		msg_opt_int(message, "bytes", 0, INT64_MAX, &bytes) != 0) {
		return ERR_BAD_FIELD;
	}
	drops.stream = (uint16_t)stream;
	drops.count = (unsigned)count;
	drops.bytes = (uint64_t)bytes;
	drops.outgoing = publication_find_stream(&s->publications, drops.stream) != NULL;
	if (s->joined) {
		events_add_drops(s->events, &drops);
	}
	return 0;
}

static int on_chat_ack(struct session *s, const json_t *message, int64_t now)
{
	int64_t seq;
	uint32_t chat_id;

	(void)now;
	if (msg_get_int(message, "seq", 0, UINT16_MAX, &seq) != 0) {
		return ERR_BAD_FIELD;
	}
	chat_id = chat_out_take(&s->chat, (uint16_t)seq);
	if (chat_id != 0) {
		events_add_chat_result(s->events, HELIO_EVENT_CHAT_DELIVERED, chat_id, 0);
	}
	return 0;
}

/* An error about one of our chat messages or publications; true when it was one. */
static bool error_about_ours(struct session *s, const json_t *message, int error, const char *text)
{
	const char *about = "";
	int64_t req = -1, seq = -1;
	struct publication *publication;
	uint32_t chat_id;

	/* `about` may also be the number of a stream: then it is none of these. */
	if (msg_opt_string(message, "about", 64, &about) == 0 && strcmp(about, "chat") == 0 &&
		msg_get_int(message, "seq", 0, UINT16_MAX, &seq) == 0) {
		chat_id = chat_out_take(&s->chat, (uint16_t)seq);
		if (chat_id != 0) {
			events_add_chat_result(s->events, HELIO_EVENT_CHAT_FAILED, chat_id, error);
		}
		return true;
	}
	if (msg_get_int(message, "req", 0, INT32_MAX, &req) != 0) {
		return false;
	}
	publication = publication_find_req(&s->publications, req);
	if (publication == NULL) {
		return false;
	}
	events_add_publication(
		s->events, HELIO_EVENT_PUBLISH_FAILED, publication->id, NULL, error, text);
	publication_remove(publication);
	return true;
}

static int on_error(struct session *s, const json_t *message, int64_t now)
{
	const char *code, *text = "";
	char copy[EVENT_TEXT_MAX];
	bool fatal = false;
	int error;

	(void)now;
	if (msg_get_string(message, "code", 64, &code) != 0 ||
		msg_opt_string(message, "text", TEXT_MAX, &text) != 0 ||
		msg_opt_bool(message, "fatal", &fatal) != 0) {
		return ERR_BAD_FIELD;
	}
	error = errcode_from_name(code);
	if (error == 0) {
		return ERR_BAD_FIELD;
	}
	events_text_copy(copy, *text != '\0' ? text : code);
	if (fatal || s->state == SESSION_HELLO) {
		session_close(s, error, copy);
	} else if (!error_about_ours(s, message, error, copy) && s->joined) {
		events_add_error(s->events, error, copy);
	}
	return 0;
}

static int on_bye(struct session *s, const json_t *message, int64_t now)
{
	const char *text = "";
	char copy[EVENT_TEXT_MAX];
	int error = control_reason(message);

	if (s->state == SESSION_LEAVE) {
		session_close(s, 0, NULL);
	} else if (s->next.count > 0) {
		session_move(s, now);
	} else {
		/* A moderator may have said why; a text we cannot read is as good as none. */
		int unread = msg_opt_string(message, "text", TEXT_MAX, &text);
		(void)unread;
		events_text_copy(copy, *text != '\0' ? text : "the reflector said goodbye");
		session_close(s, error != 0 ? error : ERR_CLOSED, copy);
	}
	return 0;
}

/* Confirmations of what changes nothing here. */
static int on_confirmation(struct session *s, const json_t *message, int64_t now)
{
	(void)s;
	(void)message;
	(void)now;
	return 0;
}

static const struct {
	const char *type;
	bool before_welcome;
	int (*handle)(struct session *s, const json_t *message, int64_t now);
} handlers[] = {
	{ "welcome", true, on_welcome },
	{ "lobby", true, control_on_lobby },
	{ "roster", false, control_on_roster },
	{ "joined", false, control_on_joined },
	{ "left", false, control_on_left },
	{ "published", false, control_on_published },
	{ "unpublished", false, control_on_unpublished },
	{ "subscribed", false, on_confirmation },
	{ "unsubscribed", false, on_confirmation },
	{ "layers", false, on_confirmation },
	{ "keyframe", false, on_keyframe },
	{ "drops", false, on_drops },
	{ "chat-ack", false, on_chat_ack },
	{ "waiting", false, control_on_waiting },
	{ "waiting-left", false, control_on_waiting_left },
	{ "admitted", false, on_confirmation },
	{ "denied", false, on_confirmation },
	{ "kicked", false, on_confirmation },
	{ "muted", false, control_on_muted },
	{ "locked", false, control_on_locked },
	{ "policy", false, control_on_policy },
	{ "rekey", false, control_on_rekey },
	{ "move", false, control_on_move },
	{ "error", true, on_error },
	{ "bye", true, on_bye },
};

#define HANDLER_COUNT (sizeof(handlers) / sizeof(handlers[0]))

static bool opening(const struct session *s)
{
	return s->state == SESSION_HELLO || s->state == SESSION_LOBBY;
}

/* A newer reflector may say more than we know. It is told so, now and then. */
static int unknown_message(struct session *s, int64_t now)
{
	int err;

	if (s->refused_at != 0 && now - s->refused_at < REFUSE_EVERY_MS) {
		return 0;
	}
	s->refused_at = now;
	err = control_out_error(s, ERR_UNKNOWN_MESSAGE, "control");
	return err == ERR_FULL ? 0 : err;
}

static int message_handle(struct session *s, const json_t *message, const char *type, int64_t now)
{
	for (size_t i = 0; i < HANDLER_COUNT; i++) {
		if (strcmp(handlers[i].type, type) != 0) {
			continue;
		}
		if (opening(s) && !handlers[i].before_welcome) {
			return ERR_HELLO_EXPECTED;
		}
		if ((!opening(s) && handlers[i].handle == on_welcome) ||
			(s->state != SESSION_HELLO && handlers[i].handle == control_on_lobby)) {
			return ERR_SECOND_HELLO;
		}
		return handlers[i].handle(s, message, now);
	}
	return opening(s) ? ERR_HELLO_EXPECTED : unknown_message(s, now);
}

int control_handle(struct session *s, const uint8_t *bytes, size_t len, int64_t now)
{
	json_t *message;
	const char *type;
	int err = msg_parse(bytes, len, &message, &type);

	if (err != 0) {
		return err;
	}
	err = message_handle(s, message, type, now);
	json_decref(message);
	return err;
}
