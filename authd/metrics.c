/*
 * metrics: owns the counters of requests. A fixed table: routes and methods are those of the table
 * of routes, so peers cannot make it grow.
 */
#include "authd/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CELLS 512u /* method, route, status */
#define BUCKETS 10u

static const uint64_t bucket_ms[BUCKETS] = { 1, 5, 10, 25, 50, 100, 250, 1000, 2500, 10000 };

struct cell {
	const char *method, *route; /* NULL: free */
	int status;
	uint64_t count;
};

struct metrics {
	pthread_mutex_t mutex; /* guards what follows */
	struct cell cells[CELLS];
	uint64_t latency[BUCKETS + 1], latency_ms;
	uint64_t counts[METRICS_COUNTS];
};

int metrics_create(struct metrics **out)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		return ERR_NOMEM;
	}
	pthread_mutex_init(&m->mutex, NULL);
	*out = m;
	return 0;
}

void metrics_destroy(struct metrics *m)
{
	if (m != NULL) {
		pthread_mutex_destroy(&m->mutex);
		free(m);
	}
}

void metrics_request(
	struct metrics *m, const char *method, const char *route, int status, uint64_t ms)
{
	unsigned bucket = 0;

	if (m == NULL) {
		return;
	}
	while (bucket < BUCKETS && ms > bucket_ms[bucket]) {
		bucket++;
	}
	pthread_mutex_lock(&m->mutex);
	m->latency[bucket]++;
	m->latency_ms += ms;
	for (unsigned i = 0; i < CELLS; i++) {
		struct cell *c = &m->cells[i];
		if (c->method == NULL) {
			*c = (struct cell){ .method = method, .route = route, .status = status };
		}
		if (c->status == status && strcmp(c->route, route) == 0 &&
			strcmp(c->method, method) == 0) {
			c->count++;
			break;
		}
	}
	pthread_mutex_unlock(&m->mutex);
}

void metrics_add(struct metrics *m, enum metrics_count what)
{
	if (m != NULL) {
		pthread_mutex_lock(&m->mutex);
		m->counts[what]++;
		pthread_mutex_unlock(&m->mutex);
	}
}

void metrics_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_label(FILE *out, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\n') {
			fputs("\\n", out);
		} else {
			if (*value == '"' || *value == '\\') {
				fputc('\\', out);
			}
			fputc(*value, out);
		}
	}
}

static void write_requests(const struct metrics *m, FILE *out)
{
	uint64_t sum = 0;

	metrics_head(out, "helio_http_requests_total", "counter", "Requests answered.");
	for (unsigned i = 0; i < CELLS && m->cells[i].method != NULL; i++) {
		const struct cell *c = &m->cells[i];
		fprintf(out,
			"helio_http_requests_total{method=\"%s\",route=\"%s\",code=\"%d\"} %" PRIu64
			"\n",
			c->method, c->route, c->status, c->count);
	}
	metrics_head(out, "helio_http_request_duration_seconds", "histogram",
		"Time from the complete request to its answer, without the time in queues.");
	for (unsigned i = 0; i < BUCKETS; i++) {
		sum += m->latency[i];
		fprintf(out, "helio_http_request_duration_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
			(double)bucket_ms[i] / 1000, sum);
	}
	sum += m->latency[BUCKETS];
	fprintf(out,
		"helio_http_request_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
		"helio_http_request_duration_seconds_sum %.3f\n"
		"helio_http_request_duration_seconds_count %" PRIu64 "\n",
		sum, (double)m->latency_ms / 1000, sum);
}

void metrics_write(struct metrics *m, FILE *out)
{
	pthread_mutex_lock(&m->mutex);
	write_requests(m, out);
	metrics_head(out, "helio_logins_total", "counter", "Logins with password, by result.");
	fprintf(out,
		"helio_logins_total{result=\"ok\"} %" PRIu64 "\n"
		"helio_logins_total{result=\"failed\"} %" PRIu64 "\n"
		"helio_logins_total{result=\"limited\"} %" PRIu64 "\n",
		m->counts[METRICS_LOGIN_OK], m->counts[METRICS_LOGIN_FAILED],
		m->counts[METRICS_LOGIN_LIMITED]);
	metrics_head(out, "helio_tokens_issued_total", "counter", "Tokens given out, by source.");
	fprintf(out,
		"helio_tokens_issued_total{source=\"password\"} %" PRIu64 "\n"
		"helio_tokens_issued_total{source=\"invite\"} %" PRIu64 "\n"
		"helio_tokens_issued_total{source=\"apikey\"} %" PRIu64 "\n",
		m->counts[METRICS_TOKEN_PASSWORD], m->counts[METRICS_TOKEN_INVITE],
		m->counts[METRICS_TOKEN_APIKEY]);
	metrics_head(out, "helio_http_rate_limited_total", "counter",
		"Requests refused because their address, key or user sent too many.");
	fprintf(out, "helio_http_rate_limited_total %" PRIu64 "\n",
		m->counts[METRICS_RATE_LIMITED]);
	pthread_mutex_unlock(&m->mutex);
}
