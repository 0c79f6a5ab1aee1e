/*
 * keyring: this authd's signing keys and the published set, which has those of every authd on the
 * same database. The private ones are files of state-dir/keys, one each; the public halves are rows
 * of the store. Any thread, but open and destroy.
 *
 * A new key is published at once and signs KEYRING_OVERLAP_S later, so that whoever verifies knows
 * it by then. The old one signs till then, and stays published until the last token and the last
 * invite that were made with it have ended.
 */
#ifndef AUTHD_KEYRING_H
#define AUTHD_KEYRING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "authd/store.h"
#include "proto/errcode.h"

#define KEYRING_OVERLAP_S 30
#define KEYRING_CACHE_S 10 /* how long the served set may be kept: well under the overlap */
#define KEYRING_OWN_MAX 16u /* keys of one authd that are published at once */

struct keyring;

struct keyring_key {
	char kid[44];
	int64_t created_at, active_at, retired_at; /* retired_at 0: not */
	bool signs; /* now, and here */
};

typedef int (*keyring_fn)(const struct keyring_key *key, void *arg);

/* Reads the keys, or makes the first; state_dir/signing-key.pem of an older version is taken over.
 * What the store does not have yet is put there. store is borrowed. ERR_CONFIG, ERR_STORE with why.
 */
int keyring_open(struct keyring **out, const char *state_dir, struct store *store, int64_t now,
	char why[512]) MUST_CHECK;
void keyring_destroy(struct keyring *ring);

/* Signs with the key that is active now. *token is the caller's to free(). */
int keyring_sign(
	struct keyring *ring, const char *typ, const json_t *payload, char **token) MUST_CHECK;

/* jws_verify() with the published set. */
int keyring_verify(
	struct keyring *ring, const char *token, const char *typ, json_t **payload) MUST_CHECK;

/* The published set as JWKS, a tree of the caller's own; NULL when out of memory. generation (may
 * be NULL) grows with every change. */
json_t *keyring_jwks(struct keyring *ring, uint64_t *generation);

/* Reads the store again: to be called when something there changed. ERR_STORE: as before. */
int keyring_refresh(struct keyring *ring) MUST_CHECK;

/* A new key beside the one that signs. ERR_FULL: KEYRING_OWN_MAX are published still; ERR_STATE:
 * the last one does not sign yet. */
int keyring_rotate(
	struct keyring *ring, const struct store_actor *who, int64_t now, char kid[44]) MUST_CHECK;

/* Forgets those whose tokens and invites have ended. About once a minute. */
void keyring_purge(struct keyring *ring, int64_t now);

/* Every published key in the order of their making. Not 0 ends it and is returned. */
int keyring_each(struct keyring *ring, keyring_fn each, void *arg) MUST_CHECK;

#endif
