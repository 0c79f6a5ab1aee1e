/*
 * jws_verify: compact JWS to payload, or no. The order is: form, header, key, signature, and only
 * then is a byte of the payload parsed. It must never take an algorithm or a key from the token.
 */
#include "proto/jws_verify.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base64url.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define KEY_BYTES 32u
#define SIGNATURE_BYTES 64u
#define KID_MAX 64u
/* What LIMIT_TOKEN characters can decode to. */
#define PART_MAX (LIMIT_TOKEN / 4 * 3 + 3)

struct jws_key {
	char kid[KID_MAX + 1];
	uint8_t x[KEY_BYTES];
};

struct jws_keyset {
	struct jws_key keys[JWS_KEYS_MAX];
	size_t count;
};

/* The three parts of a token; all borrow from it. */
struct parts {
	const char *header, *payload, *signature;
	size_t header_len, payload_len, signature_len;
	size_t signed_len; /* header, dot, payload */
};

static const struct jws_key *find_key(const struct jws_keyset *set, const char *kid)
{
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->keys[i].kid, kid) == 0) {
			return &set->keys[i];
		}
	}
	return NULL;
}

/* True where the field is missing or has this value. */
static bool field_is(const json_t *key, const char *name, const char *value)
{
	const json_t *field = json_object_get(key, name);

	return field == NULL ||
		(json_is_string(field) && strcmp(json_string_value(field), value) == 0);
}

static bool is_ed25519(const json_t *key)
{
	return json_object_get(key, "kty") != NULL && field_is(key, "kty", "OKP") &&
		json_object_get(key, "crv") != NULL && field_is(key, "crv", "Ed25519") &&
		field_is(key, "use", "sig") && field_is(key, "alg", "EdDSA");
}

static int add_key(struct jws_keyset *set, const json_t *jwk)
{
	const char *kid = NULL;
	const char *x = NULL;
	struct jws_key *key = &set->keys[set->count];
	size_t len = KEY_BYTES;

	if (!json_is_object(jwk) || json_object_get(jwk, "d") != NULL) {
		return ERR_BAD_FIELD;
	}
	if (!is_ed25519(jwk)) {
		return 0;
	}
	if (msg_get_string(jwk, "kid", KID_MAX, &kid) != 0 || kid[0] == '\0' ||
		msg_get_string(jwk, "x", base64url_encoded_len(KEY_BYTES), &x) != 0) {
		return ERR_BAD_FIELD;
	}
	if (base64url_decode(x, strlen(x), key->x, &len) != 0 || len != KEY_BYTES ||
		find_key(set, kid) != NULL) {
		return ERR_BAD_FIELD;
	}
	snprintf(key->kid, sizeof(key->kid), "%s", kid);
	set->count++;
	return 0;
}

int jws_keyset_create(struct jws_keyset **out, const json_t *jwks)
{
	const json_t *list = NULL;
	int err = msg_get_array(jwks, "keys", JWS_KEYS_MAX, &list);

	if (err != 0) {
		return err;
	}
	struct jws_keyset *set = calloc(1, sizeof(*set));
	if (set == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; err == 0 && i < json_array_size(list); i++) {
		err = add_key(set, json_array_get(list, i));
	}
	if (err == 0 && set->count == 0) {
		err = ERR_BAD_FIELD;
	}
	if (err != 0) {
		jws_keyset_destroy(set);
		return err;
	}
	*out = set;
	return 0;
}

void jws_keyset_destroy(struct jws_keyset *set)
{
	free(set);
}

static int split(const char *token, struct parts *p)
{
	size_t len = strnlen(token, LIMIT_TOKEN + 1);

	if (len > LIMIT_TOKEN) {
		return ERR_TOKEN_INVALID;
	}
	const char *dot1 = strchr(token, '.');
	const char *dot2 = dot1 == NULL ? NULL : strchr(dot1 + 1, '.');
	if (dot2 == NULL) {
		return ERR_TOKEN_INVALID;
	}
	p->header = token;
	p->header_len = (size_t)(dot1 - token);
	p->payload = dot1 + 1;
	p->payload_len = (size_t)(dot2 - p->payload);
	p->signed_len = (size_t)(dot2 - token);
	/* a third dot is no character of base64url: decoding finds it */
	p->signature = dot2 + 1;
	p->signature_len = len - p->signed_len - 1;
	return 0;
}

