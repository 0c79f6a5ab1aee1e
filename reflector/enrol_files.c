/*
 * enrol_files: the key pair of a new reflector and the files around it. Must never replace a key
 * that nobody said may go, nor leave one that others can read.
 */
#include "reflector/enrol_files.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/file_store.h"
#include "common/tls_creds.h"
#include "proto/msg.h"

#define DAY_S 86400

static int refuse(
	char *why, const char *what, const char *which, const char *reason, const char *advice)
{
	(void)snprintf(why, SETTINGS_ERROR_SIZE, "%.60s %.200s: %.100s: %.120s", what, which,
		reason, advice);
	return ERR_CONFIG;
}

/* ---- options and settings ---- */

static int from_settings(struct enrol_files *files, const struct enrol_options *options, char *why)
{
	struct reflector_settings *s = NULL;
	int err = settings_load(&s, options->settings, why);

	if (err != 0) {
		return err;
	}
	files->have_settings = true;
	(void)snprintf(files->name, sizeof(files->name), "%s", s->name);
	(void)snprintf(files->user, sizeof(files->user), "%s", s->user);
	(void)snprintf(files->authd_name, sizeof(files->authd_name), "%s", s->authd_name);
	(void)snprintf(files->certificate, sizeof(files->certificate), "%s", s->certificate);
	(void)snprintf(files->key, sizeof(files->key), "%s", s->key);
	(void)snprintf(files->ca, sizeof(files->ca), "%s", s->control_ca);
	files->control = s->control;
	settings_destroy(s);
	if (options->name != NULL && strcmp(options->name, files->name) != 0) {
		return refuse(why, "--name", options->name,
			"the settings file that is there has another name",
			"leave --name out, or move the file away");
	}
	return 0;
}

static int path_in(
	const char *settings, const char *file, const char *suffix, char *out, size_t size)
{
	const char *slash = strrchr(settings, '/');
	int dir = slash != NULL ? (int)(slash - settings) + 1 : 0;
	int len = snprintf(out, size, "%.*s%s%s", dir, settings, file, suffix);

	return len > 0 && (size_t)len < size ? 0 : ERR_CONFIG;
}

static int from_options(struct enrol_files *files, const struct enrol_options *o, char *why)
{
	if (o->name == NULL || o->ports == NULL || o->control == NULL || o->listen_count == 0) {
		return refuse(why, "--enrol with", o->settings,
			"there is no such settings file yet",
			"give --name, --listen, --ports and --control as authd says");
	}
	if (!msg_is_name(o->name)) {
		return refuse(why, "--name", o->name, "this is no name of a reflector",
			"use 1-64 of A-Z a-z 0-9 . _ @ -");
	}
	if (settings_parse_addr(o->control, &files->control) != 0) {
		return refuse(why, "--control", o->control, "this is not ADDRESS:PORT",
			"give a literal address of this host, such as 192.0.2.10:49200");
	}
	(void)snprintf(files->name, sizeof(files->name), "%s", o->name);
	(void)snprintf(files->user, sizeof(files->user), "%s", o->user != NULL ? o->user : "");
	if (path_in(o->settings, o->name, ".crt", files->certificate, sizeof(files->certificate)) !=
			0 ||
		path_in(o->settings, o->name, ".key", files->key, sizeof(files->key)) != 0 ||
		path_in(o->settings, o->name, "-ca.crt", files->ca, sizeof(files->ca)) != 0) {
		return refuse(why, "--settings", o->settings, "the path is too long",
			"use a shorter one");
	}
	return 0;
}

/* ---- key, request and a certificate for this conversation ---- */

static int take_text(gnutls_datum_t *from, char **to)
{
	*to = strndup((const char *)from->data, from->size);
	gnutls_memset(from->data, 0, from->size);
	gnutls_free(from->data);
	return *to != NULL ? 0 : ERR_NOMEM;
}

static int make_request(struct enrol_files *files, gnutls_x509_privkey_t key)
{
	gnutls_datum_t text = { NULL, 0 };
	gnutls_x509_crq_t crq;

	if (gnutls_x509_crq_init(&crq) < 0) {
		return ERR_NOMEM;
	}
	bool good = gnutls_x509_crq_set_version(crq, 1) >= 0 &&
		gnutls_x509_crq_set_dn_by_oid(crq, GNUTLS_OID_X520_COMMON_NAME, 0, files->name,
			(unsigned)strlen(files->name)) >= 0 &&
		gnutls_x509_crq_set_key(crq, key) >= 0 &&
		gnutls_x509_crq_sign2(crq, key, GNUTLS_DIG_SHA256, 0) >= 0 &&
		gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, &text) >= 0;
	gnutls_x509_crq_deinit(crq);
	return good ? take_text(&text, &files->request_pem) : ERR_INTERNAL;
}

