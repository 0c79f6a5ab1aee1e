/*
 * file_store: small files that are there whole or not at all.
 */
#ifndef COMMON_FILE_STORE_H
#define COMMON_FILE_STORE_H

#include <stddef.h>
#include <sys/types.h>

#include "proto/errcode.h"

/* Writes beside and links into place, durable. ERR_EXISTS: the file is there, and stays as it is.
 * ERR_SYSTEM with errno. */
int file_store_new(const char *file, const void *bytes, size_t len, mode_t mode) MUST_CHECK;
/* The same over a file that may be there. */
int file_store_replace(const char *file, const void *bytes, size_t len, mode_t mode) MUST_CHECK;
/* Gives a file another name in the same folder, durable; what has that name is replaced. */
int file_store_rename(const char *from, const char *to) MUST_CHECK;

#endif
