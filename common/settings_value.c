/*
 * settings_value: text of one setting to one typed value. Strict: what is not wholly understood is
 * refused, and nothing is written then. Never guesses a unit and never resolves a name.
 */
#include "common/settings.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Reads decimal digits from *at on, and moves it behind them. False without a digit or over max. */
static bool read_number(const char **at, uint64_t max, uint64_t *out)
{
	const char *s = *at;
	uint64_t v = 0;

	if (*s < '0' || *s > '9') {
		return false;
	}
	for (; *s >= '0' && *s <= '9'; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (v > (max - digit) / 10) {
			return false;
		}
		v = v * 10 + digit;
	}
	*at = s;
	*out = v;
	return true;
}

static bool read_port(const char **at, uint16_t *port)
{
	uint64_t v = 0;

	if (!read_number(at, 65535, &v) || v == 0) {
		return false;
	}
	*port = (uint16_t)v;
	return true;
}

static bool fill_addr(struct settings_addr *addr, const char *host, bool v6, uint16_t port)
{
	if (v6) {
		struct sockaddr_in6 *sin6 = (void *)&addr->sa;

		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		addr->len = sizeof(*sin6);
		return inet_pton(AF_INET6, host, &sin6->sin6_addr) == 1;
	}
	struct sockaddr_in *sin = (void *)&addr->sa;
	sin->sin_family = AF_INET;
	sin->sin_port = htons(port);
	addr->len = sizeof(*sin);
	return inet_pton(AF_INET, host, &sin->sin_addr) == 1;
}

int settings_parse_addr(const char *text, struct settings_addr *out)
{
	struct settings_addr addr;
	char host[INET6_ADDRSTRLEN];
	bool v6 = text[0] == '[';
	const char *start = v6 ? text + 1 : text;
	const char *end = strchr(start, v6 ? ']' : ':');
	uint16_t port = 0;

	memset(&addr, 0, sizeof(addr));
	if (end == NULL || (size_t)(end - start) >= sizeof(host) ||
		strlen(text) >= sizeof(addr.text)) {
		return ERR_CONFIG;
	}
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	const char *at = v6 ? end + 1 : end;
	if (*at++ != ':' || !read_port(&at, &port) || *at != '\0') {
		return ERR_CONFIG;
	}
	if (!fill_addr(&addr, host, v6, port)) {
		return ERR_CONFIG;
	}
	snprintf(addr.text, sizeof(addr.text), "%s", text);
	*out = addr;
	return 0;
}

int settings_parse_port_range(const char *text, uint16_t *first, uint16_t *last)
{
	uint16_t low = 0;
	uint16_t high = 0;

	if (!read_port(&text, &low)) {
		return ERR_CONFIG;
	}
	high = low;
	if (*text == '-') {
		text++;
		if (!read_port(&text, &high)) {
			return ERR_CONFIG;
		}
	}
	if (*text != '\0' || low > high) {
		return ERR_CONFIG;
	}
	*first = low;
	*last = high;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static int parse_with_unit(
	const char *text, const struct unit *units, size_t unit_count, uint64_t *out)
{
	uint64_t v = 0;

	if (!read_number(&text, INT64_MAX, &v)) {
		return ERR_CONFIG;
	}
	for (size_t i = 0; i < unit_count; i++) {
		if (strcmp(text, units[i].name) != 0) {
			continue;
		}
		/* libConfuse keeps numbers in a long */
		if (v > INT64_MAX / units[i].factor) {
			return ERR_CONFIG;
		}
		*out = v * units[i].factor;
		return 0;
	}
	return ERR_CONFIG;
}

int settings_parse_duration(const char *text, uint64_t *ms)
{
	static const struct unit units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 } };

	return parse_with_unit(text, units, sizeof(units) / sizeof(units[0]), ms);
}

int settings_parse_size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = { { "", 1 }, { "k", 1024 }, { "K", 1024 },
		{ "M", 1048576 }, { "G", 1073741824 } };

	return parse_with_unit(text, units, sizeof(units) / sizeof(units[0]), bytes);
}
