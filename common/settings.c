/*
 * settings: runs libConfuse over a file and turns what it says into one sentence with file and
 * line. It must never let a file pass that was not understood whole.
 */
#include "common/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "proto/msg.h"

/* libConfuse's error function has no user pointer. Set only while settings_parse_file() runs. */
static _Thread_local char *error_out;

__attribute__((format(printf, 2, 0))) static void report(cfg_t *cfg, const char *fmt, va_list ap)
{
	char line[SETTINGS_ERROR_SIZE];
	const char *file = cfg != NULL && cfg->filename != NULL ? cfg->filename : "settings";
	int n = snprintf(line, sizeof(line), "%s:%d: ", file, cfg != NULL ? cfg->line : 0);

	if (n >= 0 && (size_t)n < sizeof(line)) {
		vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	}
	if (error_out == NULL) {
		log_event(LOG_LEVEL_ERROR, "settings-error", LOG_STR("why", line));
	} else if (error_out[0] == '\0') {
		/* the first is the cause, what follows are its consequences */
		memcpy(error_out, line, sizeof(line));
	}
}

void settings_error(cfg_t *cfg, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(cfg, fmt, ap);
	va_end(ap);
}

/* NULL and errno when it cannot be read. A directory opens but would end the scanner's process. */
static FILE *open_file(const char *file)
{
	struct stat st;
	FILE *fp = fopen(file, "re");

	if (fp == NULL) {
		return NULL;
	}
	if (fstat(fileno(fp), &st) != 0 || S_ISDIR(st.st_mode)) {
		fclose(fp);
		errno = EISDIR;
		return NULL;
	}
	return fp;
}

int settings_parse_file(
	cfg_t **out, cfg_opt_t *opts, const char *file, char error[SETTINGS_ERROR_SIZE])
{
	int rc = CFG_PARSE_ERROR;

	error[0] = '\0';
	FILE *fp = open_file(file);
	if (fp == NULL) {
		snprintf(error, SETTINGS_ERROR_SIZE, "%s: cannot be read: %s", file,
			strerror(errno));
		return ERR_CONFIG;
	}
	error_out = error;
	cfg_t *cfg = cfg_init(opts, CFGF_NONE);
	if (cfg != NULL) {
		cfg_set_error_function(cfg, report);
		cfg->filename = strdup(file);
		rc = cfg_parse_fp(cfg, fp);
	}
	error_out = NULL;
	fclose(fp);
	if (rc == CFG_SUCCESS && error[0] == '\0') {
		*out = cfg;
		return 0;
	}
	if (cfg != NULL) {
		cfg_free(cfg);
	}
	if (error[0] == '\0') {
		snprintf(error, SETTINGS_ERROR_SIZE, "%s: cannot be parsed", file);
	}
	return ERR_CONFIG;
}

static bool line_sets(const char *line, const char *key)
{
	size_t len = strlen(key);

	line += strspn(line, " \t");
	if (strncmp(line, key, len) != 0) {
		return false;
	}
	line += len;
	line += strspn(line, " \t");
	return line[0] == '=' || (line[0] == '+' && line[1] == '=');
}

int settings_line_of(const char *file, const char *key)
{
	char line[1024];
	int number = 1, found = 0;
	bool begins = true;
	FILE *fp = open_file(file);

	if (fp == NULL) {
		return 0;
	}
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (begins && line_sets(line, key)) {
			found = number;
		}
		begins = strchr(line, '\n') != NULL;
		number += begins;
	}
	fclose(fp);
	return found;
}

static int bad_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, const char *expected)
{
	settings_error(
		cfg, "%s: '%s' is not valid: expected %s", cfg_opt_name(opt), value, expected);
	return -1;
}

/* libConfuse copies the string a callback leaves. */
static int take_string(const char *value, void *result)
{
	*(const char **)result = value;
	return 0;
}

int settings_cb_addr(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct settings_addr addr;

	if (settings_parse_addr(value, &addr) != 0) {
		return bad_value(cfg, opt, value, "a literal ADDRESS:PORT or [ADDRESS]:PORT");
	}
	return take_string(value, result);
}

int settings_cb_ports(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	uint16_t first = 0;
	uint16_t last = 0;

	if (settings_parse_port_range(value, &first, &last) != 0) {
		return bad_value(cfg, opt, value, "PORT or FIRST-LAST, 1 to 65535");
	}
	return take_string(value, result);
}

int settings_cb_name(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	if (!msg_is_name(value)) {
		return bad_value(cfg, opt, value, "1 to 64 letters, digits or . _ @ -");
	}
	return take_string(value, result);
}

int settings_cb_log_level(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	enum log_level level;

	if (!log_level_from_name(value, &level)) {
		return bad_value(cfg, opt, value, "error, warn, info or debug");
	}
	return take_string(value, result);
}

int settings_cb_log_format(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	enum log_format format;

	if (!log_format_from_name(value, &format)) {
		return bad_value(cfg, opt, value, "logfmt or json");
	}
	return take_string(value, result);
}
