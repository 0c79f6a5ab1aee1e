/*
 * config: the application's struct helio_config, copied and judged once, then constant. It also
 * holds the credentials of the TLS to the reflector, which are made from it.
 */
#ifndef CLIENT_SDK_CONFIG_H
#define CLIENT_SDK_CONFIG_H

#include <gnutls/gnutls.h>
#include <helio.h>
#include <stdbool.h>

#include "proto/errcode.h"

#define CONFIG_PASSWORD_MAX 1024u /* bytes */
#define CONFIG_URL_MAX 2048u
#define CONFIG_PASSCODE_MAX 64u

struct config {
	char *token_url; /* authd_url with /v1/token; NULL when token_answer is there */
	char *authd_ca_file;
	char *user, *password, *room, *device, *display_name;
	char *invite, *passcode; /* the invite's token alone */
	char *token_answer;
	bool subscribe_none;
	bool have_ca; /* ca_file was given: chain and name must verify */
	unsigned connect_timeout_ms, queue_audio_ms, queue_video_ms;
	gnutls_certificate_credentials_t creds;
};

/* HELIO_ERR_INVALID for a missing or malformed field, ERR_CONFIG when ca_file cannot be used. After
 * an error nothing is held. */
int config_init(struct config *config, const struct helio_config *from) MUST_CHECK;
/* Frees it and wipes what is secret. Safe on a zeroed struct. */
void config_finish(struct config *config);

#endif
