/*
 * invite: makes the links of invites and judges those that guests show. Must never let in by the
 * signature alone, nor tell a stranger what was wrong with a link.
 */
#include "authd/invite.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base64url.h"
#include "proto/msg.h"

#define ID_BYTES 16u
#define GUEST_CHARS "abcdefghijklmnopqrstuvwxyz234567"
#define GUEST_LEN 8u
/* No id looks like this, so it costs a look-up like any other. */
#define NO_ID "----------------------"

int invite_make_id(char id[STORE_INVITE_ID + 1])
{
	unsigned char bytes[ID_BYTES];
	int err;

	do { /* one that begins with '-' would look like an option on a command line */
		randombytes_buf(bytes, sizeof(bytes));
		err = base64url_encode(bytes, sizeof(bytes), id, STORE_INVITE_ID + 1);
	} while (err == 0 && id[0] == '-');
	return err;
}

int invite_make_url(struct keyring *ring, const char *issuer, const char *public_url,
	const struct store_invite *row, char **url)
{
	json_t *payload = json_pack("{s:s,s:s,s:s,s:I}", "iss", issuer, "jti", row->id, "room",
		row->room, "exp", (json_int_t)row->expires_at);
	char *token = NULL;

	if (payload == NULL) {
		return ERR_NOMEM;
	}
	int err = keyring_sign(ring, INVITE_TYP, payload, &token);
	json_decref(payload);
	if (err == 0 && asprintf(url, "%s" INVITE_PATH "%s", public_url, token) < 0) {
		err = ERR_NOMEM;
	}
	free(token);
	return err;
}

void invite_make_guest(char user[LIMIT_NAME + 1])
{
	unsigned char bytes[GUEST_LEN];
	char text[GUEST_LEN + 1];

	randombytes_buf(bytes, sizeof(bytes));
	for (size_t i = 0; i < GUEST_LEN; i++) {
		text[i] = GUEST_CHARS[bytes[i] % 32];
	}
	text[GUEST_LEN] = '\0';
	snprintf(user, LIMIT_NAME + 1, "guest-%s", text);
}

void invite_label(const char *text, char label[INVITE_LABEL_SIZE])
{
	const char *hash = strchr(text, '#');
	unsigned char digest[crypto_hash_sha256_BYTES];
	char hex[17];

	text = hash != NULL ? hash + 1 : text;
	crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
	sodium_bin2hex(hex, sizeof(hex), digest, (sizeof(hex) - 1) / 2);
	snprintf(label, INVITE_LABEL_SIZE, "invite:%s", hex);
}

/* The id and room that a signed link names; false when it is not ours. */
static bool read_claims(
	const json_t *payload, const char *issuer, const char **id, const char **room)
{
	const char *iss = NULL;
	int64_t exp = 0;

	return msg_get_string(payload, "iss", LIMIT_NAME, &iss) == 0 && strcmp(iss, issuer) == 0 &&
		msg_get_string(payload, "jti", STORE_INVITE_ID, id) == 0 &&
		strlen(*id) == STORE_INVITE_ID &&
		msg_get_string(payload, "room", LIMIT_NAME, room) == 0 &&
		msg_get_int(payload, "exp", 1, INT64_MAX, &exp) == 0;
}

static bool in_force(const struct store_invite *row, int64_t now)
{
	return row->revoked_at == 0 && now < row->expires_at &&
		(row->uses_max == 0 || row->uses < row->uses_max);
}

int invite_check(struct store *st, struct keyring *ring, const char *issuer, const char *text,
	int64_t now, struct store_invite *out)
{
	const char *hash = strchr(text, '#');
	const char *id = NO_ID, *room = "";
	json_t *payload = NULL;

	memset(out, 0, sizeof(*out));
	int err = keyring_verify(ring, hash != NULL ? hash + 1 : text, INVITE_TYP, &payload);
	if (err != 0 && err != ERR_TOKEN_INVALID) {
		return err;
	}
	bool ours = err == 0 && read_claims(payload, issuer, &id, &room);
	err = store_invite_get(st, ours ? id : NO_ID, out);
	bool holds = err == 0 && ours && strcmp(out->room, room) == 0 && in_force(out, now);
	json_decref(payload);
	if (err != 0 && err != ERR_NOT_FOUND) {
		return err;
	}
	return holds ? 0 : ERR_LOGIN;
}
