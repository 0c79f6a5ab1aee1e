/*
 * settings: what the daemons' settings files share: reading a libConfuse file so that an unknown
 * key or a bad value names file, line and reason, and parsers for typed values, one per type.
 * The file's syntax is libConfuse's: key = value, lists in { }, sections with a title.
 */
#ifndef COMMON_SETTINGS_H
#define COMMON_SETTINGS_H

#include <confuse.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proto/errcode.h"

struct settings_addr {
	struct sockaddr_storage sa;
	socklen_t len;
	char text[64]; /* as written: "192.0.2.1:49152" or "[2001:db8::1]:49152" */
};

#define SETTINGS_ERROR_SIZE 512

/*
 * Parses file with the option table. On success *out is the caller's to cfg_free(). On failure
 * ERR_CONFIG, and error holds "file:line: reason" for a person. An empty file is not an error here:
 * the daemon's own check says what is missing.
 */
int settings_parse_file(
	cfg_t **out, cfg_opt_t *opts, const char *file, char error[SETTINGS_ERROR_SIZE]) MUST_CHECK;

/*
 * The line on which file sets a key (the last one, which counts), 0 when it does not: libConfuse
 * forgets it, and a check after parsing has to name it. Sections are not told apart.
 */
int settings_line_of(const char *file, const char *key);

/* Value parsers; each returns 0 or ERR_CONFIG and writes nothing on failure. */
/* "ADDRESS:PORT" with a literal IPv4 or bracketed IPv6 address; names are refused. */
int settings_parse_addr(const char *text, struct settings_addr *out) MUST_CHECK;
/* "49152-49155", "49152" -> first and last. */
int settings_parse_port_range(const char *text, uint16_t *first, uint16_t *last) MUST_CHECK;
/* "10s", "5m", "2h", "1d", "250ms" -> milliseconds. */
int settings_parse_duration(const char *text, uint64_t *ms) MUST_CHECK;
/* "64k", "5M", "1G" (powers of 1024) or plain bytes. */
int settings_parse_size(const char *text, uint64_t *bytes) MUST_CHECK;

/*
 * libConfuse callbacks over the parsers, so that a bad value is reported with its own line.
 * CFG_STR_CB("control", NULL, CFGF_NONE, settings_cb_addr), also in lists. settings_cb_name takes
 * what msg_is_name() takes.
 */
int settings_cb_addr(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
int settings_cb_ports(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
int settings_cb_name(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
int settings_cb_log_level(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
int settings_cb_log_format(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);

/* Reports a value found bad after parsing, with the section's or option's file and line where
 * libConfuse knows it; for cfg validate callbacks and the daemons' own checks. Inside
 * settings_parse_file() it fills error (the first report counts), outside it is logged. */
void settings_error(cfg_t *cfg, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
