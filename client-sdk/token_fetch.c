/*
 * token_fetch: the one HTTPS request of the library. Password, invite and passcode are in the
 * request only; neither they nor the token ever gets into a log or an error text.
 */
#include "client-sdk/token_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "proto/msg.h"

#define BODY_MAX LIMIT_JSON_BYTES

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
	struct token_fetch *fetch = user;
	size_t len = size * count; /* size is 1, says curl */
	char *grown;

	if (len > BODY_MAX - fetch->body_len) {
		fetch->body_too_large = true;
		return 0;
	}
	grown = realloc(fetch->body, fetch->body_len + len + 1);
	if (grown == NULL) {
		fetch->body_nomem = true;
		return 0;
	}
	memcpy(grown + fetch->body_len, bytes, len);
	fetch->body = grown;
	fetch->body_len += len;
	return len;
}

static json_t *request_object(const struct config *config)
{
	if (config->invite != NULL) {
		return json_pack("{ss ss ss*}", "invite", config->invite, "name",
			config->display_name, "passcode", config->passcode);
	}
	return json_pack("{ss ss ss ss* ss*}", "user", config->user, "password", config->password,
		"room", config->room, "device", config->device, "name", config->display_name);
}

static char *request_make(const struct config *config)
{
	char *text = NULL;
	json_t *object = request_object(config);

	if (object != NULL) {
		text = msg_dump(object, NULL);
		json_decref(object);
	}
	return text;
}

static CURLcode easy_set_request(CURL *easy, struct token_fetch *fetch, const struct config *config)
{
	CURLcode rc = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, fetch->request);

	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
	rc = rc != 0 ? rc
		     : curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	rc = rc != 0 ? rc
		     : curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
	rc = rc != 0 ? rc
		     : curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)config->connect_timeout_ms);
	if (rc == CURLE_OK && config->authd_ca_file != NULL) {
		/* These alone: the system's directory of anchors would stand beside them. */
		rc = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
		rc = rc != 0 ? rc : curl_easy_setopt(easy, CURLOPT_CAINFO, config->authd_ca_file);
	}
	return rc;
}

int token_fetch_start(struct token_fetch *fetch, struct curl_loop *curl, struct loop *loop,
	const struct config *config)
{
	CURL *easy = NULL;
	int err = ERR_NOMEM;

	memset(fetch, 0, sizeof(*fetch));
	fetch->request = request_make(config);
	fetch->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (fetch->request != NULL && fetch->headers != NULL) {
		easy = curl_loop_easy(config->token_url, "https", fetch->error_text);
	}
	if (easy != NULL && easy_set_request(easy, fetch, config) == CURLE_OK) {
		err = curl_loop_start(curl, loop, easy);
		easy = NULL;
	}
	curl_easy_cleanup(easy);
	if (err != 0) {
		token_fetch_finish(fetch, curl);
	}
	return err;
}

/* authd's reason for its refusal (RFC 9457 with a code), else what the status says. */
static int refusal(const struct token_fetch *fetch, long status)
{
	json_t *object;
	const char *code = NULL;
	int err = 0;

	if (fetch->body != NULL && msg_parse_object(fetch->body, fetch->body_len, &object) == 0) {
		if (msg_opt_string(object, "code", 32, &code) == 0 && code != NULL) {
			err = errcode_from_name(code);
		}
		json_decref(object);
	}
	if (err != 0 && err != ERR_INTERNAL) {
		return err;
	}
	switch (status) {
	case 401:
		return ERR_LOGIN;
	case 413:
		return ERR_TOO_LARGE;
	case 429:
		return ERR_RATE;
	case 500:
		return ERR_INTERNAL;
	case 503:
		return ERR_NO_REFLECTOR;
	default:
		return ERR_HTTP;
	}
}

int token_fetch_result(struct token_fetch *fetch, struct curl_loop *curl, CURLcode result,
	struct endpoint_answer *answer, const char **text)
{
	long status = 0;
	int err;

	*text = fetch->error_text;
	if (fetch->body_nomem) {
		return ERR_NOMEM;
	}
	if (fetch->body_too_large) {
		*text = "authd's answer is too large";
		return ERR_HTTP;
	}
	if (result != CURLE_OK) {
		return curl_loop_error(result);
	}
	*text = NULL;
	(void)curl_easy_getinfo(curl->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		*text = "authd refused the request";
		return refusal(fetch, status);
	}
	*text = "authd's answer makes no sense";
	if (fetch->body == NULL) {
		return ERR_HTTP;
	}
	err = endpoint_answer_parse(answer, fetch->body, fetch->body_len);
	if (err == ERR_NOMEM) {
		return err;
	}
	return err != 0 ? ERR_HTTP : 0;
}

static void wipe_and_free(char *bytes, size_t len)
{
	if (bytes != NULL) {
		explicit_bzero(bytes, len);
		free(bytes);
	}
}

void token_fetch_finish(struct token_fetch *fetch, struct curl_loop *curl)
{
	curl_loop_stop(curl);
	curl_slist_free_all(fetch->headers);
	wipe_and_free(fetch->request, fetch->request != NULL ? strlen(fetch->request) : 0);
	wipe_and_free(fetch->body, fetch->body_len);
	memset(fetch, 0, sizeof(*fetch));
}
