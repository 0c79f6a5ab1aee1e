/*
 * settings: the option table and the judgement of what it read. Opens the settings file only;
 * certificates are looked at by whoever loads them.
 */
#include "reflector/settings.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/msg.h"

#define STR(name, fallback)                                                                        \
	CFG_STR((char *)(uintptr_t)(name), (char *)(uintptr_t)(fallback), CFGF_NONE)

struct judge {
	cfg_t *cfg;
	const char *file;
	struct reflector_settings *out;
	char *error;
};

static int bad(const struct judge *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The line of the `key` that a message begins with; 0: the file does not have it. */
static int line_of(const struct judge *j, const char *what)
{
	char key[32] = "";

	return sscanf(what, "`%31[^`]`", key) == 1 ? settings_line_of(j->file, key) : 0;
}

static int bad(const struct judge *j, const char *fmt, ...)
{
	char what[SETTINGS_ERROR_SIZE / 2];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	int line = line_of(j, what);
	if (line > 0) {
		(void)snprintf(j->error, SETTINGS_ERROR_SIZE, "%s:%d: %s", j->file, line, what);
	} else {
		(void)snprintf(j->error, SETTINGS_ERROR_SIZE, "%s: %s", j->file, what);
	}
	return ERR_CONFIG;
}

static const char *text(const struct judge *j, const char *key)
{
	const char *value = cfg_getstr(j->cfg, key);

	return value != NULL ? value : "";
}

static int judge_required(const struct judge *j)
{
	static const char *const keys[] = { "name", "control", "authd-name", "certificate", "key",
		"control-ca" };

	if (cfg_size(j->cfg, "listen") == 0) {
		return bad(j,
			"`listen` is missing: name the addresses to bind, for example listen = {\"0.0.0.0\", \"::\"}");
	}
	if (*text(j, "ports") == '\0') {
		return bad(j,
			"`ports` is missing: name the workers' ports, for example ports = \"49152-49155\"");
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (*text(j, keys[i]) == '\0') {
			return bad(j, "`%s` is missing: it has no default, set it", keys[i]);
		}
	}
	return 0;
}

static int judge_names(const struct judge *j)
{
	const char *authd = text(j, "authd-name");
	const char *user = text(j, "user");

	if (!msg_is_name(text(j, "name"))) {
		return bad(j, "`name` must be 1-64 of [A-Za-z0-9._@-]");
	}
	if (strlen(authd) >= sizeof(j->out->authd_name) || strpbrk(authd, " \t\r\n*") != NULL) {
		return bad(j, "`authd-name` must be one host name, without wildcards");
	}
	if (strlen(user) >= sizeof(j->out->user)) {
		return bad(j, "`user` is too long for a user's name");
	}
	(void)snprintf(j->out->name, sizeof(j->out->name), "%s", text(j, "name"));
	(void)snprintf(j->out->authd_name, sizeof(j->out->authd_name), "%s", authd);
	(void)snprintf(j->out->user, sizeof(j->out->user), "%s", user);
	if (!log_level_from_name(text(j, "log-level"), &j->out->log_level)) {
		return bad(j, "`log-level` must be error, warn, info or debug, not \"%s\"",
			text(j, "log-level"));
	}
	if (!log_format_from_name(text(j, "log-format"), &j->out->log_format)) {
		return bad(j, "`log-format` must be logfmt or json, not \"%s\"",
			text(j, "log-format"));
	}
	return 0;
}

/* A literal address without port; brackets around IPv6 are allowed. */
static int parse_literal(const char *value, struct settings_addr *out)
{
	char with_port[80];

	if (strlen(value) > 48) {
		return ERR_CONFIG;
	}
	if (strchr(value, ':') != NULL && value[0] != '[') {
		(void)snprintf(with_port, sizeof(with_port), "[%s]:1", value);
	} else {
		(void)snprintf(with_port, sizeof(with_port), "%s:1", value);
	}
	return settings_parse_addr(with_port, out);
}

static bool same_host(const struct settings_addr *a, const struct settings_addr *b)
{
	struct settings_addr x, y;

	settings_listen_addr(a, 1, &x);
	settings_listen_addr(b, 1, &y);
	return strcmp(x.text, y.text) == 0;
}

static int judge_listen(const struct judge *j)
{
	unsigned count = cfg_size(j->cfg, "listen");

	if (count > SETTINGS_LISTEN_MAX) {
		return bad(j, "`listen` has %u addresses: at most %d are possible", count,
			SETTINGS_LISTEN_MAX);
	}
	for (unsigned i = 0; i < count; i++) {
		const char *value = cfg_getnstr(j->cfg, "listen", i);
		if (parse_literal(value, &j->out->listen[i]) != 0) {
			return bad(j,
				"`listen`: \"%s\" is not a literal IPv4 or IPv6 address (names are not looked up, "
				"the ports come from `ports`)",
				value);
		}
		for (unsigned k = 0; k < i; k++) {
			if (same_host(&j->out->listen[k], &j->out->listen[i])) {
				return bad(j, "`listen`: \"%s\" is there twice", value);
			}
		}
	}
	j->out->listen_count = count;
	return 0;
}

static bool is_fallback(const struct judge *j, long port)
{
	for (unsigned i = 0; i < cfg_size(j->cfg, "fallback-ports"); i++) {
		if (cfg_getnint(j->cfg, "fallback-ports", i) == port) {
			return true;
		}
	}
	return false;
}

/* `ports` is one range, or several separated by commas ("49152-49155,443"). */
static int judge_ports(const struct judge *j)
{
	char list[512];
	char *rest = NULL;

	if (strlen(text(j, "ports")) >= sizeof(list)) {
		return bad(j, "`ports` is too long");
	}
	(void)snprintf(list, sizeof(list), "%s", text(j, "ports"));
	for (char *part = strtok_r(list, ", ", &rest); part != NULL;
		part = strtok_r(NULL, ", ", &rest)) {
		uint16_t first, last;
		if (settings_parse_port_range(part, &first, &last) != 0) {
			return bad(j, "`ports`: \"%s\" is not a port or a range like 49152-49155",
				part);
		}
		for (unsigned port = first; port <= last; port++) {
			if (port < LIMIT_PORT_FIRST && !is_fallback(j, (long)port)) {
				return bad(j,
					"`ports`: %u is outside %u-%u: choose a private port, or name it in "
					"`fallback-ports` as well",
					port, LIMIT_PORT_FIRST, LIMIT_PORT_LAST);
			}
			for (size_t i = 0; i < j->out->port_count; i++) {
				if (j->out->ports[i] == port) {
					return bad(j, "`ports`: %u is there twice", port);
				}
			}
			if (j->out->port_count == SETTINGS_PORTS_MAX) {
				return bad(j,
					"`ports` names more than %d ports: one worker runs on each",
					SETTINGS_PORTS_MAX);
			}
			j->out->ports[j->out->port_count++] = (uint16_t)port;
		}
	}
	return j->out->port_count > 0 ? 0 : bad(j, "`ports` names no port");
}

static int judge_control(const struct judge *j)
{
	if (settings_parse_addr(text(j, "control"), &j->out->control) != 0) {
		return bad(j, "`control`: \"%s\" is not ADDRESS:PORT with a literal address",
			text(j, "control"));
	}
	for (unsigned i = 0; i < cfg_size(j->cfg, "fallback-ports"); i++) {
		long port = cfg_getnint(j->cfg, "fallback-ports", i);
		if (port < 1 || port > 65535) {
			return bad(j, "`fallback-ports`: %ld is no port", port);
		}
	}
	return 0;
}

static int path(const struct judge *j, const char *key, char *out, size_t size)
{
	const char *value = text(j, key);
	const char *slash = strrchr(j->file, '/');
	int dir = value[0] != '/' && slash != NULL ? (int)(slash - j->file) + 1 : 0;
	int len = snprintf(out, size, "%.*s%s", dir, j->file, value);

	return len > 0 && (size_t)len < size ? 0 : bad(j, "`%s` is too long a path", key);
}

static int judge_paths(const struct judge *j)
{
	struct reflector_settings *out = j->out;
	int err = path(j, "certificate", out->certificate, sizeof(out->certificate));

	if (err == 0) {
		err = path(j, "key", out->key, sizeof(out->key));
	}
	return err != 0 ? err : path(j, "control-ca", out->control_ca, sizeof(out->control_ca));
}

static int duration(
	const struct judge *j, const char *key, uint64_t min, uint64_t max, uint32_t *out)
{
	uint64_t ms;

	if (settings_parse_duration(text(j, key), &ms) != 0) {
		return bad(j, "`%s`: \"%s\" is no duration: write for example 400ms or 5s", key,
			text(j, key));
	}
	if (ms < min || ms > max) {
		return bad(j, "`%s`: %s is outside %llums-%llums", key, text(j, key),
			(unsigned long long)min, (unsigned long long)max);
	}
	*out = (uint32_t)ms;
	return 0;
}

static int number(const struct judge *j, const char *key, long min, long max, long *out)
{
	*out = cfg_getint(j->cfg, key);
	return *out >= min && *out <= max
		? 0
		: bad(j, "`%s`: %ld is outside %ld-%ld", key, *out, min, max);
}

static int judge_limits(const struct judge *j)
{
	struct settings_limits *limits = &j->out->limits;
	long participants, payload;
	uint64_t bytes;

	int err = number(j, "max-participants", 1, LIMIT_PARTICIPANTS_PER_ROOM, &participants);
	if (err == 0) {
		err = number(j, "max-payload", LIMIT_PAYLOAD_MIN, LIMIT_PAYLOAD_MAX, &payload);
	}
	if (err == 0) {
		err = duration(j, "heartbeat", 500, 60000, &limits->heartbeat_ms);
	}
	if (err == 0) {
		err = duration(j, "queue-audio", 20, 10000, &limits->queue_audio_ms);
	}
	if (err == 0) {
		err = duration(j, "queue-video", 50, 30000, &limits->queue_video_ms);
	}
	if (err != 0) {
		return err;
	}
	if (settings_parse_size(text(j, "queue-bytes"), &bytes) != 0 || bytes > (64u << 20)) {
		return bad(j,
			"`queue-bytes`: \"%s\" is no size up to 64M: write for example 512k or 1M",
			text(j, "queue-bytes"));
	}
	if (bytes < 8u * (uint64_t)payload) {
		return bad(j,
			"`queue-bytes`: %llu is too little: at least 8 frames of `max-payload` (%ld) must fit",
			(unsigned long long)bytes, 8 * payload);
	}
	limits->max_participants = (unsigned)participants;
	limits->max_payload = (uint32_t)payload;
	limits->queue_bytes = (size_t)bytes;
	return 0;
}

static int judge_all(const struct judge *j)
{
	static int (*const steps[])(const struct judge *) = { judge_required, judge_names,
		judge_listen, judge_control, judge_ports, judge_paths, judge_limits };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int err = steps[i](j);
		if (err != 0) {
			return err;
		}
	}
	return 0;
}

