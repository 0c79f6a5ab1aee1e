/*
 * http_exchange: owns a request from its head to its answer. States: reading; with a pool (the
 * connection is suspended, and libmicrohttpd does not touch it); answered. A thread of
 * libmicrohttpd never waits here, and what a pool has got is always resumed, whatever becomes of
 * it.
 */
#include "authd/http_exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/http_body.h"

#define BUSY_RETRY_S 1u

struct exchange {
	struct work_job job;
	struct http_exchange_env *env;
	struct MHD_Connection *connection;
	struct http_body body;
	struct http_request req;
	struct http_reply reply;
	bool answered; /* the handler is done with it; MHD_resume_connection() publishes that */
};

static enum MHD_Result answer(struct MHD_Connection *connection, struct http_reply *reply)
{
	return http_reply_send(reply, connection) == 0 ? MHD_YES : MHD_NO;
}

/* On the admin socket only root and the daemon's own user may speak. */
static bool peer_allowed(struct MHD_Connection *connection, uid_t *uid)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (info == NULL ||
		getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0) {
		return false;
	}
	*uid = cred.uid;
	return cred.uid == 0 || cred.uid == geteuid();
}

static void fill_peer(struct exchange *ex)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(ex->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info != NULL ? info->client_addr : NULL;

	if (ex->env->kind == HTTP_ADMIN) {
		snprintf(ex->req.peer, sizeof(ex->req.peer), "unix");
		snprintf(ex->req.group, sizeof(ex->req.group), "unix");
		return;
	}
	http_addr_text(sa, ex->req.peer);
	http_addr_group(sa, ex->req.group);
}

static enum MHD_Result begin(struct http_exchange_env *env, struct MHD_Connection *connection,
	const char *path, void **slot)
{
	struct http_reply reply = { 0 };
	uid_t uid = 0;

	if (env->kind == HTTP_ADMIN && !peer_allowed(connection, &uid)) {
		http_reply_error(&reply, ERR_DENIED,
			"only root and the daemon's own user may use this socket");
		reply.close = true;
		return answer(connection, &reply);
	}
	if (!http_body_check_head(connection, path, &reply)) {
		return answer(connection, &reply);
	}
	struct exchange *ex = calloc(1, sizeof(*ex));
	if (ex == NULL) {
		return MHD_NO;
	}
	ex->env = env;
	ex->connection = connection;
	ex->req.listener = env->kind;
	ex->req.uid = uid;
	fill_peer(ex);
	*slot = ex;
	return MHD_YES;
}

/* Why the request was not handled, for its sender. */
static void refuse(struct http_reply *reply, int err)
{
	if (err == ERR_SHUTDOWN) {
		http_reply_error(reply, err, NULL);
		reply->close = true;
	} else {
		http_reply_problem(reply, MHD_HTTP_SERVICE_UNAVAILABLE, ERR_RATE,
			"too many requests wait: try again later");
	}
	reply->retry_after_s = BUSY_RETRY_S;
}

/* In a thread of a pool (or in one that adds, when this request gave way). */
static void run(struct work_job *job, int err)
{
	struct exchange *ex = LIST_ENTRY(job, struct exchange, job);

	if (err == 0) {
		if (ex->env->admin_cert != NULL) {
			http_cert_admin_check(
				ex->env->admin_cert, ex->connection, ex->req.cert_name);
		}
		ex->env->handler(ex->env->user, &ex->req, &ex->reply);
	} else {
		refuse(&ex->reply, err);
	}
	http_body_finish(&ex->body);
	ex->answered = true;
	MHD_resume_connection(ex->connection); /* ex may be gone behind this */
}

static enum MHD_Result hand_over(struct exchange *ex, const char *path, const char *method)
{
	struct http_exchange_env *env = ex->env;

	ex->req.method = method;
	ex->req.path = path;
	ex->req.body = ex->body.bytes != NULL ? ex->body.bytes : "";
	ex->req.body_len = ex->body.len;
	ex->req.conn = ex->connection;
	ex->req.authorization = MHD_lookup_connection_value(
		ex->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	enum http_way way = env->sorter(env->user, &ex->req, &ex->reply);
	if (way == HTTP_ANSWERED) {
		return answer(ex->connection, &ex->reply);
	}
	http_conn_mark(env->conns, http_conn_of(ex->connection), true);
	ex->job.run = run;
	MHD_suspend_connection(ex->connection); /* first: the answer may be there at once */
	int err = work_add(way == HTTP_LOGIN ? env->login : env->general, &ex->job, ex->req.group);
	if (err != 0) {
		run(&ex->job, err);
	}
	return MHD_YES;
}

enum MHD_Result http_exchange_on_request(void *arg, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *data,
	size_t *data_len, void **slot)
{
	struct exchange *ex = *slot;

	(void)version;
	if (ex == NULL) {
		return begin(arg, connection, path, slot);
	}
	if (*data_len > 0) {
		bool go_on = http_body_add(&ex->body, data, *data_len);
		*data_len = 0;
		return go_on ? MHD_YES : MHD_NO;
	}
	if (ex->answered) {
		http_conn_mark(ex->env->conns, http_conn_of(connection), false);
		return answer(connection, &ex->reply);
	}
	if (ex->body.err != 0) {
		http_reply_error(&ex->reply, ex->body.err, "the body may have 65536 bytes");
		ex->reply.close = true;
		return answer(connection, &ex->reply);
	}
	return hand_over(ex, path, method);
}

void http_exchange_on_completed(void *arg, struct MHD_Connection *connection, void **slot,
	enum MHD_RequestTerminationCode code)
{
	struct http_exchange_env *env = arg;
	struct exchange *ex = *slot;

	(void)code;
	http_conn_mark(env->conns, http_conn_of(connection), false);
	if (ex != NULL) {
		http_body_finish(&ex->body);
		http_reply_finish(&ex->reply);
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
