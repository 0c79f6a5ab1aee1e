/*
 * http_addr: addresses of HTTP peers as text. Owns nothing; asks nobody for names.
 */
#include "authd/http_addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define GROUP_BYTES 8u

void http_addr_text(const struct sockaddr *sa, char out[HTTP_ADDR_SIZE])
{
	const void *addr = NULL;

	snprintf(out, HTTP_ADDR_SIZE, "?");
	if (sa != NULL && sa->sa_family == AF_INET) {
		addr = &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	} else if (sa != NULL && sa->sa_family == AF_INET6) {
		addr = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	}
	if (addr != NULL) {
		inet_ntop(sa->sa_family, addr, out, HTTP_ADDR_SIZE);
	}
}

void http_addr_group(const struct sockaddr *sa, char out[HTTP_ADDR_SIZE])
{
	if (sa == NULL || sa->sa_family != AF_INET6) {
		http_addr_text(sa, out);
		return;
	}
	struct sockaddr_in6 net = *(const struct sockaddr_in6 *)(const void *)sa;
	memset(net.sin6_addr.s6_addr + GROUP_BYTES, 0, sizeof(net.sin6_addr) - GROUP_BYTES);
	http_addr_text((const struct sockaddr *)&net, out);
}
