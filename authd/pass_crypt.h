/*
 * pass_crypt: hashes of other systems, as they stand in /etc/shadow: yescrypt ("$y$") and
 * SHA-512 crypt ("$6$"), verified through libxcrypt. They can be imported and are replaced by
 * argon2id at the first login; none is made here.
 */
#ifndef AUTHD_PASS_CRYPT_H
#define AUTHD_PASS_CRYPT_H

#include <stdbool.h>

#include "proto/errcode.h"

/* Costs above these are refused at import: every guess at such a user would cost us as much. */
#define PASS_CRYPT_ROUNDS_MAX 1000000u /* $6$ */
#define PASS_CRYPT_MEMORY_MAX (128u << 20) /* $y$: bytes */

/* NULL when the hash can be imported, else what is wrong with it and what to do. */
const char *pass_crypt_judge(const char *hash);

/* True for a hash of one of the two kinds; it says no more about it. */
bool pass_crypt_is(const char *hash);

/* 0: the password is right; ERR_LOGIN; ERR_NOMEM. */
int pass_crypt_verify(const char *hash, const char *password) MUST_CHECK;

#endif
