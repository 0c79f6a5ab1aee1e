/*
 * jws_sign: holds the Ed25519 signing key and makes compact JWS with it (RFC 7515, RFC 8037). The
 * only file that sees the private key; it is never linked into the reflector.
 */
#ifndef AUTHD_JWS_SIGN_H
#define AUTHD_JWS_SIGN_H

#include <jansson.h>
#include <stdint.h>

#include "proto/errcode.h"

struct jws_signer;

struct jws_public {
	char kid[44]; /* RFC 7638 thumbprint */
	uint8_t key[32];
};

/* Reads the PEM key from file, or makes a new one there with mode 0600 when the file does not
 * exist. A file that anybody else could read, or that belongs to somebody else, is refused with
 * ERR_CONFIG. why says what, why and what to do. */
int jws_signer_open(struct jws_signer **out, const char *file, char why[512]) MUST_CHECK;
void jws_signer_destroy(struct jws_signer *signer);

/* Signs payload under {"alg":"EdDSA","typ":typ,"kid":...}; *token is the caller's to free().
 * ERR_NOMEM or ERR_INTERNAL. Any thread. */
int jws_sign(const struct jws_signer *signer, const char *typ, const json_t *payload,
	char **token) MUST_CHECK;

/* The public half; borrowed. */
const struct jws_public *jws_signer_public(const struct jws_signer *signer);

#endif
