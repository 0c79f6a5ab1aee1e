/*
 * http_srv: owns the libmicrohttpd daemons and the path of a request through them: head → body →
 * handler → answer. Must never use libmicrohttpd's epoll or AUTO modes with TLS: a few bytes of a
 * ClientHello would then burn a core.
 */
#include "authd/http_srv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/http_body.h"
#include "authd/http_cert.h"
#include "authd/http_conn.h"
#include "authd/settings.h"
#include "common/log.h"
#include "proto/tls_io.h"

#define PUBLIC_THREADS 32u
#define PUBLIC_CONNECTIONS 1024u
#define PER_IP_CONNECTIONS 128u
#define ADMIN_THREADS 4u
#define ADMIN_CONNECTIONS 64u
#define IDLE_S 10u /* without a byte from the peer */
#define CONNECTION_MEMORY 32768u

struct listener {
	struct http_srv *srv;
	enum http_listener kind;
	struct MHD_Daemon *daemon;
};

/* One per request. */
struct exchange {
	struct http_body body;
};

struct http_srv {
	http_handler handler;
	void *user;
	struct http_cert *cert;
	struct listener listeners[AUTHD_LISTEN_MAX + 1];
	size_t listener_count;
	struct http_conns conns;
};

static void on_connection(void *arg, struct MHD_Connection *connection, void **slot,
	enum MHD_ConnectionNotificationCode code)
{
	struct listener *l = arg;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		if (l->kind == HTTP_PUBLIC) {
			const union MHD_ConnectionInfo *tls = MHD_get_connection_info(
				connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
			if (tls != NULL) {
				http_cert_attach(l->srv->cert, tls->tls_session);
			}
		}
		*slot = http_conn_open(&l->srv->conns, connection);
	} else {
		http_conn_close(&l->srv->conns, *slot);
		*slot = NULL;
	}
}

void http_srv_tick(struct http_srv *srv)
{
	http_conn_cut_slow(&srv->conns);
}

/* ---- requests ---- */

static void peer_text(struct MHD_Connection *connection, char *out, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info != NULL ? info->client_addr : NULL;
	const void *addr = NULL;

	snprintf(out, size, "?");
	if (sa == NULL) {
		return;
	}
	if (sa->sa_family == AF_INET) {
		addr = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	} else if (sa->sa_family == AF_INET6) {
		addr = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	}
	if (addr != NULL) {
		inet_ntop(sa->sa_family, addr, out, (socklen_t)size);
	}
}

/* On the admin socket only root and the daemon's own user may speak. */
static bool peer_allowed(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (info == NULL ||
		getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0) {
		return false;
	}
	return cred.uid == 0 || cred.uid == geteuid();
}

static enum MHD_Result answer(struct MHD_Connection *connection, struct http_reply *reply)
{
	return http_reply_send(reply, connection) == 0 ? MHD_YES : MHD_NO;
}

static enum MHD_Result begin_request(
	struct listener *l, struct MHD_Connection *connection, void **slot)
{
	struct http_reply reply = { 0 };

	if (l->kind == HTTP_ADMIN && !peer_allowed(connection)) {
		http_reply_error(&reply, ERR_DENIED,
			"only root and the daemon's own user may use this socket");
		reply.close = true;
		return answer(connection, &reply);
	}
	if (!http_body_check_head(connection, &reply)) {
		return answer(connection, &reply);
	}
	*slot = calloc(1, sizeof(struct exchange));
	return *slot != NULL ? MHD_YES : MHD_NO;
}

static enum MHD_Result finish_request(struct listener *l, struct MHD_Connection *connection,
	const char *path, const char *method, struct exchange *ex)
{
	struct http_reply reply = { 0 };
	struct http_request req = { .listener = l->kind,
		.method = method,
		.path = path,
		.body = ex->body.bytes != NULL ? ex->body.bytes : "",
		.body_len = ex->body.len,
		.conn = connection };

	if (ex->body.err != 0) {
		http_reply_error(&reply, ex->body.err, "the body may have 65536 bytes");
		reply.close = true;
		return answer(connection, &reply);
	}
	if (l->kind == HTTP_ADMIN) {
		snprintf(req.peer, sizeof(req.peer), "unix");
	} else {
		peer_text(connection, req.peer, sizeof(req.peer));
	}
	struct http_conn *conn = http_conn_of(connection);
	http_conn_mark(&l->srv->conns, conn, true);
	l->srv->handler(l->srv->user, &req, &reply);
	http_body_finish(&ex->body);
	http_conn_mark(&l->srv->conns, conn, false);
	return answer(connection, &reply);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *data, size_t *data_len, void **slot)
{
	struct listener *l = arg;
	struct exchange *ex = *slot;

	(void)version;
	if (ex == NULL) {
		return begin_request(l, connection, slot);
	}
	if (*data_len > 0) {
		bool go_on = http_body_add(&ex->body, data, *data_len);
		*data_len = 0;
		return go_on ? MHD_YES : MHD_NO;
	}
	return finish_request(l, connection, path, method, ex);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **slot,
	enum MHD_RequestTerminationCode code)
{
	struct listener *l = arg;
	struct exchange *ex = *slot;

