/*
 * tls_creds: GnuTLS credentials from PEM files or PEM in memory, and the pin of a key. Reloading
 * makes a new set; the old one stays valid for the sessions that borrow it.
 */
#ifndef COMMON_TLS_CREDS_H
#define COMMON_TLS_CREDS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"
#include "proto/tls_peer.h"

struct tls_creds_source {
	const char *cert_file; /* PEM chain, own certificate first; may be NULL for a client */
	const char *key_file; /* PEM key; NULL together with cert_file */
	const char *ca_file; /* PEM trust anchors for peers; NULL: none */
};

/* Loads files; why (may be NULL, else SETTINGS-size 512) gets a sentence naming the file. */
int tls_creds_load(gnutls_certificate_credentials_t *out, const struct tls_creds_source *src,
	char why[512]) MUST_CHECK;

/*
 * Credentials whose private key is used through one function only: sign() gets the algorithm and
 * the bytes, which are the message for Ed25519 and its hash for all others (GnuTLS has hashed by
 * then), and fills *signature with gnutls_malloc()ed memory; 0 or an error. tls_creds_sign() does
 * it with a key at hand. chain_pem is the certificate chain. The key itself may live in another
 * process. ERR_CONFIG when the chain cannot be read, has a key of another kind than Ed25519, ECDSA
 * and RSA, or is not this key's: a first signature is asked for here.
 */
typedef int (*tls_creds_sign_fn)(void *user, gnutls_sign_algorithm_t algo,
	const gnutls_datum_t *data, gnutls_datum_t *signature);
int tls_creds_create_external(gnutls_certificate_credentials_t *out, const char *chain_pem,
	size_t chain_len, tls_creds_sign_fn sign, void *user) MUST_CHECK;

int tls_creds_sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, const gnutls_datum_t *data,
	gnutls_datum_t *signature) MUST_CHECK;

/* The pin of the first certificate in a PEM chain, and the time its validity ends, seconds since
 * the epoch (may be NULL). */
int tls_creds_pin(const char *chain_pem, size_t len, char out[TLS_PEER_PIN_SIZE],
	int64_t *not_after) MUST_CHECK;

/* Whole file into malloc()ed memory with a NUL behind it, up to max bytes. */
int tls_creds_read_file(const char *file, size_t max, char **out, size_t *len) MUST_CHECK;

#endif
