/*
 * policy_hours: time windows: weekdays and times of day in a time zone, and when they are open.
 * A window counts by the clock on the wall: it is as much longer or shorter as the clock is changed
 * in it.
 */
#ifndef AUTHD_POLICY_HOURS_H
#define AUTHD_POLICY_HOURS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

#define POLICY_WINDOWS_MAX 32u
#define POLICY_ZONE_MAX 63u
#define POLICY_DAY_MINUTES 1440u

struct policy_window {
	unsigned days; /* on which it begins: 1 Monday, 2 Tuesday, 4 ... 64 Sunday, or-ed */
	unsigned from, to; /* minutes of the day, 0-1440; to <= from: it ends on the next day */
};

struct policy_hours {
	struct policy_window windows[POLICY_WINDOWS_MAX];
	size_t count; /* 0: always open */
	char zone[POLICY_ZONE_MAX + 1]; /* IANA name */
};

/* "08:00", to minutes; "24:00" is 1440. */
int policy_hours_parse_time(const char *text, unsigned *minutes) MUST_CHECK;
/* "mon" ... "sun" to its bit; 0 for anything else. */
unsigned policy_hours_parse_day(const char *text);
/* Whether the system's time zone data has it. */
bool policy_hours_zone_known(const char *zone);

/*
 * Where now (seconds since the epoch) lies: open: from *from to *until (both 0 when it is always
 * open); else *from is when it opens next (0: not within a week). Windows that touch are one, as
 * far as a week from now. ERR_INVALID for an unknown zone, ERR_NOMEM.
 */
int policy_hours_look(const struct policy_hours *hours, int64_t now, bool *open, int64_t *from,
	int64_t *until) MUST_CHECK;

/* "Mon 2026-11-23 08:00 Europe/Vienna", for people. */
void policy_hours_text(const char *zone, int64_t at, char out[96]);

#endif
