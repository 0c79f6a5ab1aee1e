/*
 * key: holds the TLS private key and signs handshakes with it. Never hands the key out, and signs
 * for TLS only: nothing else may call key_sign().
 */
#include "reflector/key.h"

#include <gnutls/abstract.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls_creds.h"

static int key_sign(void *user, gnutls_sign_algorithm_t algo, const gnutls_datum_t *data,
	gnutls_datum_t *signature)
{
	const struct key *key = user;

	return tls_creds_sign(key->private_key, algo, data, signature);
}

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ .data = (unsigned char *)(uintptr_t)text,
		.size = (unsigned)strlen(text) };
}

static int load(struct key *key, const char *chain_pem, const char *key_pem, const char *ca_pem)
{
	gnutls_datum_t pem = datum(key_pem);

	if (gnutls_privkey_init(&key->private_key) < 0) {
		return ERR_NOMEM;
	}
	if (gnutls_privkey_import_x509_raw(key->private_key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0) <
		0) {
		return ERR_CONFIG;
	}
	int err =
		tls_creds_create_external(&key->creds, chain_pem, strlen(chain_pem), key_sign, key);
	if (err != 0) {
		return err;
	}
	if (ca_pem != NULL) {
		gnutls_datum_t ca = datum(ca_pem);
		if (gnutls_certificate_set_x509_trust_mem(key->creds, &ca, GNUTLS_X509_FMT_PEM) <=
			0) {
			return ERR_CONFIG;
		}
	}
	return 0;
}

int key_create(struct key **out, const char *chain_pem, const char *key_pem, const char *ca_pem)
{
	struct key *key = calloc(1, sizeof(*key));

	if (key == NULL) {
		return ERR_NOMEM;
	}
	list_init(&key->node);
	int err = load(key, chain_pem, key_pem, ca_pem);
	if (err != 0) {
		key_destroy(key);
		return err;
	}
	*out = key;
	return 0;
}

void key_destroy(struct key *key)
{
	if (key == NULL) {
		return;
	}
	list_remove(&key->node);
	if (key->creds != NULL) {
		gnutls_certificate_free_credentials(key->creds);
	}
	if (key->private_key != NULL) {
		gnutls_privkey_deinit(key->private_key);
	}
	free(key);
}
