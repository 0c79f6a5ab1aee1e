/*
 * http_body: the head and body of one request while they come in: refuses what is not understood
 * before a byte of the body is kept, and holds at most HTTP_BODY_MAX bytes of it.
 */
#ifndef AUTHD_HTTP_BODY_H
#define AUTHD_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "authd/http_reply.h"

struct MHD_Connection;

struct http_body {
	char *bytes; /* owned; zeroed before it is freed: there may be a password in it */
	size_t len, size;
	size_t swallowed; /* bytes read and thrown away behind the limit */
	int err; /* ERR_TOO_LARGE, ERR_NOMEM */
};

#define HTTP_PATH_MAX 8192u /* bytes of path and query */
#define HTTP_FIELDS_MAX 16384u /* bytes of all header fields, names and values */

/* Judges the head. True when the body may come; else reply says why not. */
bool http_body_check_head(struct MHD_Connection *conn, const char *path, struct http_reply *reply);

/* Takes the next bytes. False when the connection must be cut: the peer goes on and on. */
bool http_body_add(struct http_body *body, const char *bytes, size_t len);

void http_body_finish(struct http_body *body);

#endif
