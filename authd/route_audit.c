/*
 * route_audit: the record of every change, for the administrator: pages of it, and whether its
 * chain is whole. Changes nothing.
 */
#include <microhttpd.h>
#include <string.h>

#include "authd/route_handlers.h"
#include "authd/store_audit.h"
#include "common/log.h"

#define LIMIT_DEFAULT 100

struct record_list {
	json_t *records;
	int64_t last;
};

static int add_record(const struct store_audit_record *row, void *arg)
{
	struct record_list *list = arg;
	json_t *detail = json_loads(row->detail, JSON_REJECT_DUPLICATES, NULL);

	if (detail == NULL) { /* one that was tampered with is shown as it is */
		detail = json_string(row->detail);
	}
	json_t *item = json_pack("{s:I,s:I,s:s,s:s,s:s,s:s,s:o,s:s}", "seq", (json_int_t)row->seq,
		"at", (json_int_t)row->at, "actor", row->actor, "address", row->address, "action",
		row->action, "object", row->object, "detail", detail, "hash", row->hash);
	list->last = row->seq;
	return json_array_append_new(list->records, item) == 0 ? 0 : ERR_NOMEM;
}

/* jansson judges: what is no UTF-8 is no name of anything, and the database would not take it. */
static bool is_text(const char *text)
{
	json_t *string = text != NULL ? json_string(text) : NULL;

	json_decref(string);
	return text == NULL || string != NULL;
}

void route_audit_get(const struct route_call *call)
{
	struct record_list list = { .records = NULL };
	int64_t after = 0, limit = LIMIT_DEFAULT;
	struct store_audit_filter filter = { .actor = http_request_query(call->req, "actor"),
		.action = http_request_query(call->req, "action"),
		.object = http_request_query(call->req, "object") };

	if (!route_query_int(call, "after", -1, INT64_MAX, &after) ||
		!route_query_int(call, "limit", 1, STORE_PAGE_MAX, &limit) ||
		!route_query_int(call, "since", 0, INT64_MAX, &filter.since)) {
		return;
	}
	if (!is_text(filter.actor) || !is_text(filter.action) || !is_text(filter.object)) {
		http_reply_error(call->reply, ERR_BAD_FIELD, "actor, action and object are UTF-8");
		return;
	}
	list.records = json_array();
	int err = list.records == NULL ? ERR_NOMEM
				       : store_audit_list(call->ctx->store, &filter, after,
						 (unsigned)limit, add_record, &list);
	if (err != 0) {
		json_decref(list.records);
		http_reply_error(call->reply, err, NULL);
		return;
	}
	bool full = json_array_size(list.records) == (size_t)limit;
	json_t *next = full ? json_integer(list.last) : json_null();
	http_reply_json(call->reply, MHD_HTTP_OK,
		json_pack("{s:o,s:o}", "records", list.records, "next", next));
}

void route_audit_verify_get(const struct route_call *call)
{
	struct store_audit_verdict verdict;
	int err = store_audit_verify(call->ctx->store, &verdict);

	if (err != 0) {
		http_reply_error(call->reply, err, NULL);
		return;
	}
	if (verdict.bad_seq != 0) {
		log_event(LOG_LEVEL_ERROR, "audit-broken", LOG_INT("seq", verdict.bad_seq),
			LOG_STR("why", verdict.why));
	}
	http_reply_json(call->reply, MHD_HTTP_OK,
		json_pack("{s:b,s:I,s:I,s:s,s:s}", "ok", verdict.bad_seq == 0, "records",
			(json_int_t)verdict.records, "bad_seq", (json_int_t)verdict.bad_seq, "why",
			verdict.why, "head", verdict.head));
}
