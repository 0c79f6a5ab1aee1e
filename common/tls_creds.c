/*
 * tls_creds: PEM to GnuTLS credentials. Key bytes are wiped from our memory as soon as GnuTLS has
 * them; nothing here ever writes one anywhere.
 */
#include "common/tls_creds.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEM_MAX 1048576u
#define CHAIN_MAX 8u

/* A private key that is used through a function; owned by the gnutls_privkey_t over it. */
struct external_key {
	gnutls_pk_algorithm_t pk;
	unsigned bits;
	tls_creds_sign_fn sign;
	void *user;
};

static int read_whole(int fd, size_t max, char **out, size_t *len)
{
	struct stat st;
	size_t size = 0;

	if (fstat(fd, &st) != 0) {
		return ERR_SYSTEM;
	}
	if (st.st_size < 0 || (uintmax_t)st.st_size > max) {
		return ERR_TOO_LARGE;
	}
	/* one byte more than allowed tells of a file that grows or has no size */
	char *text = malloc(max + 2);
	if (text == NULL) {
		return ERR_NOMEM;
	}
	while (size <= max) {
		ssize_t n = read(fd, text + size, max + 1 - size);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			free(text);
			return ERR_SYSTEM;
		}
		if (n == 0) {
			break;
		}
		size += (size_t)n;
	}
	if (size > max) {
		gnutls_memset(text, 0, size);
		free(text);
		return ERR_TOO_LARGE;
	}
	text[size] = '\0';
	*out = text;
	*len = size;
	return 0;
}

int tls_creds_read_file(const char *file, size_t max, char **out, size_t *len)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return ERR_SYSTEM;
	}
	int err = read_whole(fd, max, out, len);
	int saved_errno = errno;
	close(fd);
	errno = saved_errno;
	return err;
}

static void explain(char why[512], const char *file, const char *what)
{
	if (why != NULL) {
		snprintf(why, 512, "%s: %s", file, what);
	}
}

static void free_secret(gnutls_datum_t *d)
{
	if (d->data != NULL) {
		gnutls_memset(d->data, 0, d->size);
		free(d->data);
		d->data = NULL;
	}
}

static int load_pem(const char *file, gnutls_datum_t *out, char why[512])
{
	char *text = NULL;
	size_t len = 0;
	int err = tls_creds_read_file(file, PEM_MAX, &text, &len);

	if (err != 0) {
		explain(why, file, err == ERR_SYSTEM ? strerror(errno) : errcode_text(err));
		return err;
	}
	out->data = (unsigned char *)text;
	out->size = (unsigned)len;
	return 0;
}

static int load_key_pair(
	gnutls_certificate_credentials_t creds, const struct tls_creds_source *src, char why[512])
{
	gnutls_datum_t cert = { NULL, 0 };
	gnutls_datum_t key = { NULL, 0 };
	int err = load_pem(src->cert_file, &cert, why);

	if (err == 0) {
		err = load_pem(src->key_file, &key, why);
	}
	if (err == 0) {
		int rc = gnutls_certificate_set_x509_key_mem(
			creds, &cert, &key, GNUTLS_X509_FMT_PEM);

		if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
			explain(why, src->key_file, "this is not the key of the certificate");
			err = ERR_CONFIG;
		} else if (rc < 0) {
			explain(why, src->cert_file, gnutls_strerror(rc));
			err = ERR_CONFIG;
		}
	}
	free_secret(&key);
	free(cert.data);
	return err;
}

static int load_ca(gnutls_certificate_credentials_t creds, const char *file, char why[512])
{
	gnutls_datum_t ca = { NULL, 0 };
	int err = load_pem(file, &ca, why);

	if (err != 0) {
		return err;
	}
	int rc = gnutls_certificate_set_x509_trust_mem(creds, &ca, GNUTLS_X509_FMT_PEM);
	free(ca.data);
	if (rc <= 0) {
		explain(why, file, rc == 0 ? "no certificate in it" : gnutls_strerror(rc));
		return ERR_CONFIG;
	}
	return 0;
}

int tls_creds_load(
	gnutls_certificate_credentials_t *out, const struct tls_creds_source *src, char why[512])
{
	gnutls_certificate_credentials_t creds = NULL;
	int err = 0;

	if ((src->cert_file == NULL) != (src->key_file == NULL)) {
		explain(why, "credentials", "a certificate needs a key, and a key a certificate");
		return ERR_INVALID;
	}
	if (gnutls_certificate_allocate_credentials(&creds) != 0) {
		return ERR_NOMEM;
	}
	if (src->cert_file != NULL) {
		err = load_key_pair(creds, src, why);
	}
	if (err == 0 && src->ca_file != NULL) {
		err = load_ca(creds, src->ca_file, why);
	}
	if (err != 0) {
		gnutls_certificate_free_credentials(creds);
		return err;
	}
	*out = creds;
	return 0;
}

static int external_sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, void *userdata,
	unsigned flags, const gnutls_datum_t *data, gnutls_datum_t *signature)
{
	const struct external_key *ext = userdata;

	(void)key;
	(void)flags;
	return ext->sign(ext->user, algo, data, signature) == 0 ? 0 : GNUTLS_E_PK_SIGN_FAILED;
}

int tls_creds_sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, const gnutls_datum_t *data,
	gnutls_datum_t *signature)
{
	int rc = algo == GNUTLS_SIGN_EDDSA_ED25519
		? gnutls_privkey_sign_data2(key, algo, 0, data, signature)
		: gnutls_privkey_sign_hash2(key, algo, 0, data, signature);

	return rc == 0 ? 0 : ERR_TLS;
}

