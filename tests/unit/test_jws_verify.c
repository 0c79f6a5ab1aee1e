/*
 * jws_verify: RFC 8037, tokens of our own, and forgeries of every kind.
 */
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/base64url.h"
#include "proto/jws_verify.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define TYP "helio+jwt"
#define HEADER "{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}"
#define PAYLOAD "{\"sub\":\"alice\"}"

struct fixture {
	gnutls_privkey_t key;
	uint8_t x[32];
	struct jws_keyset *set;
};

static void make_key(struct fixture *f)
{
	gnutls_ecc_curve_t curve;
	gnutls_datum_t x;

	assert_int_equal(gnutls_privkey_init(&f->key), 0);
	assert_int_equal(gnutls_privkey_generate(f->key, GNUTLS_PK_EDDSA_ED25519, 256, 0), 0);
	assert_int_equal(gnutls_privkey_export_ecc_raw(f->key, &curve, &x, NULL, NULL), 0);
	assert_int_equal(x.size, 32);
	memcpy(f->x, x.data, 32);
	gnutls_free(x.data);
}

static json_t *make_jwk(const uint8_t x[32], const char *kid)
{
	char text[64];

	assert_int_equal(base64url_encode(x, 32, text, sizeof(text)), 0);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kty", "OKP", "crv", "Ed25519", "kid",
		kid, "x", text, "use", "sig", "alg", "EdDSA");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	make_key(f);
	json_t *jwks = json_pack("{s:[o]}", "keys", make_jwk(f->x, "k1"));
	assert_int_equal(jws_keyset_create(&f->set, jwks), 0);
	json_decref(jwks);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	jws_keyset_destroy(f->set);
	gnutls_privkey_deinit(f->key);
	free(f);
	return 0;
}

/* Signs any header and payload, however wrong. */
static void sign(
	const struct fixture *f, const char *header, const char *payload, char *token, size_t size)
{
	gnutls_datum_t sig;

	assert_int_equal(base64url_encode(header, strlen(header), token, size), 0);
	strcat(token, ".");
	size_t n = strlen(token);
	assert_int_equal(base64url_encode(payload, strlen(payload), token + n, size - n), 0);
	const gnutls_datum_t data = { (unsigned char *)token, (unsigned)strlen(token) };
	assert_int_equal(
		gnutls_privkey_sign_data2(f->key, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &sig), 0);
	strcat(token, ".");
	n = strlen(token);
	assert_int_equal(base64url_encode(sig.data, sig.size, token + n, size - n), 0);
	gnutls_free(sig.data);
}

static int verify(const struct fixture *f, const char *token)
{
	json_t *payload = NULL;
	int err = jws_verify(f->set, token, TYP, &payload);

	assert_true((err == 0) == (payload != NULL));
	json_decref(payload);
	return err;
}

static int verify_signed(const struct fixture *f, const char *header, const char *payload)
{
	char token[16384];

	sign(f, header, payload, token, sizeof(token));
	return verify(f, token);
}

/* RFC 8037 appendix A: its header has no typ, so the signature is checked alone. */
static void test_rfc8037(void **state)
{
	static const char x_text[] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
	static const char input[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
	static const char sig_text[] =
		"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVs"
		"Pt9g7sVvpAr_MuM0KAg";
	uint8_t x[32];
	uint8_t sig[64];
	size_t n = sizeof(x);
	char thumb[44];
	char token[512];
	const struct fixture *f = *state;

	assert_int_equal(base64url_decode(x_text, strlen(x_text), x, &n), 0);
	n = sizeof(sig);
	assert_int_equal(base64url_decode(sig_text, strlen(sig_text), sig, &n), 0);
	assert_int_equal(n, 64);
	assert_int_equal(jws_check_signature(x, input, strlen(input), sig), 0);
	assert_int_equal(jws_check_signature(x, input, strlen(input) - 1, sig), ERR_TOKEN_INVALID);
	assert_int_equal(jws_check_signature(f->x, input, strlen(input), sig), ERR_TOKEN_INVALID);
	sig[63] ^= 1;
	assert_int_equal(jws_check_signature(x, input, strlen(input), sig), ERR_TOKEN_INVALID);
	assert_int_equal(jws_thumbprint(x, thumb), 0);
	assert_string_equal(thumb, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
	/* as a token it is refused: no typ, no kid */
	snprintf(token, sizeof(token), "%s.%s", input, sig_text);
	assert_int_equal(verify(f, token), ERR_TOKEN_INVALID);
}

static void test_good(void **state)
{
	const struct fixture *f = *state;
	char token[1024];
	json_t *payload = NULL;

	sign(f, HEADER, PAYLOAD, token, sizeof(token));
	assert_int_equal(jws_verify(f->set, token, TYP, &payload), 0);
	assert_string_equal(json_string_value(json_object_get(payload, "sub")), "alice");
	json_decref(payload);
	assert_int_equal(jws_verify(f->set, token, "JWT", &payload), ERR_TOKEN_INVALID);
}

static void test_headers(void **state)
{
	static const char *const bad[] = {
		"{\"alg\":\"none\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"None\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"NONE\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"nOnE\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"eddsa\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"HS256\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":[\"EdDSA\"],\"typ\":\"helio+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":null,\"typ\":\"helio+jwt\",\"kid\":\"k1\"}",
		"{\"typ\":\"helio+jwt\",\"kid\":\"k1\"}", "{\"alg\":\"EdDSA\",\"kid\":\"k1\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"k1\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"HELIO+JWT\",\"kid\":\"k1\"}",
		"{\"alg\":\"EdDSA\",\"typ\":1,\"kid\":\"k1\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k2\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":1}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\",\"kid\":\"k1\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\",\"alg\":\"EdDSA\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\",\"jku\":\"https://x/\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\",\"x5u\":\"https://x/\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\",\"x5c\":[\"AA\"]}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\",\"crit\":[\"b64\"]}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\",\"crit\":[]}",
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\",\"zip\":\"DEF\"}", "[]",
		"\"EdDSA\"", "", "{}", "{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"} x"
	};
	const struct fixture *f = *state;

	assert_int_equal(verify_signed(f, HEADER, PAYLOAD), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (verify_signed(f, bad[i], PAYLOAD) != ERR_TOKEN_INVALID) {
			fail_msg("accepted: %s", bad[i]);
		}
	}
}

