/*
 * net: sockets as the daemons want them: non-blocking, close-on-exec, no SIGPIPE.
 */
#ifndef COMMON_NET_H
#define COMMON_NET_H

#include <stdint.h>
#include <sys/socket.h>

#include "common/settings.h"
#include "proto/errcode.h"

/* A bound and listening TCP socket (SO_REUSEADDR; IPV6_V6ONLY on IPv6). ERR_SYSTEM with errno. */
int net_listen(const struct settings_addr *addr, int backlog, int *fd_out) MUST_CHECK;

/* Starts a non-blocking connect; the socket becomes writable when it is done or failed, then
 * net_connect_result() says which. from may be NULL, else the local address to bind. */
int net_connect_start(
	const struct settings_addr *to, const struct settings_addr *from, int *fd_out) MUST_CHECK;
int net_connect_result(int fd) MUST_CHECK;

/* TCP_NODELAY, TCP_USER_TIMEOUT (ms, 0: leave) on a connected socket. Best effort. */
void net_tune(int fd, unsigned user_timeout_ms);

/* "192.0.2.1:4711" / "[2001:db8::1]:4711" for logs; "?" when unknown. v4-mapped is shown as v4. */
void net_addr_text(const struct sockaddr *sa, socklen_t len, char out[64]);

/* The same of whoever fd is connected to. */
void net_peer_text(int fd, char out[64]);

/* The address alone, without port and brackets; v4-mapped as v4, "?" when unknown. */
void net_host_text(const struct sockaddr *sa, socklen_t len, char out[64]);

#endif
