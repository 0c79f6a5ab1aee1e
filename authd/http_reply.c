/*
 * http_reply: turns a reply into an HTTP answer. The mapping of errors to statuses stands here and
 * nowhere else. No answer may be cached, none says more than its code, title and detail.
 */
#include "authd/http_reply.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_DEFAULT_S 2u /* of a 503 whose handler does not know better */

static int status_of(int err)
{
	switch (err) {
	case ERR_BAD_JSON:
	case ERR_BAD_FIELD:
	case ERR_INVALID:
		return MHD_HTTP_BAD_REQUEST;
	case ERR_LOGIN:
		return MHD_HTTP_UNAUTHORIZED;
	case ERR_DENIED:
		return MHD_HTTP_FORBIDDEN;
	case ERR_NOT_FOUND:
		return MHD_HTTP_NOT_FOUND;
	case ERR_EXISTS:
		return MHD_HTTP_CONFLICT;
	case ERR_TOO_LARGE:
		return MHD_HTTP_CONTENT_TOO_LARGE;
	case ERR_RATE:
		return MHD_HTTP_TOO_MANY_REQUESTS;
	case ERR_NO_REFLECTOR:
	case ERR_STORE:
	case ERR_SHUTDOWN:
	case ERR_NOMEM:
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	default:
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
}

void http_reply_problem(struct http_reply *reply, int status, int err, const char *detail)
{
	http_reply_finish(reply);
	reply->status = status;
	reply->problem = true;
	reply->body = json_pack("{s:s,s:s,s:s,s:i}", "code", errcode_name(err), "title",
		errcode_text(err), "detail", detail != NULL ? detail : errcode_text(err), "status",
		status);
}

void http_reply_error(struct http_reply *reply, int err, const char *detail)
{
	http_reply_problem(reply, status_of(err), err, detail);
}

void http_reply_json(struct http_reply *reply, int status, json_t *body)
{
	if (body == NULL) {
		http_reply_error(reply, ERR_NOMEM, NULL);
		return;
	}
	http_reply_finish(reply);
	reply->body = body;
	reply->status = status;
	reply->problem = false;
}

void http_reply_text(struct http_reply *reply, int status, const char *type, char *text)
{
	if (text == NULL) {
		http_reply_error(reply, ERR_NOMEM, NULL);
		return;
	}
	http_reply_finish(reply);
	reply->text = text;
	reply->text_type = type;
	reply->status = status;
	reply->problem = false;
}

void http_reply_empty(struct http_reply *reply, int status)
{
	http_reply_finish(reply);
	reply->status = status;
	reply->problem = false;
}

static struct MHD_Response *response_of(const struct http_reply *reply)
{
	char *text = reply->text != NULL ? strdup(reply->text)
		: reply->body != NULL    ? json_dumps(reply->body, JSON_COMPACT)
					 : strdup("");
	struct MHD_Response *response;

	if (text == NULL) {
		return NULL;
	}
	response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(text);
	}
	return response;
}

/* A page of ours runs nothing, loads nothing, and is shown inside no other. */
static bool add_page_headers(struct MHD_Response *response)
{
	return MHD_add_response_header(response, "Content-Security-Policy",
		       "default-src 'none'; base-uri 'none'; form-action 'none'; "
		       "frame-ancestors 'none'") == MHD_YES &&
		MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES &&
		MHD_add_response_header(response, "Referrer-Policy", "no-referrer") == MHD_YES;
}

static const char *type_of(const struct http_reply *reply)
{
	return reply->text != NULL ? reply->text_type
		: reply->problem   ? "application/problem+json"
				   : "application/json";
}

static bool add_headers(struct MHD_Response *response, const struct http_reply *reply)
{
	char seconds[16], cache[40] = "no-store";

	if (reply->cache_s > 0 && reply->status == MHD_HTTP_OK) {
		snprintf(cache, sizeof(cache), "public, max-age=%u", reply->cache_s);
	}
	bool ok = MHD_add_response_header(response, "Cache-Control", cache) == MHD_YES;

	if (ok && (reply->body != NULL || reply->text != NULL)) {
		ok = MHD_add_response_header(response, "Content-Type", type_of(reply)) == MHD_YES;
	}
	if (ok && reply->text != NULL) {
		ok = add_page_headers(response);
	}
	if (ok && reply->retry_after_s > 0) {
		snprintf(seconds, sizeof(seconds), "%u", reply->retry_after_s);
		ok = MHD_add_response_header(response, "Retry-After", seconds) == MHD_YES;
	}
	if (ok && reply->allow[0] != '\0') {
		ok = MHD_add_response_header(response, "Allow", reply->allow) == MHD_YES;
	}
	if (ok && reply->close) {
		ok = MHD_add_response_header(response, "Connection", "close") == MHD_YES;
	}
	return ok;
}

int http_reply_send(struct http_reply *reply, struct MHD_Connection *conn)
{
	struct MHD_Response *response = NULL;
	int err = ERR_NOMEM;

	if (reply->status == 0) {
		http_reply_error(reply, ERR_INTERNAL, NULL);
	}
	if (reply->status == MHD_HTTP_SERVICE_UNAVAILABLE && reply->retry_after_s == 0) {
		reply->retry_after_s = RETRY_DEFAULT_S;
	}
	response = response_of(reply);
	if (response != NULL && add_headers(response, reply) &&
		MHD_queue_response(conn, (unsigned)reply->status, response) == MHD_YES) {
		err = 0;
	}
	if (response != NULL) {
		MHD_destroy_response(response);
	}
	http_reply_finish(reply);
	return err;
}

void http_reply_finish(struct http_reply *reply)
{
	json_decref(reply->body);
	reply->body = NULL;
	free(reply->text);
	reply->text = NULL;
}
