/*
 * policy: what grants and rooms allow, as JSON that administrators write (doc/architecture.md,
 * "Policy") and as the claims of a token. Knows neither store nor network.
 */
#ifndef AUTHD_POLICY_H
#define AUTHD_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authd/policy_hours.h"
#include "proto/errcode.h"
#include "proto/token_claims.h"

#define POLICY_WHY 200u /* bytes of a sentence for a person */
#define POLICY_TEXT_MAX 4096u /* bytes of the JSON text, as STORE_JSON_MAX */

/* What one JSON of grants says; what it does not say is not restricted by it. */
struct policy_grants {
	bool has_publish, has_subscribe, has_chat, has_moderate, has_hidden, has_duplicate;
	unsigned publish; /* enum token_publish, or-ed */
	bool subscribe, chat, moderate, hidden;
	uint64_t bitrate[TOKEN_KINDS]; /* bit/s; 0: not said */
	int64_t session_s; /* 0: not said */
	struct token_net nets[TOKEN_NETS_MAX];
	size_t net_count; /* 0: not said */
	enum token_duplicate duplicate;
	struct policy_hours hours;
	const json_t *rooms; /* patterns, borrowed from the JSON; NULL: not said */
};

/* What a room's policy says, with the defaults for what it does not say. */
struct policy_room {
	const json_t *users, *apikeys; /* patterns, borrowed; NULL: everyone */
	bool guests, lobby, e2ee;
	unsigned capacity; /* 0: the reflector's own limit */
	unsigned kinds; /* enum token_publish, or-ed */
	unsigned loudest; /* speakers that are forwarded at once; 0: all */
	struct policy_hours hours;
};

/* Fields of a JSON object, judged strictly: an unknown field or a bad value gives ERR_BAD_FIELD and
 * why names it ("hours[0].from must be HH:MM"). out borrows from object. */
int policy_grants_parse(
	struct policy_grants *out, const json_t *object, char why[POLICY_WHY]) MUST_CHECK;
int policy_room_parse(
	struct policy_room *out, const json_t *object, char why[POLICY_WHY]) MUST_CHECK;

/* Judges object and gives its text for the store: compact, keys in order. NULL as object: "{}".
 * ERR_BAD_FIELD with why, also for a text over POLICY_TEXT_MAX. */
int policy_grants_text(
	const json_t *object, char out[POLICY_TEXT_MAX + 1], char why[POLICY_WHY]) MUST_CHECK;
int policy_room_text(
	const json_t *object, char out[POLICY_TEXT_MAX + 1], char why[POLICY_WHY]) MUST_CHECK;
/* The text that a stored policy was given, as JSON for an answer: a new reference, an empty object
 * for a text that is no object; NULL when out of memory. */
json_t *policy_json(const char *text);
/* A new room's policy: own (may be NULL) laid over the defaults' text; both are judged. */
int policy_room_text_over(const char *defaults, const json_t *own, char out[POLICY_TEXT_MAX + 1],
	char why[POLICY_WHY]) MUST_CHECK;

/* The room as the store has it. */
struct policy_room_row {
	const char *name;
	const char *policy; /* text */
	int64_t rev, epoch, expires_at;
	bool locked;
};

/* What reflectors are told about it. ERR_INTERNAL when the stored text is no policy. */
int policy_room_claim(const struct policy_room_row *row, struct room_policy *out) MUST_CHECK;

enum policy_source { POLICY_USER, POLICY_APIKEY, POLICY_INVITE };

/* Who wants in. */
struct policy_ask {
	enum policy_source source;
	const char *user;
	const char *key_name, *key_id; /* POLICY_APIKEY: one of them must fit the room's patterns */
	const char *address; /* of the person who asks; NULL: not known, not checked here */
	const char *defaults, *grants; /* texts from the store: of everybody, of the source */
	const json_t *requested; /* fewer grants than these; NULL: none */
	struct policy_room_row room;
	int64_t now, life_s;
};

/*
 * Puts them all together and sets the claims publish ... duplicate, policy, not_before and
 * expires_at; issued_at is now. ERR_DENIED with a sentence why (without a full stop);
 * ERR_BAD_FIELD with why for bad requested grants; ERR_INTERNAL for a stored text that is none.
 */
int policy_decide(
	const struct policy_ask *ask, struct token_claims *claims, char why[POLICY_WHY]) MUST_CHECK;

#endif
