/*
 * ca: owns the CA's key. Signs for a name that its caller has judged, and never takes one out of a
 * request. Must never log a key or write one anywhere but to ca.key.
 */
#include "authd/ca.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/file_store.h"
#include "common/tls_creds.h"

#define CA_DAYS (20 * 366)
#define DAY_S 86400
#define BEFORE_S 3600 /* clocks differ */
#define SERIAL_BYTES 16u

struct ca {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	char *pem;
	char authd_name[128];
};

static int set_serial(gnutls_x509_crt_t crt)
{
	unsigned char serial[SERIAL_BYTES];

	randombytes_buf(serial, sizeof(serial));
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x40); /* positive, and never short */
	return gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
}

static int set_times(gnutls_x509_crt_t crt, int64_t days)
{
	time_t now = time(NULL);
	int rc = gnutls_x509_crt_set_activation_time(crt, now - BEFORE_S);

	return rc < 0 ? rc : gnutls_x509_crt_set_expiration_time(crt, now + (time_t)(days * DAY_S));
}

static int set_key_ids(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
	unsigned char id[64];
	size_t len = sizeof(id);
	int rc = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA1, id, &len);

	if (rc >= 0) {
		rc = gnutls_x509_crt_set_subject_key_id(crt, id, len);
	}
	len = sizeof(id);
	if (rc >= 0) {
		rc = gnutls_x509_crt_get_key_id(issuer, GNUTLS_KEYID_USE_SHA1, id, &len);
	}
	return rc < 0 ? rc : gnutls_x509_crt_set_authority_key_id(crt, id, len);
}

static int generate_p256(gnutls_x509_privkey_t *key)
{
	if (gnutls_x509_privkey_init(key) < 0) {
		*key = NULL;
		return ERR_NOMEM;
	}
	return gnutls_x509_privkey_generate(*key, GNUTLS_PK_ECDSA,
		       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) < 0
		? ERR_INTERNAL
		: 0;
}

static int export_crt(gnutls_x509_crt_t crt, char **pem)
{
	gnutls_datum_t text = { NULL, 0 };

	if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &text) < 0) {
		return ERR_INTERNAL;
	}
	*pem = strndup((const char *)text.data, text.size);
	gnutls_free(text.data);
	return *pem != NULL ? 0 : ERR_NOMEM;
}

static int make_root(struct ca *ca, const char *cluster)
{
	char cn[128];

	snprintf(cn, sizeof(cn), "Heliograph CA of %.64s", cluster);
	int err = generate_p256(&ca->key);
	if (err == 0 && gnutls_x509_crt_init(&ca->crt) < 0) {
		err = ERR_NOMEM;
	}
	if (err != 0) {
		return err;
	}
	gnutls_x509_crt_t crt = ca->crt;
	bool good = gnutls_x509_crt_set_version(crt, 3) >= 0 &&
		gnutls_x509_crt_set_key(crt, ca->key) >= 0 && set_serial(crt) >= 0 &&
		set_times(crt, CA_DAYS) >= 0 &&
		gnutls_x509_crt_set_dn_by_oid(
			crt, GNUTLS_OID_X520_COMMON_NAME, 0, cn, (unsigned)strlen(cn)) >= 0 &&
		gnutls_x509_crt_set_basic_constraints(crt, 1, 0) >= 0 &&
		gnutls_x509_crt_set_key_usage(
			crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN) >= 0 &&
		set_key_ids(crt, crt) >= 0 &&
		gnutls_x509_crt_sign2(crt, crt, ca->key, GNUTLS_DIG_SHA256, 0) >= 0;
	return good ? export_crt(crt, &ca->pem) : ERR_INTERNAL;
}

static int store_root(struct ca *ca, const char *key_file, const char *crt_file, char why[512])
{
	gnutls_datum_t pem = { NULL, 0 };
	int err = ERR_INTERNAL;

	if (gnutls_x509_privkey_export2_pkcs8(
		    ca->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem) >= 0) {
		err = file_store_new(key_file, pem.data, pem.size, 0600);
		sodium_memzero(pem.data, pem.size);
		gnutls_free(pem.data);
	}
	if (err == 0) {
		err = file_store_new(crt_file, ca->pem, strlen(ca->pem), 0644);
		if (err != 0) {
			unlink(key_file);
		}
	}
	if (err != 0) {
		snprintf(why, 512,
			"the CA's files %.200s and ca.crt cannot be written: %s: check the folder's owner and space",
			key_file, strerror(errno));
	}
	return err;
}

