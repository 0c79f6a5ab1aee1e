/*
 * state_dir: the directory that holds what authd remembers, made private, and the lock that keeps
 * two daemons off it.
 */
#ifndef AUTHD_STATE_DIR_H
#define AUTHD_STATE_DIR_H

#include "proto/errcode.h"

/* Makes dir with mode 0700 when it is missing, or sees to that mode, and takes the lock in it; *fd
 * holds the lock until it is closed. */
int state_dir_open(const char *dir, int *fd, char why[512]) MUST_CHECK;

#endif
