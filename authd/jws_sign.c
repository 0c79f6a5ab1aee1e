/*
 * jws_sign: owns the private signing key. Must never log it, hand it out or write it anywhere but
 * to its own file, and never uses a key file that others can read.
 */
#include "authd/jws_sign.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file_store.h"
#include "proto/base64url.h"
#include "proto/jws_verify.h"

#define KEY_FILE_MAX 8192
#define SIGNATURE_LEN 64u

struct jws_signer {
	gnutls_privkey_t key;
	struct jws_public pub;
};

/* The file is never there half, and never replaced. */
static int write_key_file(const char *file, const gnutls_datum_t *pem, char why[512])
{
	int err = file_store_new(file, pem->data, pem->size, 0600);

	if (err != 0) {
		snprintf(why, 512,
			"the signing key %.300s cannot be written: %s: check the folder's owner and space",
			file, strerror(errno));
	}
	return err;
}

static int make_key_file(const char *file, char why[512])
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t pem = { NULL, 0 };
	int err = ERR_INTERNAL;

	if (gnutls_x509_privkey_init(&key) < 0) {
		snprintf(why, 512, "out of memory");
		return ERR_NOMEM;
	}
	if (gnutls_x509_privkey_generate(key, GNUTLS_PK_EDDSA_ED25519, 0, 0) >= 0 &&
		gnutls_x509_privkey_export2_pkcs8(
			key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem) >= 0) {
		err = write_key_file(file, &pem, why);
	} else {
		snprintf(why, 512, "an Ed25519 key cannot be made");
	}
	if (pem.data != NULL) {
		sodium_memzero(pem.data, pem.size);
		gnutls_free(pem.data);
	}
	gnutls_x509_privkey_deinit(key);
	return err;
}

static int check_key_file(int fd, const char *file, char why[512])
{
	struct stat sb;

	if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode)) {
		snprintf(why, 512, "the signing key %.300s is not a regular file", file);
		return ERR_CONFIG;
	}
	if (sb.st_uid != geteuid()) {
		snprintf(why, 512,
			"the signing key %.300s belongs to uid %u, not to this daemon's %u: chown it",
			file, (unsigned)sb.st_uid, (unsigned)geteuid());
		return ERR_CONFIG;
	}
	if ((sb.st_mode & 077) != 0) {
		snprintf(why, 512,
			"the signing key %.300s has mode %04o, others can read it: chmod 600 it, and consider it known",
			file, (unsigned)(sb.st_mode & 07777));
		return ERR_CONFIG;
	}
	if (sb.st_size <= 0 || sb.st_size > KEY_FILE_MAX) {
		snprintf(why, 512, "the signing key %.300s is not a PEM key", file);
		return ERR_CONFIG;
	}
	return 0;
}

/* Makes the file when there is none. Does not wait for a writer, should it be a pipe. */
static int open_key_file(const char *file, int *fd, char why[512])
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

	*fd = open(file, flags);
	if (*fd < 0 && errno == ENOENT) {
		int err = make_key_file(file, why);
		if (err != 0) {
			return err;
		}
		*fd = open(file, flags);
	}
	if (*fd < 0) {
		snprintf(why, 512, "the signing key %.300s cannot be opened: %s", file,
			strerror(errno));
		return ERR_CONFIG;
	}
	return 0;
}

static int import_key(struct jws_signer *s, gnutls_datum_t *pem)
{
	gnutls_ecc_curve_t curve;
	gnutls_datum_t x = { NULL, 0 };
	gnutls_pubkey_t pub = NULL;
	int err = ERR_CONFIG;

	if (gnutls_privkey_init(&s->key) < 0 || gnutls_pubkey_init(&pub) < 0) {
		err = ERR_NOMEM;
	} else if (gnutls_privkey_import_x509_raw(s->key, pem, GNUTLS_X509_FMT_PEM, NULL, 0) >= 0 &&
		gnutls_pubkey_import_privkey(pub, s->key, 0, 0) >= 0 &&
		gnutls_pubkey_export_ecc_raw2(pub, &curve, &x, NULL, 0) >= 0 &&
		curve == GNUTLS_ECC_CURVE_ED25519 && x.size == sizeof(s->pub.key)) {
		memcpy(s->pub.key, x.data, sizeof(s->pub.key));
		err = jws_thumbprint(s->pub.key, s->pub.kid);
	}
	gnutls_free(x.data);
	gnutls_pubkey_deinit(pub);
	return err;
}

