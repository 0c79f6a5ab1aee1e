/*
 * link_creds: loads the credentials of the control links. Who still uses a generation is the
 * owner's to know.
 */
#include "authd/link_creds.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/tls_creds.h"

int link_creds_create(struct link_creds **out, const struct authd_settings *s, char why[512])
{
	const struct tls_creds_source src = { .cert_file = s->control_certificate,
		.key_file = s->control_key,
		.ca_file = s->control_ca };
	struct link_creds *creds = calloc(1, sizeof(*creds));

	if (creds == NULL) {
		snprintf(why, 512, "out of memory");
		return ERR_NOMEM;
	}
	int err = tls_creds_load(&creds->cred, &src, why);
	if (err != 0) {
		free(creds);
		return err;
	}
	*out = creds;
	return 0;
}

void link_creds_destroy(struct link_creds *creds)
{
	if (creds != NULL) {
		gnutls_certificate_free_credentials(creds->cred);
		free(creds);
	}
}