static int self_sign(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	static const unsigned char serial[] = { 1 };
	time_t now = time(NULL);
	bool good = gnutls_x509_crt_set_version(crt, 3) >= 0 &&
		gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)) >= 0 &&
		gnutls_x509_crt_set_activation_time(crt, now - DAY_S) >= 0 &&
		gnutls_x509_crt_set_expiration_time(crt, now + DAY_S) >= 0 &&
		gnutls_x509_crt_set_dn_by_oid(
			crt, GNUTLS_OID_X520_COMMON_NAME, 0, "helio-enrol", 11) >= 0 &&
		gnutls_x509_crt_set_key(crt, key) >= 0 &&
		gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0) >= 0;

	return good ? 0 : ERR_INTERNAL;
}

static int make_creds(struct enrol_files *files, gnutls_x509_privkey_t key)
{
	gnutls_x509_crt_t crt;

	if (gnutls_x509_crt_init(&crt) < 0) {
		return ERR_NOMEM;
	}
	int err = self_sign(crt, key);
	if (err == 0 &&
		(gnutls_certificate_allocate_credentials(&files->creds) < 0 ||
			gnutls_certificate_set_x509_key(files->creds, &crt, 1, key) < 0)) {
		err = ERR_NOMEM;
	}
	gnutls_x509_crt_deinit(crt);
	return err;
}

static int make_key(struct enrol_files *files)
{
	gnutls_datum_t text = { NULL, 0 };
	gnutls_x509_privkey_t key;
	int err = ERR_INTERNAL;

	if (gnutls_x509_privkey_init(&key) < 0) {
		return ERR_NOMEM;
	}
	if (gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
		    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) >= 0 &&
		gnutls_x509_privkey_export2_pkcs8(
			key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &text) >= 0) {
		err = take_text(&text, &files->key_pem);
	}
	if (err == 0) {
		err = make_request(files, key);
	}
	if (err == 0) {
		err = make_creds(files, key);
	}
	gnutls_x509_privkey_deinit(key);
	return err;
}

/* That it can be written is found out before authd spends the code. */
static int check_folder(const char *file, char *why)
{
	char folder[4096];

	(void)snprintf(folder, sizeof(folder), "%s", file);
	char *slash = strrchr(folder, '/');
	if (slash == NULL) {
		(void)snprintf(folder, sizeof(folder), ".");
	} else {
		slash[slash == folder ? 1 : 0] = '\0';
	}
	/* Ours, when its parent is there: the daemon's user reads the settings in it. */
	if (mkdir(folder, 0755) == 0) {
		(void)chmod(folder, 0755);
	}
	return access(folder, W_OK | X_OK) == 0
		? 0
		: refuse(why, "the folder", folder, strerror(errno), "make it, or start as root");
}

int enrol_files_prepare(struct enrol_files *files, const struct enrol_options *options,
	char why[SETTINGS_ERROR_SIZE])
{
	memset(files, 0, sizeof(*files));
	int err = access(options->settings, F_OK) == 0 ? from_settings(files, options, why)
						       : from_options(files, options, why);

	if (err == 0 && !options->force && access(files->key, F_OK) == 0) {
		err = refuse(why, "the key", files->key, "it is there already",
			"add --force to have it replaced");
	}
	if (err == 0 && files->user[0] != '\0' && getpwnam(files->user) == NULL) {
		err = refuse(why, "the user", files->user, "there is none of that name",
			"make it first");
	}
	if (err == 0) {
		err = check_folder(files->key, why);
	}
	if (err == 0) {
		err = make_key(files);
		if (err != 0) {
			(void)snprintf(why, SETTINGS_ERROR_SIZE, "a key cannot be made: %s",
				errcode_text(err));
		}
	}
	return err;
}

/* ---- writing ---- */

