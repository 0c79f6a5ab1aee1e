/*
 * pass_crypt: owns the use of libxcrypt. Must never verify a hash of another kind than the two it
 * names (crypt() would take DES), and never let in a hash whose cost nobody bounded.
 */
#include "authd/pass_crypt.h"

#include <crypt.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CRYPT64 "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define SHA512_HASH 86u /* characters */
#define SHA512_SALT 16u
#define YESCRYPT_HASH 43u
#define YESCRYPT_SALT 86u

static const char *const not_known =
	"hash must begin with $y$ (yescrypt) or $6$ (SHA-512): others cannot be imported; set a "
	"password instead";
static const char *const malformed =
	"hash is not whole: copy the second field of the shadow file as it is";
static const char *const too_dear =
	"hash costs too much for each guess (at most 1,000,000 rounds, or 128 MiB): set a password "
	"instead";

bool pass_crypt_is(const char *hash)
{
	return strncmp(hash, "$y$", 3) == 0 || strncmp(hash, "$6$", 3) == 0;
}

/* Salt, "$" and a hash of exactly so many characters. */
static bool is_salt_and_hash(const char *s, size_t salt_max, size_t hash_len)
{
	size_t salt = strspn(s, CRYPT64);

	return salt > 0 && salt <= salt_max && s[salt] == '$' && strlen(s + salt + 1) == hash_len &&
		strspn(s + salt + 1, CRYPT64) == hash_len;
}

/* $6$[rounds=N$]salt$hash */
static const char *judge_sha512(const char *s)
{
	if (strncmp(s, "rounds=", 7) == 0) {
		s += 7;
		size_t digits = strspn(s, "0123456789");
		if (digits == 0 || s[digits] != '$') {
			return malformed;
		}
		if (digits > 7 || strtoul(s, NULL, 10) > PASS_CRYPT_ROUNDS_MAX) {
			return too_dear;
		}
		s += digits + 1;
	}
	return is_salt_and_hash(s, SHA512_SALT, SHA512_HASH) ? NULL : malformed;
}

/* $y$jNR$salt$hash, as crypt_gensalt() makes them: flavour j, the binary logarithm of N less one,
 * and r less one in one digit each; it takes 128 * N * r bytes. */
static const char *judge_yescrypt(const char *s)
{
	const char *n = s[0] == 'j' && s[1] != '\0' ? strchr(CRYPT64, s[1]) : NULL;
	const char *r = n != NULL && s[2] != '\0' ? strchr(CRYPT64, s[2]) : NULL;

	if (r == NULL || s[3] != '$') {
		return malformed;
	}
	size_t log2_n = (size_t)(n - CRYPT64) + 1, blocks = (size_t)(r - CRYPT64) + 1;
	if (log2_n > 20 || (blocks * 128 << log2_n) > PASS_CRYPT_MEMORY_MAX) {
		return too_dear;
	}
	return is_salt_and_hash(s + 4, YESCRYPT_SALT, YESCRYPT_HASH) ? NULL : malformed;
}

const char *pass_crypt_judge(const char *hash)
{
	if (!pass_crypt_is(hash)) {
		return not_known;
	}
	return hash[1] == '6' ? judge_sha512(hash + 3) : judge_yescrypt(hash + 3);
}

int pass_crypt_verify(const char *hash, const char *password)
{
	struct crypt_data *data = calloc(1, sizeof(*data)); /* 32 KiB: not for the stack */
	int err = ERR_LOGIN;

	if (data == NULL) {
		return ERR_NOMEM;
	}
	errno = 0;
	const char *made = pass_crypt_is(hash) ? crypt_r(password, hash, data) : NULL;
	if (made == NULL || made[0] == '*') { /* too long a password, or no memory */
		err = errno == ENOMEM ? ERR_NOMEM : ERR_LOGIN;
	} else if (strlen(made) == strlen(hash) && sodium_memcmp(made, hash, strlen(made)) == 0) {
		err = 0;
	}
	sodium_memzero(data, sizeof(*data));
	free(data);
	return err;
}
