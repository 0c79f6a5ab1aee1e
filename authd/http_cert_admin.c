/*
 * http_cert_admin: owns the CA of administrators' certificates. Verifies by itself: libmicrohttpd
 * only carries the certificate here. Must never take one that is not for clients.
 */
#include "authd/http_cert_admin.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls_creds.h"

#define PEM_MAX 65536u
#define CHAIN_MAX 8u

struct http_cert_admin {
	gnutls_x509_trust_list_t trust;
	size_t name_count;
	char names[][HTTP_CERT_NAME_SIZE];
};

static int read_ca(struct http_cert_admin *admin, const char *file, char why[512])
{
	char *pem = NULL;
	size_t len = 0;
	int err = tls_creds_read_file(file, PEM_MAX, &pem, &len);

	if (err != 0) {
		snprintf(why, 512, "admin-ca %.300s cannot be read: check path, owner and mode",
			file);
		return err;
	}
	const gnutls_datum_t data = { (unsigned char *)pem, (unsigned)len };
	if (gnutls_x509_trust_list_init(&admin->trust, 0) < 0) {
		err = ERR_NOMEM;
	} else if (gnutls_x509_trust_list_add_trust_mem(
			   admin->trust, &data, NULL, GNUTLS_X509_FMT_PEM, 0, 0) < 1) {
		snprintf(why, 512, "admin-ca %.300s has no certificate in PEM", file);
		err = ERR_TLS_CERT;
	}
	free(pem);
	return err;
}

int http_cert_admin_create(struct http_cert_admin **out, const char *ca_file,
	const char *const *names, size_t name_count, char why[512])
{
	struct http_cert_admin *admin =
		calloc(1, sizeof(*admin) + name_count * sizeof(admin->names[0]));

	snprintf(why, 512, "out of memory");
	if (admin == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < name_count; i++) {
		snprintf(admin->names[i], sizeof(admin->names[i]), "%s", names[i]);
	}
	admin->name_count = name_count;
	int err = read_ca(admin, ca_file, why);
	if (err != 0) {
		http_cert_admin_destroy(admin);
		return err;
	}
	*out = admin;
	return 0;
}

void http_cert_admin_destroy(struct http_cert_admin *admin)
{
	if (admin == NULL) {
		return;
	}
	if (admin->trust != NULL) {
		gnutls_x509_trust_list_deinit(admin->trust, 1);
	}
	free(admin);
}

static gnutls_session_t session_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info != NULL ? info->tls_session : NULL;
}

void http_cert_admin_ask(struct MHD_Connection *connection)
{
	gnutls_session_t session = session_of(connection);

	if (session != NULL) {
		gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
	}
}

static bool is_text(const char *have, size_t len, const char *want)
{
	return strlen(want) == len && memcmp(have, want, len) == 0;
}

static bool has_name(gnutls_x509_crt_t cert, const char *want)
{
	char text[256];
	size_t len;

	for (unsigned i = 0;; i++) {
		unsigned type = 0;
		len = sizeof(text);
		int rc = gnutls_x509_crt_get_subject_alt_name2(cert, i, text, &len, &type, NULL);
		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
			break;
		}
		if (rc >= 0 && (type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME) &&
			is_text(text, len, want)) {
			return true;
		}
	}
	len = sizeof(text);
	return gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &len) >=
		0 &&
		is_text(text, len, want);
}

static bool is_good(const struct http_cert_admin *admin, gnutls_x509_crt_t *chain, unsigned len)
{
	const gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	gnutls_typed_vdata_st wanted[] = { purpose };
	unsigned status = GNUTLS_CERT_INVALID;

	return gnutls_x509_trust_list_verify_crt2(
		       admin->trust, chain, len, wanted, 1, 0, &status, NULL) >= 0 &&
		status == 0;
}

void http_cert_admin_check(const struct http_cert_admin *admin, struct MHD_Connection *connection,
	char name[HTTP_CERT_NAME_SIZE])
{
	gnutls_session_t session = session_of(connection);
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned count = 0, loaded = 0;
	const gnutls_datum_t *raw =
		session != NULL ? gnutls_certificate_get_peers(session, &count) : NULL;

	name[0] = '\0';
	while (raw != NULL && count <= CHAIN_MAX && loaded < count) {
		if (gnutls_x509_crt_init(&chain[loaded]) < 0) {
			break;
		}
		loaded++;
		if (gnutls_x509_crt_import(
			    chain[loaded - 1], &raw[loaded - 1], GNUTLS_X509_FMT_DER) < 0) {
			break;
		}
	}
	if (loaded > 0 && loaded == count && is_good(admin, chain, loaded)) {
		for (size_t i = 0; name[0] == '\0' && i < admin->name_count; i++) {
			if (has_name(chain[0], admin->names[i])) {
				snprintf(name, HTTP_CERT_NAME_SIZE, "%s", admin->names[i]);
			}
		}
	}
	for (unsigned i = 0; i < loaded; i++) {
		gnutls_x509_crt_deinit(chain[i]);
	}
}
