/*
 * admin_socket: the Unix socket of the administrator, made private, and the lock that keeps two
 * daemons off one state directory.
 */
#ifndef AUTHD_ADMIN_SOCKET_H
#define AUTHD_ADMIN_SOCKET_H

#include "proto/errcode.h"

/* Binds and listens at path with mode 0600. A socket that is left over from a dead daemon is
 * replaced; one that answers, or anything else at that path, is not. Call it before there are
 * threads: it sets the umask for a moment. */
int admin_socket_open(const char *path, int *fd, char why[512]) MUST_CHECK;

/* Makes dir with mode 0700 when it is missing, or sees to that mode, and takes the lock in it; *fd
 * holds the lock until it is closed. */
int state_dir_open(const char *dir, int *fd, char why[512]) MUST_CHECK;

#endif
