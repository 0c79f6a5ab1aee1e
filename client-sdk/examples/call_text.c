/*
 * call_text: errors for people and strings from the network made safe. What others choose (names,
 * chat) never reaches the terminal or a JSON line but through here.
 */
#include "client-sdk/examples/call_text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void call_text_error(const char *what, const char *why, const char *help)
{
	const char *end = help[0] != '\0' && help[strlen(help) - 1] == '?' ? "" : ".";

	fprintf(stderr, "helio-call: %s: %s. %s%s\n", what, why, help, end);
}

void call_text_errorf(const char *help, const char *why, const char *what, ...)
{
	char text[512], safe[512];
	va_list ap;

	va_start(ap, what);
	vsnprintf(text, sizeof(text), what, ap);
	va_end(ap);
	call_text_clean(safe, sizeof(safe), text, strlen(text));
	call_text_error(safe, why, help);
}

/* Length of the character at s and its value; 0: not UTF-8 (RFC 3629). */
static size_t decode_utf8(const char *s, size_t left, uint32_t *value)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t c = (uint8_t)s[0];
	size_t n = c < 0x80               ? 1
		: (c >= 0xc2 && c < 0xe0) ? 2
		: (c & 0xf0) == 0xe0      ? 3
		: (c >= 0xf0 && c < 0xf5) ? 4
					  : 0;

	if (n == 0 || n > left) {
		return 0;
	}
	uint32_t v = n == 1 ? c : (uint32_t)c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (((uint8_t)s[i] & 0xc0) != 0x80) {
			return 0;
		}
		v = v << 6 | ((uint32_t)s[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000)) {
		return 0;
	}
	*value = v;
	return n;
}

static bool is_control(uint32_t v)
{
	/* C0, DEL, C1, and those that turn the direction of writing round. */
	return v < 0x20 || (v >= 0x7f && v < 0xa0) || (v >= 0x202a && v <= 0x202e) ||
		(v >= 0x2066 && v <= 0x2069) || v == 0x2028 || v == 0x2029;
}

typedef size_t write_char(char out[16], const char *s, size_t n, uint32_t value);

static size_t write_clean(char out[16], const char *s, size_t n, uint32_t value)
{
	if (is_control(value)) {
		out[0] = '?';
		return 1;
	}
	memcpy(out, s, n);
	return n;
}

static size_t write_json(char out[16], const char *s, size_t n, uint32_t value)
{
	if (value == '"' || value == '\\') {
		out[0] = '\\';
		out[1] = s[0];
		return 2;
	}
	if (is_control(value)) { /* scripts run on terminals too */
		return (size_t)snprintf(out, 16, "\\u%04x", (unsigned)value);
	}
	memcpy(out, s, n);
	return n;
}

static size_t convert(char *out, size_t size, const char *text, size_t length, write_char *put)
{
	size_t used = 0;
	for (size_t at = 0; at < length;) {
		char one[16];
		uint32_t value = 0;
		size_t n = decode_utf8(text + at, length - at, &value);
		size_t len = n != 0 ? put(one, text + at, n, value)
				    : put(one, "\xef\xbf\xbd", 3, 0xfffd);
		if (used + len + 1 > size) {
			break;
		}
		memcpy(out + used, one, len);
		used += len;
		at += n != 0 ? n : 1;
	}
	if (size > 0) {
		out[used] = '\0';
	}
	return used;
}

size_t call_text_clean(char *out, size_t size, const char *text, size_t length)
{
	return convert(out, size, text, length, write_clean);
}

size_t call_text_json(char *out, size_t size, const char *text, size_t length)
{
	return convert(out, size, text, length, write_json);
}

size_t call_text_width(const char *text)
{
	size_t width = 0;
	for (; *text != '\0'; text++) {
		width += ((uint8_t)*text & 0xc0) != 0x80;
	}
	return width;
}
