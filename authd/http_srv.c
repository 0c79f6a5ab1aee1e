/*
 * http_srv: owns the libmicrohttpd daemons and the two pools of work threads. Must never use
 * libmicrohttpd's epoll or AUTO modes with TLS: a few bytes of a ClientHello would then burn a
 * core.
 */
#include "authd/http_srv.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/hash_threads.h"
#include "authd/http_cert.h"
#include "authd/http_exchange.h"
#include "authd/pass_hash.h"
#include "common/log.h"
#include "proto/tls_io.h"

#define THREADS 2u /* of libmicrohttpd per listener: they never wait for anything but sockets */
#define PUBLIC_CONNECTIONS 1024u
#define OTHER_CONNECTIONS 128u
#define IDLE_S 10u /* without a byte from the peer */
/* More than a head may have, so that it is we who refuse one that is too large. */
#define CONNECTION_MEMORY 65536u

/* Many of the general pool wait together for one commit. */
#define GENERAL_THREADS 48u
#define GENERAL_QUEUE 1024u
#define LOGIN_QUEUE 256u
#define LOGIN_QUEUE_OF_ONE 128u
#define WAIT_MS 10000u

struct listener {
	struct http_srv *srv;
	struct http_exchange_env env;
	struct MHD_Daemon *daemon;
};

struct http_srv {
	struct http_cert *cert;
	struct http_cert_admin *admin_cert;
	struct work *general, *login;
	struct listener listeners[HTTP_LISTENERS_MAX];
	size_t listener_count;
	struct http_conns conns;
};

static enum MHD_Result on_accept(void *arg, const struct sockaddr *from, socklen_t len)
{
	struct listener *l = arg;

	(void)len;
	return l->env.kind == HTTP_ADMIN || http_conn_may_open(&l->srv->conns, from) ? MHD_YES
										     : MHD_NO;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **slot,
	enum MHD_ConnectionNotificationCode code)
{
	struct listener *l = arg;

	if (code != MHD_CONNECTION_NOTIFY_STARTED) {
		http_conn_close(&l->srv->conns, *slot);
		*slot = NULL;
		return;
	}
	const union MHD_ConnectionInfo *tls =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (tls != NULL && tls->tls_session != NULL) {
		http_cert_attach(l->srv->cert, tls->tls_session);
	}
	if (l->env.admin_cert != NULL) {
		http_cert_admin_ask(connection);
	}
	*slot = http_conn_open(&l->srv->conns, connection);
}

