/*
 * pass_hash: argon2id of passwords (libsodium), at most as many at once as there are cores: each
 * takes tens of megabytes and milliseconds. The rest wait in a bounded queue.
 */
#ifndef AUTHD_PASS_HASH_H
#define AUTHD_PASS_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

#define PASS_HASH_WAITING 24u /* fewer than the HTTP threads, so that one is always free */
#define PASS_HASH_SIZE 128u

struct pass_hash;

/* at_once 0: one per core. */
int pass_hash_create(
	struct pass_hash **out, unsigned at_once, uint64_t memory, uint64_t passes) MUST_CHECK;
void pass_hash_destroy(struct pass_hash *ph);

/* Other costs from now on (reload). Also makes the hash that stands in for unknown users anew. */
int pass_hash_set_cost(struct pass_hash *ph, uint64_t memory, uint64_t passes) MUST_CHECK;

/* out is the PHC string. ERR_RATE when the queue is full, ERR_NOMEM. */
int pass_hash_make(struct pass_hash *ph, const char *password, char out[PASS_HASH_SIZE]) MUST_CHECK;

/* hash NULL: there is no such user; costs the same and answers ERR_LOGIN. 0: the password is right;
 * ERR_LOGIN; ERR_RATE when the queue is full; ERR_NOMEM. */
int pass_hash_verify(struct pass_hash *ph, const char *hash, const char *password) MUST_CHECK;

#endif
