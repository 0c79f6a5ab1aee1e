/*
 * log: one event per line on stderr, logfmt or JSON, with a "<N>" syslog priority in front so that
 * journald keeps the level. Event names are stable and documented in doc/operations.md. Values are
 * escaped, so that a name from a peer can never start a line or colour a terminal. A line is one
 * write(2). No token, key, password or media content is ever passed here.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/errcode.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct log_field {
	const char *key; /* NULL ends the list */
	const char *str; /* string value, or NULL: num counts */
	int64_t num;
};

#define LOG_STR(k, v) ((struct log_field){ .key = (k), .str = (v) != NULL ? (v) : "" })
#define LOG_INT(k, v) ((struct log_field){ .key = (k), .num = (int64_t)(v) })
#define LOG_ERR(e) ((struct log_field){ .key = "err", .str = errcode_name(e) })

/* log_event(LOG_LEVEL_INFO, "room-join", LOG_STR("room", name), LOG_INT("num", 3)); any thread. */
#define log_event(level, event, ...)                                                               \
	log_write((level), (event), (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })

/* Process-wide, set once at start and on reload from the main thread. process is borrowed
 * ("authd", "worker"); it becomes the key proc= of every line. */
void log_setup(const char *process, enum log_level threshold, enum log_format format);

void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* Settings' words: "error|warn|info|debug" and "logfmt|json"; false for any other. */
bool log_level_from_name(const char *name, enum log_level *out);
bool log_format_from_name(const char *name, enum log_format *out);

#endif
