/*
 * route_page: one page of a list, from the query to the answer. Never holds more rows than a page
 * may have.
 */
#include "authd/route_page.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT 100u

/* 0 when it is no number from 1 to STORE_PAGE_MAX. */
static unsigned parse_limit(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long limit =
		digits > 0 && digits < 6 && text[digits] == '\0' ? strtoul(text, NULL, 10) : 0;

	return limit <= STORE_PAGE_MAX ? (unsigned)limit : 0;
}

bool route_page_begin(const struct route_call *call, struct route_page *page)
{
	const char *limit = http_request_query(call->req, "limit");
	const char *after = http_request_query(call->req, "after");

	memset(page, 0, sizeof(*page));
	page->page.after = after != NULL ? after : "";
	page->page.limit = limit != NULL ? parse_limit(limit) : LIMIT_DEFAULT;
	if (page->page.limit == 0) {
		http_reply_error(
			call->reply, ERR_BAD_FIELD, "limit must be a number from 1 to 1000");
		return false;
	}
	page->rows = json_array();
	if (page->rows == NULL) {
		http_reply_error(call->reply, ERR_NOMEM, NULL);
		return false;
	}
	return true;
}

int route_page_add(struct route_page *page, const char *key, json_t *row)
{
	snprintf(page->last, sizeof(page->last), "%s", key);
	return json_array_append_new(page->rows, row) == 0 ? 0 : ERR_NOMEM;
}

void route_page_end(
	const struct route_call *call, struct route_page *page, const char *name, int err)
{
	bool full = json_array_size(page->rows) >= page->page.limit;

	if (err != 0) {
		json_decref(page->rows);
		http_reply_error(call->reply, err, NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK,
		json_pack("{s:o,s:s?}", name, page->rows, "next", full ? page->last : NULL));
}