int settings_load(
	struct reflector_settings **out, const char *file, char error[SETTINGS_ERROR_SIZE])
{
	cfg_opt_t opts[] = {
		STR("log-level", "info"),
		STR("log-format", "logfmt"),
		STR("user", ""),
		STR("name", ""),
		CFG_STR_LIST("listen", NULL, CFGF_NONE),
		STR("ports", ""),
		CFG_INT_LIST("fallback-ports", NULL, CFGF_NONE),
		STR("control", ""),
		STR("authd-name", ""),
		STR("certificate", ""),
		STR("key", ""),
		STR("control-ca", ""),
		CFG_INT("max-participants", 500, CFGF_NONE),
		CFG_INT("max-payload", LIMIT_PAYLOAD_DEFAULT, CFGF_NONE),
		STR("heartbeat", "5s"),
		STR("queue-audio", "400ms"),
		STR("queue-video", "1s"),
		STR("queue-bytes", "1M"),
		CFG_END(),
	};
	struct judge j = { .file = file, .error = error };

	int err = settings_parse_file(&j.cfg, opts, file, error);
	if (err != 0) {
		return err;
	}
	j.out = calloc(1, sizeof(*j.out));
	err = j.out != NULL ? judge_all(&j) : ERR_NOMEM;
	cfg_free(j.cfg);
	if (err != 0) {
		free(j.out);
		return err;
	}
	*out = j.out;
	return 0;
}