static void test_payloads(void **state)
{
	static const char *const bad[] = { "", "[]", "x", "{\"a\":1,\"a\":2}",
		"{\"a\":\"\\u0000\"}", "{} {}" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(verify_signed(f, HEADER, bad[i]), ERR_TOKEN_INVALID);
	}
}

/* A key that comes with the token, and signs it well, is still a stranger's. */
static void test_own_key(void **state)
{
	const struct fixture *f = *state;
	struct fixture evil = { .set = f->set };
	char header[512];
	char x[64];

	make_key(&evil);
	assert_int_equal(verify_signed(&evil, HEADER, PAYLOAD), ERR_TOKEN_INVALID);
	assert_int_equal(base64url_encode(evil.x, 32, x, sizeof(x)), 0);
	snprintf(header, sizeof(header),
		"{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\",\"jwk\":{\"kty\":\"OKP\","
		"\"crv\":"
		"\"Ed25519\",\"x\":\"%s\"}}",
		x);
	assert_int_equal(verify_signed(&evil, header, PAYLOAD), ERR_TOKEN_INVALID);
	gnutls_privkey_deinit(evil.key);
}

/* HS256 keyed with the public key, in each form an attacker knows it. */
static void test_hmac(void **state)
{
	static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}";
	const struct fixture *f = *state;
	char token[1024];
	char x[64];
	uint8_t mac[32];

	assert_int_equal(base64url_encode(f->x, 32, x, sizeof(x)), 0);
	for (int form = 0; form < 2; form++) {
		assert_int_equal(base64url_encode(header, strlen(header), token, sizeof(token)), 0);
		strcat(token, ".");
		size_t n = strlen(token);
		assert_int_equal(
			base64url_encode(PAYLOAD, strlen(PAYLOAD), token + n, sizeof(token) - n),
			0);
		n = strlen(token);
		assert_int_equal(gnutls_hmac_fast(GNUTLS_MAC_SHA256, form ? (const void *)x : f->x,
					 form ? strlen(x) : 32, token, n, mac),
			0);
		token[n] = '.';
		assert_int_equal(
			base64url_encode(mac, 32, token + n + 1, sizeof(token) - n - 1), 0);
		assert_int_equal(verify(f, token), ERR_TOKEN_INVALID);
	}
}

static void test_forms(void **state)
{
	const struct fixture *f = *state;
	char good[1024];
	char token[LIMIT_TOKEN + 512];

	sign(f, HEADER, PAYLOAD, good, sizeof(good));
	size_t len = strlen(good);
	/* cut anywhere */
	for (size_t i = 0; i < len; i++) {
		memcpy(token, good, i);
		token[i] = '\0';
		assert_int_equal(verify(f, token), ERR_TOKEN_INVALID);
	}
	/* any bit of any character flipped */
	for (size_t i = 0; i < len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			strcpy(token, good);
			token[i] = (char)(token[i] ^ (1 << bit));
			assert_int_equal(verify(f, token), ERR_TOKEN_INVALID);
		}
	}
	static const char *const tails[] = { ".", "=", "==", "A", ".AA", " ", "\n" };
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		snprintf(token, sizeof(token), "%s%s", good, tails[i]);
		assert_int_equal(verify(f, token), ERR_TOKEN_INVALID);
		snprintf(token, sizeof(token), "%s%s", tails[i], good);
		assert_int_equal(verify(f, token), ERR_TOKEN_INVALID);
	}
	assert_int_equal(verify(f, ""), ERR_TOKEN_INVALID);
	assert_int_equal(verify(f, ".."), ERR_TOKEN_INVALID);
	assert_int_equal(verify(f, "..."), ERR_TOKEN_INVALID);
}

