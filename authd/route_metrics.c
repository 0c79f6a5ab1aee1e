/*
 * route_metrics: GET /metrics: asks every part for its numbers and writes them for Prometheus.
 */
#include "authd/route_handlers.h"
#include "config.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/ca.h"
#include "authd/metrics.h"
#include "authd/route_status.h"

enum figure {
	UP,
	ALARMS,
	ROOMS,
	PARTICIPANTS,
	FRAMES_IN,
	FRAMES_OUT,
	BYTES_IN,
	BYTES_OUT,
	DROPS,
	EVENTS_DROPPED,
	FIGURES
};

static const struct {
	const char *name, *type, *help;
} figures[FIGURES] = {
	{ "helio_reflector_linked", "gauge", "1 while the control link is up." },
	{ "helio_reflector_alarms_total", "counter",
		"Times that somebody else answered for the reflector." },
	{ "helio_rooms", "gauge", "Rooms that are live." },
	{ "helio_participants", "gauge", "Participants." },
	{ "helio_frames_in_total", "counter", "Frames received by a worker since it started." },
	{ "helio_frames_out_total", "counter", "Frames sent." },
	{ "helio_bytes_in_total", "counter", "Bytes received." },
	{ "helio_bytes_out_total", "counter", "Bytes sent." },
	{ "helio_frames_dropped_total", "counter", "Frames that were too late for a receiver." },
	{ "helio_reflector_events_dropped_total", "counter",
		"Events that a worker did not report because there were too many." },
};

/* All of one name have to stand together, so there is a round for each. */
struct round {
	FILE *out;
	enum figure which;
};

static int64_t figure_of(const struct link_worker *w, enum figure which)
{
	switch (which) {
	case ROOMS:
		return w->rooms;
	case PARTICIPANTS:
		return w->participants;
	case FRAMES_IN:
		return w->frames_in;
	case FRAMES_OUT:
		return w->frames_out;
	case BYTES_IN:
		return w->bytes_in;
	case BYTES_OUT:
		return w->bytes_out;
	case EVENTS_DROPPED:
		return w->events_dropped;
	default:
		return w->dropped;
	}
}

static int write_link(const struct link_view *view, void *arg)
{
	const struct round *r = arg;
	const char *name = figures[r->which].name;

	if (r->which == UP || r->which == ALARMS) {
		fprintf(r->out, "%s{reflector=\"", name);
		metrics_label(r->out, view->conf.name);
		fprintf(r->out, "\"} %" PRIu64 "\n",
			r->which == UP ? (uint64_t)view->up : view->alarms);
		return 0;
	}
	for (size_t i = 0; view->up && i < view->worker_count; i++) {
		const struct link_worker *w = &view->workers[i];
		fprintf(r->out, "%s{reflector=\"", name);
		metrics_label(r->out, view->conf.name);
		fprintf(r->out, "\",port=\"%u\"} %" PRId64 "\n", (unsigned)w->port,
			figure_of(w, r->which));
	}
	return 0;
}

static void write_links(const struct routes_ctx *ctx, FILE *out)
{
	for (int i = 0; i < FIGURES; i++) {
		struct round r = { .out = out, .which = (enum figure)i };
		metrics_head(out, figures[i].name, figures[i].type, figures[i].help);
		(void)link_dial_each(ctx->link_dial, write_link, &r);
	}
}

static void write_pools(const struct routes_ctx *ctx, FILE *out)
{
	struct work_stats pools[2];
	static const char *const names[2] = { "general", "login" };

	if (ctx->http == NULL) {
		return;
	}
	http_srv_work(ctx->http, HTTP_GENERAL, &pools[0]);
	http_srv_work(ctx->http, HTTP_LOGIN, &pools[1]);
	metrics_head(out, "helio_work_waiting", "gauge", "Requests in the queue of a pool.");
	for (int i = 0; i < 2; i++) {
		fprintf(out, "helio_work_waiting{pool=\"%s\"} %u\n", names[i], pools[i].waiting);
	}
	metrics_head(out, "helio_work_running", "gauge", "Requests at work.");
	for (int i = 0; i < 2; i++) {
		fprintf(out, "helio_work_running{pool=\"%s\"} %u\n", names[i], pools[i].running);
	}
	metrics_head(out, "helio_work_refused_total", "counter",
		"Requests refused because the queue was full or they waited too long.");
	for (int i = 0; i < 2; i++) {
		fprintf(out, "helio_work_refused_total{pool=\"%s\"} %" PRIu64 "\n", names[i],
			pools[i].refused + pools[i].expired);
	}
}

