/*
 * path: TCP to an endpoint through libcurl's CONNECT_ONLY, and the take-over of its descriptor. It
 * must never send a byte on it.
 */
#include "client-sdk/path.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes that may wait unsent in the kernel: what waits there is no longer ours to drop. */
#define UNSENT_MAX 16384

int path_start(struct path *path, struct curl_loop *curl, struct loop *loop,
	const struct endpoint *endpoint)
{
	bool ipv6 = strchr(endpoint->address, ':') != NULL;
	char url[sizeof("http://[]:65535") + INET6_ADDRSTRLEN];
	CURL *easy;

	snprintf(url, sizeof(url), ipv6 ? "http://[%s]:%u" : "http://%s:%u", endpoint->address,
		(unsigned)endpoint->port);
	easy = curl_loop_easy(url, "http", path->error_text);
	if (easy == NULL) {
		return ERR_NOMEM;
	}
	if (curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L) != CURLE_OK) {
		curl_easy_cleanup(easy);
		return ERR_INTERNAL;
	}
	return curl_loop_start(curl, loop, easy);
}

static void socket_tune(int fd)
{
	const int on = 1;
	const int unsent = UNSENT_MAX;

	/* Without them the connection is slower to react, and still works. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

int path_result(struct path *path, struct curl_loop *curl, CURLcode result, int *fd)
{
	curl_socket_t theirs = CURL_SOCKET_BAD;

	(void)path;
	if (result != CURLE_OK) {
		int err = curl_loop_error(result);

		return err == ERR_HTTP ? ERR_CONNECT : err;
	}
	if (curl_easy_getinfo(curl->easy, CURLINFO_ACTIVESOCKET, &theirs) != CURLE_OK ||
		theirs == CURL_SOCKET_BAD) {
		return ERR_CONNECT;
	}
	/* epoll watches the open file, not the number: what curl registered must go before the copy
	 * keeps that file open. */
	loop_unwatch(curl->loop, theirs);
	*fd = fcntl(theirs, F_DUPFD_CLOEXEC, 0);
	if (*fd < 0) {
		return ERR_SYSTEM;
	}
	socket_tune(*fd);
	return 0;
}

void path_finish(struct path *path, struct curl_loop *curl)
{
	curl_loop_stop(curl);
	path->error_text[0] = '\0';
}
