/*
 * http_exchange: one request on its way: head → body → pool (the connection is suspended) → handler
 * → resumed with the answer. Within http_srv only.
 */
#ifndef AUTHD_HTTP_EXCHANGE_H
#define AUTHD_HTTP_EXCHANGE_H

#include <microhttpd.h>

#include "authd/http_cert_admin.h"
#include "authd/http_conn.h"
#include "authd/http_srv.h"
#include "authd/work.h"

/* What the requests of one listener share; outlives them. */
struct http_exchange_env {
	enum http_listener kind;
	http_sorter sorter;
	http_handler handler;
	void *user;
	struct work *general, *login;
	struct http_conns *conns;
	const struct http_cert_admin *admin_cert; /* NULL: no client certificates */
};

/* For libmicrohttpd, with the env as its argument. */
enum MHD_Result http_exchange_on_request(void *env, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *data,
	size_t *data_len, void **slot);
void http_exchange_on_completed(void *env, struct MHD_Connection *connection, void **slot,
	enum MHD_RequestTerminationCode code);

#endif