static int external_info(gnutls_privkey_t key, unsigned flags, void *userdata)
{
	const struct external_key *ext = userdata;

	(void)key;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO) {
		return (int)ext->pk;
	}
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS) {
		return (int)ext->bits;
	}
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) {
		return gnutls_sign_supports_pk_algorithm(GNUTLS_FLAGS_TO_SIGN_ALGO(flags), ext->pk)
			? 1
			: 0;
	}
	return -1;
}

static void external_deinit(gnutls_privkey_t key, void *userdata)
{
	(void)key;
	free(userdata);
}

static bool pk_supported(gnutls_pk_algorithm_t pk)
{
	return pk == GNUTLS_PK_EDDSA_ED25519 || pk == GNUTLS_PK_ECDSA || pk == GNUTLS_PK_RSA ||
		pk == GNUTLS_PK_RSA_PSS;
}

static int external_key_create(
	gnutls_privkey_t *out, const gnutls_pcert_st *cert, tls_creds_sign_fn sign, void *user)
{
	gnutls_privkey_t key = NULL;
	struct external_key *ext = calloc(1, sizeof(*ext));

	if (ext == NULL) {
		return ERR_NOMEM;
	}
	ext->pk = (gnutls_pk_algorithm_t)gnutls_pubkey_get_pk_algorithm(cert->pubkey, &ext->bits);
	ext->sign = sign;
	ext->user = user;
	if (!pk_supported(ext->pk)) {
		free(ext);
		return ERR_CONFIG;
	}
	if (gnutls_privkey_init(&key) != 0) {
		free(ext);
		return ERR_NOMEM;
	}
	if (gnutls_privkey_import_ext4(key, ext, external_sign, external_sign, NULL,
		    external_deinit, external_info, 0) != 0) {
		gnutls_privkey_deinit(key);
		free(ext);
		return ERR_INTERNAL;
	}
	*out = key;
	return 0;
}

/* Asks the key for a signature and checks it with the certificate: a key of another certificate is
 * found here, before GnuTLS owns anything. */
static int key_matches(const gnutls_pcert_st *cert, gnutls_privkey_t key)
{
	const gnutls_datum_t probe = { (unsigned char *)(uintptr_t) "heliograph key probe", 20 };
	gnutls_datum_t signature = { NULL, 0 };
	gnutls_digest_algorithm_t hash = GNUTLS_DIG_SHA256;

	if (gnutls_pubkey_get_preferred_hash_algorithm(cert->pubkey, &hash, NULL) != 0) {
		return ERR_CONFIG;
	}
	int pk = gnutls_pubkey_get_pk_algorithm(cert->pubkey, NULL);
	gnutls_sign_algorithm_t algo = pk == GNUTLS_PK_RSA
		? GNUTLS_SIGN_RSA_PSS_RSAE_SHA256
		: gnutls_pk_to_sign((gnutls_pk_algorithm_t)pk, hash);
	if (gnutls_privkey_sign_data2(key, algo, 0, &probe, &signature) != 0) {
		return ERR_CONFIG;
	}
	int rc = gnutls_pubkey_verify_data2(cert->pubkey, algo, 0, &probe, &signature);
	gnutls_free(signature.data);
	return rc < 0 ? ERR_CONFIG : 0;
}

static void chain_free(gnutls_pcert_st *chain, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		gnutls_pcert_deinit(&chain[i]);
	}
}

int tls_creds_create_external(gnutls_certificate_credentials_t *out, const char *chain_pem,
	size_t chain_len, tls_creds_sign_fn sign, void *user)
{
	gnutls_certificate_credentials_t creds = NULL;
	gnutls_privkey_t key = NULL;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned count = CHAIN_MAX;
	const gnutls_datum_t pem = { (unsigned char *)(uintptr_t)chain_pem, (unsigned)chain_len };

	if (chain_len > PEM_MAX ||
		gnutls_pcert_list_import_x509_raw(chain, &count, &pem, GNUTLS_X509_FMT_PEM, 0) !=
			0) {
		return ERR_CONFIG;
	}
	int err = external_key_create(&key, &chain[0], sign, user);
	if (err != 0) {
		goto free_chain;
	}
	err = key_matches(&chain[0], key);
	if (err != 0) {
		goto free_key;
	}
	if (gnutls_certificate_allocate_credentials(&creds) != 0) {
		err = ERR_NOMEM;
		goto free_key;
	}
	/* from here on the credentials own key and chain */
	if (gnutls_certificate_set_key(creds, NULL, 0, chain, (int)count, key) < 0) {
		err = ERR_CONFIG;
		goto free_creds;
	}
	*out = creds;
	return 0;

free_creds:
	gnutls_certificate_free_credentials(creds);
free_key:
	gnutls_privkey_deinit(key);
free_chain:
	chain_free(chain, count);
	return err;
}

int tls_creds_pin(
	const char *chain_pem, size_t len, char out[TLS_PEER_PIN_SIZE], int64_t *not_after)
{
	gnutls_x509_crt_t *list = NULL;
	unsigned count = 0;
	const gnutls_datum_t pem = { (unsigned char *)(uintptr_t)chain_pem, (unsigned)len };

	if (len > PEM_MAX ||
		gnutls_x509_crt_list_import2(&list, &count, &pem, GNUTLS_X509_FMT_PEM, 0) != 0) {
		return ERR_CONFIG;
	}
	int err = count == 0 ? ERR_CONFIG : tls_peer_cert_pin(list[0], out);
	if (err == 0 && not_after != NULL) {
		*not_after = (int64_t)gnutls_x509_crt_get_expiration_time(list[0]);
	}
	for (unsigned i = 0; i < count; i++) {
		gnutls_x509_crt_deinit(list[i]);
	}
	gnutls_free(list);
	return err;
}
