/*
 * key_files: the folder of this authd's private signing keys, state-dir/keys: KID.pem each. One
 * thread at a time.
 */
#ifndef AUTHD_KEY_FILES_H
#define AUTHD_KEY_FILES_H

#include <stddef.h>

#include "authd/jws_sign.h"
#include "proto/errcode.h"

struct key_files {
	char dir[4096];
};

/* Makes the folder where there is none; state_dir/signing-key.pem of an older version is moved into
 * it. ERR_CONFIG and the like, with why. */
int key_files_open(struct key_files *files, const char *state_dir, char why[512]) MUST_CHECK;

/* Reads all keys into list, which has room for max; they are the caller's, also those that *count
 * has when it fails. ERR_FULL: there are more. */
int key_files_read(const struct key_files *files, struct jws_signer **list, size_t max,
	size_t *count, char why[512]) MUST_CHECK;

/* Makes a key and its file. *out is the caller's. */
int key_files_make(
	const struct key_files *files, struct jws_signer **out, char why[512]) MUST_CHECK;

/* A file that is not there is no error. ERR_SYSTEM with errno. */
int key_files_remove(const struct key_files *files, const char *kid) MUST_CHECK;

#endif
