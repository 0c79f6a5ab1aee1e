/* cert_life: when a certificate begins and ends, for who watches over it. */
#ifndef AUTHD_CERT_LIFE_H
#define AUTHD_CERT_LIFE_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdint.h>

/* Seconds since the epoch; both 0: not known. */
struct cert_life {
	int64_t begins_at, expires_at;
};

struct cert_life cert_life_of(gnutls_x509_crt_t crt);
struct cert_life cert_life_of_der(const gnutls_datum_t *der);
/* Of the first certificate that they show; cred may be NULL. */
struct cert_life cert_life_of_creds(gnutls_certificate_credentials_t cred);

#endif
