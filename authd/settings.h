/*
 * settings: helio-authd's settings file, parsed and judged whole, then const. A reload reads the
 * file into a new struct; whoever needs a value that may change copies it at reload.
 */
#ifndef AUTHD_SETTINGS_H
#define AUTHD_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "common/log.h"
#include "common/settings.h"
#include "proto/errcode.h"
#include "proto/limits.h"

#define AUTHD_LISTEN_MAX 8u
#define AUTHD_REFLECTORS_MAX 64u
#define AUTHD_TLS_NAME_MAX 253u
#define AUTHD_PUBLIC_URL_MAX 255u
#define AUTHD_ADMINS_MAX 32u
#define AUTHD_ADMIN_NAME_MAX 79u

struct authd_reflector {
	char name[LIMIT_NAME + 1];
	struct settings_addr control; /* where its gate accepts the control link */
	char tls_name[AUTHD_TLS_NAME_MAX + 1]; /* what its certificate names */
	char address[64]; /* literal address that clients connect to, without brackets */
	uint16_t port_first, port_last;
	char fallback_ports[64]; /* "443,8443"; "": none */
	int64_t weight; /* its share of new rooms */
};

struct authd_settings {
	enum log_level log_level;
	enum log_format log_format;
	char *user; /* to become after binding; "" for nobody else */
	char name[LIMIT_NAME + 1]; /* the issuer of tokens */
	char cluster[LIMIT_NAME + 1]; /* their audience */
	struct settings_addr listen[AUTHD_LISTEN_MAX];
	size_t listen_count;
	char *certificate, *key; /* HTTPS */
	char *control_certificate, *control_key, *control_ca; /* control links */
	char *admin_socket;
	char *state_dir;
	struct settings_addr admin_listen[AUTHD_LISTEN_MAX], metrics_listen[AUTHD_LISTEN_MAX];
	size_t admin_listen_count, metrics_listen_count;
	char *admin_ca; /* "" for no client certificates */
	char admin_names[AUTHD_ADMINS_MAX][AUTHD_ADMIN_NAME_MAX + 1];
	size_t admin_name_count;
	unsigned rate_address, rate_key, rate_user; /* requests a minute */
	char *public_url; /* what invite links begin with, without a slash at its end */
	char *database; /* "" for SQLite in state_dir, else a postgresql:// URI: it may hold a
			   password */
	uint64_t token_life_s; /* at most this long may a session last */
	uint64_t hash_memory; /* bytes */
	uint64_t hash_passes;
	struct authd_reflector reflectors[AUTHD_REFLECTORS_MAX];
	size_t reflector_count;
};

/* Reads and judges file; relative paths in it are relative to its own folder. ERR_CONFIG with
 * "file:line: reason" in error, or ERR_NOMEM. The caller destroys *out. */
int authd_settings_load(
	struct authd_settings **out, const char *file, char error[SETTINGS_ERROR_SIZE]) MUST_CHECK;
void authd_settings_destroy(struct authd_settings *s);

/* The name of a setting that differs and cannot change while the daemon runs; NULL when there is
 * none. */
const char *authd_settings_fixed_change(
	const struct authd_settings *now, const struct authd_settings *then);

#endif
