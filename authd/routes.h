/*
 * routes: the one table of authd's HTTP API: method, path, listener, handler. doc/architecture.md
 * describes each line of it.
 */
#ifndef AUTHD_ROUTES_H
#define AUTHD_ROUTES_H

#include <jansson.h>

#include "authd/http_reply.h"
#include "authd/http_srv.h"
#include "authd/link_dial.h"
#include "authd/login.h"
#include "authd/pass_hash.h"
#include "authd/store.h"
#include "authd/token_issue.h"

/* What handlers work with; all borrowed. */
struct routes_ctx {
	const char *cluster;
	struct store *store;
	struct pass_hash *pass_hash;
	struct login *login;
	struct token_issue *token_issue;
	struct link_dial *link_dial;
};

struct route_call {
	const struct routes_ctx *ctx;
	const struct http_request *req;
	const char *arg; /* what stood for {} in the path; NULL: none */
	const json_t *body; /* the request's object; NULL for routes without one */
	struct http_reply *reply;
};

typedef void (*route_handler)(const struct route_call *call);

/* An http_handler; user is a struct routes_ctx. */
void routes_handle(void *user, const struct http_request *req, struct http_reply *reply);

/* True when path fits pattern, in which "{}" stands for one segment that is not empty; the segment
 * goes to arg (cut never: too long does not fit). */
bool routes_match(const char *pattern, const char *path, char *arg, size_t arg_size);

/* The handlers, by file. */
void route_token_post(const struct route_call *call); /* route_token.c */
void route_jwks_get(const struct route_call *call);
void route_health_get(const struct route_call *call);
void route_rooms_get(const struct route_call *call); /* route_rooms.c */
void route_rooms_post(const struct route_call *call);
void route_room_get(const struct route_call *call);
void route_participants_get(const struct route_call *call);
void route_tokens_get(const struct route_call *call); /* route_tokens.c */
void route_token_delete(const struct route_call *call);
void route_users_get(const struct route_call *call); /* route_users.c */
void route_users_post(const struct route_call *call);
void route_user_patch(const struct route_call *call);
void route_reflectors_get(const struct route_call *call); /* route_reflectors.c */

#endif
