/*
 * log: builds one line in a buffer on the stack and hands it to the kernel in one write(2), so that
 * lines of several threads and processes never mix. It must never print a byte of a value that
 * could end the line, colour a terminal or turn the direction of text.
 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/utf8.h"

/* A pipe takes this much in one piece (PIPE_BUF on Linux). */
#define LINE_MAX_BYTES 4096u
#define VALUE_MAX_BYTES 1024u
/* Kept free for what ends a line. */
#define TAIL_BYTES 32u

static _Atomic(const char *) log_process = "helio";
static _Atomic int log_threshold = LOG_LEVEL_INFO;
static _Atomic int log_format = LOG_FORMAT_LOGFMT;

struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
	size_t bound; /* writing stops here */
	bool full;
	bool json;
};

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warn", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

#define LEVEL_COUNT (sizeof(levels) / sizeof(levels[0]))

bool log_level_from_name(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*out = levels[i].level;
			return true;
		}
	}
	return false;
}

bool log_format_from_name(const char *name, enum log_format *out)
{
	if (strcmp(name, "logfmt") == 0) {
		*out = LOG_FORMAT_LOGFMT;
		return true;
	}
	if (strcmp(name, "json") == 0) {
		*out = LOG_FORMAT_JSON;
		return true;
	}
	return false;
}

static const char *level_name(enum log_level level)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		if (levels[i].level == level) {
			return levels[i].name;
		}
	}
	return "info";
}

void log_setup(const char *process, enum log_level threshold, enum log_format format)
{
	const time_t epoch = 0;
	struct tm unused;

	atomic_store(&log_process, process);
	atomic_store(&log_threshold, (int)threshold);
	atomic_store(&log_format, (int)format);
	/* the first gmtime_r() reads /etc/localtime, and a worker must open nothing later */
	gmtime_r(&epoch, &unused);
}

static void put(struct line *l, const char *bytes, size_t len)
{
	if (l->full || len > l->bound - l->len) {
		l->full = true;
		return;
	}
	memcpy(l->text + l->len, bytes, len);
	l->len += len;
}

static void put_text(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

/* One character of a value; what may not be shown becomes an escape that JSON has too. */
static void put_char(struct line *l, const char *s, size_t n, uint32_t cp)
{
	char esc[16];

	if (n == 0) {
		put_text(l, "\\ufffd");
	} else if (cp == '"' || cp == '\\') {
		put(l, "\\", 1);
		put(l, s, n);
	} else if (cp == '\n') {
		put_text(l, "\\n");
	} else if (cp == '\r') {
		put_text(l, "\\r");
	} else if (cp == '\t') {
		put_text(l, "\\t");
	} else if (utf8_is_control(cp)) {
		snprintf(esc, sizeof(esc), "\\u%04x", (unsigned)cp);
		put_text(l, esc);
	} else {
		put(l, s, n);
	}
}

static void put_quoted(struct line *l, const char *s)
{
	size_t left = strlen(s);
	size_t end = l->len + VALUE_MAX_BYTES;

	put(l, "\"", 1);
	while (left > 0) {
		uint32_t cp = 0;
		size_t n = utf8_decode(s, left, &cp);
		size_t step = n == 0 ? 1 : n;

		if (l->full || l->len > end) {
			put_text(l, "...");
			break;
		}
		put_char(l, s, n, cp);
		s += step;
		left -= step;
	}
	put(l, "\"", 1);
}

/* logfmt leaves plain words unquoted. */
static bool is_plain(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > VALUE_MAX_BYTES) {
		return false;
	}
	for (size_t at = 0; at < len;) {
		uint32_t cp = 0;
		size_t n = utf8_decode(s + at, len - at, &cp);

		if (n == 0 || utf8_is_control(cp) || cp == ' ' || cp == '"' || cp == '=' ||
			cp == '\\') {
			return false;
		}
		at += n;
	}
	return true;
}

static void put_key(struct line *l, const char *key)
{
	if (l->json) {
		char before = l->text[l->len - 1];

		put_text(l, before == '{' ? "\"" : ",\"");
		put_text(l, key);
		put_text(l, "\":");
		return;
	}
	if (l->text[l->len - 1] != '>') {
		put(l, " ", 1);
	}
	put_text(l, key);
	put(l, "=", 1);
}

static void put_field(struct line *l, const struct log_field *field)
{
	char num[24];
	size_t start = l->len;

	put_key(l, field->key);
	if (field->str == NULL) {
		snprintf(num, sizeof(num), "%lld", (long long)field->num);
		put_text(l, num);
	} else if (!l->json && is_plain(field->str)) {
		put_text(l, field->str);
	} else {
		put_quoted(l, field->str);
	}
	/* half a field helps nobody and would break JSON */
	if (l->full) {
		l->len = start;
	}
}

static void put_head(struct line *l, enum log_level level, const char *event)
{
	char stamp[96];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	/* not strftime(): it looks at /etc/localtime each time */
	snprintf(stamp, sizeof(stamp), "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);

	put(l, (char[]){ '<', (char)('0' + (int)level), '>' }, 3);
	if (l->json) {
		put(l, "{", 1);
	}
	put_field(l, &(struct log_field){ .key = "time", .str = stamp });
	put_field(l, &(struct log_field){ .key = "level", .str = level_name(level) });
	put_field(l, &(struct log_field){ .key = "proc", .str = atomic_load(&log_process) });
	put_field(l, &(struct log_field){ .key = "event", .str = event });
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	struct line l;
	int saved_errno = errno;

	if ((int)level > atomic_load(&log_threshold)) {
		return;
	}
	l.len = 0;
	l.bound = sizeof(l.text) - TAIL_BYTES;
	l.full = false;
	l.json = atomic_load(&log_format) == LOG_FORMAT_JSON;
	put_head(&l, level, event);
	for (; fields->key != NULL && !l.full; fields++) {
		put_field(&l, fields);
	}
	bool cut = l.full;
	l.full = false;
	l.bound = sizeof(l.text);
	if (cut) {
		put_text(&l, l.json ? ",\"cut\":true" : " cut=true");
	}
	put_text(&l, l.json ? "}\n" : "\n");
	while (write(STDERR_FILENO, l.text, l.len) < 0 && errno == EINTR) {
	}
	errno = saved_errno;
}
