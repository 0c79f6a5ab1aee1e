/*
 * enrol_code: the short-lived code that an administrator carries from authd to a reflector, and the
 * proofs that both make with it. A proof is worth something on one TLS connection only: it covers
 * that connection's exporter value, so that one who stands in the middle cannot pass it on.
 */
#ifndef COMMON_ENROL_CODE_H
#define COMMON_ENROL_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/errcode.h"
#include "proto/tls_io.h"

#define ENROL_ALPN "helio-enrol/1"
#define ENROL_CODE_TEXT 24u /* five groups of four, 100 bits */
#define ENROL_KEY_TEXT 43u
#define ENROL_PROOF_TEXT 43u
#define ENROL_PEM_MAX 16384u

enum enrol_side { ENROL_AUTHD, ENROL_REFLECTOR };

/* "abcd-efgh-ijkl-mnop-qrst". */
int enrol_code_make(char out[ENROL_CODE_TEXT + 1]) MUST_CHECK;

/* The key made from the code, base64url: what authd keeps in its place. Case and hyphens do not
 * matter. ERR_INVALID: no such code. */
int enrol_code_key(const char *code, char out[ENROL_KEY_TEXT + 1]) MUST_CHECK;

/* This side's proof for the connection (after its handshake). */
int enrol_code_prove(const char *key, struct tls_io *io, enum enrol_side side,
	char out[ENROL_PROOF_TEXT + 1]) MUST_CHECK;
/* In constant time: 0, or ERR_DENIED. */
int enrol_code_check(
	const char *key, struct tls_io *io, enum enrol_side side, const char *proof) MUST_CHECK;

#endif
