/*
 * route_events: GET /v1/events: what happens, as it happens. A request that waits keeps a thread of
 * the general pool, so only a few may.
 */
#include <microhttpd.h>

#include "authd/events.h"
#include "authd/route_handlers.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MOST 1000
#define WAIT_MOST_S 30
#define RETRY_S 5u

void route_events_get(const struct route_call *call)
{
	int64_t after = -1, limit = LIMIT_DEFAULT, wait_s = 0, next = 0;
	json_t *list = NULL;

	if (!route_query_int(call, "after", -1, INT64_MAX, &after) ||
		!route_query_int(call, "limit", 1, LIMIT_MOST, &limit) ||
		!route_query_int(call, "wait", 0, WAIT_MOST_S, &wait_s)) {
		return;
	}
	int err = events_wait(
		call->ctx->events, after, (unsigned)limit, (unsigned)wait_s, &list, &next);
	if (err == ERR_FULL) {
		http_reply_error(call->reply, ERR_RATE, "too many wait for events already");
		call->reply->retry_after_s = RETRY_S;
	} else if (err != 0) {
		http_reply_error(call->reply, err, NULL);
	} else {
		http_reply_json(call->reply, MHD_HTTP_OK,
			json_pack("{s:o,s:I}", "events", list, "next", (json_int_t)next));
	}
}
