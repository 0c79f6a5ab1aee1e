/*
 * http_body: collects a request's body within its bound. Never lets a peer make us hold more than
 * HTTP_BODY_MAX, and never guesses at an ambiguous length (request smuggling).
 */
#include "authd/http_body.h"

#include <microhttpd.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "authd/http_srv.h"

/* A body without a length is read on for this much, so that its sender gets to see the 413. */
#define SWALLOW_MAX 262144u
#define FIRST_SIZE 1024u

struct head {
	unsigned lengths, encodings, content_encodings, types;
	bool json;
	uint64_t length;
	bool bad_length;
	size_t fields; /* bytes */
};

/* "application/json", with or without parameters. */
static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t len = strcspn(type, "; \t");

	return len == sizeof(json) - 1 && strncasecmp(type, json, len) == 0;
}

static enum MHD_Result look(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct head *head = arg;

	(void)kind;
	head->fields += strlen(key) + (value != NULL ? strlen(value) : 0);
	if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		size_t digits = value != NULL ? strspn(value, "0123456789") : 0;
		head->lengths++;
		if (digits == 0 || digits > 15 || value[digits] != '\0') {
			head->bad_length = true;
		} else {
			head->length = strtoull(value, NULL, 10);
		}
	} else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		head->encodings++;
		head->bad_length =
			head->bad_length || value == NULL || strcasecmp(value, "chunked") != 0;
	} else if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_TYPE) == 0) {
		head->types++;
		head->json = value != NULL && is_json(value);
	} else if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_ENCODING) == 0) {
		if (value == NULL || strcasecmp(value, "identity") != 0) {
			head->content_encodings++;
		}
	}
	return MHD_YES;
}

static enum MHD_Result add_size(
	void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	(void)kind;
	*(size_t *)arg += strlen(key) + (value != NULL ? strlen(value) : 0) + 2;
	return MHD_YES;
}

bool http_body_check_head(struct MHD_Connection *conn, const char *path, struct http_reply *reply)
{
	struct head head = { 0 };
	size_t target = strlen(path);

	MHD_get_connection_values(conn, MHD_HEADER_KIND, look, &head);
	MHD_get_connection_values(conn, MHD_GET_ARGUMENT_KIND, add_size, &target);
	if (target > HTTP_PATH_MAX) {
		http_reply_problem(reply, MHD_HTTP_URI_TOO_LONG, ERR_TOO_LARGE,
			"path and query may have 8192 bytes");
	} else if (head.fields > HTTP_FIELDS_MAX) {
		http_reply_problem(reply, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, ERR_TOO_LARGE,
			"the header fields may have 16384 bytes");
	} else if (head.lengths + head.encodings > 1 || head.bad_length) {
		http_reply_problem(reply, MHD_HTTP_BAD_REQUEST, ERR_BAD_FIELD,
			"the length of the body is not clear");
	} else if (head.content_encodings > 0) {
		http_reply_problem(reply, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, ERR_BAD_FIELD,
			"a body with Content-Encoding is not taken: send it as it is");
	} else if (head.types > 1 || (head.length + head.encodings > 0 && !head.json)) {
		http_reply_problem(reply, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, ERR_BAD_FIELD,
			"a body must be JSON: say Content-Type: application/json");
	} else if (head.length > HTTP_BODY_MAX) {
		http_reply_error(reply, ERR_TOO_LARGE, "the body may have 65536 bytes");
	} else {
		return true;
	}
	reply->close = true;
	return false;
}

static bool grow(struct http_body *body, size_t need)
{
	size_t size = body->size > 0 ? body->size : FIRST_SIZE;

	while (size < need) {
		size *= 2;
	}
	if (size == body->size) {
		return true;
	}
	char *bytes = malloc(size);
	if (bytes == NULL) {
		return false;
	}
	if (body->len > 0) {
		memcpy(bytes, body->bytes, body->len);
		sodium_memzero(body->bytes, body->len);
	}
	free(body->bytes);
	body->bytes = bytes;
	body->size = size;
	return true;
}

bool http_body_add(struct http_body *body, const char *bytes, size_t len)
{
	if (body->err == 0 && len > HTTP_BODY_MAX - body->len) {
		body->err = ERR_TOO_LARGE;
	} else if (body->err == 0 && !grow(body, body->len + len)) {
		body->err = ERR_NOMEM;
	}
	if (body->err != 0) {
		body->swallowed += len;
		return body->swallowed <= SWALLOW_MAX;
	}
	memcpy(body->bytes + body->len, bytes, len);
	body->len += len;
	return true;
}

void http_body_finish(struct http_body *body)
{
	if (body->bytes != NULL) {
		sodium_memzero(body->bytes, body->len);
		free(body->bytes);
	}
	memset(body, 0, sizeof(*body));
}
