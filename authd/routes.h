/*
 * routes: the one table of authd's HTTP API: method, path, who may, handler. doc/architecture.md
 * describes each line of it.
 */
#ifndef AUTHD_ROUTES_H
#define AUTHD_ROUTES_H

#include <jansson.h>

#include "authd/http_reply.h"
#include "authd/http_srv.h"
#include "authd/link_dial.h"
#include "authd/events.h"
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
	struct rate *rate_address, *rate_key; /* requests of strangers by address, of API keys */
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

/* The handlers, by file. */
void route_token_post(const struct route_call *call); /* route_token.c */
void route_jwks_get(const struct route_call *call);
void route_health_get(const struct route_call *call); /* route_status.c */
void route_ready_get(const struct route_call *call);
void route_status_get(const struct route_call *call);
void route_metrics_get(const struct route_call *call);
void route_events_get(const struct route_call *call);
void route_join_get(const struct route_call *call); /* route_join.c */
void route_rooms_get(const struct route_call *call); /* route_rooms.c */
void route_rooms_post(const struct route_call *call);
void route_room_get(const struct route_call *call);
void route_room_patch(const struct route_call *call);
void route_room_delete(const struct route_call *call);
void route_room_close(const struct route_call *call);
void route_room_rekey(const struct route_call *call);
void route_participants_get(const struct route_call *call); /* route_participants.c */
void route_policy_get(const struct route_call *call); /* route_policy.c */
void route_policy_patch(const struct route_call *call);
void route_media_key_post(const struct route_call *call); /* route_media_key.c */
void route_tokens_get(const struct route_call *call); /* route_tokens.c */
void route_tokens_consume(const struct route_call *call); /* route_consume.c */
void route_token_delete(const struct route_call *call);
void route_users_get(const struct route_call *call); /* route_users.c */
void route_users_post(const struct route_call *call);
void route_user_get(const struct route_call *call);
void route_user_patch(const struct route_call *call);
void route_user_delete(const struct route_call *call);
void route_invites_get(const struct route_call *call); /* route_invites.c */
void route_invites_post(const struct route_call *call);
void route_invite_get(const struct route_call *call);
void route_invite_delete(const struct route_call *call);
void route_invite_post(const struct route_call *call);
void route_apikeys_get(const struct route_call *call); /* route_apikeys.c */
void route_apikeys_post(const struct route_call *call);
void route_apikey_get(const struct route_call *call);
void route_apikey_delete(const struct route_call *call);
void route_participant_mute(const struct route_call *call); /* route_moderate.c */
void route_participant_unmute(const struct route_call *call);
void route_participant_kick(const struct route_call *call);
void route_participant_admit(const struct route_call *call);
void route_participant_deny(const struct route_call *call);
void route_participant_move(const struct route_call *call);
void route_reflectors_get(const struct route_call *call); /* route_reflectors.c */
void route_audit_get(const struct route_call *call); /* route_audit.c */
void route_audit_verify_get(const struct route_call *call);
void route_reflectors_post(const struct route_call *call);
void route_reflector_patch(const struct route_call *call);
void route_reflector_delete(const struct route_call *call);
void route_keys_get(const struct route_call *call); /* route_keys.c */
void route_keys_rotate(const struct route_call *call);
void route_revocations_get(const struct route_call *call); /* route_revocations.c */
void route_revocations_post(const struct route_call *call);
void route_revocation_delete(const struct route_call *call);

#endif
