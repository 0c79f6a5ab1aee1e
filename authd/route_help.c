/*
 * route_help: what handlers of many routes need: strict bodies, numbers in the query, secrets that
 * do not stay.
 */
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/routes.h"
#include "proto/msg.h"

bool route_body_only(const struct route_call *call, ...)
{
	char detail[128];
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)call->body, key, value) {
		const char *name;
		bool known = false;
		va_list ap;

		va_start(ap, call);
		while (!known && (name = va_arg(ap, const char *)) != NULL) {
			known = strcmp(name, key) == 0;
		}
		va_end(ap);
		if (!known) {
			snprintf(detail, sizeof(detail), "there is no field \"%s\" here",
				msg_is_name(key) ? key : "?");
			http_reply_error(call->reply, ERR_BAD_FIELD, detail);
			return false;
		}
	}
	return true;
}

bool route_query_int(
	const struct route_call *call, const char *key, int64_t min, int64_t max, int64_t *out)
{
	const char *text = http_request_query(call->req, key);
	char detail[128];
	char *end = NULL;

	if (text == NULL) {
		return true;
	}
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[strspn(text, "-0123456789")] != 0 ||
		value < min || value > max) {
		snprintf(detail, sizeof(detail), "%s must be a number from %lld to %lld", key,
			(long long)min, (long long)max);
		http_reply_error(call->reply, ERR_BAD_FIELD, detail);
		return false;
	}
	*out = value;
	return true;
}

void route_wipe(const char *text)
{
	if (text != NULL) {
		sodium_memzero((void *)(uintptr_t)text, strlen(text));
	}
}
