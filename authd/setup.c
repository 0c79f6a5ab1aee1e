/*
 * setup: makes what a first authd needs, in an order in which a failure leaves no settings file
 * behind. Never writes over a key or settings that are there unless it was told to, and never over
 * the CA.
 */
#include "authd/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/ca.h"
#include "authd/settings.h"
#include "proto/msg.h"

#define WHY_SIZE 512u
#define TEXT_MAX 4096u

struct setup {
	const struct setup_order *order;
	const char *cluster;
	char dir[PATH_MAX]; /* of the settings file */
	uid_t uid; /* to whom secrets belong */
	gid_t gid;
	char *why;
};

/* Writes a whole file under a name of its own and then puts it in its place. */
static int write_file(struct setup *s, const char *path, const char *text, mode_t mode)
{
	char tmp[PATH_MAX + 8];

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t len = strlen(text);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len || fchown(fd, s->uid, s->gid) != 0 ||
		fchmod(fd, mode) != 0 || fsync(fd) != 0 || rename(tmp, path) != 0) {
		snprintf(s->why, WHY_SIZE, "%.300s cannot be written: %s: are you root?", path,
			strerror(errno));
		if (fd >= 0) {
			close(fd);
			unlink(tmp);
		}
		return ERR_SYSTEM;
	}
	close(fd);
	return 0;
}

static int make_dir(struct setup *s, const char *path, mode_t mode, bool owned)
{
	struct stat sb;
	bool fresh = mkdir(path, mode) == 0;

	if ((!fresh && errno != EEXIST) || stat(path, &sb) != 0 || !S_ISDIR(sb.st_mode) ||
		(fresh && chmod(path, mode) != 0) || (owned && chown(path, s->uid, s->gid) != 0)) {
		snprintf(s->why, WHY_SIZE,
			"the directory %.300s cannot be made: %s: are you root, and is its parent there?",
			path, strerror(errno));
		return ERR_SYSTEM;
	}
	return 0;
}

/* A private key as PEM, and a request for a certificate of it; both the caller's to gnutls_free().
 */
static int make_key(gnutls_datum_t *key_pem, gnutls_datum_t *csr_pem)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crq_t crq = NULL;
	unsigned bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);

	int rc = gnutls_x509_privkey_init(&key);
	if (rc == 0) {
		rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, bits, 0);
	}
	if (rc == 0) {
		rc = gnutls_x509_crq_init(&crq);
	}
	if (rc == 0) {
		rc = gnutls_x509_crq_set_key(crq, key);
	}
	if (rc == 0) {
		rc = gnutls_x509_crq_set_version(crq, 1);
	}
	if (rc == 0) {
		rc = gnutls_x509_crq_sign2(crq, key, GNUTLS_DIG_SHA256, 0);
	}
	if (rc == 0) {
		rc = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, key_pem);
	}
	if (rc == 0) {
		rc = gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, csr_pem);
	}
	gnutls_x509_crq_deinit(crq);
	gnutls_x509_privkey_deinit(key);
	return rc == 0 ? 0 : ERR_INTERNAL;
}

/* authd.crt, authd.key and ca.crt beside the settings file. */
static int write_certificate(struct setup *s, struct ca *ca)
{
	gnutls_datum_t key = { NULL, 0 }, csr = { NULL, 0 };
	char path[PATH_MAX + 16], pin[TLS_PEER_PIN_SIZE];
	char *pem = NULL;

	int err = make_key(&key, &csr);
	if (err == 0) {
		err = ca_sign(ca, (const char *)csr.data, s->order->name, &pem, pin);
	}
	if (err != 0) {
		snprintf(s->why, WHY_SIZE, "the certificate could not be made: %s",
			errcode_text(err));
	} else {
		snprintf(path, sizeof(path), "%s/authd.key", s->dir);
		err = write_file(s, path, (const char *)key.data, 0600);
	}
	if (err == 0) {
		snprintf(path, sizeof(path), "%s/authd.crt", s->dir);
		err = write_file(s, path, pem, 0644);
	}
	if (err == 0) {
		snprintf(path, sizeof(path), "%s/ca.crt", s->dir);
		err = write_file(s, path, ca_certificate(ca), 0644);
	}
	if (key.data != NULL) {
		gnutls_memset(key.data, 0, key.size);
	}
	gnutls_free(key.data);
	gnutls_free(csr.data);
	free(pem);
	return err;
}

/* The CA, made by whoever calls, becomes the daemon's. */
static int make_ca(struct setup *s, struct ca **ca)
{
	static const char *const files[] = { "ca.key", "ca.crt" };
	char path[PATH_MAX + 16];

	int err = ca_open(ca, s->order->state_dir, s->cluster, s->why);
	for (size_t i = 0; err == 0 && i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", s->order->state_dir, files[i]);
		if (chown(path, s->uid, s->gid) != 0) {
			snprintf(s->why, WHY_SIZE, "%.300s cannot be given to its user: %s", path,
				strerror(errno));
			err = ERR_SYSTEM;
		}
	}
	return err;
}

