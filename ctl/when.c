/*
 * when: one parser for each form of time. Pure functions; the caller says what time it is.
 */
#include "ctl/when.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEN_YEARS (INT64_C(3660) * 86400)
#define LAST INT64_C(253402300799) /* the end of the year 9999 */

/* Decimal digits up to end; at most nine of them, so nothing overflows. */
static bool parse_number(const char *text, size_t digits, int64_t *number)
{
	*number = 0;
	if (digits == 0 || digits > 12) {
		return false;
	}
	for (size_t i = 0; i < digits; i++) {
		*number = *number * 10 + (text[i] - '0');
	}
	return true;
}

bool when_parse_duration(const char *text, int64_t *seconds)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "min", 60 }, { "h", 3600 },
		{ "d", 86400 }, { "w", 604800 } };
	size_t digits = strspn(text, "0123456789");
	int64_t number;

	if (!parse_number(text, digits, &number)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + digits, units[i].unit) == 0) {
			if (number < 1 || number > TEN_YEARS / units[i].seconds) {
				return false;
			}
			*seconds = number * units[i].seconds;
			return true;
		}
	}
	return false;
}

static bool parse_date(const char *text, int64_t *when)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_isdst = 0 }, again;
		const char *end = strptime(text, forms[i], &tm);
		int day = tm.tm_mday;
		time_t t;

		if (end == NULL || *end != '\0') {
			continue;
		}
		t = timegm(&tm);
		if (t <= 0 || t > LAST || gmtime_r(&t, &again) == NULL || again.tm_mday != day) {
			return false; /* the 31st of February */
		}
		*when = t;
		return true;
	}
	return false;
}

bool when_parse(const char *text, int64_t now, bool past, int64_t *when)
{
	int64_t seconds;

	if (strcmp(text, "never") == 0 && !past) {
		*when = 0;
		return true;
	}
	if (text[0] == '@') {
		size_t digits = strspn(text + 1, "0123456789");

		return text[1 + digits] == '\0' && parse_number(text + 1, digits, when) &&
			*when <= LAST;
	}
	if (when_parse_duration(text, &seconds)) {
		*when = past ? now - seconds : now + seconds;
		return true;
	}
	return parse_date(text, when);
}
