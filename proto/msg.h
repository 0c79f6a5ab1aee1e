/*
 * msg: JSON of control messages. Parsing is bounded before jansson sees a byte (size, depth);
 * duplicate keys are refused; a message is an object with a string "type". Field getters check
 * type, length and character set, so that no caller touches a json_t of the wrong kind.
 */
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

/*
 * Parses one JSON object. ERR_TOO_LARGE over LIMIT_JSON_BYTES, ERR_BAD_JSON for anything that is
 * not one object in valid UTF-8, is deeper than LIMIT_JSON_DEPTH, has a key twice or a NUL in a
 * string. On success *out is a new reference for the caller to json_decref().
 */
int msg_parse_object(const void *bytes, size_t len, json_t **out) MUST_CHECK;

/* As above, and it must have a string "type" of 1..32 characters: *type borrows from *out.
 * ERR_BAD_FIELD without it. */
int msg_parse(const void *bytes, size_t len, json_t **out, const char **type) MUST_CHECK;

/* As msg_parse, with a bound of its own in place of LIMIT_JSON_BYTES (channels between our own
 * processes). */
int msg_parse_max(
	const void *bytes, size_t len, size_t max_len, json_t **out, const char **type) MUST_CHECK;

/* Compact JSON text of the object, NUL-terminated; the caller frees it. NULL when out of memory.
 * *len may be NULL. */
char *msg_dump(const json_t *object, size_t *len);

/* Fields. A required field that is missing and any field of the wrong type or out of bounds give
 * ERR_BAD_FIELD; an optional one that is missing leaves *out as it was. Strings borrow. */
int msg_get_string(
	const json_t *object, const char *key, size_t max_len, const char **out) MUST_CHECK;
int msg_opt_string(
	const json_t *object, const char *key, size_t max_len, const char **out) MUST_CHECK;
int msg_get_int(
	const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out) MUST_CHECK;
int msg_opt_int(
	const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out) MUST_CHECK;
int msg_opt_bool(const json_t *object, const char *key, bool *out) MUST_CHECK;
int msg_get_array(
	const json_t *object, const char *key, size_t max_len, const json_t **out) MUST_CHECK;
int msg_get_object(const json_t *object, const char *key, const json_t **out) MUST_CHECK;

/* Room, user and reflector names: 1..LIMIT_NAME of [A-Za-z0-9._@-]. */
bool msg_is_name(const char *s);
/* Participant id: a name, or name+device; 1..LIMIT_PARTICIPANT_ID. */
bool msg_is_participant_id(const char *s);
/* Display name: 1..LIMIT_DISPLAY_NAME bytes of UTF-8 without control characters (C0, C1, DEL),
 * line or paragraph separators and bidirectional controls. */
bool msg_is_display_name(const char *s);
/* Codec: 1..LIMIT_CODEC printable characters of ASCII without space. */
bool msg_is_codec(const char *s);
/* Label of a stream: empty, or up to LIMIT_LABEL bytes as in a display name. */
bool msg_is_label(const char *s);

#endif
