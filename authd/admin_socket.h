/*
 * admin_socket: the Unix socket of the administrator, made private.
 */
#ifndef AUTHD_ADMIN_SOCKET_H
#define AUTHD_ADMIN_SOCKET_H

#include "proto/errcode.h"

/* Binds and listens at path with mode 0600. A socket that is left over from a dead daemon is
 * replaced; one that answers, or anything else at that path, is not. Call it before there are
 * threads: it sets the umask for a moment. */
int admin_socket_open(const char *path, int *fd, char why[512]) MUST_CHECK;

#endif
