/*
 * token_claims: what a token says, as fields. authd builds it, the reflector reads and checks it;
 * doc/protocol.md ("Token") lists the claims.
 */
#ifndef PROTO_TOKEN_CLAIMS_H
#define PROTO_TOKEN_CLAIMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"
#include "proto/limits.h"
#include "proto/room_policy.h"

#define TOKEN_TYP "helio+jwt"

/* Kinds of stream a participant may publish; bits of token_claims.publish. */
enum token_publish {
	TOKEN_PUBLISH_AUDIO = 1,
	TOKEN_PUBLISH_VIDEO = 2,
	TOKEN_PUBLISH_SCREEN = 4,
	TOKEN_PUBLISH_DATA = 8
};

#define TOKEN_PLACES_MAX 8
#define TOKEN_NETS_MAX 16
#define TOKEN_KINDS 4 /* kinds of stream, in the order of enum token_publish's bits */

enum token_duplicate { TOKEN_DUP_REPLACE, TOKEN_DUP_REJECT, TOKEN_DUP_ALLOW };

/* A network: address bytes in network order, 4 or 16 of them, and the bits that count. */
struct token_net {
	uint8_t addr[16];
	uint8_t len; /* 4 or 16 */
	uint8_t bits;
};

struct token_claims {
	char issuer[LIMIT_NAME + 1];
	char audience[LIMIT_NAME + 1]; /* the cluster */
	char participant[LIMIT_PARTICIPANT_ID + 1]; /* "sub" */
	char user[LIMIT_NAME + 1]; /* "usr": the account behind it */
	char display_name[LIMIT_DISPLAY_NAME + 1]; /* "name" */
	char room[LIMIT_NAME + 1];
	char jti[LIMIT_JTI + 1];
	char source[LIMIT_SOURCE + 1]; /* "src": "user", "apikey:ID", "invite:ID" */
	int64_t rev; /* number of the last revocation before it was made */
	int64_t issued_at; /* seconds since the epoch */
	int64_t not_before; /* 0: not set */
	int64_t expires_at;
	unsigned publish; /* enum token_publish, or-ed */
	bool subscribe;
	bool chat;
	bool moderate;
	bool hidden;
	uint64_t bitrate[TOKEN_KINDS]; /* bit/s; 0: no limit */
	int64_t session_s; /* 0: until it expires */
	struct token_net nets[TOKEN_NETS_MAX];
	size_t net_count; /* 0: from anywhere */
	enum token_duplicate duplicate;
	struct room_policy policy;
	/* Where the room may live: "reflector:port", the primary first. */
	char places[TOKEN_PLACES_MAX][LIMIT_NAME + 8];
	size_t place_count;
};

/* Fields from a verified payload. Unknown claims are ignored; a missing or malformed one gives
 * ERR_TOKEN_INVALID. Those that may be missing: nbf, src ("user"), rev (0), ses, nets, dup, policy
 * (ROOM_POLICY_INIT), and of grants hidden and bitrate. Does not look at the clock. */
int token_claims_parse(struct token_claims *claims, const json_t *payload) MUST_CHECK;

/* The payload for these claims, a new reference; NULL when out of memory. */
json_t *token_claims_build(const struct token_claims *claims);

/* What a verifier expects; NULL fields are not compared. */
struct token_expect {
	const char *issuer;
	const char *audience;
	const char *room;
	const char *place; /* "reflector:port" of this worker */
	int64_t now; /* seconds since the epoch */
};

/* 0, ERR_TOKEN_EXPIRED (now >= exp), ERR_TOKEN_EARLY, ERR_TOKEN_AUDIENCE, ERR_TOKEN_INVALID
 * (issuer), ERR_TOKEN_ROOM or ERR_TOKEN_PLACE, the first that applies in this order: audience,
 * issuer, times, room, place. */
int token_claims_check(
	const struct token_claims *claims, const struct token_expect *expect) MUST_CHECK;

/* "192.0.2.0/24", "2001:db8::1" (all bits); ERR_INVALID, also for bits set behind the prefix. */
int token_net_parse(struct token_net *net, const char *text) MUST_CHECK;
/* "192.0.2.0/24". */
void token_net_format(const struct token_net *net, char out[64]);
/* addr is a literal IPv4 or IPv6 address without port or brackets; ::ffff:a.b.c.d counts as IPv4.
 */
bool token_net_has(const struct token_net *net, const char *addr);

/* "audio" -> TOKEN_PUBLISH_AUDIO and so on; 0 for an unknown kind. And back; NULL for none. */
unsigned token_publish_from_name(const char *name);
const char *token_publish_name(unsigned bit);
/* The list of names in object's field, or-ed; names nobody knows count for nothing. ERR_BAD_FIELD.
 */
int token_publish_parse(const json_t *object, const char *key, unsigned *bits) MUST_CHECK;
/* A new list of names; NULL when out of memory. */
json_t *token_publish_build(unsigned bits);

#endif
