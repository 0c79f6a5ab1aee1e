/*
 * pass_hash: hashes of passwords and passcodes: argon2id (libsodium), and imported ones of
 * pass_crypt.h until their owner's next login. At most as many at once as there are cores: each
 * takes tens of megabytes and milliseconds. The rest wait in two bounded queues: those who are
 * known go first, but for every fifth turn.
 *
 * How long a wrong password takes says nothing about whether there is such a user: an unknown one
 * is verified against a hash with today's parameters, and where a user's own hash is cheaper (an
 * older or imported one) the rest is slept for, so that it takes as long as one of the last with
 * today's. A hash that costs more than today's shows itself until its owner logs in: import none
 * that does.
 */
#ifndef AUTHD_PASS_HASH_H
#define AUTHD_PASS_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

#define PASS_HASH_WAITING 16u /* who may wait for a slot, in each queue */
#define PASS_HASH_SIZE 192u

struct pass_hash;

enum pass_hash_queue {
	PASS_HASH_STRANGER,
	PASS_HASH_KNOWN /* goes before strangers: logged in from there before, or an administrator
			 */
};

/* at_once 0: one per core. */
int pass_hash_create(
	struct pass_hash **out, unsigned at_once, uint64_t memory, uint64_t passes) MUST_CHECK;
void pass_hash_destroy(struct pass_hash *ph);

/* Hashes that are made now, and who waits for one, in both queues. */
void pass_hash_load(struct pass_hash *ph, unsigned *running, unsigned *waiting);

/* Other costs from now on (reload). Also makes the hash that stands in for unknown users anew. */
int pass_hash_set_cost(struct pass_hash *ph, uint64_t memory, uint64_t passes) MUST_CHECK;

/* out is the PHC string. ERR_RATE when the queue is full, ERR_NOMEM. */
int pass_hash_make(struct pass_hash *ph, enum pass_hash_queue queue, const char *password,
	char out[PASS_HASH_SIZE]) MUST_CHECK;

/* hash NULL: there is no such user; costs the same and answers ERR_LOGIN. 0: the password is right,
 * and *old (may be NULL) tells whether the hash should be made anew; ERR_LOGIN; ERR_RATE when the
 * queue is full; ERR_NOMEM. */
int pass_hash_verify(struct pass_hash *ph, enum pass_hash_queue queue, const char *hash,
	const char *password, bool *old) MUST_CHECK;

#endif