void settings_destroy(struct reflector_settings *settings)
{
	free(settings);
}

static bool same_listen(const struct reflector_settings *a, const struct reflector_settings *b)
{
	if (a->listen_count != b->listen_count) {
		return false;
	}
	for (size_t i = 0; i < a->listen_count; i++) {
		if (!same_host(&a->listen[i], &b->listen[i])) {
			return false;
		}
	}
	return true;
}

const char *settings_needs_restart(
	const struct reflector_settings *now, const struct reflector_settings *then)
{
	if (strcmp(now->name, then->name) != 0) {
		return "name";
	}
	if (!same_listen(now, then)) {
		return "listen";
	}
	if (now->port_count != then->port_count ||
		memcmp(now->ports, then->ports, now->port_count * sizeof(now->ports[0])) != 0) {
		return "ports";
	}
	if (strcmp(now->control.text, then->control.text) != 0) {
		return "control";
	}
	if (strcmp(now->authd_name, then->authd_name) != 0) {
		return "authd-name";
	}
	return strcmp(now->user, then->user) != 0 ? "user" : NULL;
}

void settings_listen_addr(
	const struct settings_addr *listen, uint16_t port, struct settings_addr *out)
{
	char host[INET6_ADDRSTRLEN] = "";

	*out = *listen;
	if (out->sa.ss_family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&out->sa;
		in6->sin6_port = htons(port);
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		(void)snprintf(out->text, sizeof(out->text), "[%s]:%u", host, port);
	} else {
		struct sockaddr_in *in = (struct sockaddr_in *)(void *)&out->sa;
		in->sin_port = htons(port);
		(void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		(void)snprintf(out->text, sizeof(out->text), "%s:%u", host, port);
	}
}
