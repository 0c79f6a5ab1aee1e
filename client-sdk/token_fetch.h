/*
 * token_fetch: asks authd for a token (POST /v1/token over HTTPS, TLS 1.3) and parses its answer.
 * The answer is hostile until parsed: its size is bounded, redirects are not followed.
 */
#ifndef CLIENT_SDK_TOKEN_FETCH_H
#define CLIENT_SDK_TOKEN_FETCH_H

#include "client-sdk/config.h"
#include "client-sdk/curl_loop.h"
#include "client-sdk/endpoint.h"

struct token_fetch {
	char *request; /* JSON with the password or invite: wiped before it is freed */
	struct curl_slist *headers;
	char *body;
	size_t body_len;
	bool body_too_large;
	bool body_nomem;
	char error_text[CURL_ERROR_SIZE];
};

/* Starts the request on curl, which belongs to the fetch until token_fetch_finish(). */
int token_fetch_start(struct token_fetch *fetch, struct curl_loop *curl, struct loop *loop,
	const struct config *config) MUST_CHECK;

/*
 * The transfer ended with result: 0 and *answer, or what went wrong: an error of the path, or the
 * one authd named. *text points to more about it (inside fetch, or static) or NULL.
 */
int token_fetch_result(struct token_fetch *fetch, struct curl_loop *curl, CURLcode result,
	struct endpoint_answer *answer, const char **text) MUST_CHECK;

/* Stops curl and frees all. Safe on a zeroed struct. */
void token_fetch_finish(struct token_fetch *fetch, struct curl_loop *curl);

#endif