static int check_answer(
	const struct enrol_files *files, const struct enrol_answer *answer, char *why)
{
	gnutls_certificate_credentials_t creds;
	const gnutls_datum_t cert = { (unsigned char *)(uintptr_t)answer->certificate,
		(unsigned)strlen(answer->certificate) };
	const gnutls_datum_t key = { (unsigned char *)files->key_pem,
		(unsigned)strlen(files->key_pem) };
	const gnutls_datum_t ca = { (unsigned char *)(uintptr_t)answer->ca,
		(unsigned)strlen(answer->ca) };

	if (gnutls_certificate_allocate_credentials(&creds) < 0) {
		(void)snprintf(why, SETTINGS_ERROR_SIZE, "out of memory");
		return ERR_NOMEM;
	}
	bool good =
		gnutls_certificate_set_x509_key_mem(creds, &cert, &key, GNUTLS_X509_FMT_PEM) >= 0 &&
		gnutls_certificate_set_x509_trust_mem(creds, &ca, GNUTLS_X509_FMT_PEM) == 1;
	gnutls_certificate_free_credentials(creds);
	if (!good || strpbrk(answer->authd_name, "\"\\\r\n\t *") != NULL ||
		answer->authd_name[0] == '\0') {
		return refuse(why, "the answer of", "authd", "it has no certificate for our key",
			"look into authd's log");
	}
	return 0;
}

static int give_to_user(const struct enrol_files *files, const char *file)
{
	const struct passwd *pw =
		files->user[0] != '\0' && geteuid() == 0 ? getpwnam(files->user) : NULL;

	return pw == NULL || chown(file, pw->pw_uid, pw->pw_gid) == 0 ? 0 : ERR_SYSTEM;
}

static int write_one(
	const struct enrol_files *files, const char *file, const char *text, mode_t mode, char *why)
{
	int err = file_store_replace(file, text, strlen(text), mode);

	if (err == 0) {
		err = give_to_user(files, file);
	}
	return err == 0 ? 0
			: refuse(why, "the file", file, strerror(errno),
				  "make room or give leave, and enrol once more with a new code");
}

/* File names alone: they are in the folder of the settings. */
static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int write_settings(const struct enrol_files *files, const struct enrol_options *o,
	const char *authd_name, char *why)
{
	char listen[ENROL_LISTEN_MAX * 64] = "", user[128] = "", fallback[256] = "";
	const char *extra = o->fallback_ports != NULL ? o->fallback_ports : "";
	char *text = NULL;
	size_t at = 0;

	for (unsigned i = 0; i < o->listen_count && at < sizeof(listen); i++) {
		at += (size_t)snprintf(listen + at, sizeof(listen) - at, "%s\"%s\"",
			i > 0 ? ", " : "", o->listen[i]);
	}
	if (files->user[0] != '\0') {
		(void)snprintf(user, sizeof(user), "user = \"%s\"\n", files->user);
	}
	if (extra[0] != '\0') {
		(void)snprintf(fallback, sizeof(fallback), "fallback-ports = {%.200s}\n", extra);
	}
	if (asprintf(&text,
		    "# Written by helio-reflector --enrol; see reflector.conf(5).\n"
		    "name = \"%s\"\nlisten = {%s}\nports = \"%s%s%s\"\n%scontrol = \"%s\"\n"
		    "authd-name = \"%s\"\ncertificate = \"%s\"\nkey = \"%s\"\ncontrol-ca = \"%s\"\n%s",
		    files->name, listen, o->ports, extra[0] != '\0' ? "," : "", extra, fallback,
		    files->control.text, authd_name, base(files->certificate), base(files->key),
		    base(files->ca), user) < 0) {
		(void)snprintf(why, SETTINGS_ERROR_SIZE, "out of memory");
		return ERR_NOMEM;
	}
	int err = write_one(files, o->settings, text, 0644, why);
	free(text);
	return err;
}

int enrol_files_write(struct enrol_files *files, const struct enrol_options *options,
	const struct enrol_answer *answer, char why[SETTINGS_ERROR_SIZE])
{
	int err = check_answer(files, answer, why);

	if (err == 0) {
		err = write_one(files, files->key, files->key_pem, 0600, why);
	}
	if (err == 0) {
		err = write_one(files, files->certificate, answer->certificate, 0644, why);
	}
	if (err == 0) {
		err = write_one(files, files->ca, answer->ca, 0644, why);
	}
	if (err == 0 && !files->have_settings) {
		err = write_settings(files, options, answer->authd_name, why);
	}
	return err;
}

void enrol_files_finish(struct enrol_files *files)
{
	if (files->key_pem != NULL) {
		explicit_bzero(files->key_pem, strlen(files->key_pem));
	}
	free(files->key_pem);
	free(files->request_pem);
	if (files->creds != NULL) {
		gnutls_certificate_free_credentials(files->creds);
	}
	memset(files, 0, sizeof(*files));
}
