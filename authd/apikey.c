/*
 * apikey: makes API keys and judges those that callers show. Must never keep a secret, nor tell by
 * time or answer which part of a key was wrong.
 */
#include "authd/apikey.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "authd/pattern.h"
#include "proto/base64url.h"

#define PREFIX "hk_"
#define PREFIX_LEN 3u
#define ID_CHARS "abcdefghijklmnopqrstuvwxyz234567"
#define SECRET_BYTES 32u

static int hash_secret(const char *secret, char out[STORE_KEY_HASH + 1])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, (const unsigned char *)secret, strlen(secret));
	return base64url_encode(digest, sizeof(digest), out, STORE_KEY_HASH + 1);
}

int apikey_make(struct store_apikey *key, char text[APIKEY_TEXT_SIZE])
{
	unsigned char bytes[SECRET_BYTES], id[STORE_KEY_ID];
	char secret[APIKEY_SECRET + 1];

	randombytes_buf(id, sizeof(id));
	for (size_t i = 0; i < STORE_KEY_ID; i++) {
		key->id[i] = ID_CHARS[id[i] % 32];
	}
	key->id[STORE_KEY_ID] = '\0';
	randombytes_buf(bytes, sizeof(bytes));
	int err = base64url_encode(bytes, sizeof(bytes), secret, sizeof(secret));
	if (err == 0) {
		err = hash_secret(secret, key->hash);
	}
	snprintf(text, APIKEY_TEXT_SIZE, PREFIX "%s_%s", key->id, secret);
	sodium_memzero(bytes, sizeof(bytes));
	sodium_memzero(secret, sizeof(secret));
	return err;
}

const char *apikey_of_bearer(const char *authorization)
{
	static const char scheme[] = "Bearer ";

	if (authorization == NULL || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0) {
		return NULL;
	}
	const char *text = authorization + sizeof(scheme) - 1;
	return strncmp(text, PREFIX, PREFIX_LEN) == 0 ? text : NULL;
}

/* Takes the text apart; what is malformed becomes an id and a secret that nobody has, so that it is
 * looked up and compared like any other. */
static void take_apart(const char *text, char id[STORE_KEY_ID + 1], char secret[APIKEY_SECRET + 1])
{
	memset(id, '0', STORE_KEY_ID);
	id[STORE_KEY_ID] = '\0';
	memset(secret, '0', APIKEY_SECRET);
	secret[APIKEY_SECRET] = '\0';
	if (strnlen(text, APIKEY_TEXT_SIZE) == APIKEY_TEXT_SIZE - 1 &&
		strncmp(text, PREFIX, PREFIX_LEN) == 0 &&
		strspn(text + PREFIX_LEN, ID_CHARS) == STORE_KEY_ID &&
		text[PREFIX_LEN + STORE_KEY_ID] == '_') {
		memcpy(id, text + PREFIX_LEN, STORE_KEY_ID);
		memcpy(secret, text + PREFIX_LEN + STORE_KEY_ID + 1, APIKEY_SECRET);
	}
}

int apikey_check(struct store *st, const char *text, int64_t now, struct store_apikey *out)
{
	char id[STORE_KEY_ID + 1], secret[APIKEY_SECRET + 1], hash[STORE_KEY_HASH + 1];

	memset(out, 0, sizeof(*out));
	take_apart(text, id, secret);
	int err = store_apikey_get(st, id, out);
	if (err != 0 && err != ERR_NOT_FOUND) {
		return err;
	}
	int hash_err = hash_secret(secret, hash);
	sodium_memzero(secret, sizeof(secret));
	if (hash_err != 0) {
		return hash_err;
	}
	bool same = sodium_memcmp(hash, out->hash, STORE_KEY_HASH) == 0;
	bool in_force = out->revoked_at == 0 && (out->expires_at == 0 || now < out->expires_at);
	/* A row found by its name is none found by its id. */
	bool named = strcmp(out->id, id) == 0;
	return err == 0 && same && in_force && named ? 0 : ERR_LOGIN;
}

bool apikey_allows_room(const struct store_apikey *key, const char *room)
{
	json_t *list = json_loads(key->rooms, 0, NULL);
	bool allows = list != NULL && pattern_list_match(list, room);

	json_decref(list);
	return allows;
}
