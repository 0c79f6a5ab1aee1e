/*
 * enrol_code: code to key (HKDF-SHA256), key and connection to proof (HMAC-SHA256). Must never show
 * a key or a proof to a log.
 */
#include "common/enrol_code.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "proto/base64url.h"

#define SYMBOLS 20u
#define KEY_LEN 32u
#define EXPORT_LABEL "EXPORTER-helio-enrol-1"

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

int enrol_code_make(char out[ENROL_CODE_TEXT + 1])
{
	uint8_t random[SYMBOLS];
	size_t at = 0;

	if (gnutls_rnd(GNUTLS_RND_KEY, random, sizeof(random)) < 0) {
		return ERR_INTERNAL;
	}
	for (size_t i = 0; i < SYMBOLS; i++) {
		if (i > 0 && i % 4 == 0) {
			out[at++] = '-';
		}
		out[at++] = alphabet[random[i] & 31]; /* 32 symbols: all are as likely */
	}
	out[at] = '\0';
	gnutls_memset(random, 0, sizeof(random));
	return 0;
}

/* As it was made: lower case, without hyphens or blanks. */
static int normalise(const char *code, char out[SYMBOLS + 1])
{
	size_t len = 0;

	for (; *code != '\0'; code++) {
		char c = *code;
		if (c == '-' || c == ' ') {
			continue;
		}
		if (c >= 'A' && c <= 'Z') {
			c = (char)(c - 'A' + 'a');
		}
		if (len == SYMBOLS || strchr(alphabet, c) == NULL) {
			return ERR_INVALID;
		}
		out[len++] = c;
	}
	out[len] = '\0';
	return len == SYMBOLS ? 0 : ERR_INVALID;
}

int enrol_code_key(const char *code, char out[ENROL_KEY_TEXT + 1])
{
	static const char info_text[] = "helio-enrol/1";
	char plain[SYMBOLS + 1];
	uint8_t prk[32], key[KEY_LEN];
	int err = normalise(code, plain);

	if (err != 0) {
		return err;
	}
	const gnutls_datum_t secret = { (unsigned char *)plain, SYMBOLS };
	const gnutls_datum_t salt = { NULL, 0 };
	const gnutls_datum_t prk_datum = { prk, sizeof(prk) };
	const gnutls_datum_t info = { (unsigned char *)(uintptr_t)info_text,
		sizeof(info_text) - 1 };
	err = gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &secret, &salt, prk) == 0 &&
			gnutls_hkdf_expand(
				GNUTLS_MAC_SHA256, &prk_datum, &info, key, sizeof(key)) == 0
		? base64url_encode(key, sizeof(key), out, ENROL_KEY_TEXT + 1)
		: ERR_INTERNAL;
	gnutls_memset(plain, 0, sizeof(plain));
	gnutls_memset(prk, 0, sizeof(prk));
	gnutls_memset(key, 0, sizeof(key));
	return err;
}

static int make_proof(const char *key, struct tls_io *io, enum enrol_side side, uint8_t proof[32])
{
	const char *context =
		side == ENROL_AUTHD ? "helio-enrol/1 authd" : "helio-enrol/1 reflector";
	uint8_t raw[KEY_LEN], text[64];
	size_t raw_len = sizeof(raw), len = strlen(context);

	if (base64url_decode(key, strlen(key), raw, &raw_len) != 0 || raw_len != sizeof(raw)) {
		return ERR_INVALID;
	}
	memcpy(text, context, len);
	int err = tls_io_export(io, EXPORT_LABEL, text + len);
	if (err == 0 &&
		gnutls_hmac_fast(GNUTLS_MAC_SHA256, raw, sizeof(raw), text, len + 32, proof) != 0) {
		err = ERR_INTERNAL;
	}
	gnutls_memset(raw, 0, sizeof(raw));
	return err;
}

int enrol_code_prove(
	const char *key, struct tls_io *io, enum enrol_side side, char out[ENROL_PROOF_TEXT + 1])
{
	uint8_t proof[32];
	int err = make_proof(key, io, side, proof);

	return err == 0 ? base64url_encode(proof, sizeof(proof), out, ENROL_PROOF_TEXT + 1) : err;
}

int enrol_code_check(const char *key, struct tls_io *io, enum enrol_side side, const char *proof)
{
	uint8_t want[32], got[32];
	size_t len = sizeof(got);
	int err = make_proof(key, io, side, want);

	if (err != 0) {
		return err;
	}
	if (base64url_decode(proof, strlen(proof), got, &len) != 0 || len != sizeof(got) ||
		gnutls_memcmp(want, got, sizeof(want)) != 0) {
		return ERR_DENIED;
	}
	return 0;
}
