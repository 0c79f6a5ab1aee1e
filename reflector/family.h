/*
 * family: what the messages between supervisor, gate and workers share.
 */
#ifndef REFLECTOR_FAMILY_H
#define REFLECTOR_FAMILY_H

#include <jansson.h>

#include "proto/jws_verify.h"
#include "reflector/key.h"
#include "reflector/settings.h"

#define FAMILY_PEM_MAX 65536u

/* The key of a "credentials" message. ERR_BAD_FIELD, ERR_CONFIG ... */
int family_read_credentials(const json_t *msg, struct key **key, const char **chain) MUST_CHECK;
json_t *family_credentials_json(const char *chain, const char *key, const char *ca);

/* A "settings" message: sets the log's level and format at once (process names the log lines) and
 * gives the limits back. */
int family_read_settings(
	const json_t *msg, const char *process, struct settings_limits *limits) MUST_CHECK;
json_t *family_settings_json(const struct reflector_settings *settings);

/* A "keys" message of authd, which the gate passes on. *keys is the caller's, the names borrow from
 * msg. */
int family_read_keys(const json_t *msg, struct jws_keyset **keys, const char **issuer,
	const char **cluster) MUST_CHECK;

#endif
