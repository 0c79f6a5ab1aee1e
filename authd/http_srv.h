/*
 * http_srv: the HTTP listeners: HTTPS (TLS 1.3 only) on TCP, and plain HTTP on a Unix socket for
 * the administrator. Knows nothing of what the paths mean: the handler given at the start is called
 * on one of several threads for each complete request and fills the reply. libmicrohttpd stays
 * behind here.
 */
#ifndef AUTHD_HTTP_SRV_H
#define AUTHD_HTTP_SRV_H

#include <stdbool.h>
#include <stddef.h>

#include "authd/http_reply.h"
#include "proto/errcode.h"

#define HTTP_BODY_MAX 65536u /* bytes of a request's body */

enum http_listener { HTTP_PUBLIC = 1, HTTP_ADMIN = 2 };

struct MHD_Connection;

struct http_request {
	enum http_listener listener;
	const char *method; /* borrowed, as all here, for the call */
	const char *path; /* unescaped, without the query */
	const char *body;
	size_t body_len;
	char peer[64]; /* the client's address without port; "unix" on the admin socket */
	struct MHD_Connection *conn; /* for http_request_query() only */
};

/* The value of ?key=, borrowed for the request; NULL without it. */
const char *http_request_query(const struct http_request *req, const char *key);

typedef void (*http_handler)(void *user, const struct http_request *req, struct http_reply *reply);

struct http_srv;

struct http_srv_conf {
	const int *public_fds; /* listening TCP sockets, taken over */
	size_t public_count;
	int admin_fd; /* listening Unix socket, taken over; -1: none */
	const char *cert_file, *key_file; /* PEM, read now and at http_srv_reload() */
	http_handler handler;
	void *user;
};

/* Starts to serve. On failure why says what; nothing is left running and the sockets are closed. */
int http_srv_create(
	struct http_srv **out, const struct http_srv_conf *conf, char why[512]) MUST_CHECK;
/* Ends all listeners; waits for handlers that run. */
void http_srv_destroy(struct http_srv *srv);

/* Reads certificate and key again: new handshakes use them, running ones end with the old. On
 * failure the old ones stay and why says why. */
int http_srv_reload(struct http_srv *srv, const char *cert_file, const char *key_file,
	char why[512]) MUST_CHECK;

/* To be called about once a second: cuts connections that have been at one request for too long. */
void http_srv_tick(struct http_srv *srv);

#endif
