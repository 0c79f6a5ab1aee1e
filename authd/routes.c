/*
 * routes: finds the handler of a request and parses its body. A path that a listener does not have
 * is 404 there, whatever another listener has.
 */
#include "authd/routes.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "proto/msg.h"

#define ARG_MAX_LEN 256u
#define BOTH (HTTP_PUBLIC | HTTP_ADMIN)

static const struct route {
	const char *method;
	const char *pattern;
	unsigned listeners; /* enum http_listener, or-ed */
	bool has_body; /* one JSON object is required */
	route_handler handle;
} table[] = {
	{ "POST", "/v1/token", BOTH, true, route_token_post },
	{ "GET", "/.well-known/jwks.json", BOTH, false, route_jwks_get },
	{ "GET", "/healthz", BOTH, false, route_health_get },
	{ "GET", "/v1/rooms", HTTP_ADMIN, false, route_rooms_get },
	{ "POST", "/v1/rooms", HTTP_ADMIN, true, route_rooms_post },
	{ "GET", "/v1/rooms/{}", HTTP_ADMIN, false, route_room_get },
	{ "GET", "/v1/participants", HTTP_ADMIN, false, route_participants_get },
	{ "GET", "/v1/tokens", HTTP_ADMIN, false, route_tokens_get },
	{ "DELETE", "/v1/tokens/{}", HTTP_ADMIN, false, route_token_delete },
	{ "GET", "/v1/users", HTTP_ADMIN, false, route_users_get },
	{ "POST", "/v1/users", HTTP_ADMIN, true, route_users_post },
	{ "PATCH", "/v1/users/{}", HTTP_ADMIN, true, route_user_patch },
	{ "GET", "/v1/reflectors", HTTP_ADMIN, false, route_reflectors_get },
};

#define TABLE_LEN (sizeof(table) / sizeof(table[0]))

bool routes_match(const char *pattern, const char *path, char *arg, size_t arg_size)
{
	const char *hole = strstr(pattern, "{}");
	size_t head = hole != NULL ? (size_t)(hole - pattern) : strlen(pattern);

	arg[0] = '\0';
	if (strncmp(pattern, path, head) != 0) {
		return false;
	}
	if (hole == NULL) {
		return path[head] == '\0';
	}
	size_t len = strcspn(path + head, "/");
	if (len == 0 || len >= arg_size || strcmp(path + head + len, hole + 2) != 0) {
		return false;
	}
	memcpy(arg, path + head, len);
	arg[len] = '\0';
	return true;
}

/* HEAD is a GET whose body the server leaves out. */
static bool same_method(const char *route, const char *request)
{
	return strcmp(route, request) == 0 ||
		(strcmp(route, "GET") == 0 && strcmp(request, "HEAD") == 0);
}

static void run(const struct route *route, struct route_call *call)
{
	json_t *body = NULL;

	if (route->has_body) {
		int err = msg_parse_object(call->req->body, call->req->body_len, &body);
		if (err != 0) {
			http_reply_error(call->reply, err,
				"the body must be one JSON object, no key twice, not too deep");
			return;
		}
	}
	call->body = body;
	route->handle(call);
	json_decref(body);
}

/* Static text for the methods that a path has; the table has at most two for one. */
static const char *allow_of(bool get, bool post, bool patch, bool del)
{
	if (get) {
		return post ? "GET, HEAD, POST" : "GET, HEAD";
	}
	if (post) {
		return "POST";
	}
	return patch ? "PATCH" : del ? "DELETE" : "";
}

void routes_handle(void *user, const struct http_request *req, struct http_reply *reply)
{
	char arg[ARG_MAX_LEN];
	bool get = false, post = false, patch = false, del = false, found = false;

	for (size_t i = 0; i < TABLE_LEN; i++) {
		const struct route *route = &table[i];
		if ((route->listeners & req->listener) == 0 ||
			!routes_match(route->pattern, req->path, arg, sizeof(arg))) {
			continue;
		}
		if (same_method(route->method, req->method)) {
			struct route_call call = {
				.ctx = user, .req = req, .arg = arg, .reply = reply
			};
			run(route, &call);
			return;
		}
		found = true;
		get = get || strcmp(route->method, "GET") == 0;
		post = post || strcmp(route->method, "POST") == 0;
		patch = patch || strcmp(route->method, "PATCH") == 0;
		del = del || strcmp(route->method, "DELETE") == 0;
	}
	if (found) {
		http_reply_problem(reply, MHD_HTTP_METHOD_NOT_ALLOWED, ERR_UNKNOWN_MESSAGE,
			"this path does not have that method");
		reply->allow = allow_of(get, post, patch, del);
	} else {
		http_reply_error(reply, ERR_NOT_FOUND, "there is no such path here");
	}
}
