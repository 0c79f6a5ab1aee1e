/*
 * routes: the table of all requests, and the way to the handler: who asks, may he, is the body one
 * JSON object. A path that a listener does not have is 404 there, whatever another listener has.
 */
#include "authd/routes.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "authd/access.h"
#include "authd/route_handlers.h"
#include "common/clock.h"
#include "proto/msg.h"

#define ALLOW_SIZE 64u

enum {
	P = ROUTE_PUBLIC,
	K = ROUTE_KEY,
	A = ROUTE_ADMIN,
	BODY = ROUTE_BODY,
	MAY = ROUTE_MAY_BODY,
	METRICS = ROUTE_METRICS,
	HASH = ROUTE_HASHES,
	BEARER = ROUTE_BEARER
};

static const struct route {
	const char *method;
	const char *pattern;
	unsigned flags; /* enum route_flag, or-ed */
	route_handler handle;
} table[] = {
	{ "POST", "/v1/token", P | K | BODY | HASH, route_token_post },
	{ "POST", "/v1/invite", P | BODY, route_invite_post },
	{ "GET", "/join", P, route_join_get },
	{ "POST", "/v1/media-key", P | BEARER, route_media_key_post },
	{ "GET", "/.well-known/jwks.json", P, route_jwks_get },
	{ "GET", "/healthz", P | METRICS, route_health_get },
	{ "GET", "/readyz", P | METRICS, route_ready_get },
	{ "GET", "/metrics", METRICS, route_metrics_get },
	{ "GET", "/v1/events", A, route_events_get },
	{ "GET", "/v1/status", A, route_status_get },
	{ "GET", "/v1/rooms", A, route_rooms_get },
	{ "POST", "/v1/rooms", A | BODY, route_rooms_post },
	{ "GET", "/v1/rooms/{}", A, route_room_get },
	{ "PATCH", "/v1/rooms/{}", A | BODY, route_room_patch },
	{ "DELETE", "/v1/rooms/{}", A, route_room_delete },
	{ "POST", "/v1/rooms/{}/close", A | MAY, route_room_close },
	{ "POST", "/v1/rooms/{}/rekey", A, route_room_rekey },
	{ "GET", "/v1/participants", A, route_participants_get },
	{ "POST", "/v1/rooms/{}/participants/{}/mute", A | MAY, route_participant_mute },
	{ "POST", "/v1/rooms/{}/participants/{}/unmute", A | MAY, route_participant_unmute },
	{ "POST", "/v1/rooms/{}/participants/{}/kick", A | MAY, route_participant_kick },
	{ "POST", "/v1/rooms/{}/participants/{}/admit", A | MAY, route_participant_admit },
	{ "POST", "/v1/rooms/{}/participants/{}/deny", A | MAY, route_participant_deny },
	{ "POST", "/v1/rooms/{}/participants/{}/move", A | BODY, route_participant_move },
	{ "GET", "/v1/tokens", A, route_tokens_get },
	{ "POST", "/v1/tokens/consume", A | BODY, route_tokens_consume },
	{ "DELETE", "/v1/tokens/{}", A, route_token_delete },
	{ "GET", "/v1/users", A, route_users_get },
	{ "POST", "/v1/users", A | BODY | HASH, route_users_post },
	{ "GET", "/v1/users/{}", A, route_user_get },
	{ "PATCH", "/v1/users/{}", A | BODY | HASH, route_user_patch },
	{ "DELETE", "/v1/users/{}", A, route_user_delete },
	{ "GET", "/v1/invites", A, route_invites_get },
	{ "POST", "/v1/invites", A | BODY | HASH, route_invites_post },
	{ "GET", "/v1/invites/{}", A, route_invite_get },
	{ "DELETE", "/v1/invites/{}", A, route_invite_delete },
	{ "GET", "/v1/apikeys", A, route_apikeys_get },
	{ "POST", "/v1/apikeys", A | BODY, route_apikeys_post },
	{ "GET", "/v1/apikeys/{}", A, route_apikey_get },
	{ "DELETE", "/v1/apikeys/{}", A, route_apikey_delete },
	{ "GET", "/v1/policy", A, route_policy_get },
	{ "PATCH", "/v1/policy", A | BODY, route_policy_patch },
	{ "GET", "/v1/reflectors", A, route_reflectors_get },
	{ "GET", "/v1/audit", A, route_audit_get },
	{ "GET", "/v1/audit/verify", A, route_audit_verify_get },
	{ "POST", "/v1/reflectors", A | BODY, route_reflectors_post },
	{ "PATCH", "/v1/reflectors/{}", A | BODY, route_reflector_patch },
	{ "DELETE", "/v1/reflectors/{}", A, route_reflector_delete },
	{ "GET", "/v1/keys", A, route_keys_get },
	{ "POST", "/v1/keys/rotate", A | MAY, route_keys_rotate },
	{ "GET", "/v1/revocations", A, route_revocations_get },
	{ "POST", "/v1/revocations", A | BODY, route_revocations_post },
	{ "DELETE", "/v1/revocations/{}", A, route_revocation_delete },
};