static int read_key(struct ca *ca, const char *file, char why[512])
{
	struct stat sb;
	char *text = NULL;
	size_t len = 0;

	if (stat(file, &sb) != 0 || sb.st_uid != geteuid() || (sb.st_mode & 077) != 0) {
		snprintf(why, 512,
			"the CA's key %.300s must belong to this daemon's user alone: chown it, and chmod 600",
			file);
		return ERR_CONFIG;
	}
	int err = tls_creds_read_file(file, CA_PEM_MAX, &text, &len);
	if (err == 0) {
		gnutls_datum_t pem = { (unsigned char *)text, (unsigned)len };
		err = gnutls_x509_privkey_init(&ca->key) < 0 ? ERR_NOMEM
			: gnutls_x509_privkey_import2(
				  ca->key, &pem, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN) < 0
			? ERR_CONFIG
			: 0;
		sodium_memzero(text, len);
		free(text);
	}
	if (err != 0) {
		snprintf(why, 512, "the CA's key %.300s is not a private key in PEM", file);
	}
	return err == 0 ? 0 : ERR_CONFIG;
}

static bool is_pair(const struct ca *ca)
{
	unsigned char a[64], b[64];
	size_t a_len = sizeof(a), b_len = sizeof(b);

	return gnutls_x509_crt_get_key_id(ca->crt, GNUTLS_KEYID_USE_SHA256, a, &a_len) >= 0 &&
		gnutls_x509_privkey_get_key_id(ca->key, GNUTLS_KEYID_USE_SHA256, b, &b_len) >= 0 &&
		a_len == b_len && memcmp(a, b, a_len) == 0;
}

static int read_root(struct ca *ca, const char *key_file, const char *crt_file, char why[512])
{
	size_t len = 0;
	int err = read_key(ca, key_file, why);

	if (err != 0) {
		return err;
	}
	err = tls_creds_read_file(crt_file, CA_PEM_MAX, &ca->pem, &len);
	if (err == 0) {
		gnutls_datum_t pem = { (unsigned char *)ca->pem, (unsigned)len };
		err = gnutls_x509_crt_init(&ca->crt) < 0 ? ERR_NOMEM
			: gnutls_x509_crt_import(ca->crt, &pem, GNUTLS_X509_FMT_PEM) < 0 ||
				!is_pair(ca)
			? ERR_CONFIG
			: 0;
	}
	if (err != 0) {
		snprintf(why, 512,
			"%.200s is not the certificate of the CA's key %.200s: put the pair back, or move both away and enrol every reflector anew",
			crt_file, key_file);
		err = ERR_CONFIG;
	}
	return err;
}

static void name_authd(struct ca *ca, const char *cluster)
{
	snprintf(ca->authd_name, sizeof(ca->authd_name), "authd.%.64s", cluster);
	for (char *c = ca->authd_name; *c != '\0'; c++) {
		if (strchr("_@", *c) != NULL) {
			*c = '-';
		}
	}
}

int ca_open(struct ca **out, const char *state_dir, const char *cluster, char why[512])
{
	char key_file[4096], crt_file[4096];
	struct ca *ca = calloc(1, sizeof(*ca));
	int err;

	if (ca == NULL) {
		snprintf(why, 512, "out of memory");
		return ERR_NOMEM;
	}
	name_authd(ca, cluster);
	if ((size_t)snprintf(key_file, sizeof(key_file), "%s/ca.key", state_dir) >=
			sizeof(key_file) ||
		(size_t)snprintf(crt_file, sizeof(crt_file), "%s/ca.crt", state_dir) >=
			sizeof(crt_file)) {
		snprintf(why, 512, "the path of state-dir is too long");
		err = ERR_CONFIG;
	} else if (access(key_file, F_OK) != 0 && access(crt_file, F_OK) != 0) {
		snprintf(why, 512, "the CA cannot be made");
		err = make_root(ca, cluster);
		if (err == 0) {
			err = store_root(ca, key_file, crt_file, why);
		}
	} else {
		err = read_root(ca, key_file, crt_file, why);
	}
	if (err != 0) {
		ca_destroy(ca);
		return err;
	}
	*out = ca;
	return 0;
}

void ca_destroy(struct ca *ca)
{
	if (ca == NULL) {
		return;
	}
	if (ca->key != NULL) {
		gnutls_x509_privkey_deinit(ca->key);
	}
	if (ca->crt != NULL) {
		gnutls_x509_crt_deinit(ca->crt);
	}
	free(ca->pem);
	free(ca);
}

const char *ca_certificate(const struct ca *ca)
{
	return ca->pem;
}

struct cert_life ca_life(const struct ca *ca)
{
	return cert_life_of(ca->crt);
}

const char *ca_authd_name(const struct ca *ca)
{
	return ca->authd_name;
}

static int set_name(gnutls_x509_crt_t crt, const char *name)
{
	unsigned char ip[16];
	int rc;

	if (inet_pton(AF_INET, name, ip) == 1) {
		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_IPADDRESS, ip, 4, GNUTLS_FSAN_APPEND);
	} else if (inet_pton(AF_INET6, name, ip) == 1) {
		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_IPADDRESS, ip, 16, GNUTLS_FSAN_APPEND);
	} else {
		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
	}
	if (rc < 0) {
		return rc;
	}
	return gnutls_x509_crt_set_dn_by_oid(
		crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strnlen(name, 64));
}

