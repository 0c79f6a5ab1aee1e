/*
 * http_cert_admin: client certificates of administrators: signed by admin-ca, and naming one of
 * admin-names as DNS name, e-mail address or common name.
 */
#ifndef AUTHD_HTTP_CERT_ADMIN_H
#define AUTHD_HTTP_CERT_ADMIN_H

#include <stddef.h>

#include "authd/http_srv.h"
#include "proto/errcode.h"

struct http_cert_admin;

/* names are copied. ERR_TLS_CERT with why. */
int http_cert_admin_create(struct http_cert_admin **out, const char *ca_file,
	const char *const *names, size_t name_count, char why[512]) MUST_CHECK;
void http_cert_admin_destroy(struct http_cert_admin *admin);

/* Before its handshake: the client is asked for a certificate, and may have none. */
void http_cert_admin_ask(struct MHD_Connection *connection);

/* Which of the names the client's certificate has; "" when it has none, or a bad one. */
void http_cert_admin_check(const struct http_cert_admin *admin, struct MHD_Connection *connection,
	char name[HTTP_CERT_NAME_SIZE]);

#endif