#define TABLE_LEN (sizeof(table) / sizeof(table[0]))

bool routes_match(const char *pattern, const char *path, char args[ROUTE_ARGS][ROUTE_ARG_SIZE])
{
	unsigned holes = 0;

	for (unsigned i = 0; i < ROUTE_ARGS; i++) {
		args[i][0] = '\0';
	}
	while (*pattern != '\0') {
		if (pattern[0] != '{') {
			if (*pattern++ != *path++) {
				return false;
			}
			continue;
		}
		size_t len = strcspn(path, "/");
		if (len == 0 || len >= ROUTE_ARG_SIZE || holes == ROUTE_ARGS) {
			return false;
		}
		memcpy(args[holes], path, len);
		args[holes++][len] = '\0';
		path += len;
		pattern += 2;
	}
	return *path == '\0';
}

/* HEAD is a GET whose body the server leaves out. */
static bool same_method(const char *route, const char *request)
{
	return strcmp(route, request) == 0 ||
		(strcmp(route, "GET") == 0 && strcmp(request, "HEAD") == 0);
}

static bool is_shown(const struct route *route, enum http_listener listener)
{
	unsigned shown = P | K | A;

	if (listener == HTTP_PUBLIC) {
		shown = P | K;
	} else if (listener == HTTP_METRICS) {
		shown = METRICS;
	}
	return (route->flags & shown) != 0;
}

static const struct route *find(
	const struct http_request *req, char args[ROUTE_ARGS][ROUTE_ARG_SIZE])
{
	for (size_t i = 0; i < TABLE_LEN; i++) {
		if (is_shown(&table[i], req->listener) &&
			same_method(table[i].method, req->method) &&
			routes_match(table[i].pattern, req->path, args)) {
			return &table[i];
		}
	}
	return NULL;
}

static void too_many(const struct routes_ctx *ctx, struct http_reply *reply, unsigned wait_s)
{
	metrics_add(ctx->metrics, METRICS_RATE_LIMITED);
	http_reply_error(reply, ERR_RATE, "too many requests: wait");
	reply->retry_after_s = wait_s;
}

/* True when the address has nothing left, and was told. */
static bool limit_address(
	const struct routes_ctx *ctx, const struct http_request *req, struct http_reply *reply)
{
	unsigned wait_s = ctx->rate_address != NULL
		? rate_take(ctx->rate_address, req->group, clock_now_ms())
		: 0;

	if (wait_s > 0) {
		too_many(ctx, reply, wait_s);
	}
	return wait_s > 0;
}

static bool takes_key(const struct route *route)
{
	return route != NULL && (route->flags & K) != 0;
}

/* Whoever shows an API key is counted when it is known whether it holds. */
enum http_way routes_sort(void *user, const struct http_request *req, struct http_reply *reply)
{
	char args[ROUTE_ARGS][ROUTE_ARG_SIZE];
	const struct route *route = find(req, args);
	bool key = takes_key(route) && req->authorization != NULL;

	if (req->listener == HTTP_PUBLIC && !key && limit_address(user, req, reply)) {
		return HTTP_ANSWERED;
	}
	return route != NULL && (route->flags & HASH) != 0 && !key ? HTTP_LOGIN : HTTP_GENERAL;
}

