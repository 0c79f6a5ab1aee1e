/*
 * key: the reflector's certificate and its private key, as one set of credentials. key_sign() in
 * key.c is the only use of the private key, so that the key can move to a process of its own.
 */
#ifndef REFLECTOR_KEY_H
#define REFLECTOR_KEY_H

#include <gnutls/gnutls.h>
#include <stddef.h>

#include "common/list.h"
#include "proto/errcode.h"

struct key {
	struct list node; /* of whoever keeps retired keys */
	gnutls_privkey_t private_key;
	gnutls_certificate_credentials_t creds;
	size_t sessions; /* TLS sessions that borrow creds; a key in use is not destroyed */
};

/* From PEM texts, NUL-terminated. ca_pem: who signs the peers' certificates, or NULL. */
int key_create(struct key **out, const char *chain_pem, const char *key_pem,
	const char *ca_pem) MUST_CHECK;
void key_destroy(struct key *key);

#endif
