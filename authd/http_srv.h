/*
 * http_srv: the HTTP listeners: HTTPS (TLS 1.3 only) on TCP for clients and for administrators
 * elsewhere, plain HTTP on a Unix socket for the administrator here, and on TCP for metrics. Knows
 * nothing of what the paths mean: for each complete request the sorter is asked which pool it waits
 * in, and the handler is called in a thread of that pool and fills the reply. libmicrohttpd stays
 * behind here.
 */
#ifndef AUTHD_HTTP_SRV_H
#define AUTHD_HTTP_SRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "authd/cert_life.h"
#include "authd/http_addr.h"
#include "authd/http_reply.h"
#include "authd/work.h"
#include "proto/errcode.h"

#define HTTP_BODY_MAX 65536u /* bytes of a request's body */
#define HTTP_LISTENERS_MAX 25u
#define HTTP_CERT_NAME_SIZE 80u

enum http_listener {
	HTTP_PUBLIC = 1,
	HTTP_ADMIN = 2, /* the Unix socket */
	HTTP_REMOTE = 4, /* HTTPS for administrators */
	HTTP_METRICS = 8
};

struct MHD_Connection;

struct http_request {
	enum http_listener listener;
	const char *method; /* borrowed, as all here, for the call */
	const char *path; /* unescaped, without the query */
	const char *body;
	size_t body_len;
	char peer[HTTP_ADDR_SIZE]; /* the client's address without port; "unix" on the admin socket
				    */
	char group[HTTP_ADDR_SIZE]; /* what limits are counted by, see http_addr_group() */
	const char *authorization; /* the header; NULL: none */
	uid_t uid; /* of the peer on the admin socket */
	char cert_name[HTTP_CERT_NAME_SIZE]; /* which of admin-names its certificate has; "": none
					      */
	struct MHD_Connection *conn; /* for http_request_query() only */
};

/* The value of ?key=, borrowed for the request; NULL without it. */
const char *http_request_query(const struct http_request *req, const char *key);

enum http_way {
	HTTP_GENERAL, /* the pool for most */
	HTTP_LOGIN, /* the pool for what may hash a password */
	HTTP_ANSWERED /* by the sorter itself */
};

/* In a thread of libmicrohttpd: may not wait for anything. */
typedef enum http_way (*http_sorter)(
	void *user, const struct http_request *req, struct http_reply *reply);
/* In a thread of a pool: may wait. */
typedef void (*http_handler)(void *user, const struct http_request *req, struct http_reply *reply);

struct http_srv;

struct http_srv_fd {
	enum http_listener kind;
	int fd; /* listening */
};

struct http_srv_conf {
	const struct http_srv_fd *fds; /* taken over */
	size_t fd_count;
	const char *cert_file, *key_file; /* PEM, read now and at http_srv_reload() */
	const char *admin_ca; /* PEM file; NULL: no client certificates */
	const char *const *admin_names;
	size_t admin_name_count;
	http_sorter sorter;
	http_handler handler;
	void *user;
};

/* Starts to serve. On failure why says what; nothing is left running and the sockets are closed. */
int http_srv_create(
	struct http_srv **out, const struct http_srv_conf *conf, char why[512]) MUST_CHECK;
/* Takes no more requests; those that wait are refused, those that run are answered. */
void http_srv_stop(struct http_srv *srv);
/* After http_srv_stop(), which it does when nobody did. */
void http_srv_destroy(struct http_srv *srv);

/* Reads certificate and key again: new handshakes use them, running ones end with the old. On
 * failure the old ones stay and why says why. */
int http_srv_reload(struct http_srv *srv, const char *cert_file, const char *key_file,
	char why[512]) MUST_CHECK;

/* To be called about once a second: cuts connections that have been at one request for too long. */
void http_srv_tick(struct http_srv *srv);

/* Of the certificate that is served. */
struct cert_life http_srv_cert_life(struct http_srv *srv);

/* The pools: HTTP_GENERAL or HTTP_LOGIN. */
void http_srv_work(struct http_srv *srv, enum http_way pool, struct work_stats *out);

#endif