static void run(const struct route *route, struct route_call *call)
{
	json_t *body = NULL;
	bool none = (route->flags & BODY) == 0 && call->req->body_len == 0;

	if ((route->flags & (BODY | MAY)) != 0) {
		int err = none ? 0 : msg_parse_object(call->req->body, call->req->body_len, &body);
		if (none) {
			body = json_object();
		}
		if (err != 0) {
			http_reply_error(call->reply, err,
				"the body must be one JSON object, no key twice, not too deep");
			return;
		}
		if (body == NULL) {
			http_reply_error(call->reply, ERR_NOMEM, NULL);
			return;
		}
	}
	call->body = body;
	route->handle(call);
	json_decref(body);
}

/* 404, or 405 with the methods that the path has. */
static void refuse(const struct http_request *req, struct http_reply *reply)
{
	static const char *const methods[] = { "GET", "POST", "PATCH", "DELETE" };
	static const char *const words[] = { "GET, HEAD", "POST", "PATCH", "DELETE" };
	char args[ROUTE_ARGS][ROUTE_ARG_SIZE];
	char allow[ALLOW_SIZE] = "";

	for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
		struct http_request other = *req;
		size_t len = strlen(allow);
		other.method = methods[m];
		if (find(&other, args) != NULL) {
			snprintf(allow + len, sizeof(allow) - len, "%s%s", len > 0 ? ", " : "",
				words[m]);
		}
	}
	if (allow[0] == '\0') {
		http_reply_error(reply, ERR_NOT_FOUND, "there is no such path here");
		return;
	}
	http_reply_problem(reply, MHD_HTTP_METHOD_NOT_ALLOWED, ERR_UNKNOWN_MESSAGE,
		"this path does not have that method");
	snprintf(reply->allow, sizeof(reply->allow), "%s", allow);
}

/* False when the request was answered: he who asks may not. On the listener of administrators he
 * gets the same answer whatever he asks for. */
static bool admit(const struct routes_ctx *ctx, const struct http_request *req,
	const struct route *route, struct http_reply *reply, struct access *who)
{
	bool judge = req->listener != HTTP_PUBLIC || takes_key(route);

	memset(who, 0, sizeof(*who));
	snprintf(who->actor.address, sizeof(who->actor.address), "%s", req->peer);
	if (!judge || req->listener == HTTP_METRICS) {
		return true;
	}
	int err = access_check(ctx->store, req, day_clock_now(ctx->clock), who);
	if (err == 0 && who->has_key && ctx->rate_key != NULL) {
		unsigned wait_s = rate_take(ctx->rate_key, who->key.id, clock_now_ms());
		if (wait_s > 0) {
			too_many(ctx, reply, wait_s);
			return false;
		}
	}
	if (err == 0 && req->listener == HTTP_REMOTE && who->who != ACCESS_ADMIN) {
		err = ERR_LOGIN;
	}
	if (err == ERR_LOGIN && limit_address(ctx, req, reply)) {
		return false;
	}
	if (err != 0) {
		http_reply_error(reply, err, NULL);
	}
	return err == 0;
}

static void handle(const struct routes_ctx *ctx, const struct http_request *req,
	const struct route *route, char args[ROUTE_ARGS][ROUTE_ARG_SIZE], struct http_reply *reply)
{
	struct access who;

	if (!admit(ctx, req, route, reply, &who)) {
		return;
	}
	if (route == NULL) {
		refuse(req, reply);
		return;
	}
	struct route_call call = { .ctx = ctx,
		.req = req,
		.arg = args[0],
		.arg2 = args[1],
		.actor = who.actor,
		.key = who.has_key ? &who.key : NULL,
		.reply = reply };
	run(route, &call);
}

void routes_handle(void *user, const struct http_request *req, struct http_reply *reply)
{
	char args[ROUTE_ARGS][ROUTE_ARG_SIZE];
	const struct routes_ctx *ctx = user;
	const struct route *route = find(req, args);
	uint64_t begin = clock_now_ms();

	handle(ctx, req, route, args, reply);
	metrics_request(ctx->metrics, route != NULL ? route->method : "other",
		route != NULL ? route->pattern : "other", reply->status, clock_now_ms() - begin);
}

void routes_print(void)
{
	for (size_t i = 0; i < TABLE_LEN; i++) {
		printf("%s %s %s%s%s\n", table[i].method, table[i].pattern,
			(table[i].flags & P) != 0 ? "P" : "", (table[i].flags & K) != 0 ? "K" : "",
			(table[i].flags & A) != 0 ? "A"
				: (table[i].flags & METRICS) != 0 && (table[i].flags & P) == 0
				? "M"
				: "");
	}
}
