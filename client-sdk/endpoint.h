/*
 * endpoint: authd's answer to POST /v1/token as fields (doc/protocol.md, section 1). All of it is
 * checked before anything of it is used; nothing is allocated.
 */
#ifndef CLIENT_SDK_ENDPOINT_H
#define CLIENT_SDK_ENDPOINT_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"
#include "proto/limits.h"

#define ENDPOINT_MAX 16u
#define ENDPOINT_NAME_MAX 253u
#define ENDPOINT_PIN_LEN 51u /* "sha256/" and 44 characters */

struct endpoint {
	char address[INET6_ADDRSTRLEN]; /* literal IPv4 or IPv6, no brackets */
	uint16_t port;
	char tls_name[ENDPOINT_NAME_MAX + 1];
	char pin[ENDPOINT_PIN_LEN + 1]; /* "" when authd named none */
};

struct endpoint_answer {
	char token[LIMIT_TOKEN + 1];
	char room[LIMIT_NAME + 1];
	struct endpoint endpoints[ENDPOINT_MAX]; /* in the order to try */
	size_t count; /* at least 1 */
};

/* ERR_BAD_JSON, ERR_TOO_LARGE or ERR_BAD_FIELD when the text is no such answer. */
int endpoint_answer_parse(struct endpoint_answer *answer, const char *text, size_t len) MUST_CHECK;
/* Wipes the token. */
void endpoint_answer_wipe(struct endpoint_answer *answer);

#endif
