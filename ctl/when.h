/*
 * when: durations and points in time as people type them.
 */
#ifndef CTL_WHEN_H
#define CTL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* "90", "90s", "30m", "12h", "7d", "2w": seconds, 1 to ten years. */
bool when_parse_duration(const char *text, int64_t *seconds);

/* "2026-12-01", "2026-12-01T08:00:00Z", "2026-12-01T08:00Z", seconds since the epoch with "@"
 * before them, "never" (0), or a duration from now (before now when past is true). */
bool when_parse(const char *text, int64_t now, bool past, int64_t *when);

#endif
