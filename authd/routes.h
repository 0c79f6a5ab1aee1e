/*
 * routes: the one table of authd's HTTP API: method, path, who may, handler. doc/architecture.md
 * describes each line of it.
 */
#ifndef AUTHD_ROUTES_H
#define AUTHD_ROUTES_H

#include <jansson.h>

#include "authd/events.h"
#include "authd/http_reply.h"
#include "authd/http_srv.h"
#include "authd/link_dial.h"
#include "authd/login.h"
#include "authd/metrics.h"
#include "authd/pass_hash.h"
#include "authd/rate.h"
#include "authd/store.h"
#include "authd/store_apikeys.h"
#include "authd/token_issue.h"

#define ROUTE_ARGS 2u /* holes in a pattern */
#define ROUTE_ARG_SIZE 256u

/* What handlers work with; all borrowed. */
struct routes_ctx {
	const char *cluster;
	struct store *store;
	struct pass_hash *pass_hash;
	struct login *login;
	struct token_issue *token_issue;
	struct link_dial *link_dial;
	struct events *events;
	struct metrics *metrics;
	const struct day_clock *clock; /* for what ends */
	/* requests of strangers by address, of API keys, of users for tokens; NULL: no limit */
	struct rate *rate_address, *rate_key, *rate_user;
	struct http_srv *http; /* NULL until it serves */
	const char *issuer;
	const char *public_url;
	int64_t started_at; /* seconds since the epoch */
	int64_t started_s; /* monotonic */
	struct keyring *keyring;
	struct ca *ca;
	const char *const *listen; /* of TCP, as the settings name them */
	size_t listen_count;
};

struct route_call {
	const struct routes_ctx *ctx;
	const struct http_request *req;
	const char *arg; /* what stood for the first {} in the path; "" without one */
	const char *arg2; /* for the second one */
	const json_t *body; /* the request's object; NULL for routes without one */
	struct store_actor actor; /* for the audit record */
	const struct store_apikey *key; /* whose API key asks; NULL: none */
	struct http_reply *reply;
};

typedef void (*route_handler)(const struct route_call *call);

/* Each line of the table or-s these. Administrators may do everything that is in it. */
enum route_flag {
	ROUTE_PUBLIC = 1, /* anybody */
	ROUTE_KEY = 2, /* whoever has an API key */
	ROUTE_ADMIN = 4, /* nobody but administrators */
	ROUTE_METRICS = 8, /* is on metrics-listen as well */
	ROUTE_BODY = 16, /* one JSON object is required */
	ROUTE_MAY_BODY = 32, /* one may be there: call->body is an empty object without it */
	ROUTE_HASHES = 64, /* may hash a password: waits in the queue of logins */
	ROUTE_BEARER = 128 /* the handler itself judges what stands in Authorization */
};

/* An http_handler; user is a struct routes_ctx. */
void routes_handle(void *user, const struct http_request *req, struct http_reply *reply);

/* An http_sorter: which queue the request waits in. */
enum http_way routes_sort(void *user, const struct http_request *req, struct http_reply *reply);

/* True when path fits pattern, in which each "{}" stands for one segment that is not empty; the
 * segments go to args (cut never: too long does not fit). */
bool routes_match(const char *pattern, const char *path, char args[ROUTE_ARGS][ROUTE_ARG_SIZE]);

/* Prints the table, a line for each: method, path, P, K or A. */
void routes_print(void);

/*
 * For handlers. All answer the request with bad-field and return false when something is wrong.
 * route_body_only: the body has no other fields than those named; NULL ends the list.
 */
__attribute__((sentinel)) bool route_body_only(const struct route_call *call, ...);
/* ?key= as a number from min to max; *out stays as it was without it. */
bool route_query_int(
	const struct route_call *call, const char *key, int64_t min, int64_t max, int64_t *out);

/* Overwrites a secret of the body: jansson frees its strings as they are. NULL does nothing. */
void route_wipe(const char *text);

#endif
