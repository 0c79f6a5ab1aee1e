/*
 * route_watch: behind each request: logins and tokens are counted, and what was changed becomes an
 * event for those who watch. Names only; never a body's secrets.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "authd/routes.h"
#include "proto/msg.h"

#define WHAT_SIZE 64u

static void count_token(const struct route_call *call)
{
	bool good = call->reply->status == MHD_HTTP_OK;
	bool invite = json_object_get(call->body, "invite") != NULL;
	struct metrics *m = call->ctx->metrics;

	if (good) {
		metrics_add(m,
			call->key != NULL ? METRICS_TOKEN_APIKEY
				: invite  ? METRICS_TOKEN_INVITE
					  : METRICS_TOKEN_PASSWORD);
	}
	if (call->key != NULL || invite) {
		return;
	}
	if (good) {
		metrics_add(m, METRICS_LOGIN_OK);
	} else if (call->reply->status == MHD_HTTP_UNAUTHORIZED) {
		metrics_add(m, METRICS_LOGIN_FAILED);
	} else if (call->reply->status == MHD_HTTP_TOO_MANY_REQUESTS) {
		metrics_add(m, METRICS_LOGIN_LIMITED);
	}
}

static const char *verb_of(const char *method)
{
	if (strcmp(method, "POST") == 0) {
		return "create";
	}
	return strcmp(method, "PATCH") == 0 ? "change" : "delete";
}

/* "/v1/rooms/{}" with PATCH is "room.change", "/v1/rooms/{}/participants/{}/mute" is
 * "participant.mute", "/v1/keys/rotate" is "key.rotate". */
static void name_it(const char *method, const char *pattern, char out[WHAT_SIZE])
{
	const char *noun = pattern, *verb = NULL, *hole = strrchr(pattern, '{');
	const char *tail = strrchr(pattern, '/') + 1;

	if (hole != NULL) {
		verb = *tail != '{' ? tail : NULL;
		for (noun = hole - 1; noun > pattern && noun[-1] != '/'; noun--) {
		}
	} else {
		noun = pattern + strlen("/v1/");
		verb = tail != noun ? tail : NULL;
	}
	int len = (int)strcspn(noun, "/");
	len -= len > 0 && noun[len - 1] == 's';
	snprintf(out, WHAT_SIZE, "%.*s.%s", len, noun, verb != NULL ? verb : verb_of(method));
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL && msg_is_name(text) ? text : NULL;
}

static void tell(const struct route_call *call, const char *method, const char *pattern)
{
	char what[WHAT_SIZE];
	const char *name = text_of(call->body, "name");
	const char *room = text_of(call->body, "room");
	json_t *fields =
		json_pack("{s:s,s:s}", "actor", call->actor.name, "address", call->actor.address);

	name_it(method, pattern, what);
	json_object_set_new(fields, "object", json_string(call->arg));
	if (call->arg2[0] != '\0') {
		json_object_set_new(fields, "participant", json_string(call->arg2));
	}
	if (name != NULL) {
		json_object_set_new(fields, "name", json_string(name));
	}
	if (room != NULL) {
		json_object_set_new(fields, "room", json_string(room));
	}
	events_add(call->ctx->events, what, fields);
}

static void tell_token(const struct route_call *call)
{
	const char *room = json_string_value(json_object_get(call->reply->body, "room"));
	const char *who = json_string_value(json_object_get(call->reply->body, "participant"));

	events_add(call->ctx->events, "token.issue",
		json_pack("{s:s,s:s,s:s,s:s}", "actor", call->key != NULL ? call->actor.name : "",
			"address", call->actor.address, "room", room != NULL ? room : "",
			"participant", who != NULL ? who : ""));
}

void route_watch(const struct route_call *call, const char *method, const char *pattern)
{
	bool good = call->reply->status >= 200 && call->reply->status < 300;

	if (strcmp(pattern, "/v1/token") == 0) {
		count_token(call);
		if (good) {
			tell_token(call);
		}
	} else if (good && strcmp(method, "GET") != 0 && call->req->listener != HTTP_PUBLIC) {
		tell(call, method, pattern);
	}
}