/* Decodes one part and parses it as an object. */
static int part_object(const char *text, size_t len, json_t **out)
{
	uint8_t bytes[PART_MAX];
	size_t n = sizeof(bytes);

	if (base64url_decode(text, len, bytes, &n) != 0) {
		return ERR_TOKEN_INVALID;
	}
	int err = msg_parse_object(bytes, n, out);
	return err == 0 || err == ERR_NOMEM ? err : ERR_TOKEN_INVALID;
}

/* The key the header names, or NULL for a header that is not exactly alg, typ and kid. */
static const struct jws_key *judge_header(
	const struct jws_keyset *set, const json_t *header, const char *typ)
{
	const char *alg = NULL;
	const char *got_typ = NULL;
	const char *kid = NULL;

	if (json_object_size(header) != 3 || msg_get_string(header, "alg", 16, &alg) != 0 ||
		msg_get_string(header, "typ", 64, &got_typ) != 0 ||
		msg_get_string(header, "kid", KID_MAX, &kid) != 0) {
		return NULL;
	}
	if (strcmp(alg, "EdDSA") != 0 || strcmp(got_typ, typ) != 0) {
		return NULL;
	}
	return find_key(set, kid);
}

int jws_check_signature(
	const uint8_t public_key[32], const void *bytes, size_t len, const uint8_t signature[64])
{
	gnutls_pubkey_t pub = NULL;
	const gnutls_datum_t x = { (unsigned char *)(uintptr_t)public_key, KEY_BYTES };
	const gnutls_datum_t data = { (unsigned char *)(uintptr_t)bytes, (unsigned)len };
	const gnutls_datum_t sig = { (unsigned char *)(uintptr_t)signature, SIGNATURE_BYTES };

	if (len > LIMIT_TOKEN) {
		return ERR_TOKEN_INVALID;
	}
	if (gnutls_pubkey_init(&pub) != 0) {
		return ERR_NOMEM;
	}
	int rc = gnutls_pubkey_import_ecc_raw(pub, GNUTLS_ECC_CURVE_ED25519, &x, NULL);
	if (rc == 0) {
		rc = gnutls_pubkey_verify_data2(pub, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &sig);
	}
	gnutls_pubkey_deinit(pub);
	if (rc == GNUTLS_E_MEMORY_ERROR) {
		return ERR_NOMEM;
	}
	return rc < 0 ? ERR_TOKEN_INVALID : 0;
}

static int check_parts(const struct jws_keyset *set, const struct parts *p, const char *typ)
{
	json_t *header = NULL;
	uint8_t signature[SIGNATURE_BYTES];
	size_t n = sizeof(signature);

	if (base64url_decode(p->signature, p->signature_len, signature, &n) != 0 ||
		n != sizeof(signature)) {
		return ERR_TOKEN_INVALID;
	}
	int err = part_object(p->header, p->header_len, &header);
	if (err != 0) {
		return err;
	}
	const struct jws_key *key = judge_header(set, header, typ);
	json_decref(header);
	if (key == NULL) {
		return ERR_TOKEN_INVALID;
	}
	return jws_check_signature(key->x, p->header, p->signed_len, signature);
}

int jws_verify(const struct jws_keyset *set, const char *token, const char *typ, json_t **payload)
{
	struct parts p;
	json_t *object = NULL;
	int err = split(token, &p);

	if (err == 0) {
		err = check_parts(set, &p, typ);
	}
	if (err == 0) {
		err = part_object(p.payload, p.payload_len, &object);
	}
	if (err == 0) {
		*payload = object;
	}
	return err;
}

int jws_thumbprint(const uint8_t public_key[32], char out[44])
{
	char x[44];
	char text[128];
	uint8_t hash[32];
	int err = base64url_encode(public_key, KEY_BYTES, x, sizeof(x));

	if (err != 0) {
		return err;
	}
	/* RFC 8037 appendix A.3: these members, in this order, without white space */
	int n = snprintf(
		text, sizeof(text), "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, text, (size_t)n, hash) != 0) {
		return ERR_INTERNAL;
	}
	return base64url_encode(hash, sizeof(hash), out, 44);
}
