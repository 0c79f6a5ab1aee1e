/*
 * config: judges and copies what the application gave, and loads its trust anchors. What is wrong
 * is found here, before anything is sent; later code relies on it.
 */
#include "client-sdk/config.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-sdk/endpoint.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define CONNECT_TIMEOUT_MS 15000u
#define QUEUE_AUDIO_MS 400u
#define QUEUE_VIDEO_MS 1000u
#define TIME_MAX_MS 86400000u /* a day is as good as for ever, and fits everywhere */
#define TOKEN_PATH "/v1/token"
#define JOIN_PATH "/join"

static bool is_device(const char *s)
{
	size_t len = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return s[len] == '\0' && len >= 1 && len <= LIMIT_DEVICE;
}

static int copy(char **out, const char *s)
{
	if (s == NULL) {
		return 0;
	}
	*out = strdup(s);
	return *out == NULL ? ERR_NOMEM : 0;
}

/* One part of a URL that must not be there: a secret or a query would be sent to nobody who reads
 * it. */
static bool url_has(CURLU *url, CURLUPart part)
{
	char *value = NULL;
	bool has = curl_url_get(url, part, &value, 0) == CURLUE_OK;

	curl_free(value);
	return has;
}

static bool url_is_https(const char *text)
{
	CURLU *url = curl_url();
	char *scheme = NULL;
	bool good = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
		curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		strcmp(scheme, "https") == 0 && !url_has(url, CURLUPART_USER) &&
		!url_has(url, CURLUPART_PASSWORD) && !url_has(url, CURLUPART_QUERY) &&
		!url_has(url, CURLUPART_FRAGMENT);

	curl_free(scheme);
	curl_url_cleanup(url);
	return good;
}

/* "https://authd.example/" becomes "https://authd.example/v1/token". */
static int token_url_make(char **out, const char *authd_url)
{
	size_t len = strnlen(authd_url, CONFIG_URL_MAX + 1);

	if (len > CONFIG_URL_MAX || !url_is_https(authd_url)) {
		return ERR_INVALID;
	}
	while (len > 0 && authd_url[len - 1] == '/') {
		len--;
	}
	size_t size = len + sizeof(TOKEN_PATH);
	*out = malloc(size);
	if (*out == NULL) {
		return ERR_NOMEM;
	}
	snprintf(*out, size, "%.*s%s", (int)len, authd_url, TOKEN_PATH);
	return 0;
}

/* The token in a link, or the text itself. */
static const char *invite_token(const char *invite)
{
	const char *hash = strchr(invite, '#');

	return hash != NULL ? hash + 1 : invite;
}

/* Three parts of base64url: what nobody could have meant is found here. */
static bool is_invite(const char *invite)
{
	const char *token = invite_token(invite);
	size_t len =
		strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");

	return strnlen(invite, CONFIG_URL_MAX + 1) <= CONFIG_URL_MAX && len > 0 &&
		token[len] == '\0';
}

/* "https://authd.example/join#..." becomes "https://authd.example"; the caller frees it. */
static int url_of_link(char **out, const char *link)
{
	const char *hash = strchr(link, '#');
	size_t len = hash != NULL ? (size_t)(hash - link) : 0, tail = strlen(JOIN_PATH);

	if (len <= tail || strncmp(link + len - tail, JOIN_PATH, tail) != 0) {
		return ERR_INVALID;
	}
	*out = strndup(link, len - tail);
	return *out != NULL ? 0 : ERR_NOMEM;
}

static int judge_invite(const struct helio_config *from)
{
	bool has_url = from->authd_url != NULL || strchr(from->invite, '#') != NULL;

	if (!has_url || from->display_name == NULL || from->user != NULL ||
		from->password != NULL || from->device != NULL || !is_invite(from->invite)) {
		return ERR_INVALID;
	}
	return from->passcode != NULL &&
			strnlen(from->passcode, CONFIG_PASSCODE_MAX + 1) > CONFIG_PASSCODE_MAX
		? ERR_INVALID
		: 0;
}

static int judge_login(const struct helio_config *from)
{
	size_t password_len;

	if (from->authd_url == NULL || from->user == NULL || from->password == NULL ||
		from->room == NULL || !msg_is_name(from->user)) {
		return ERR_INVALID;
	}
	password_len = strnlen(from->password, CONFIG_PASSWORD_MAX + 1);
	return password_len == 0 || password_len > CONFIG_PASSWORD_MAX ? ERR_INVALID : 0;
}

