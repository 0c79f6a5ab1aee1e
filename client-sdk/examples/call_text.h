/*
 * call_text: text of helio-call for people: errors in three parts, and strings of other
 * participants made safe to print.
 */
#ifndef CALL_TEXT_H
#define CALL_TEXT_H

#include <stddef.h>

/* Writes "helio-call: WHAT: WHY. HELP." to stderr. */
void call_text_error(const char *what, const char *why, const char *help);
/* The same; what is a format, and comes last for that reason. */
void call_text_errorf(const char *help, const char *why, const char *what, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Copies text to out (NUL-terminated, cut at a character's border): control characters, which could
 * steer a terminal, become '?', bytes that are no UTF-8 U+FFFD. Returns the bytes written.
 */
size_t call_text_clean(char *out, size_t size, const char *text, size_t length);

/* The same as a JSON string without its quotes. */
size_t call_text_json(char *out, size_t size, const char *text, size_t length);

/* Columns that UTF-8 text made by call_text_clean() takes, one per character. */
size_t call_text_width(const char *text);

#endif