static int write_settings(struct setup *s)
{
	const struct setup_order *o = s->order;
	struct authd_settings *judged = NULL;
	char text[TEXT_MAX], listen[SETUP_LISTEN_MAX * 80] = "", path[PATH_MAX + 8];
	const char *port = o->listen_count > 0 ? strrchr(o->listen[0], ':') : ":443";
	bool v6 = strchr(o->name, ':') != NULL;

	for (size_t i = 0; i < o->listen_count; i++) {
		size_t at = strlen(listen);
		snprintf(listen + at, sizeof(listen) - at, "%s\"%s\"", i > 0 ? ", " : "",
			o->listen[i]);
	}
	if (o->listen_count == 0) {
		snprintf(listen, sizeof(listen), "\"0.0.0.0:443\", \"[::]:443\"");
	}
	int len = snprintf(text, sizeof(text),
		"# helio-authd: see authd.conf(5). helio-authd --check judges this file.\n"
		"cluster = \"%s\"\n"
		"listen = {%s}                 # HTTPS, for tokens\n"
		"certificate = \"authd.crt\"   # for HTTPS; beside this file, from authd's own CA: ca.crt\n"
		"key = \"authd.key\"\n"
		"state-dir = \"%s\"\n"
		"public-url = \"https://%s%s%s%s\"  # what invite links begin with\n",
		s->cluster, listen, o->state_dir, v6 ? "[" : "", o->name, v6 ? "]" : "",
		strcmp(port, ":443") == 0 ? "" : port);
	snprintf(path, sizeof(path), "%s.try", o->settings);
	int err = len < 0 || (size_t)len >= sizeof(text) ? ERR_CONFIG : 0;
	if (err == 0) {
		err = write_file(s, path, text, 0644);
	}
	if (err == 0) {
		err = authd_settings_load(&judged, path, s->why);
		authd_settings_destroy(judged);
	}
	if (err == 0 && rename(path, o->settings) != 0) {
		snprintf(s->why, WHY_SIZE, "%.300s cannot be written: %s", o->settings,
			strerror(errno));
		err = ERR_SYSTEM;
	}
	unlink(path);
	return err;
}

/* A host name of letters, digits, dots and dashes, or an address. */
static bool is_host(const char *name)
{
	size_t len =
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:-");

	return len > 0 && len <= AUTHD_TLS_NAME_MAX && name[len] == '\0';
}

static int judge(struct setup *s)
{
	const struct setup_order *o = s->order;
	struct settings_addr addr;
	char copy[PATH_MAX];

	if (!is_host(o->name)) {
		snprintf(s->why, WHY_SIZE, "\"%.200s\" is no host name and no address", o->name);
		return ERR_INVALID;
	}
	if (!msg_is_name(s->cluster)) {
		snprintf(s->why, WHY_SIZE,
			"the cluster must be 1-64 characters of A-Z a-z 0-9 . _ @ -: give --cluster");
		return ERR_INVALID;
	}
	for (size_t i = 0; i < o->listen_count; i++) {
		if (settings_parse_addr(o->listen[i], &addr) != 0) {
			snprintf(s->why, WHY_SIZE,
				"--listen %.100s: a literal address and a port are needed, "
				"192.0.2.1:443 or [2001:db8::1]:443",
				o->listen[i]);
			return ERR_INVALID;
		}
	}
	if (strpbrk(o->state_dir, "\"\\\n") != NULL || o->state_dir[0] != '/') {
		snprintf(s->why, WHY_SIZE, "--state-dir must be an absolute path without quotes");
		return ERR_INVALID;
	}
	if (!o->force && access(o->settings, F_OK) == 0) {
		snprintf(s->why, WHY_SIZE,
			"%.300s is there already: this authd has been set up. Edit it, or give "
			"--force to write it and its certificate anew",
			o->settings);
		return ERR_EXISTS;
	}
	snprintf(copy, sizeof(copy), "%s", o->settings);
	snprintf(s->dir, sizeof(s->dir), "%s", dirname(copy));
	return 0;
}

static int find_user(struct setup *s)
{
	const char *user = s->order->user;

	s->uid = geteuid();
	s->gid = getegid();
	if (user == NULL) {
		return 0;
	}
	const struct passwd *pw = getpwnam(user);
	if (pw == NULL) {
		snprintf(s->why, WHY_SIZE,
			"there is no user \"%.100s\": make it: adduser --system --group --home %.200s "
			"--no-create-home %.100s",
			user, s->order->state_dir, user);
		return ERR_NOT_FOUND;
	}
	s->uid = pw->pw_uid;
	s->gid = pw->pw_gid;
	return 0;
}

int setup_run(const struct setup_order *order, char why[512])
{
	struct setup s = { .order = order, .why = why };
	struct ca *ca = NULL;

	s.cluster = order->cluster != NULL ? order->cluster : order->name;
	int err = judge(&s);
	if (err == 0) {
		err = find_user(&s);
	}
	if (err == 0) {
		err = make_dir(&s, s.dir, 0755, false);
	}
	if (err == 0) {
		err = make_dir(&s, order->state_dir, 0700, true);
	}
	if (err == 0) {
		err = make_ca(&s, &ca);
	}
	if (err == 0) {
		err = write_certificate(&s, ca);
	}
	if (err == 0) {
		err = write_settings(&s);
	}
	ca_destroy(ca);
	if (err == 0) {
		printf("settings     %s\n"
		       "certificate  %s/authd.crt, for %s, from authd's own CA\n"
		       "clients need %s/ca.crt, or give authd a certificate of a public CA\n"
		       "state        %s: keep it as secret as passwords, and back it up\n"
		       "next         systemctl enable --now helio-authd, then helioctl doctor\n",
			order->settings, s.dir, order->name, s.dir, order->state_dir);
	}
	return err;
}
