/*
 * base64url: RFC 4648 section 5 without padding, as JWS uses it (GnuTLS has the standard alphabet
 * only). Decoding is strict: no padding, no white space, no non-zero bits behind the last byte.
 */
#ifndef PROTO_BASE64URL_H
#define PROTO_BASE64URL_H

#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

/* Characters needed for len bytes, without the terminating NUL. */
size_t base64url_encoded_len(size_t len);

/* Writes base64url_encoded_len(len) characters and a NUL to out; out_size counts the NUL.
 * ERR_FULL when it does not fit. */
int base64url_encode(const void *bytes, size_t len, char *out, size_t out_size) MUST_CHECK;

/* Decodes text_len characters into out; *out_len on entry the room, on return the bytes written.
 * ERR_INVALID for a character or length that cannot be, ERR_FULL when it does not fit. */
int base64url_decode(const char *text, size_t text_len, uint8_t *out, size_t *out_len) MUST_CHECK;

#endif
