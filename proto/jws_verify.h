/*
 * jws_verify: verifies compact JWS (RFC 7515) signed with Ed25519 (RFC 8037) against a set of
 * public keys. The algorithm belongs to the key and is never read from the token: a header that
 * names any other, or carries anything but alg, typ and kid (jwk, jku, x5u, x5c, crit ...), is
 * refused (RFC 8725).
 * Nothing here can sign.
 */
#ifndef PROTO_JWS_VERIFY_H
#define PROTO_JWS_VERIFY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

struct jws_keyset;

#define JWS_KEYS_MAX 32

/* Reads a JWKS (RFC 7517) of at most JWS_KEYS_MAX keys, each kty OKP, crv Ed25519, with kid; keys
 * of other kinds or uses are passed over. ERR_BAD_FIELD when none is left, when a kid is there
 * twice, and when a private key is among them: it has no business here. The caller destroys it. */
int jws_keyset_create(struct jws_keyset **out, const json_t *jwks) MUST_CHECK;
void jws_keyset_destroy(struct jws_keyset *set);

/* Verifies token (NUL-terminated). typ: the header's "typ" must equal it, for example "helio+jwt".
 * On success *payload is the payload object, a new reference. Every failure of form or signature
 * is ERR_TOKEN_INVALID; ERR_NOMEM else. */
int jws_verify(const struct jws_keyset *set, const char *token, const char *typ,
	json_t **payload) MUST_CHECK;

/* The signature alone: 0 when it is public_key's over these bytes, else ERR_TOKEN_INVALID. */
int jws_check_signature(const uint8_t public_key[32], const void *bytes, size_t len,
	const uint8_t signature[64]) MUST_CHECK;

/* RFC 7638 thumbprint of an Ed25519 public key, base64url, 43 characters and a NUL. */
int jws_thumbprint(const uint8_t public_key[32], char out[44]) MUST_CHECK;

#endif