	(void)code;
	http_conn_mark(&l->srv->conns, http_conn_of(connection), false);
	if (ex != NULL) {
		http_body_finish(&ex->body);
		free(ex);
		*slot = NULL;
	}
}

const char *http_request_query(const struct http_request *req, const char *key)
{
	return req->conn != NULL
		? MHD_lookup_connection_value(req->conn, MHD_GET_ARGUMENT_KIND, key)
		: NULL;
}

/* A NUL would end the text early, and hide what stands behind it: it stays as it was sent, and fits
 * no name then. */
static size_t unescape(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	for (char *at = strstr(text, "%00"); at != NULL; at = strstr(at, "%00")) {
		memcpy(at, "%%%", 3); /* begins no escape */
	}
	return MHD_http_unescape(text);
}

/* ---- start and end ---- */

__attribute__((format(printf, 2, 0))) static void mhd_log(void *arg, const char *fmt, va_list ap)
{
	char text[256];

	(void)arg;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	/* peers can cause these at will, so they are for debugging only */
	log_event(LOG_LEVEL_DEBUG, "http", LOG_STR("text", text));
}

static void add_listener(struct http_srv *srv, enum http_listener kind, int fd)
{
	struct listener *l = &srv->listeners[srv->listener_count];
	bool tls = kind == HTTP_PUBLIC;
	unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls_options[] = {
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_IO_PRIORITY },
		{ MHD_OPTION_PER_IP_CONNECTION_LIMIT, PER_IP_CONNECTIONS, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem no_options[] = { { MHD_OPTION_END, 0, NULL } };

	l->srv = srv;
	l->kind = kind;
	l->daemon =
		MHD_start_daemon(flags, 0, NULL, NULL, on_request, l, /* the log must come first */
			MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL, MHD_OPTION_UNESCAPE_CALLBACK,
			unescape, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
			tls ? PUBLIC_THREADS : ADMIN_THREADS, MHD_OPTION_CONNECTION_LIMIT,
			tls ? PUBLIC_CONNECTIONS : ADMIN_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
			IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
			MHD_OPTION_NOTIFY_COMPLETED, on_completed, l, MHD_OPTION_NOTIFY_CONNECTION,
			on_connection, l, MHD_OPTION_ARRAY, tls ? tls_options : no_options,
			tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END, http_cert_retrieve,
			MHD_OPTION_END);
	if (l->daemon == NULL) {
		close(fd);
	} else {
		srv->listener_count++;
	}
}

int http_srv_create(struct http_srv **out, const struct http_srv_conf *conf, char why[512])
{
	size_t want = conf->public_count + (conf->admin_fd >= 0 ? 1 : 0);
	struct http_srv *srv = calloc(1, sizeof(*srv));
	int err = srv == NULL ? ERR_NOMEM : 0;

	snprintf(why, 512, "out of memory");
	if (err == 0) {
		srv->handler = conf->handler;
		srv->user = conf->user;
		http_conn_init(&srv->conns);
		err = http_cert_create(&srv->cert, conf->cert_file, conf->key_file, why);
	}
	for (size_t i = 0; i < conf->public_count; i++) {
		if (err == 0) {
			add_listener(srv, HTTP_PUBLIC, conf->public_fds[i]);
		} else {
			close(conf->public_fds[i]);
		}
	}
	if (err == 0 && conf->admin_fd >= 0) {
		add_listener(srv, HTTP_ADMIN, conf->admin_fd);
	} else if (conf->admin_fd >= 0) {
		close(conf->admin_fd);
	}
	if (err == 0 && srv->listener_count < want) {
		snprintf(why, 512,
			"an HTTP listener cannot be started: %s: check the limits on threads and files",
			strerror(errno));
		err = ERR_SYSTEM;
	}
	if (err != 0) {
		http_srv_destroy(srv);
		return err;
	}
	*out = srv;
	return 0;
}

void http_srv_destroy(struct http_srv *srv)
{
	if (srv == NULL) {
		return;
	}
	for (size_t i = 0; i < srv->listener_count; i++) {
		MHD_stop_daemon(srv->listeners[i].daemon);
	}
	http_cert_destroy(srv->cert);
	http_conn_finish(&srv->conns);
	free(srv);
}

int http_srv_reload(
	struct http_srv *srv, const char *cert_file, const char *key_file, char why[512])
{
	return http_cert_reload(srv->cert, cert_file, key_file, why);
}
