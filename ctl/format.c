/*
 * format: numbers and times as text. Pure functions; the caller says what time it is.
 */
#include "ctl/format.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

void format_relative(char out[32], int64_t when, int64_t now)
{
	static const struct {
		int64_t seconds;
		const char *one, *many;
	} units[] = { { 86400, "day", "days" }, { 3600, "h", "h" }, { 60, "min", "min" },
		{ 1, "s", "s" } };
	bool past = when <= now;
	/* Unsigned, since the difference of two nonsense times need not fit. */
	uint64_t span = past ? (uint64_t)now - (uint64_t)when : (uint64_t)when - (uint64_t)now;

	if (span == 0) {
		snprintf(out, 32, "now");
		return;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		uint64_t count = span / (uint64_t)units[i].seconds;

		/* From two days, hours ... on: "90 s ago" says more than "1 min ago". */
		if (count >= 2 || units[i].seconds == 1) {
			snprintf(out, 32, "%s%" PRIu64 " %s%s", past ? "" : "in ", count,
				count == 1 ? units[i].one : units[i].many, past ? " ago" : "");
			return;
		}
	}
}

void format_bytes(char out[32], uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	snprintf(out, 32, unit > 0 && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void format_rate(char out[32], double rate)
{
	static const char units[] = { '\0', 'k', 'M', 'G', 'T', 'P' };
	size_t unit = 0;

	if (!(rate >= 0)) {
		snprintf(out, 32, "-"); /* also what is no number */
		return;
	}
	while (rate >= 999.5 && unit + 1 < sizeof(units)) {
		rate /= 1000;
		unit++;
	}
	if (unit == 0) {
		snprintf(out, 32, "%.0f", rate);
	} else {
		snprintf(out, 32, rate < 9.95 ? "%.1f%c" : "%.0f%c", rate, units[unit]);
	}
}

void format_rfc3339(char out[32], int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm;

	out[0] = '\0';
	if (when < 0 || when > INT64_C(253402300799) || gmtime_r(&t, &tm) == NULL) {
		return; /* before 1970 or behind the year 9999 */
	}
	if (strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		out[0] = '\0';
	}
}
