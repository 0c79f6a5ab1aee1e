/*
 * http_reply: what a handler answers: a status and a JSON object, or an error as problem details
 * (RFC 9457) whose code is an error name of the protocol.
 */
#ifndef AUTHD_HTTP_REPLY_H
#define AUTHD_HTTP_REPLY_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/errcode.h"

struct MHD_Connection;

struct http_reply {
	int status; /* HTTP; 0 until somebody answered */
	json_t *body; /* owned; NULL: no JSON */
	char *text; /* owned, free(); in place of body; NULL: none */
	const char *text_type; /* Content-Type of text; static */
	bool problem; /* body is problem+json */
	unsigned retry_after_s; /* 0: no Retry-After */
	unsigned cache_s; /* how long anybody may keep a 200; 0: nobody may */
	char allow[64]; /* for 405 */
	bool close; /* end the connection behind this answer */
};

/* Answers status with body (the reference is taken; NULL with a status other than 204 counts as out
 * of memory). */
void http_reply_json(struct http_reply *reply, int status, json_t *body);
/* Answers status with text (taken; NULL counts as out of memory) of a type such as "text/plain;
 * charset=utf-8" (static). */
void http_reply_text(struct http_reply *reply, int status, const char *type, char *text);
void http_reply_empty(struct http_reply *reply, int status);

/* Answers the error: its usual status, its name as code, its text as title. detail is for a person;
 * NULL: none. */
void http_reply_error(struct http_reply *reply, int err, const char *detail);
/* The same with a status of one's own. */
void http_reply_problem(struct http_reply *reply, int status, int err, const char *detail);

/* Queues the answer on the connection and frees what the reply holds. 0, or ERR_NOMEM when the
 * connection must be cut. */
int http_reply_send(struct http_reply *reply, struct MHD_Connection *conn) MUST_CHECK;
/* Frees what the reply holds, when it is not sent. Twice is fine. */
void http_reply_finish(struct http_reply *reply);

#endif
