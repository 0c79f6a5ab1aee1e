/*
 * authd_load_client: one client: a thread with one connection. With a rate, a request's time begins
 * when it was due, not when the client got round to it: an answer that is late makes the next ones
 * late too, and all of that counts.
 */
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/tools/authd_load.h"

#define TEXT_MAX 1280

struct shared {
	const struct load_options *options;
	char secret[TEXT_MAX]; /* the key, or the password */
	int64_t start_ns, end_ns;
	atomic_uint_fast64_t next; /* number of the next request */
};

struct client {
	struct shared *shared;
	struct load_result *result;
	unsigned number;
	pthread_t thread;
	CURL *curl;
	struct curl_slist *headers;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_until(int64_t when_ns)
{
	struct timespec t = { .tv_sec = when_ns / 1000000000, .tv_nsec = when_ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0) {
	}
}

static size_t discard(char *data, size_t size, size_t count, void *user)
{
	(void)data;
	(void)user;
	return size * count;
}

/* The first line of a file, without its end. */
static bool read_line(const char *file, char *out, size_t size)
{
	FILE *f = fopen(file, "r");
	bool ok = f != NULL && fgets(out, (int)size, f) != NULL;

	if (f != NULL) {
		fclose(f);
	}
	if (ok) {
		out[strcspn(out, "\r\n")] = '\0';
	}
	return ok;
}

static bool client_prepare(struct client *c)
{
	const struct load_options *o = c->shared->options;
	char text[TEXT_MAX + 64];

	c->curl = curl_easy_init();
	c->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (c->curl == NULL || c->headers == NULL) {
		return false;
	}
	if (o->key_file != NULL) {
		snprintf(text, sizeof(text), "Authorization: Bearer %s", c->shared->secret);
		c->headers = curl_slist_append(c->headers, text);
	}
	snprintf(text, sizeof(text), "%s/v1/token", o->url);
	curl_easy_setopt(c->curl, CURLOPT_URL, text);
	curl_easy_setopt(c->curl, CURLOPT_CAINFO, o->ca_file);
	/* or all of the system are read, for each client */
	curl_easy_setopt(c->curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	if (o->addresses > 0) {
		unsigned n = c->number % o->addresses;
		snprintf(text, sizeof(text), "host!127.0.%u.%u", 1 + n / 250, 1 + n % 250);
		curl_easy_setopt(c->curl, CURLOPT_INTERFACE, text);
	}
	return true;
}

static void note(struct load_result *r, long status, int64_t took_ns)
{
	if (r->count == r->room) {
		size_t room = r->room == 0 ? 1024 : 2 * r->room;
		uint32_t *grown = realloc(r->took_us, room * sizeof(*grown));
		if (grown == NULL) {
			abort();
		}
		r->took_us = grown;
		r->room = room;
	}
	r->took_us[r->count++] = (uint32_t)(took_ns / 1000);
	r->status[status > 0 && status < (long)LOAD_STATUS_COUNT ? status : 0]++;
}

static void ask(struct client *c, uint64_t number, int64_t due_ns)
{
	const struct load_options *o = c->shared->options;
	char body[TEXT_MAX + 256], user[96];
	long status = 0;

	snprintf(user, sizeof(user), o->number_users ? "%s-%llu" : "%s", o->user,
		(unsigned long long)number);
	if (o->key_file != NULL) {
		snprintf(body, sizeof(body), "{\"user\":\"%s\",\"room\":\"%s\"}", user, o->room);
	} else {
		snprintf(body, sizeof(body),
			"{\"user\":\"%s\",\"room\":\"%s\",\"password\":\"%s\"}", user, o->room,
			c->shared->secret);
	}
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
	CURLcode rc = curl_easy_perform(c->curl);
	if (rc == CURLE_OK) {
		curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	} else if (c->result->first_error[0] == '\0') {
		snprintf(c->result->first_error, sizeof(c->result->first_error), "%s",
			curl_easy_strerror(rc));
	}
	note(c->result, status, now_ns() - due_ns);
}

static void *client_run(void *arg)
{
	struct client *c = arg;
	struct shared *s = c->shared;

	sleep_until(s->start_ns);
	for (;;) {
		uint64_t number = atomic_fetch_add(&s->next, 1);
		int64_t due = now_ns();
		if (s->options->rate > 0) {
			due = s->start_ns + (int64_t)((double)number * 1e9 / s->options->rate);
		}
		if (due >= s->end_ns) {
			return NULL;
		}
		if (due > now_ns()) {
			sleep_until(due);
		}
		ask(c, number, due);
	}
}

bool authd_load_run(const struct load_options *options, struct load_result *results)
{
	const char *file = options->key_file != NULL ? options->key_file : options->password_file;
	struct client *clients = calloc(options->clients, sizeof(*clients));
	struct shared shared = { .options = options };
	unsigned started = 0;
	bool ok = clients != NULL && read_line(file, shared.secret, sizeof(shared.secret));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	shared.start_ns = now_ns() + 200000000;
	shared.end_ns = shared.start_ns + (int64_t)(options->seconds * 1e9);
	while (ok && started < options->clients) {
		struct client *c = &clients[started];
		*c = (struct client){
			.shared = &shared, .result = &results[started], .number = started
		};
		ok = client_prepare(c) && pthread_create(&c->thread, NULL, client_run, c) == 0;
		started += ok ? 1 : 0;
	}
	for (unsigned i = 0; i < started; i++) {
		pthread_join(clients[i].thread, NULL);
	}
	for (unsigned i = 0; clients != NULL && i < options->clients; i++) {
		curl_easy_cleanup(clients[i].curl);
		curl_slist_free_all(clients[i].headers);
	}
	free(clients);
	curl_global_cleanup();
	return ok;
}
