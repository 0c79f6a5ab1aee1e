/*
 * authd_load: the program: options, and one line of JSON with what all clients saw. Its exit status
 * says that it ran, not that the answers were good: whoever asks judges the counts.
 */
#include "tests/tools/authd_load.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
	"authd_load --url URL --ca FILE --room ROOM --user USER (--key FILE | --password FILE)\n"
	"           [--clients N] [--seconds S] [--rate PER-SECOND] [--addresses N] [--number-users]\n"
	"Asks authd for tokens and prints one line of JSON: requests, ok, per_s, status, p50_ms,\n"
	"p99_ms, max_ms.\n";

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The value that share of all are not above (nearest rank). */
static double quantile(const uint32_t *sorted, size_t count, double share)
{
	size_t rank = (size_t)(share * (double)count);

	return count == 0 ? 0 : sorted[rank < count ? rank : count - 1] / 1000.0;
}

static int report(const struct load_options *o, const struct load_result *results)
{
	uint32_t status[LOAD_STATUS_COUNT] = { 0 };
	size_t count = 0, at = 0;
	const char *error = "";

	for (unsigned i = 0; i < o->clients; i++) {
		count += results[i].count;
		for (size_t s = 0; s < LOAD_STATUS_COUNT; s++) {
			status[s] += results[i].status[s];
		}
		if (error[0] == '\0') {
			error = results[i].first_error;
		}
	}
	uint32_t *all = malloc((count + 1) * sizeof(*all));
	json_t *by_status = json_object();
	if (all == NULL || by_status == NULL) {
		return 1;
	}
	for (unsigned i = 0; i < o->clients; i++) {
		if (results[i].count > 0) {
			memcpy(all + at, results[i].took_us, results[i].count * sizeof(*all));
			at += results[i].count;
		}
	}
	qsort(all, count, sizeof(*all), compare);
	for (size_t s = 0; s < LOAD_STATUS_COUNT; s++) {
		char name[8];
		snprintf(name, sizeof(name), "%zu", s);
		if (status[s] > 0) {
			json_object_set_new(by_status, name, json_integer(status[s]));
		}
	}
	json_t *line = json_pack("{s:I,s:I,s:f,s:o,s:f,s:f,s:f,s:s}", "requests", (json_int_t)count,
		"ok", (json_int_t)status[200], "per_s", (double)status[200] / o->seconds, "status",
		by_status, "p50_ms", quantile(all, count, 0.50), "p99_ms",
		quantile(all, count, 0.99), "max_ms", quantile(all, count, 1.0), "error", error);
	int rc =
		line != NULL ? json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) : -1;
	putchar('\n');
	json_decref(line);
	free(all);
	return rc == 0 ? 0 : 1;
}

static void usage(void)
{
	fputs(usage_text, stderr);
	exit(2);
}

static void parse(int argc, char **argv, struct load_options *o)
{
	static const struct option options[] = { { "url", required_argument, NULL, 'u' },
		{ "ca", required_argument, NULL, 'c' }, { "room", required_argument, NULL, 'r' },
		{ "user", required_argument, NULL, 'n' }, { "key", required_argument, NULL, 'k' },
		{ "password", required_argument, NULL, 'p' },
		{ "clients", required_argument, NULL, 'N' },
		{ "seconds", required_argument, NULL, 's' },
		{ "rate", required_argument, NULL, 'R' },
		{ "addresses", required_argument, NULL, 'a' },
		{ "number-users", no_argument, NULL, 'm' }, { NULL, 0, NULL, 0 } };
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'u':
			o->url = optarg;
			break;
		case 'c':
			o->ca_file = optarg;
			break;
		case 'r':
			o->room = optarg;
			break;
		case 'n':
			o->user = optarg;
			break;
		case 'k':
			o->key_file = optarg;
			break;
		case 'p':
			o->password_file = optarg;
			break;
		case 'N':
			o->clients = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			o->seconds = strtod(optarg, NULL);
			break;
		case 'R':
			o->rate = strtod(optarg, NULL);
			break;
		case 'a':
			o->addresses = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'm':
			o->number_users = true;
			break;
		default:
			usage();
		}
	}
}

int main(int argc, char **argv)
{
	struct load_options o = { .clients = 1, .seconds = 1 };

	parse(argc, argv, &o);
	if (o.url == NULL || o.ca_file == NULL || o.room == NULL || o.user == NULL ||
		(o.key_file == NULL) == (o.password_file == NULL) || o.clients == 0 ||
		o.clients > LOAD_CLIENTS_MAX || !(o.seconds > 0) || o.rate < 0) {
		usage();
	}
	struct load_result *results = calloc(o.clients, sizeof(*results));
	if (results == NULL || !authd_load_run(&o, results)) {
		fputs("authd_load: cannot start: the secret's file cannot be read, or no threads\n",
			stderr);
		return 1;
	}
	int status = report(&o, results);
	for (unsigned i = 0; i < o.clients; i++) {
		free(results[i].took_us);
	}
	free(results);
	return status;
}
