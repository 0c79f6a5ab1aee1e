/*
 * link_creds: what authd shows to reflectors and checks them by, in generations: a session goes on
 * with what it began with, however often the files are read anew.
 */
#ifndef AUTHD_LINK_CREDS_H
#define AUTHD_LINK_CREDS_H

#include <gnutls/gnutls.h>

#include "authd/settings.h"

struct link_creds {
	struct link_creds *next; /* older; the owner's list */
	gnutls_certificate_credentials_t cred;
};

/* Reads control-certificate, control-key and control-ca; why says what is wrong with them. */
int link_creds_create(
	struct link_creds **out, const struct authd_settings *s, char why[512]) MUST_CHECK;
void link_creds_destroy(struct link_creds *creds);

#endif
