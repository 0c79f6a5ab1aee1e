/*
 * format: numbers and times as text, for people and for JSON.
 */
#ifndef CTL_FORMAT_H
#define CTL_FORMAT_H

#include <stdint.h>

/* "12 s ago", "3 min ago", "5 h ago", "2 days ago"; "in 11 h" for what is to come; "now". */
void format_relative(char out[32], int64_t when, int64_t now);
/* "832 B", "1.4 MB" (powers of 1000). */
void format_bytes(char out[32], uint64_t bytes);
/* Bits a second: "0", "950k", "1.2M" (powers of 1000). */
void format_rate(char out[32], double rate);
/* "2026-11-21T07:45:00Z"; "" for a time that has no such form. */
void format_rfc3339(char out[32], int64_t when);

#endif
