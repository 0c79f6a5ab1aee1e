/*
 * route_metrics: GET /metrics: asks every part for its numbers and writes them for Prometheus.
 */
#include "config.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "authd/metrics.h"
#include "authd/routes.h"

enum figure { UP, ROOMS, PARTICIPANTS, FRAMES_IN, FRAMES_OUT, BYTES_IN, BYTES_OUT, DROPS, FIGURES };

static const struct {
	const char *name, *type, *help;
} figures[FIGURES] = {
	{ "helio_reflector_linked", "gauge", "1 while the control link is up." },
	{ "helio_rooms", "gauge", "Rooms that are live." },
	{ "helio_participants", "gauge", "Participants." },
	{ "helio_frames_in_total", "counter", "Frames received by a worker since it started." },
	{ "helio_frames_out_total", "counter", "Frames sent." },
	{ "helio_bytes_in_total", "counter", "Bytes received." },
	{ "helio_bytes_out_total", "counter", "Bytes sent." },
	{ "helio_frames_dropped_total", "counter", "Frames that were too late for a receiver." },
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
	default:
		return w->dropped;
	}
}

static int write_link(const struct link_view *view, void *arg)
{
	const struct round *r = arg;
	const char *name = figures[r->which].name;

	if (r->which == UP) {
		fprintf(r->out, "%s{reflector=\"", name);
		metrics_label(r->out, view->conf.name);
		fprintf(r->out, "\"} %d\n", view->up ? 1 : 0);
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

static void write_rest(const struct routes_ctx *ctx, FILE *out)
{
	metrics_head(out, "helio_store_up", "gauge", "1 while the database takes changes.");
	fprintf(out, "helio_store_up %d\n", route_store_works(ctx) ? 1 : 0);
	if (ctx->http != NULL) {
		metrics_head(out, "helio_certificate_expiry_seconds", "gauge",
			"When the certificate of HTTPS ends, in seconds since the epoch.");
		fprintf(out, "helio_certificate_expiry_seconds %" PRId64 "\n",
			http_srv_cert_expiry(ctx->http));
	}
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
		write_rest(call->ctx, out);
		if (fclose(out) != 0) {
			free(text);
			text = NULL;
		}
	}
	http_reply_text(call->reply, MHD_HTTP_OK, METRICS_TYPE, text);
}
