/*
 * jwks: authd's public keys as a JSON Web Key Set (RFC 7517), as served, sent with tokens and
 * pushed to the reflectors.
 */
#ifndef AUTHD_JWKS_H
#define AUTHD_JWKS_H

#include <jansson.h>
#include <stddef.h>

#include "authd/jws_sign.h"

/* A new reference; NULL when out of memory. */
json_t *jwks_build(const struct jws_public *const keys[], size_t count);

#endif
