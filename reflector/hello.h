/*
 * hello: the first message of a client and the token in it.
 */
#ifndef REFLECTOR_HELLO_H
#define REFLECTOR_HELLO_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/errcode.h"
#include "proto/token_claims.h"

struct worker;

struct hello {
	const char *token;
	const char *room; /* or NULL */
	bool knows_chat, knows_layers, knows_e2ee;
	bool subscribe_all;
	uint32_t max_payload;
};

/* Borrows from msg. ERR_BAD_FIELD, ERR_VERSION. */
int hello_read(struct hello *hello, const json_t *msg, uint32_t our_max_payload) MUST_CHECK;

/* host: the peer's address without a port. ERR_AUTHD_AWAY, ERR_TOKEN_..., ERR_BANNED. */
int hello_check_token(const struct worker *worker, const struct hello *hello, const char *host,
	struct token_claims *claims) MUST_CHECK;

#endif
