/*
 * supervisor_files: settings and certificates, judged together before anything uses them, at start
 * and at each reload.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/tls_creds.h"
#include "reflector/family.h"
#include "reflector/supervisor.h"

#define EXPIRY_WARNING_S (14 * 24 * 3600)

static int read_pem(const char *what, const char *file, char **out, char *why)
{
	size_t len;

	int err = tls_creds_read_file(file, FAMILY_PEM_MAX, out, &len);
	if (err != 0) {
		(void)snprintf(why, SETTINGS_ERROR_SIZE, "`%s`: %s cannot be read: %s", what, file,
			err == ERR_TOO_LARGE ? "it is larger than 64 KiB"
					     : "check that it exists and may be read by this user");
		return ERR_CONFIG;
	}
	if (strlen(*out) != len) {
		(void)snprintf(why, SETTINGS_ERROR_SIZE, "`%s`: %s is not PEM text", what, file);
		return ERR_CONFIG;
	}
	return 0;
}

static int judge_certificate(const struct supervisor_files *files, char *why)
{
	const struct reflector_settings *settings = files->settings;
	struct tls_creds_source source = { .cert_file = settings->certificate,
		.key_file = settings->key,
		.ca_file = settings->control_ca };
	gnutls_certificate_credentials_t creds;
	char pin[TLS_PEER_PIN_SIZE];
	int64_t not_after;

	if (tls_creds_load(&creds, &source, why) != 0) {
		return ERR_CONFIG;
	}
	gnutls_certificate_free_credentials(creds);
	if (tls_creds_pin(files->chain, strlen(files->chain), pin, &not_after) != 0) {
		(void)snprintf(why, SETTINGS_ERROR_SIZE,
			"`certificate`: %.400s holds no certificate", settings->certificate);
		return ERR_CONFIG;
	}
	int64_t left = not_after - time(NULL);
	if (left < EXPIRY_WARNING_S) {
		log_event(LOG_LEVEL_WARN, "certificate-expires",
			LOG_STR("file", settings->certificate), LOG_INT("seconds_left", left));
	}
	return 0;
}

int supervisor_files_load(
	struct supervisor_files *out, const char *file, char why[SETTINGS_ERROR_SIZE])
{
	struct supervisor_files files = { 0 };

	int err = settings_load(&files.settings, file, why);
	if (err != 0) {
		return err;
	}
	err = read_pem("certificate", files.settings->certificate, &files.chain, why);
	if (err == 0) {
		err = read_pem("key", files.settings->key, &files.key, why);
	}
	if (err == 0) {
		err = read_pem("control-ca", files.settings->control_ca, &files.ca, why);
	}
	if (err == 0) {
		err = judge_certificate(&files, why);
	}
	if (err != 0) {
		supervisor_files_finish(&files);
		return err;
	}
	*out = files;
	return 0;
}

void supervisor_files_finish(struct supervisor_files *files)
{
	settings_destroy(files->settings);
	free(files->chain);
	if (files->key != NULL) {
		explicit_bzero(files->key, strlen(files->key));
	}
	free(files->key);
	free(files->ca);
	memset(files, 0, sizeof(*files));
}
