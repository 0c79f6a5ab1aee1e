/*
 * family: makes and reads messages that several of the processes know. Keeps nothing; never logs a
 * key.
 */
#include "reflector/family.h"

#include "proto/msg.h"

int family_read_credentials(const json_t *msg, struct key **key, const char **chain)
{
	const char *pem;
	const char *ca = NULL;

	if (msg_get_string(msg, "chain", FAMILY_PEM_MAX, chain) != 0 ||
		msg_get_string(msg, "key", FAMILY_PEM_MAX, &pem) != 0 ||
		msg_opt_string(msg, "ca", FAMILY_PEM_MAX, &ca) != 0) {
		return ERR_BAD_FIELD;
	}
	return key_create(key, *chain, pem, ca);
}

json_t *family_credentials_json(const char *chain, const char *key, const char *ca)
{
	json_t *msg =
		json_pack("{s:s, s:s, s:s}", "type", "credentials", "chain", chain, "key", key);

	if (msg != NULL && ca != NULL && json_object_set_new(msg, "ca", json_string(ca)) != 0) {
		json_decref(msg);
		return NULL;
	}
	return msg;
}

static int read_number(const json_t *limits, const char *key, int64_t max, int64_t *out)
{
	return msg_get_int(limits, key, 1, max, out);
}

int family_read_settings(const json_t *msg, const char *process, struct settings_limits *limits)
{
	enum log_level level;
	enum log_format format;
	const char *level_name, *format_name;
	const json_t *object;
	int64_t participants, payload, heartbeat, audio, video, bytes;

	if (msg_get_string(msg, "log_level", LIMIT_NAME, &level_name) != 0 ||
		msg_get_string(msg, "log_format", LIMIT_NAME, &format_name) != 0 ||
		!log_level_from_name(level_name, &level) ||
		!log_format_from_name(format_name, &format) ||
		msg_get_object(msg, "limits", &object) != 0 ||
		read_number(object, "max_participants", LIMIT_PARTICIPANTS_PER_ROOM,
			&participants) != 0 ||
		read_number(object, "max_payload", LIMIT_PAYLOAD_MAX, &payload) != 0 ||
		read_number(object, "heartbeat_ms", UINT32_MAX, &heartbeat) != 0 ||
		read_number(object, "queue_audio_ms", UINT32_MAX, &audio) != 0 ||
		read_number(object, "queue_video_ms", UINT32_MAX, &video) != 0 ||
		read_number(object, "queue_bytes", UINT32_MAX, &bytes) != 0) {
		return ERR_BAD_FIELD;
	}
	log_setup(process, level, format);
	*limits = (struct settings_limits){ .max_participants = (unsigned)participants,
		.max_payload = (uint32_t)payload,
		.heartbeat_ms = (uint32_t)heartbeat,
		.queue_audio_ms = (uint32_t)audio,
		.queue_video_ms = (uint32_t)video,
		.queue_bytes = (size_t)bytes };
	return 0;
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error";
	case LOG_LEVEL_WARN:
		return "warn";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_DEBUG:
		return "debug";
	}
	return "info";
}

json_t *family_settings_json(const struct reflector_settings *settings)
{
	const struct settings_limits *limits = &settings->limits;
	json_t *object = json_pack("{s:i, s:i, s:i, s:i, s:i, s:I}", "max_participants",
		(int)limits->max_participants, "max_payload", (int)limits->max_payload,
		"heartbeat_ms", (int)limits->heartbeat_ms, "queue_audio_ms",
		(int)limits->queue_audio_ms, "queue_video_ms", (int)limits->queue_video_ms,
		"queue_bytes", (json_int_t)limits->queue_bytes);

	return json_pack("{s:s, s:s, s:s, s:o}", "type", "settings", "log_level",
		level_name(settings->log_level), "log_format",
		settings->log_format == LOG_FORMAT_JSON ? "json" : "logfmt", "limits", object);
}

int family_read_keys(
	const json_t *msg, struct jws_keyset **keys, const char **issuer, const char **cluster)
{
	const json_t *jwks;

	if (msg_get_string(msg, "issuer", LIMIT_NAME, issuer) != 0 ||
		msg_get_string(msg, "cluster", LIMIT_NAME, cluster) != 0 ||
		msg_get_object(msg, "jwks", &jwks) != 0) {
		return ERR_BAD_FIELD;
	}
	return jws_keyset_create(keys, jwks);
}
