/*
 * settings: helio-reflector's settings file (doc/architecture.md, "Settings"), parsed from one
 * table, judged whole, constant from then on. A reload makes a new struct.
 */
#ifndef REFLECTOR_SETTINGS_H
#define REFLECTOR_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/log.h"
#include "common/settings.h"
#include "proto/limits.h"

#define SETTINGS_LISTEN_MAX 16
#define SETTINGS_PORTS_MAX 256

/* What a running worker takes over from new settings; everything else needs a restart. */
struct settings_limits {
	unsigned max_participants; /* per room */
	uint32_t max_payload; /* bytes */
	uint32_t heartbeat_ms;
	uint32_t queue_audio_ms;
	uint32_t queue_video_ms;
	size_t queue_bytes; /* of media, per receiver */
};

struct reflector_settings {
	enum log_level log_level;
	enum log_format log_format;
	char user[LIMIT_NAME + 1]; /* "" : stay who we are */
	char name[LIMIT_NAME + 1];
	char authd_name[256];
	struct settings_addr listen[SETTINGS_LISTEN_MAX]; /* port 0: one socket per port is bound */
	size_t listen_count;
	uint16_t ports[SETTINGS_PORTS_MAX];
	size_t port_count;
	struct settings_addr control;
	char certificate[4096], key[4096],
		control_ca[4096]; /* paths; relative ones count from the file */
	struct settings_limits limits;
};

/* Reads and judges file. ERR_CONFIG: error holds "FILE:LINE: reason" or "FILE: reason". */
int settings_load(struct reflector_settings **out, const char *file,
	char error[SETTINGS_ERROR_SIZE]) MUST_CHECK;
void settings_destroy(struct reflector_settings *settings);

/* The first setting in which they differ that only a restart can change; NULL when none does. */
const char *settings_needs_restart(
	const struct reflector_settings *now, const struct reflector_settings *then);

/* The address with this port: what a worker binds. */
void settings_listen_addr(
	const struct settings_addr *listen, uint16_t port, struct settings_addr *out);

#endif
