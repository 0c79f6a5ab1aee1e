/*
 * control_out: builds our control messages and queues them. It decides nothing.
 */
#include "client-sdk/control_out.h"

#include <stdlib.h>
#include <string.h>

#include "proto/msg.h"

#define TEXT_OF_NUMBER(number) #number
#define TEXT_OF(number) TEXT_OF_NUMBER(number)
#define CLIENT_NAME                                                                                \
	"libhelio/" TEXT_OF(HELIO_VERSION_MAJOR) "." TEXT_OF(HELIO_VERSION_MINOR) "." TEXT_OF(     \
		HELIO_VERSION_PATCH)

static const struct {
	enum helio_kind kind;
	const char *name;
} kinds[] = {
	{ HELIO_AUDIO, "audio" },
	{ HELIO_VIDEO, "video" },
	{ HELIO_SCREEN, "screen" },
	{ HELIO_DATA, "data" },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

const char *control_kind_name(enum helio_kind kind)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (kinds[i].kind == kind) {
			return kinds[i].name;
		}
	}
	return NULL;
}

bool control_kind_from_name(const char *name, enum helio_kind *kind)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			*kind = kinds[i].kind;
			return true;
		}
	}
	return false;
}

/* Takes object, which may be NULL; behind: the source whose media it follows, or NULL. */
static int queue(struct session *s, json_t *object, struct send_source *behind)
{
	size_t len = 0;
	char *text = NULL;
	int err = ERR_NOMEM;

	if (object != NULL) {
		text = msg_dump(object, &len);
		json_decref(object);
	}
	if (text != NULL) {
		err = behind != NULL ? send_control_behind(&s->out, behind, text, len)
				     : send_control(&s->out, text, len);
		free(text);
	}
	return err;
}

int control_out_hello(struct session *s)
{
	return queue(s,
		json_pack("{ss s[i] ss ss ss s[ss] si ss}", "type", "hello", "versions", 1, "token",
			s->answer.token, "room", s->answer.room, "client", CLIENT_NAME,
			"capabilities", "chat", "layers", "max_payload", (int)LIMIT_PAYLOAD_DEFAULT,
			"subscribe", s->config->subscribe_none ? "none" : "all"),
		NULL);
}

int control_out_bye(struct session *s)
{
	return queue(s, json_pack("{ss ss}", "type", "bye", "reason", "bye"), NULL);
}

int control_out_publish(struct session *s, const struct helio_stream *stream, int64_t req)
{
	return queue(s,
		json_pack("{ss sI ss ss ss}", "type", "publish", "req", (json_int_t)req, "kind",
			control_kind_name(stream->kind), "codec", stream->codec, "label",
			stream->label != NULL ? stream->label : ""),
		NULL);
}

int control_out_unpublish(struct session *s, struct publication *publication)
{
	return queue(s,
		json_pack(
			"{ss si}", "type", "unpublish", "stream", (int)publication->source.stream),
		&publication->source);
}

int control_out_subscription(struct session *s, const char *what, uint16_t stream)
{
	return queue(s, json_pack("{ss s[i]}", "type", what, "streams", (int)stream), NULL);
}

int control_out_keyframe(struct session *s, uint16_t stream)
{
	return queue(s, json_pack("{ss si}", "type", "keyframe", "stream", (int)stream), NULL);
}

int control_out_layers(struct session *s, uint16_t stream, unsigned spatial, unsigned temporal)
{
	return queue(s,
		json_pack("{ss si si si}", "type", "layers", "stream", (int)stream, "spatial",
			(int)spatial, "temporal", (int)temporal),
		NULL);
}

static json_t *kinds_json(unsigned bits)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < KIND_COUNT; i++) {
		if ((bits & HELIO_KIND_BIT(kinds[i].kind)) != 0 &&
			json_array_append_new(list, json_string(kinds[i].name)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int control_out_mute(struct session *s, uint16_t participant, unsigned bits, bool muted)
{
	return queue(s,
		json_pack("{ss si so sb}", "type", "mute", "num", (int)participant, "kinds",
			kinds_json(bits), "muted", (int)muted),
		NULL);
}

int control_out_kick(struct session *s, uint16_t participant, unsigned ban_s, const char *text)
{
	return queue(s,
		json_pack("{ss si sI ss*}", "type", "kick", "num", (int)participant, "ban_s",
			(json_int_t)ban_s, "text", text),
		NULL);
}

int control_out_lock(struct session *s, bool locked)
{
	return queue(s, json_pack("{ss sb}", "type", "lock", "locked", (int)locked), NULL);
}

int control_out_lobby(struct session *s, const char *what, uint16_t participant)
{
	return queue(s, json_pack("{ss si}", "type", what, "num", (int)participant), NULL);
}

int control_out_error(struct session *s, int error, const char *about)
{
	return queue(s,
		json_pack("{ss ss ss ss sb}", "type", "error", "code", errcode_name(error), "text",
			errcode_text(error), "about", about, "fatal", 0),
		NULL);
}
