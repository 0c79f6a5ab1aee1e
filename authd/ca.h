/*
 * ca: authd's own certificate authority for control links and enrolled reflectors. Its key is a
 * file in state-dir and never leaves this module.
 */
#ifndef AUTHD_CA_H
#define AUTHD_CA_H

#include <gnutls/gnutls.h>
#include <stdint.h>

#include "authd/cert_life.h"
#include "proto/errcode.h"
#include "proto/tls_peer.h"

#define CA_PEM_MAX 16384u
#define CA_LEAF_DAYS 825

struct ca;

/* Reads state_dir/ca.key and ca.crt, or makes both (ECDSA P-256, 20 years). One without the other,
 * or a pair that does not fit, is refused with ERR_CONFIG. cluster is for the name in it. */
int ca_open(struct ca **out, const char *state_dir, const char *cluster, char why[512]) MUST_CHECK;
void ca_destroy(struct ca *ca);

/* The CA's certificate as PEM; borrowed. */
const char *ca_certificate(const struct ca *ca);
struct cert_life ca_life(const struct ca *ca);

/* What authd's own certificate names: "authd." and the cluster, with '-' for what no host name has.
 */
const char *ca_authd_name(const struct ca *ca);

/*
 * Signs a certificate for the key of a PKCS #10 request (PEM) whose signature holds: TLS server and
 * client, for tls_name (a host name or an address; what the request says of names is not looked
 * at), CA_LEAF_DAYS from now. *pem is the caller's to free(). ERR_BAD_FIELD: no such request, or a
 * key of another kind than Ed25519 and ECDSA from 256 bits on. Any thread.
 */
int ca_sign(struct ca *ca, const char *csr_pem, const char *tls_name, char **pem,
	char pin[TLS_PEER_PIN_SIZE]) MUST_CHECK;

/* Credentials of authd towards reflectors that this CA has signed for: a new key and certificate,
 * in memory alone, and the CA as what is trusted. The caller frees them. */
int ca_client_creds(struct ca *ca, gnutls_certificate_credentials_t *out, char why[512]) MUST_CHECK;

#endif
