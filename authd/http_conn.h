/*
 * http_conn: the HTTP connections that are open, how many come from one place, and how long each
 * has been at its handshake or request: libmicrohttpd only knows idle ones, and a byte now and then
 * is not idle.
 */
#ifndef AUTHD_HTTP_CONN_H
#define AUTHD_HTTP_CONN_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "common/list.h"

/* For a handshake and a whole request, however slowly its bytes drip. */
#define HTTP_CONN_REQUEST_S 30
/* At once from one address; with IPv6 from one network of 64 bits. */
#define HTTP_CONN_GROUP_MAX 128u

struct MHD_Connection;
struct http_conn;

struct http_conns {
	pthread_mutex_t mutex; /* guards the list and what is in it */
	struct list list;
};

void http_conn_init(struct http_conns *conns);
void http_conn_finish(struct http_conns *conns);

/* Whether one more may come from there. */
bool http_conn_may_open(struct http_conns *conns, const struct sockaddr *from);

/* NULL when out of memory: the connection then has its idle limit only. */
struct http_conn *http_conn_open(struct http_conns *conns, struct MHD_Connection *connection);
/* Before its descriptor is closed. NULL is fine. */
void http_conn_close(struct http_conns *conns, struct http_conn *conn);

/* What http_conn_open() answered for it. */
struct http_conn *http_conn_of(struct MHD_Connection *connection);

/* busy: a handler has the request, the wait is ours and not the peer's. Either way the time begins
 * anew. NULL is fine. */
void http_conn_mark(struct http_conns *conns, struct http_conn *conn, bool busy);

/* Ends those whose time is over. */
void http_conn_cut_slow(struct http_conns *conns);

#endif
