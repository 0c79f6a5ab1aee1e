/*
 * utf8: strict decoding of UTF-8 (RFC 3629), and which characters may not be shown to people as
 * they are. Nothing here allocates.
 */
#ifndef PROTO_UTF8_H
#define PROTO_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one character from at most len bytes. Returns its length in bytes, 0 for bytes that are
 * no UTF-8 (overlong, surrogate, over U+10FFFF, cut short) or when len is 0. */
size_t utf8_decode(const char *s, size_t len, uint32_t *cp);

/* True for what can start a line, colour a terminal or turn the direction of text: C0 and C1
 * controls, DEL, line and paragraph separators, bidirectional controls. */
bool utf8_is_control(uint32_t cp);

#endif
