/*
 * route_page: the list routes: ?limit= (1 to 1,000, default 100) and ?after=, an array of rows, and
 * "next", which is what after takes, or null at the end.
 */
#ifndef AUTHD_ROUTE_PAGE_H
#define AUTHD_ROUTE_PAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "authd/routes.h"
#include "authd/store.h"

#define ROUTE_PAGE_KEY 128u

struct route_page {
	struct store_page page; /* for the store */
	json_t *rows;
	char last[ROUTE_PAGE_KEY];
};

/* False when the query makes no sense, or out of memory: the request is answered then. */
bool route_page_begin(const struct route_call *call, struct route_page *page);
/* For the store's callback: takes the reference; key is the row's. 0 or ERR_NOMEM. */
int route_page_add(struct route_page *page, const char *key, json_t *row) MUST_CHECK;
/* Answers with {name: rows, "next"}, or with err. */
void route_page_end(
	const struct route_call *call, struct route_page *page, const char *name, int err);

#endif