void http_srv_tick(struct http_srv *srv)
{
	http_conn_cut_slow(&srv->conns);
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

__attribute__((format(printf, 2, 0))) static void mhd_log(void *arg, const char *fmt, va_list ap)
{
	char text[256];

	(void)arg;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	/* peers can cause these at will, so they are for debugging only */
	log_event(LOG_LEVEL_DEBUG, "http", LOG_STR("text", text));
}

static void add_listener(struct http_srv *srv, const struct http_srv_conf *conf, size_t index)
{
	const struct http_srv_fd *fd = &conf->fds[index];
	struct listener *l = &srv->listeners[srv->listener_count];
	bool tls = fd->kind == HTTP_PUBLIC || fd->kind == HTTP_REMOTE;
	unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG |
		MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls_options[] = {
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_IO_PRIORITY },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem no_options[] = { { MHD_OPTION_END, 0, NULL } };

	l->srv = srv;
	l->env = (struct http_exchange_env){ .kind = fd->kind,
		.sorter = conf->sorter,
		.handler = conf->handler,
		.user = conf->user,
		.general = srv->general,
		.login = srv->login,
		.conns = &srv->conns,
		.admin_cert = fd->kind == HTTP_REMOTE ? srv->admin_cert : NULL };
	l->daemon = MHD_start_daemon(flags, 0, on_accept, l, http_exchange_on_request, &l->env,
		/* the log must come first */
		MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL, MHD_OPTION_UNESCAPE_CALLBACK, unescape,
		NULL, MHD_OPTION_LISTEN_SOCKET, fd->fd, MHD_OPTION_THREAD_POOL_SIZE, THREADS,
		MHD_OPTION_CONNECTION_LIMIT,
		fd->kind == HTTP_PUBLIC ? PUBLIC_CONNECTIONS : OTHER_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, http_exchange_on_completed,
		&l->env, MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_ARRAY,
		tls ? tls_options : no_options,
		tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END, http_cert_retrieve,
		MHD_OPTION_END);
	if (l->daemon == NULL) {
		close(fd->fd);
	} else {
		srv->listener_count++;
	}
}

static int make_pools(struct http_srv *srv)
{
	const struct work_conf general = { .name = "general",
		.threads = GENERAL_THREADS,
		.queue_max = GENERAL_QUEUE,
		.key_max = GENERAL_QUEUE,
		.wait_ms = WAIT_MS };
	const struct work_conf login = { .name = "login",
		/* those beyond the cores wait in the queues of hashes, where known users go first
		 */
		.threads = hash_threads_cores() + 2 * PASS_HASH_WAITING,
		.queue_max = LOGIN_QUEUE,
		.key_max = LOGIN_QUEUE_OF_ONE,
		.wait_ms = WAIT_MS };
	int err = work_create(&srv->general, &general);

	return err == 0 ? work_create(&srv->login, &login) : err;
}

static int make_parts(struct http_srv *srv, const struct http_srv_conf *conf, char why[512])
{
	int err = http_cert_create(&srv->cert, conf->cert_file, conf->key_file, why);

	if (err == 0 && conf->admin_ca != NULL) {
		err = http_cert_admin_create(&srv->admin_cert, conf->admin_ca, conf->admin_names,
			conf->admin_name_count, why);
	}
	if (err == 0) {
		err = make_pools(srv);
		if (err != 0) {
			snprintf(why, 512,
				"the threads cannot be started: %s: check the limits on threads",
				strerror(errno));
		}
	}
	return err;
}

int http_srv_create(struct http_srv **out, const struct http_srv_conf *conf, char why[512])
{
	struct http_srv *srv = calloc(1, sizeof(*srv));
	int err = srv == NULL ? ERR_NOMEM : 0;

	snprintf(why, 512, "out of memory");
	if (err == 0) {
		http_conn_init(&srv->conns);
		err = make_parts(srv, conf, why);
	}
	for (size_t i = 0; i < conf->fd_count; i++) {
		if (err == 0) {
			add_listener(srv, conf, i);
		} else {
			close(conf->fds[i].fd);
		}
	}
	if (err == 0 && srv->listener_count < conf->fd_count) {
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

void http_srv_stop(struct http_srv *srv)
{
	/* behind this nothing is suspended any more but what is resumed at once */
	work_stop(srv->login);
	work_stop(srv->general);
	while (srv->listener_count > 0) {
		MHD_stop_daemon(srv->listeners[--srv->listener_count].daemon);
	}
}

void http_srv_destroy(struct http_srv *srv)
{
	if (srv == NULL) {
		return;
	}
	if (srv->login != NULL && srv->general != NULL) {
		http_srv_stop(srv);
	}
	work_destroy(srv->login);
	work_destroy(srv->general);
	http_cert_destroy(srv->cert);
	http_cert_admin_destroy(srv->admin_cert);
	http_conn_finish(&srv->conns);
	free(srv);
}

int http_srv_reload(
	struct http_srv *srv, const char *cert_file, const char *key_file, char why[512])
{
	return http_cert_reload(srv->cert, cert_file, key_file, why);
}

void http_srv_work(struct http_srv *srv, enum http_way pool, struct work_stats *out)
{
	work_stats(pool == HTTP_LOGIN ? srv->login : srv->general, out);
}

struct cert_life http_srv_cert_life(struct http_srv *srv)
{
	return http_cert_life(srv->cert);
}
