/*
 * http_cert: the certificate that HTTPS handshakes use, exchangeable while they run.
 */
#ifndef AUTHD_HTTP_CERT_H
#define AUTHD_HTTP_CERT_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdint.h>

#include "authd/cert_life.h"
#include "proto/errcode.h"

struct http_cert;

int http_cert_create(struct http_cert **out, const char *cert_file, const char *key_file,
	char why[512]) MUST_CHECK;
void http_cert_destroy(struct http_cert *cert);

/* Reads the files again; on failure the old pair stays and why says why. */
int http_cert_reload(struct http_cert *cert, const char *cert_file, const char *key_file,
	char why[512]) MUST_CHECK;

/* Whether the files can be used; changes nothing. */
int http_cert_check(const char *cert_file, const char *key_file, char why[512]) MUST_CHECK;

/* When the first certificate of the chain ends: seconds since the epoch; 0: nobody knows. */
struct cert_life http_cert_life(struct http_cert *cert);

/* Ties a session to this certificate; before its handshake. */
void http_cert_attach(struct http_cert *cert, gnutls_session_t session);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2: answers for sessions that were attached. */
gnutls_certificate_retrieve_function3 http_cert_retrieve;

#endif
