/*
 * enrol_files: what enrolment reads and writes on the reflector's disk.
 */
#ifndef REFLECTOR_ENROL_FILES_H
#define REFLECTOR_ENROL_FILES_H

#include <gnutls/gnutls.h>

#include "reflector/enrol.h"
#include "reflector/settings.h"

struct enrol_files {
	bool have_settings; /* the file is there already, and stays as it is */
	char name[LIMIT_NAME + 1], user[LIMIT_NAME + 1], authd_name[256];
	struct settings_addr control;
	char certificate[4096], key[4096], ca[4096];
	char *key_pem, *request_pem; /* made here */
	gnutls_certificate_credentials_t creds; /* self-signed, for this conversation */
};

/* What authd answers. */
struct enrol_answer {
	const char *certificate, *ca, *authd_name;
};

/* Judges the options and the settings file, and makes key, request and credentials. why is in three
 * parts. */
int enrol_files_prepare(struct enrol_files *files, const struct enrol_options *options,
	char why[SETTINGS_ERROR_SIZE]) MUST_CHECK;
/* The certificate is for our key; then all is written, the key first. */
int enrol_files_write(struct enrol_files *files, const struct enrol_options *options,
	const struct enrol_answer *answer, char why[SETTINGS_ERROR_SIZE]) MUST_CHECK;
void enrol_files_finish(struct enrol_files *files);

#endif
