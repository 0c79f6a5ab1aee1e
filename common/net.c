/*
 * net: makes sockets. Every descriptor made here is non-blocking and close-on-exec; on failure
 * nothing stays open and errno says why.
 */
#include "common/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int make_socket(const struct settings_addr *addr)
{
	return socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int give_up(int fd, int err)
{
	int saved_errno = errno;

	close(fd);
	errno = saved_errno;
	return err;
}

int net_listen(const struct settings_addr *addr, int backlog, int *fd_out)
{
	const int one = 1;
	int fd = make_socket(addr);

	if (fd < 0) {
		return ERR_SYSTEM;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0) {
		return give_up(fd, ERR_SYSTEM);
	}
	/* "::" beside "0.0.0.0" on one port needs it, and nobody is surprised by mapped addresses
	 */
	if (addr->sa.ss_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0) {
		return give_up(fd, ERR_SYSTEM);
	}
	if (bind(fd, (const struct sockaddr *)&addr->sa, addr->len) != 0 ||
		listen(fd, backlog) != 0) {
		return give_up(fd, ERR_SYSTEM);
	}
	*fd_out = fd;
	return 0;
}

int net_connect_start(const struct settings_addr *to, const struct settings_addr *from, int *fd_out)
{
	int fd = make_socket(to);

	if (fd < 0) {
		return ERR_SYSTEM;
	}
	if (from != NULL && bind(fd, (const struct sockaddr *)&from->sa, from->len) != 0) {
		return give_up(fd, ERR_SYSTEM);
	}
	if (connect(fd, (const struct sockaddr *)&to->sa, to->len) != 0 && errno != EINPROGRESS) {
		return give_up(fd, ERR_CONNECT);
	}
	*fd_out = fd;
	return 0;
}

int net_connect_result(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
		return ERR_SYSTEM;
	}
	if (error != 0) {
		errno = error;
		return ERR_CONNECT;
	}
	return 0;
}

void net_tune(int fd, unsigned user_timeout_ms)
{
	const int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (user_timeout_ms > 0) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms,
			sizeof(user_timeout_ms));
	}
}

static void addr6_text(const struct sockaddr_in6 *sin6, char out[64])
{
	char host[INET6_ADDRSTRLEN] = "?";
	unsigned port = ntohs(sin6->sin6_port);

	if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
		inet_ntop(AF_INET, &sin6->sin6_addr.s6_addr[12], host, sizeof(host));
		snprintf(out, 64, "%s:%u", host, port);
		return;
	}
	inet_ntop(AF_INET6, &sin6->sin6_addr, host, sizeof(host));
	snprintf(out, 64, "[%s]:%u", host, port);
}

void net_addr_text(const struct sockaddr *sa, socklen_t len, char out[64])
{
	char host[INET_ADDRSTRLEN] = "?";

	if (len >= sizeof(struct sockaddr_in) && sa->sa_family == AF_INET) {
		const struct sockaddr_in *sin = (const void *)sa;

		inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host));
		snprintf(out, 64, "%s:%u", host, (unsigned)ntohs(sin->sin_port));
	} else if (len >= sizeof(struct sockaddr_in6) && sa->sa_family == AF_INET6) {
		addr6_text((const void *)sa, out);
	} else {
		snprintf(out, 64, "?");
	}
}

void net_peer_text(int fd, char out[64])
{
	struct sockaddr_storage sa = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(sa);

	if (getpeername(fd, (struct sockaddr *)&sa, &len) != 0) {
		len = 0;
	}
	net_addr_text((struct sockaddr *)&sa, len, out);
}

void net_host_text(const struct sockaddr *sa, socklen_t len, char out[64])
{
	char text[64];

	net_addr_text(sa, len, text);
	char *colon = strrchr(text, ':');
	if (colon != NULL) {
		*colon = '\0';
	}
	size_t n = strlen(text);
	bool bracketed = n > 2 && text[0] == '[' && text[n - 1] == ']';
	(void)snprintf(out, 64, "%.*s", (int)(bracketed ? n - 2 : n), text + (bracketed ? 1 : 0));
}
