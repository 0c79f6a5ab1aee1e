/*
 * cert_life: reads the times of certificates, wherever they are kept. What cannot be read is not
 * known, and never an error.
 */
#include "authd/cert_life.h"

struct cert_life cert_life_of(gnutls_x509_crt_t crt)
{
	return (struct cert_life){ .begins_at = (int64_t)gnutls_x509_crt_get_activation_time(crt),
		.expires_at = (int64_t)gnutls_x509_crt_get_expiration_time(crt) };
}

struct cert_life cert_life_of_der(const gnutls_datum_t *der)
{
	struct cert_life life = { 0, 0 };
	gnutls_x509_crt_t crt;

	if (gnutls_x509_crt_init(&crt) < 0) {
		return life;
	}
	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) >= 0) {
		life = cert_life_of(crt);
	}
	gnutls_x509_crt_deinit(crt);
	return life;
}

struct cert_life cert_life_of_creds(gnutls_certificate_credentials_t cred)
{
	gnutls_datum_t der;

	return cred != NULL && gnutls_certificate_get_crt_raw(cred, 0, 0, &der) >= 0
		? cert_life_of_der(&der)
		: (struct cert_life){ 0, 0 };
}