static int judge_answer(const char *text)
{
	struct endpoint_answer answer;
	int err = endpoint_answer_parse(&answer, text, strlen(text));

	endpoint_answer_wipe(&answer);
	if (err == ERR_NOMEM) {
		return err;
	}
	return err != 0 ? ERR_INVALID : 0;
}

static int judge(const struct helio_config *from)
{
	if (from->room != NULL && !msg_is_name(from->room)) {
		return ERR_INVALID;
	}
	if (from->device != NULL && !is_device(from->device)) {
		return ERR_INVALID;
	}
	if (from->display_name != NULL && !msg_is_display_name(from->display_name)) {
		return ERR_INVALID;
	}
	if (from->token_answer != NULL) {
		return judge_answer(from->token_answer);
	}
	return from->invite != NULL ? judge_invite(from) : judge_login(from);
}

static int make_url(struct config *config, const struct helio_config *from)
{
	char *authd_url = NULL;
	int err;

	if (from->authd_url != NULL) {
		return token_url_make(&config->token_url, from->authd_url);
	}
	err = url_of_link(&authd_url, from->invite);
	err = err != 0 ? err : token_url_make(&config->token_url, authd_url);
	free(authd_url);
	return err;
}

static int copy_strings(struct config *config, const struct helio_config *from)
{
	int err = copy(&config->room, from->room);

	if (from->token_answer != NULL) {
		return err != 0 ? err : copy(&config->token_answer, from->token_answer);
	}
	err = err != 0 ? err : make_url(config, from);
	if (from->invite != NULL) {
		err = err != 0 ? err : copy(&config->invite, invite_token(from->invite));
		err = err != 0 ? err : copy(&config->passcode, from->passcode);
	}
	err = err != 0 ? err : copy(&config->authd_ca_file, from->authd_ca_file);
	err = err != 0 ? err : copy(&config->user, from->user);
	err = err != 0 ? err : copy(&config->password, from->password);
	err = err != 0 ? err : copy(&config->device, from->device);
	return err != 0 ? err : copy(&config->display_name, from->display_name);
}

static int load_trust(struct config *config, const char *ca_file)
{
	if (gnutls_certificate_allocate_credentials(&config->creds) != GNUTLS_E_SUCCESS) {
		config->creds = NULL;
		return ERR_NOMEM;
	}
	if (ca_file == NULL) {
		return 0;
	}
	config->have_ca = true;
	int count =
		gnutls_certificate_set_x509_trust_file(config->creds, ca_file, GNUTLS_X509_FMT_PEM);
	if (count == GNUTLS_E_MEMORY_ERROR) {
		return ERR_NOMEM;
	}
	return count <= 0 ? ERR_CONFIG : 0;
}

static unsigned time_or(unsigned ms, unsigned standard)
{
	if (ms == 0) {
		return standard;
	}
	return ms < TIME_MAX_MS ? ms : TIME_MAX_MS;
}

int config_init(struct config *config, const struct helio_config *from)
{
	int err;

	memset(config, 0, sizeof(*config));
	err = judge(from);
	err = err != 0 ? err : copy_strings(config, from);
	err = err != 0 ? err : load_trust(config, from->ca_file);
	if (err != 0) {
		config_finish(config);
		return err;
	}
	config->subscribe_none = from->subscribe_none != 0;
	config->connect_timeout_ms = time_or(from->connect_timeout_ms, CONNECT_TIMEOUT_MS);
	config->queue_audio_ms = time_or(from->queue_audio_ms, QUEUE_AUDIO_MS);
	config->queue_video_ms = time_or(from->queue_video_ms, QUEUE_VIDEO_MS);
	return 0;
}

static void wipe_and_free(char *secret)
{
	if (secret != NULL) {
		explicit_bzero(secret, strlen(secret));
		free(secret);
	}
}

void config_finish(struct config *config)
{
	free(config->token_url);
	free(config->authd_ca_file);
	free(config->user);
	wipe_and_free(config->password);
	free(config->room);
	free(config->device);
	free(config->display_name);
	wipe_and_free(config->invite);
	wipe_and_free(config->passcode);
	wipe_and_free(config->token_answer);
	if (config->creds != NULL) {
		gnutls_certificate_free_credentials(config->creds);
	}
	memset(config, 0, sizeof(*config));
}
