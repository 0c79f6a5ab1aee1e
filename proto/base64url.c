/*
 * base64url: the alphabet with - and _, no padding. Strict: one text for one value, so that a token
 * cannot be changed without its signature noticing.
 */
#include "proto/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t base64url_encoded_len(size_t len)
{
	return len / 3 * 4 + (len % 3 == 0 ? 0 : len % 3 + 1);
}

int base64url_encode(const void *bytes, size_t len, char *out, size_t out_size)
{
	const uint8_t *in = bytes;
	uint32_t acc = 0;
	unsigned bits = 0;

	if (len > SIZE_MAX / 2 || base64url_encoded_len(len) >= out_size) {
		return ERR_FULL;
	}
	for (size_t i = 0; i < len; i++) {
		acc = acc << 8 | in[i];
		bits += 8;
		while (bits >= 6) {
			bits -= 6;
			*out++ = alphabet[acc >> bits & 0x3f];
		}
	}
	if (bits > 0) {
		*out++ = alphabet[acc << (6 - bits) & 0x3f];
	}
	*out = '\0';
	return 0;
}

static int char_value(char c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int base64url_decode(const char *text, size_t text_len, uint8_t *out, size_t *out_len)
{
	size_t room = *out_len;
	size_t n = 0;
	uint32_t acc = 0;
	unsigned bits = 0;

	if (text_len % 4 == 1) {
		return ERR_INVALID;
	}
	for (size_t i = 0; i < text_len; i++) {
		int v = char_value(text[i]);

		if (v < 0) {
			return ERR_INVALID;
		}
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits < 8) {
			continue;
		}
		bits -= 8;
		if (n == room) {
			return ERR_FULL;
		}
		out[n++] = (uint8_t)(acc >> bits);
	}
	if ((acc & ((1u << bits) - 1)) != 0) {
		return ERR_INVALID;
	}
	*out_len = n;
	return 0;
}
