/*
 * tls_fixture: a private CA and certificates for tests, made in memory. Anything that fails here
 * fails the test that asked for it. For cmocka programs.
 */
#ifndef TESTS_UNIT_TLS_FIXTURE_H
#define TESTS_UNIT_TLS_FIXTURE_H

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>

#include "proto/tls_io.h"
#include "proto/tls_peer.h"

struct tls_ca {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem;
};

struct tls_identity {
	gnutls_datum_t cert; /* PEM */
	gnutls_datum_t key; /* PEM */
	char pin[TLS_PEER_PIN_SIZE];
};

struct tls_wish {
	gnutls_pk_algorithm_t pk; /* 0: ECDSA P-256 */
	const char *name; /* DNS name or IP literal */
	const char *purpose; /* extended key usage, NULL: none */
	bool expired;
};

void tls_ca_init(struct tls_ca *ca);
void tls_ca_finish(struct tls_ca *ca);
void tls_identity_init(
	struct tls_identity *id, const struct tls_ca *ca, const struct tls_wish *wish);
void tls_identity_finish(struct tls_identity *id);

/* Credentials with an identity and a trusted CA; each may be NULL. The caller frees them. */
gnutls_certificate_credentials_t tls_fixture_creds(
	const struct tls_identity *id, const struct tls_ca *trust);

/* Two ends of a stream socket, non-blocking. */
void tls_fixture_pair(int fds[2]);

/* Drives both handshakes until each is done or failed. */
void tls_fixture_shake(struct tls_io *client, struct tls_io *server,
	enum tls_io_result *client_result, enum tls_io_result *server_result);

#endif
