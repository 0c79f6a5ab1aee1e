/*
 * http_conn: keeps the time of HTTP connections. Must never touch a descriptor that libmicrohttpd
 * may have closed: a connection is taken off the list before that.
 */
#include "authd/http_conn.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "authd/http_addr.h"
#include "common/clock.h"

struct http_conn {
	struct list node;
	int fd;
	char group[HTTP_ADDR_SIZE]; /* where it comes from */
	int64_t since; /* monotonic: when the request that is under way began */
	bool busy, cut;
};

void http_conn_init(struct http_conns *conns)
{
	pthread_mutex_init(&conns->mutex, NULL);
	list_init(&conns->list);
}

void http_conn_finish(struct http_conns *conns)
{
	pthread_mutex_destroy(&conns->mutex);
}

bool http_conn_may_open(struct http_conns *conns, const struct sockaddr *from)
{
	char group[HTTP_ADDR_SIZE];
	unsigned count = 0;

	http_addr_group(from, group);
	pthread_mutex_lock(&conns->mutex);
	for (LIST_EACH(node, &conns->list)) {
		const struct http_conn *conn = LIST_ENTRY(node, struct http_conn, node);
		count += strcmp(conn->group, group) == 0;
	}
	pthread_mutex_unlock(&conns->mutex);
	return count < HTTP_CONN_GROUP_MAX;
}

struct http_conn *http_conn_open(struct http_conns *conns, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *from =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct http_conn *conn = fd != NULL ? calloc(1, sizeof(*conn)) : NULL;

	if (conn != NULL) {
		conn->fd = fd->connect_fd;
		http_addr_group(from != NULL ? from->client_addr : NULL, conn->group);
		conn->since = clock_now_s();
		pthread_mutex_lock(&conns->mutex);
		list_append(&conns->list, &conn->node);
		pthread_mutex_unlock(&conns->mutex);
	}
	return conn;
}

void http_conn_close(struct http_conns *conns, struct http_conn *conn)
{
	if (conn == NULL) {
		return;
	}
	pthread_mutex_lock(&conns->mutex);
	list_remove(&conn->node);
	pthread_mutex_unlock(&conns->mutex);
	free(conn);
}

struct http_conn *http_conn_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

void http_conn_mark(struct http_conns *conns, struct http_conn *conn, bool busy)
{
	if (conn == NULL) {
		return;
	}
	pthread_mutex_lock(&conns->mutex);
	conn->busy = busy;
	conn->since = clock_now_s();
	pthread_mutex_unlock(&conns->mutex);
}

void http_conn_cut_slow(struct http_conns *conns)
{
	int64_t now = clock_now_s();

	pthread_mutex_lock(&conns->mutex);
	for (LIST_EACH(node, &conns->list)) {
		struct http_conn *conn = LIST_ENTRY(node, struct http_conn, node);
		if (!conn->busy && !conn->cut && now - conn->since > HTTP_CONN_REQUEST_S) {
			/* libmicrohttpd sees the end of the stream and cleans up */
			shutdown(conn->fd, SHUT_RDWR);
			conn->cut = true;
		}
	}
	pthread_mutex_unlock(&conns->mutex);
}