/* crt has its key already. */
static int sign_leaf(struct ca *ca, gnutls_x509_crt_t crt, const char *name, int64_t days)
{
	bool good = gnutls_x509_crt_set_version(crt, 3) >= 0 && set_serial(crt) >= 0 &&
		set_times(crt, days) >= 0 && set_name(crt, name) >= 0 &&
		gnutls_x509_crt_set_basic_constraints(crt, 0, -1) >= 0 &&
		gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE) >= 0 &&
		gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0) >= 0 &&
		gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0) >= 0 &&
		set_key_ids(crt, ca->crt) >= 0 &&
		gnutls_x509_crt_sign2(crt, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0) >= 0;

	return good ? 0 : ERR_INTERNAL;
}

/* The request proves that its sender has the key; of all else in it nothing counts. */
static int take_request(gnutls_x509_crt_t crt, const char *csr_pem)
{
	gnutls_datum_t pem = { (unsigned char *)(uintptr_t)csr_pem, (unsigned)strlen(csr_pem) };
	gnutls_x509_crq_t crq;
	unsigned bits = 0;

	if (gnutls_x509_crq_init(&crq) < 0) {
		return ERR_NOMEM;
	}
	int err = ERR_BAD_FIELD;
	if (gnutls_x509_crq_import(crq, &pem, GNUTLS_X509_FMT_PEM) >= 0 &&
		gnutls_x509_crq_verify(crq, 0) >= 0) {
		int pk = gnutls_x509_crq_get_pk_algorithm(crq, &bits);
		bool kind = pk == GNUTLS_PK_EDDSA_ED25519 ||
			(pk == GNUTLS_PK_ECDSA && bits >= 256 && bits <= 521);
		if (kind && gnutls_x509_crt_set_crq(crt, crq) >= 0) {
			err = 0;
		}
	}
	gnutls_x509_crq_deinit(crq);
	return err;
}

int ca_sign(struct ca *ca, const char *csr_pem, const char *tls_name, char **pem,
	char pin[TLS_PEER_PIN_SIZE])
{
	gnutls_x509_crt_t asked = NULL, crt = NULL;
	gnutls_pubkey_t pub = NULL;
	int err = ERR_NOMEM;

	if (strlen(csr_pem) > CA_PEM_MAX) {
		return ERR_BAD_FIELD;
	}
	/* the key alone goes over into a certificate that has nothing else of the request */
	if (gnutls_x509_crt_init(&asked) >= 0 && gnutls_x509_crt_init(&crt) >= 0 &&
		gnutls_pubkey_init(&pub) >= 0) {
		err = take_request(asked, csr_pem);
	}
	if (err == 0) {
		err = gnutls_pubkey_import_x509(pub, asked, 0) >= 0 &&
				gnutls_x509_crt_set_pubkey(crt, pub) >= 0
			? sign_leaf(ca, crt, tls_name, CA_LEAF_DAYS)
			: ERR_INTERNAL;
	}
	if (err == 0) {
		err = tls_peer_cert_pin(crt, pin);
	}
	if (err == 0) {
		err = export_crt(crt, pem);
	}
	if (asked != NULL) {
		gnutls_x509_crt_deinit(asked);
	}
	if (crt != NULL) {
		gnutls_x509_crt_deinit(crt);
	}
	if (pub != NULL) {
		gnutls_pubkey_deinit(pub);
	}
	return err;
}

int ca_client_creds(struct ca *ca, gnutls_certificate_credentials_t *out, char why[512])
{
	gnutls_certificate_credentials_t creds = NULL;
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int err = ERR_NOMEM;

	if (gnutls_certificate_allocate_credentials(&creds) >= 0 &&
		gnutls_x509_crt_init(&crt) >= 0) {
		err = generate_p256(&key);
	}
	if (err == 0) {
		err = gnutls_x509_crt_set_key(crt, key) >= 0
			? sign_leaf(ca, crt, ca->authd_name, CA_DAYS / 2)
			: ERR_INTERNAL;
	}
	if (err == 0 &&
		(gnutls_certificate_set_x509_key(creds, &crt, 1, key) < 0 ||
			gnutls_certificate_set_x509_trust(creds, &ca->crt, 1) < 0)) {
		err = ERR_INTERNAL;
	}
	if (crt != NULL) {
		gnutls_x509_crt_deinit(crt);
	}
	if (key != NULL) {
		gnutls_x509_privkey_deinit(key);
	}
	if (err != 0) {
		snprintf(why, 512, "authd's own certificate for control links cannot be made");
		if (creds != NULL) {
			gnutls_certificate_free_credentials(creds);
		}
		return err;
	}
	*out = creds;
	return 0;
}
