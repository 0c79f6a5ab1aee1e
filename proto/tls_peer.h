/*
 * tls_peer: whom a TLS session believes its peer to be: by certificate chain and name, by the pin
 * of its key, or both. For tls_io, and for whoever needs pins.
 */
#ifndef PROTO_TLS_PEER_H
#define PROTO_TLS_PEER_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>

#include "proto/errcode.h"

#define TLS_PEER_PIN_SIZE 52 /* "sha256/BASE64" with the NUL */
#define TLS_PEER_NAME_MAX 255u

/* What it is judged by, and what came of it. */
struct tls_peer {
	char name[TLS_PEER_NAME_MAX + 1]; /* what its certificate must name; "" for none */
	char pin[TLS_PEER_PIN_SIZE]; /* "" for none */
	bool verify_chain;
	const char *purpose; /* key usage the chain must allow */
	int err; /* ERR_TLS_CERT, ERR_TLS_PIN; 0: nothing wrong so far */
	const char *detail; /* the same for a person; static */
};

/* Judges the certificate that the peer showed: 0, or err. */
int tls_peer_check(struct tls_peer *peer, gnutls_session_t session) MUST_CHECK;

/* 0 when the peer's certificate is for this name (or IP literal), else ERR_TLS_CERT. A wildcard in
 * the certificate names nobody. */
int tls_peer_names(gnutls_session_t session, const char *name) MUST_CHECK;

/* Pin of a certificate's public key (RFC 7469 form). */
int tls_peer_cert_pin(gnutls_x509_crt_t crt, char out[TLS_PEER_PIN_SIZE]) MUST_CHECK;
bool tls_peer_pin_valid(const char *pin);

/* Length of an IP literal's bytes, 4 or 16; 0 for a name. */
unsigned tls_peer_ip_literal(const char *name, unsigned char ip[16]);

#endif
