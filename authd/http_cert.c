/*
 * http_cert: owns the HTTPS certificate chain and key in generations. A handshake borrows the
 * newest generation; a replaced one is kept longer than any handshake may last, then freed. Must
 * never take a pair that does not belong together.
 */
#include "authd/http_cert.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/tls_creds.h"

#define CHAIN_MAX 8u
#define PEM_MAX 65536u
#define RETIRED_KEEP_S 120 /* a connection is cut long before */

struct generation {
	struct generation *next; /* older */
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned chain_len;
	gnutls_privkey_t key;
	int64_t retired_at; /* monotonic seconds */
};

struct http_cert {
	pthread_mutex_t mutex;
	struct generation *newest; /* guarded */
};

static void generation_destroy(struct generation *gen)
{
	for (unsigned i = 0; i < gen->chain_len; i++) {
		gnutls_pcert_deinit(&gen->chain[i]);
	}
	if (gen->key != NULL) {
		gnutls_privkey_deinit(gen->key);
	}
	free(gen);
}

static int read_chain(struct generation *gen, const char *file, char why[512])
{
	char *pem = NULL;
	size_t len = 0;
	unsigned count = CHAIN_MAX;
	int err = tls_creds_read_file(file, PEM_MAX, &pem, &len);

	if (err != 0) {
		snprintf(why, 512,
			"the certificate %.300s cannot be read: check path, owner and mode", file);
		return err;
	}
	gnutls_datum_t data = { (unsigned char *)pem, (unsigned)len };
	if (gnutls_pcert_list_import_x509_raw(gen->chain, &count, &data, GNUTLS_X509_FMT_PEM, 0) <
		0) {
		snprintf(why, 512, "%.300s is not a PEM certificate chain of at most %u", file,
			CHAIN_MAX);
		err = ERR_TLS_CERT;
	} else {
		gen->chain_len = count;
	}
	free(pem);
	return err;
}

static int read_key(struct generation *gen, const char *file, char why[512])
{
	char *pem = NULL;
	size_t len = 0;
	int err = tls_creds_read_file(file, PEM_MAX, &pem, &len);

	if (err != 0) {
		snprintf(why, 512, "the key %.300s cannot be read: check path, owner and mode",
			file);
		return err;
	}
	gnutls_datum_t data = { (unsigned char *)pem, (unsigned)len };
	if (gnutls_privkey_init(&gen->key) < 0 ||
		gnutls_privkey_import_x509_raw(gen->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0) < 0) {
		snprintf(why, 512, "%.300s is not a private key in PEM", file);
		err = ERR_TLS_CERT;
	}
	gnutls_memset(pem, 0, len);
	free(pem);
	return err;
}

/* Key and certificate belong together when their public halves have the same id. */
static bool is_pair(const struct generation *gen)
{
	unsigned char a[64], b[64];
	size_t a_len = sizeof(a), b_len = sizeof(b);
	gnutls_pubkey_t pub;

	if (gnutls_pubkey_init(&pub) < 0) {
		return false;
	}
	bool same = gnutls_pubkey_import_privkey(pub, gen->key, 0, 0) >= 0 &&
		gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA256, a, &a_len) >= 0 &&
		gnutls_pubkey_get_key_id(
			gen->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, b, &b_len) >= 0 &&
		a_len == b_len && memcmp(a, b, a_len) == 0;
	gnutls_pubkey_deinit(pub);
	return same;
}

static int generation_create(
	struct generation **out, const char *cert_file, const char *key_file, char why[512])
{
	struct generation *gen = calloc(1, sizeof(*gen));
	int err;

	if (gen == NULL) {
		snprintf(why, 512, "out of memory");
		return ERR_NOMEM;
	}
	err = read_chain(gen, cert_file, why);
	if (err == 0) {
		err = read_key(gen, key_file, why);
	}
	if (err == 0 && !is_pair(gen)) {
		snprintf(why, 512, "the key %.200s does not belong to the certificate %.200s",
			key_file, cert_file);
		err = ERR_TLS_CERT;
	}
	if (err != 0) {
		generation_destroy(gen);
		return err;
	}
	*out = gen;
	return 0;
}

/* Frees what was retired long enough ago; mutex held. */
static void reap(struct http_cert *cert, int64_t now)
{
	struct generation **at = &cert->newest->next;

	while (*at != NULL) {
		struct generation *gen = *at;
		if (now - gen->retired_at > RETIRED_KEEP_S) {
			*at = gen->next;
			generation_destroy(gen);
		} else {
			at = &gen->next;
		}
	}
}

int http_cert_create(
	struct http_cert **out, const char *cert_file, const char *key_file, char why[512])
{
	struct generation *gen = NULL;
	int err = generation_create(&gen, cert_file, key_file, why);

	if (err != 0) {
		return err;
	}
	struct http_cert *cert = calloc(1, sizeof(*cert));
	if (cert == NULL) {
		generation_destroy(gen);
		snprintf(why, 512, "out of memory");
		return ERR_NOMEM;
	}
	pthread_mutex_init(&cert->mutex, NULL);
	cert->newest = gen;
	*out = cert;
	return 0;
}

void http_cert_destroy(struct http_cert *cert)
{
	if (cert == NULL) {
		return;
	}
	while (cert->newest != NULL) {
		struct generation *gen = cert->newest;
		cert->newest = gen->next;
		generation_destroy(gen);
	}
	pthread_mutex_destroy(&cert->mutex);
	free(cert);
}

int http_cert_reload(
	struct http_cert *cert, const char *cert_file, const char *key_file, char why[512])
{
	struct generation *gen = NULL;
	int err = generation_create(&gen, cert_file, key_file, why);

	if (err != 0) {
		return err;
	}
	int64_t now = clock_now_s();
	pthread_mutex_lock(&cert->mutex);
	cert->newest->retired_at = now;
	gen->next = cert->newest;
	cert->newest = gen;
	reap(cert, now);
	pthread_mutex_unlock(&cert->mutex);
	return 0;
}

int http_cert_check(const char *cert_file, const char *key_file, char why[512])
{
	struct generation *gen = NULL;
	int err = generation_create(&gen, cert_file, key_file, why);

	if (err == 0) {
		generation_destroy(gen);
	}
	return err;
}

struct cert_life http_cert_life(struct http_cert *cert)
{
	pthread_mutex_lock(&cert->mutex);
	struct cert_life life = cert_life_of_der(&cert->newest->chain[0].cert);
	pthread_mutex_unlock(&cert->mutex);
	return life;
}

void http_cert_attach(struct http_cert *cert, gnutls_session_t session)
{
	gnutls_session_set_ptr(session, cert);
}

int http_cert_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	gnutls_pcert_st **certs, unsigned *certs_len, gnutls_ocsp_data_st **ocsp,
	unsigned *ocsp_len, gnutls_privkey_t *key, unsigned *flags)
{
	struct http_cert *cert = gnutls_session_get_ptr(session);

	(void)info;
	if (cert == NULL) {
		return -1;
	}
	pthread_mutex_lock(&cert->mutex);
	struct generation *gen = cert->newest;
	pthread_mutex_unlock(&cert->mutex);
	*certs = gen->chain;
	*certs_len = gen->chain_len;
	*key = gen->key;
	*ocsp = NULL;
	*ocsp_len = 0;
	*flags = 0; /* ours to free */
	return 0;
}
