/*
 * route_status: whether authd lives, whether it can do its work, and what helioctl doctor looks at.
 */
#include "authd/route_handlers.h"
#include "config.h"

#include <dirent.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "authd/ca.h"
#include "authd/route_status.h"
#include "authd/store.h"
#include "common/clock.h"

#define RETRY_S 2u

struct links {
	unsigned known, up;
};

static int look(const struct link_view *view, void *arg)
{
	struct links *links = arg;

	links->known++;
	links->up += view->up;
	return 0;
}

bool route_store_works(const struct routes_ctx *ctx)
{
	return store_check(ctx->store) == 0;
}

static int take_signing(const struct keyring_key *key, void *arg)
{
	if (key->signs) {
		*(struct keyring_key *)arg = *key;
	}
	return 0;
}

bool route_signing_key(const struct routes_ctx *ctx, struct keyring_key *out)
{
	memset(out, 0, sizeof(*out));
	return keyring_each(ctx->keyring, take_signing, out) == 0 && out->signs;
}

void route_health_get(const struct route_call *call)
{
	http_reply_json(call->reply, MHD_HTTP_OK, json_pack("{s:s}", "status", "ok"));
}

void route_ready_get(const struct route_call *call)
{
	struct links links = { 0 };
	struct keyring_key key;
	const char *missing = NULL;
	int err = ERR_STORE;

	(void)link_dial_each(call->ctx->link_dial, look, &links);
	if (!route_store_works(call->ctx)) {
		missing = "the database does not take changes";
	} else if (!route_signing_key(call->ctx, &key)) {
		missing = "no key signs tokens";
		err = ERR_INTERNAL;
	} else if (links.known > 0 && links.up == 0) {
		missing = "no reflector is linked";
		err = ERR_NO_REFLECTOR;
	}
	if (missing == NULL) {
		http_reply_json(call->reply, MHD_HTTP_OK, json_pack("{s:s}", "status", "ready"));
		return;
	}
	http_reply_problem(call->reply, MHD_HTTP_SERVICE_UNAVAILABLE, err, missing);
	call->reply->retry_after_s = RETRY_S;
}

static json_t *pool_json(const struct route_call *call, enum http_way pool)
{
	struct work_stats s = { 0 };

	if (call->ctx->http != NULL) {
		http_srv_work(call->ctx->http, pool, &s);
	}
	return json_pack("{s:i,s:i,s:i,s:i,s:I,s:I,s:I}", "threads", (int)s.threads, "running",
		(int)s.running, "waiting", (int)s.waiting, "waiting_max", (int)s.waiting_max,
		"done", (json_int_t)s.done, "refused", (json_int_t)s.refused, "expired",
		(json_int_t)s.expired);
}

static int64_t files_used(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int64_t count = -3; /* ".", ".." and this one */

	if (dir == NULL) {
		return 0;
	}
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count;
}

static json_t *database_json(const struct routes_ctx *ctx)
{
	bool ok = route_store_works(ctx);
	int64_t clock = 0;
	json_t *out = json_pack("{s:s,s:i,s:b}", "kind", store_kind(ctx->store), "schema",
		store_schema(ctx->store), "ok", ok);

	if (!ok) {
		json_object_set_new(out, "error", json_string("it does not take changes"));
	} else if (store_clock(ctx->store, &clock) == 0) {
		json_object_set_new(out, "clock", json_integer((json_int_t)clock));
	}
	return out;
}

static void add_certificate(json_t *list, const char *what, struct cert_life life)
{
	if (life.expires_at > 0) {
		(void)json_array_append_new(list,
			json_pack("{s:s,s:I,s:I}", "what", what, "begins_at",
				(json_int_t)life.begins_at, "expires_at",
				(json_int_t)life.expires_at));
	}
}

/* "control" is of the settings; "control-own" and "ca" are for enrolled reflectors. */
static json_t *certificates_json(const struct routes_ctx *ctx)
{
	struct cert_life fixed, own;
	json_t *out = json_array();

	if (ctx->http != NULL) {
		add_certificate(out, "https", http_srv_cert_life(ctx->http));
	}
	link_dial_certs(ctx->link_dial, &fixed, &own);
	add_certificate(out, "control", fixed);
	add_certificate(out, "control-own", own);
	add_certificate(out, "ca", ca_life(ctx->ca));
	return out;
}

static int add_key(const struct keyring_key *key, void *arg)
{
	json_t *item = json_pack("{s:s,s:I,s:I,s:I,s:b}", "kid", key->kid, "created_at",
		(json_int_t)key->created_at, "active_at", (json_int_t)key->active_at, "retired_at",
		(json_int_t)key->retired_at, "signs", (int)key->signs);

	return json_array_append_new(arg, item) == 0 ? 0 : ERR_NOMEM;
}

static json_t *keys_json(const struct routes_ctx *ctx)
{
	json_t *out = json_array();

	if (out != NULL && keyring_each(ctx->keyring, add_key, out) != 0) {
		json_decref(out);
		return NULL;
	}
	return out;
}

static json_t *listen_json(const struct routes_ctx *ctx)
{
	json_t *out = json_array();

	for (size_t i = 0; i < ctx->listen_count; i++) {
		(void)json_array_append_new(out, json_string(ctx->listen[i]));
	}
	return out;
}

void route_status_get(const struct route_call *call)
{
	const struct routes_ctx *ctx = call->ctx;
	struct links links = { 0 };
	struct rlimit files = { 0 };

	(void)getrlimit(RLIMIT_NOFILE, &files);
	(void)link_dial_each(ctx->link_dial, look, &links);
	json_t *out = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I}", "name", ctx->issuer, "cluster",
		ctx->cluster, "version", PACKAGE_VERSION, "now", (json_int_t)time(NULL),
		"started_at", (json_int_t)ctx->started_at, "uptime_s",
		(json_int_t)(clock_now_s() - ctx->started_s));
	json_object_set_new(out, "listen", listen_json(ctx));
	json_object_set_new(out, "database", database_json(ctx));
	json_object_set_new(out, "keys", keys_json(ctx));
	json_object_set_new(out, "certificates", certificates_json(ctx));
	json_object_set_new(out, "limits",
		json_pack("{s:I,s:I}", "open_files", (json_int_t)files.rlim_cur, "open_files_used",
			(json_int_t)files_used()));
	json_object_set_new(
		out, "links", json_pack("{s:i,s:i}", "all", (int)links.known, "up", (int)links.up));
	json_object_set_new(out, "work",
		json_pack("{s:o,s:o}", "general", pool_json(call, HTTP_GENERAL), "login",
			pool_json(call, HTTP_LOGIN)));
	http_reply_json(call->reply, MHD_HTTP_OK, out);
}
