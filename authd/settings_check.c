/*
 * settings_check: what libConfuse calls for single values of authd's settings file. Judges, and
 * says what is wrong; keeps nothing, and never repeats a value that may hold a password.
 */
#include "authd/settings_check.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "authd/settings.h"
#include "common/settings.h"

#define HASH_MEMORY_MIN (8u << 20)
#define HASH_MEMORY_MAX (1024u << 20)
#define TOKEN_LIFE_MIN_S 10u
#define TOKEN_LIFE_MAX_S (30u * 86400u)

/* libConfuse calls these with one value each; the text goes on as it is when it can be parsed. */
static int take(const char *value, void *result)
{
	*(const char **)result = value;
	return 0;
}

int authd_settings_check_address(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct in6_addr addr;

	if (inet_pton(AF_INET, value, &addr) != 1 && inet_pton(AF_INET6, value, &addr) != 1) {
		settings_error(cfg, "%s must be a literal IPv4 or IPv6 address, not \"%s\"",
			cfg_opt_name(opt), value);
		return -1;
	}
	return take(value, result);
}

int authd_settings_check_life(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	uint64_t ms;

	if (settings_parse_duration(value, &ms) != 0 || ms / 1000 < TOKEN_LIFE_MIN_S ||
		ms / 1000 > TOKEN_LIFE_MAX_S) {
		settings_error(cfg, "%s must be a time from 10s to 30d, not \"%s\"",
			cfg_opt_name(opt), value);
		return -1;
	}
	return take(value, result);
}

int authd_settings_check_memory(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	uint64_t bytes;

	if (settings_parse_size(value, &bytes) != 0 || bytes < HASH_MEMORY_MIN ||
		bytes > HASH_MEMORY_MAX) {
		settings_error(cfg, "%s must be a size from 8M to 1G, not \"%s\"",
			cfg_opt_name(opt), value);
		return -1;
	}
	return take(value, result);
}

int authd_settings_check_text(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	if (value[0] == '\0') {
		settings_error(cfg, "%s may not be empty", cfg_opt_name(opt));
		return -1;
	}
	return take(value, result);
}

/* What a link begins with: no query, no fragment, nothing that must be escaped. */
int authd_settings_check_url(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	size_t len = strspn(
		value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/[]");

	if (value[0] != '\0' &&
		(strncmp(value, "https://", 8) != 0 || value[8] == '\0' || value[8] == '/' ||
			value[len] != '\0' || len > AUTHD_PUBLIC_URL_MAX)) {
		settings_error(cfg,
			"%s must be https://NAME[:PORT][/PATH] of at most 255 characters, not \"%s\"",
			cfg_opt_name(opt), value);
		return -1;
	}
	return take(value, result);
}

/* Its value may hold a password: it is never repeated. */
int authd_settings_check_database(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	if (value[0] != '\0' && strncmp(value, "postgresql://", 13) != 0 &&
		strncmp(value, "postgres://", 11) != 0) {
		settings_error(cfg,
			"%s must be empty (SQLite in state-dir) or postgresql://USER@HOST/NAME",
			cfg_opt_name(opt));
		return -1;
	}
	return take(value, result);
}