static void test_size(void **state)
{
	const struct fixture *f = *state;
	char payload[LIMIT_TOKEN];
	char token[16384];
	size_t reached = 0;

	for (size_t n = 2900; n < 3100; n++) {
		memset(payload, ' ', n);
		memcpy(payload, PAYLOAD, strlen(PAYLOAD));
		payload[n] = '\0';
		sign(f, HEADER, payload, token, sizeof(token));
		size_t len = strlen(token);
		reached = len > reached && len <= LIMIT_TOKEN ? len : reached;
		assert_int_equal(verify(f, token), len <= LIMIT_TOKEN ? 0 : ERR_TOKEN_INVALID);
	}
	assert_true(reached >= LIMIT_TOKEN - 1);
}

static int keyset(json_t *jwks)
{
	struct jws_keyset *set = NULL;
	int err = jws_keyset_create(&set, jwks);

	assert_true((err == 0) == (set != NULL));
	jws_keyset_destroy(set);
	json_decref(jwks);
	return err;
}

static json_t *jwk_with(const struct fixture *f, const char *key, const char *value)
{
	json_t *jwk = make_jwk(f->x, "k1");

	if (value == NULL) {
		json_object_del(jwk, key);
	} else {
		json_object_set_new(jwk, key, json_string(value));
	}
	return json_pack("{s:[o]}", "keys", jwk);
}

static void test_keysets(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(keyset(jwk_with(f, "use", NULL)), 0);
	assert_int_equal(keyset(jwk_with(f, "alg", NULL)), 0);
	assert_int_equal(keyset(jwk_with(f, "kid", NULL)), ERR_BAD_FIELD);
	assert_int_equal(keyset(jwk_with(f, "kid", "")), ERR_BAD_FIELD);
	assert_int_equal(keyset(jwk_with(f, "x", NULL)), ERR_BAD_FIELD);
	assert_int_equal(keyset(jwk_with(f, "x", "AAAA")), ERR_BAD_FIELD);
	assert_int_equal(keyset(jwk_with(f, "x", "????")), ERR_BAD_FIELD);
	assert_int_equal(keyset(jwk_with(f, "kty", "EC")), ERR_BAD_FIELD);
	assert_int_equal(keyset(jwk_with(f, "kty", NULL)), ERR_BAD_FIELD);
	assert_int_equal(keyset(jwk_with(f, "crv", "X25519")), ERR_BAD_FIELD);
	assert_int_equal(keyset(jwk_with(f, "use", "enc")), ERR_BAD_FIELD);
	assert_int_equal(keyset(jwk_with(f, "alg", "ES256")), ERR_BAD_FIELD);
	assert_int_equal(keyset(jwk_with(f, "d", "secret")), ERR_BAD_FIELD);
	assert_int_equal(keyset(json_pack("{}")), ERR_BAD_FIELD);
	assert_int_equal(keyset(json_pack("{s:[]}", "keys")), ERR_BAD_FIELD);
	assert_int_equal(keyset(json_pack("{s:[i]}", "keys", 1)), ERR_BAD_FIELD);
	assert_int_equal(
		keyset(json_pack("{s:[oo]}", "keys", make_jwk(f->x, "a"), make_jwk(f->x, "a"))),
		ERR_BAD_FIELD);
	/* another kind beside a good one */
	assert_int_equal(
		keyset(json_pack("{s:[{s:s}o]}", "keys", "kty", "RSA", make_jwk(f->x, "a"))), 0);
	for (int n = JWS_KEYS_MAX - 1; n <= JWS_KEYS_MAX + 1; n++) {
		json_t *list = json_array();

		for (int i = 0; i < n; i++) {
			char kid[16];

			snprintf(kid, sizeof(kid), "k%d", i);
			json_array_append_new(list, make_jwk(f->x, kid));
		}
		assert_int_equal(keyset(json_pack("{s:o}", "keys", list)),
			n <= JWS_KEYS_MAX ? 0 : ERR_BAD_FIELD);
	}
	jws_keyset_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc8037),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_payloads),
		cmocka_unit_test(test_own_key),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_keysets),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