static void write_store(const struct routes_ctx *ctx, FILE *out)
{
	struct store_stats s;
	uint64_t sum = 0;

	store_stats(ctx->store, &s);
	metrics_head(out, "helio_store_up", "gauge", "1 while the database takes changes.");
	fprintf(out, "helio_store_up %d\n", route_store_works(ctx) ? 1 : 0);
	metrics_head(out, "helio_store_commits_total", "counter", "Transactions committed.");
	fprintf(out, "helio_store_commits_total %" PRIu64 "\n", s.commits);
	metrics_head(out, "helio_store_failures_total", "counter",
		"Changes that the database did not take.");
	fprintf(out, "helio_store_failures_total %" PRIu64 "\n", s.failures);
	metrics_head(out, "helio_store_waiting", "gauge", "Changes that wait for a commit.");
	fprintf(out, "helio_store_waiting %zu\n", s.waiting);
	metrics_head(out, "helio_store_commit_changes", "histogram",
		"Changes that were committed together.");
	for (unsigned i = 0; i < STORE_SIZES; i++) {
		sum += s.sizes[i];
		fprintf(out, "helio_store_commit_changes_bucket{le=\"%u\"} %" PRIu64 "\n", 1u << i,
			sum);
	}
	fprintf(out,
		"helio_store_commit_changes_bucket{le=\"+Inf\"} %" PRIu64 "\n"
		"helio_store_commit_changes_sum %" PRIu64 "\n"
		"helio_store_commit_changes_count %" PRIu64 "\n",
		sum, s.changes, sum);
}

static void write_certificate(FILE *out, const char *what, struct cert_life life)
{
	if (life.expires_at > 0) {
		fprintf(out, "helio_certificate_expiry_seconds{what=\"%s\"} %" PRId64 "\n", what,
			life.expires_at);
	}
}

static void write_trust(const struct routes_ctx *ctx, FILE *out)
{
	struct cert_life fixed, own;
	struct keyring_key key;

	metrics_head(out, "helio_certificate_expiry_seconds", "gauge",
		"When a certificate ends, in seconds since the epoch.");
	if (ctx->http != NULL) {
		write_certificate(out, "https", http_srv_cert_life(ctx->http));
	}
	link_dial_certs(ctx->link_dial, &fixed, &own);
	write_certificate(out, "control", fixed);
	write_certificate(out, "control-own", own);
	write_certificate(out, "ca", ca_life(ctx->ca));
	if (route_signing_key(ctx, &key)) {
		metrics_head(out, "helio_signing_key_age_seconds", "gauge",
			"How long the key that signs has been active.");
		fprintf(out, "helio_signing_key_age_seconds %" PRId64 "\n",
			(int64_t)time(NULL) - key.active_at);
	}
}

static void write_rest(const struct routes_ctx *ctx, FILE *out)
{
	unsigned running = 0, waiting = 0;
	uint64_t dropped = 0;
	int64_t last = 0;

	pass_hash_load(ctx->pass_hash, &running, &waiting);
	metrics_head(out, "helio_hashes_running", "gauge", "Passwords that are hashed.");
	fprintf(out, "helio_hashes_running %u\n", running);
	metrics_head(out, "helio_hashes_waiting", "gauge", "Passwords that wait for that.");
	fprintf(out, "helio_hashes_waiting %u\n", waiting);
	events_stats(ctx->events, &last, &dropped);
	metrics_head(out, "helio_events_total", "counter", "Events of GET /v1/events.");
	fprintf(out, "helio_events_total %" PRId64 "\n", last);
	metrics_head(out, "helio_events_dropped_total", "counter",
		"Events that were too long or for which there was no memory.");
	fprintf(out, "helio_events_dropped_total %" PRIu64 "\n", dropped);
	metrics_head(out, "helio_build_info", "gauge", "1, with the version.");
	fprintf(out, "helio_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
}

void route_metrics_get(const struct route_call *call)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out != NULL) {
		metrics_write(call->ctx->metrics, out);
		write_pools(call->ctx, out);
		write_links(call->ctx, out);
		write_store(call->ctx, out);
		write_trust(call->ctx, out);
		write_rest(call->ctx, out);
		if (fclose(out) != 0) {
			free(text);
			text = NULL;
		}
	}
	http_reply_text(call->reply, MHD_HTTP_OK, METRICS_TYPE, text);
}
