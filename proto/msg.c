/*
 * msg: the only file that gives bytes from a peer to jansson. Size and depth are checked before, so
 * that the parser's recursion and memory are bounded; types, lengths and ranges behind.
 */
#include "proto/msg.h"

#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/utf8.h"

#define TYPE_MAX 32u

/* Nesting of brackets outside strings. Text that is no JSON gets some number: jansson refuses it.
 */
static bool depth_within(const char *text, size_t len, unsigned max)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\') {
				i++;
			} else if (c == '"') {
				in_string = false;
			}
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > max) {
				return false;
			}
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return true;
}

static int parse_object(const void *bytes, size_t len, size_t max_len, json_t **out)
{
	json_error_t error = { 0 };

	if (len > max_len) {
		return ERR_TOO_LARGE;
	}
	if (len == 0 || !depth_within(bytes, len, LIMIT_JSON_DEPTH)) {
		return ERR_BAD_JSON;
	}
	json_t *object = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL) {
		/* jansson writes no text where an allocation inside the parser failed */
		return error.text[0] == '\0' || json_error_code(&error) == json_error_out_of_memory
			? ERR_NOMEM
			: ERR_BAD_JSON;
	}
	if (!json_is_object(object)) {
		json_decref(object);
		return ERR_BAD_JSON;
	}
	*out = object;
	return 0;
}

int msg_parse_object(const void *bytes, size_t len, json_t **out)
{
	return parse_object(bytes, len, LIMIT_JSON_BYTES, out);
}

int msg_parse_max(const void *bytes, size_t len, size_t max_len, json_t **out, const char **type)
{
	json_t *object = NULL;
	const char *t = NULL;
	int err = parse_object(bytes, len, max_len, &object);

	if (err != 0) {
		return err;
	}
	err = msg_get_string(object, "type", TYPE_MAX, &t);
	if (err != 0 || t[0] == '\0') {
		json_decref(object);
		return ERR_BAD_FIELD;
	}
	*type = t;
	*out = object;
	return 0;
}

int msg_parse(const void *bytes, size_t len, json_t **out, const char **type)
{
	return msg_parse_max(bytes, len, LIMIT_JSON_BYTES, out, type);
}

char *msg_dump(const json_t *object, size_t *len)
{
	/* json_dumps() leaves keys out when it cannot allocate; this way it has nothing to allocate
	 */
	size_t size = json_dumpb(object, NULL, 0, JSON_COMPACT);
	char *text = size == 0 ? NULL : malloc(size + 1);

	if (text == NULL) {
		return NULL;
	}
	if (json_dumpb(object, text, size, JSON_COMPACT) != size) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	if (len != NULL) {
		*len = size;
	}
	return text;
}

static int string_value(const json_t *value, size_t max_len, const char **out)
{
	if (!json_is_string(value) || json_string_length(value) > max_len) {
		return ERR_BAD_FIELD;
	}
	*out = json_string_value(value);
	return 0;
}

int msg_get_string(const json_t *object, const char *key, size_t max_len, const char **out)
{
	return string_value(json_object_get(object, key), max_len, out);
}

int msg_opt_string(const json_t *object, const char *key, size_t max_len, const char **out)
{
	const json_t *value = json_object_get(object, key);

	return value == NULL ? 0 : string_value(value, max_len, out);
}

static int int_value(const json_t *value, int64_t min, int64_t max, int64_t *out)
{
	if (!json_is_integer(value)) {
		return ERR_BAD_FIELD;
	}
	json_int_t v = json_integer_value(value);
	if (v < min || v > max) {
		return ERR_BAD_FIELD;
	}
	*out = v;
	return 0;
}

int msg_get_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out)
{
	return int_value(json_object_get(object, key), min, max, out);
}

int msg_opt_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out)
{
	const json_t *value = json_object_get(object, key);

	return value == NULL ? 0 : int_value(value, min, max, out);
}

int msg_opt_bool(const json_t *object, const char *key, bool *out)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL) {
		return 0;
	}
	if (!json_is_boolean(value)) {
		return ERR_BAD_FIELD;
	}
	*out = json_is_true(value);
	return 0;
}

int msg_get_array(const json_t *object, const char *key, size_t max_len, const json_t **out)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_array(value) || json_array_size(value) > max_len) {
		return ERR_BAD_FIELD;
	}
	*out = value;
	return 0;
}

int msg_get_object(const json_t *object, const char *key, const json_t **out)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_object(value)) {
		return ERR_BAD_FIELD;
	}
	*out = value;
	return 0;
}

/* ctype.h asks the locale; names must not. */
static bool is_device_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '-';
}

static bool name_in(const char *s, size_t len)
{
	if (len < 1 || len > LIMIT_NAME) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (!is_device_char(s[i]) && s[i] != '.' && s[i] != '@') {
			return false;
		}
	}
	return true;
}

bool msg_is_name(const char *s)
{
	return name_in(s, strnlen(s, LIMIT_NAME + 1));
}

bool msg_is_participant_id(const char *s)
{
	size_t len = strnlen(s, LIMIT_PARTICIPANT_ID + 1);
	const char *plus = memchr(s, '+', len);

	if (plus == NULL) {
		return name_in(s, len);
	}
	size_t user_len = (size_t)(plus - s);
	size_t device_len = len - user_len - 1;
	if (!name_in(s, user_len) || device_len < 1 || device_len > LIMIT_DEVICE) {
		return false;
	}
	for (size_t i = 0; i < device_len; i++) {
		if (!is_device_char(plus[1 + i])) {
			return false;
		}
	}
	return true;
}

static bool is_plain_text(const char *s, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t cp = 0;
		size_t n = utf8_decode(s + at, len - at, &cp);

		if (n == 0 || utf8_is_control(cp)) {
			return false;
		}
		at += n;
	}
	return true;
}

bool msg_is_display_name(const char *s)
{
	size_t len = strnlen(s, LIMIT_DISPLAY_NAME + 1);

	return len >= 1 && len <= LIMIT_DISPLAY_NAME && is_plain_text(s, len);
}

bool msg_is_codec(const char *s)
{
	size_t len = strnlen(s, LIMIT_CODEC + 1);

	for (size_t i = 0; i < len; i++) {
		if (s[i] <= 0x20 || s[i] >= 0x7f) {
			return false;
		}
	}
	return len >= 1 && len <= LIMIT_CODEC;
}

bool msg_is_label(const char *s)
{
	size_t len = strnlen(s, LIMIT_LABEL + 1);

	return len <= LIMIT_LABEL && is_plain_text(s, len);
}