int jws_signer_open(struct jws_signer **out, const char *file, char why[512])
{
	char text[KEY_FILE_MAX];
	int fd = -1;
	int err = open_key_file(file, &fd, why);

	if (err != 0) {
		return err;
	}
	struct jws_signer *s = NULL;
	err = check_key_file(fd, file, why);
	if (err != 0) {
		goto close_file;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		snprintf(why, 512, "out of memory");
		err = ERR_NOMEM;
		goto close_file;
	}
	ssize_t len = read(fd, text, sizeof(text));
	gnutls_datum_t pem = { (unsigned char *)text, len > 0 ? (unsigned)len : 0 };
	err = import_key(s, &pem);
	sodium_memzero(text, sizeof(text));
	if (err != 0) {
		snprintf(why, 512,
			"the signing key %.300s is not an Ed25519 key in PEM: move it away to have one made",
			file);
		jws_signer_destroy(s);
		goto close_file;
	}
	*out = s;
close_file:
	close(fd);
	return err;
}

void jws_signer_destroy(struct jws_signer *signer)
{
	if (signer == NULL) {
		return;
	}
	if (signer->key != NULL) {
		gnutls_privkey_deinit(signer->key);
	}
	free(signer);
}

const struct jws_public *jws_signer_public(const struct jws_signer *signer)
{
	return &signer->pub;
}

/* Appends the base64url of the object's compact text at *at of a buffer with room for it. */
static int append_object(char *token, size_t size, size_t *at, const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	int err = ERR_NOMEM;

	if (text != NULL) {
		err = base64url_encode(text, strlen(text), token + *at, size - *at);
		*at += strlen(token + *at);
		free(text);
	}
	return err;
}

static int append_signature(const struct jws_signer *signer, char *token, size_t size, size_t *at)
{
	gnutls_datum_t data = { (unsigned char *)token, (unsigned)*at };
	gnutls_datum_t sig = { NULL, 0 };
	int err = ERR_INTERNAL;

	if (gnutls_privkey_sign_data2(signer->key, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &sig) >=
			0 &&
		sig.size == SIGNATURE_LEN) {
		token[(*at)++] = '.';
		err = base64url_encode(sig.data, sig.size, token + *at, size - *at);
	}
	gnutls_free(sig.data);
	return err;
}

int jws_sign(const struct jws_signer *signer, const char *typ, const json_t *payload, char **token)
{
	json_t *header =
		json_pack("{s:s,s:s,s:s}", "alg", "EdDSA", "typ", typ, "kid", signer->pub.kid);
	size_t text_len = json_dumpb(payload, NULL, 0, JSON_COMPACT);
	size_t size = base64url_encoded_len(text_len) + base64url_encoded_len(SIGNATURE_LEN) + 512;
	char *text = calloc(1, size);
	size_t at = 0;
	int err = ERR_NOMEM;

	if (header != NULL && text != NULL && text_len > 0) {
		err = append_object(text, size, &at, header);
		if (err == 0) {
			text[at++] = '.';
			err = append_object(text, size, &at, payload);
		}
		if (err == 0) {
			err = append_signature(signer, text, size, &at);
		}
	}
	json_decref(header);
	if (err != 0) {
		free(text);
		return err == ERR_NOMEM ? ERR_NOMEM : ERR_INTERNAL;
	}
	*token = text;
	return 0;
}
