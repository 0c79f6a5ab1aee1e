/*
 * store_load: how many tokens a second the store takes: threads that each add one after the other.
 * usage: store_load DIR [DATABASE [THREADS [SECONDS]]]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/store_audit.h"
#include "authd/store_rooms.h"
#include "authd/store_tokens.h"
#include "authd/store_users.h"
#include "common/clock.h"

#define THREADS_MAX 256u

static const struct store_actor who = { .name = "admin:load" };

struct load {
	struct store *st;
	_Atomic bool stop;
	_Atomic unsigned next, failed;
	int64_t now;
};

struct thread {
	struct load *load;
	pthread_t id;
	unsigned number;
	uint64_t count, worst_ms;
};

static void *run(void *arg)
{
	struct thread *t = arg;

	while (!t->load->stop) {
		struct store_token token = { .user = "alice",
			.participant = "alice+x",
			.room = "demo",
			.source = "user",
			.issued_at = t->load->now,
			.expires_at = t->load->now + 3600 };
		int64_t rev;
		uint64_t begin = clock_now_ms();

		/* as ids are: in no order */
		snprintf(token.jti, sizeof(token.jti), "%08x%03u%011u",
			(unsigned)(t->load->next++ * 2654435761u), t->number, (unsigned)t->count);
		if (store_token_add(t->load->st, &who, &token, &rev) != 0) {
			t->load->failed++;
		}
		uint64_t took = clock_now_ms() - begin;
		t->worst_ms = took > t->worst_ms ? took : t->worst_ms;
		t->count++;
	}
	return NULL;
}

static int prepare(struct store *st, int64_t now)
{
	struct store_user user = { .name = "alice", .hash = "x", .created_at = now };
	struct store_room room = { .name = "demo" };
	int err = store_user_add(st, &who, &user);

	if (err == 0 || err == ERR_EXISTS) {
		err = store_room_add(st, &who, &room, now);
	}
	return err == ERR_EXISTS ? 0 : err;
}

static int measure(struct load *load, unsigned threads, unsigned seconds)
{
	static struct thread all[THREADS_MAX];
	const struct timespec ts = { .tv_sec = seconds };
	uint64_t count = 0, worst_ms = 0, begin = clock_now_ms();

	for (unsigned i = 0; i < threads; i++) {
		all[i] = (struct thread){ .load = load, .number = i };
		if (pthread_create(&all[i].id, NULL, run, &all[i]) != 0) {
			return 1;
		}
	}
	(void)nanosleep(&ts, NULL);
	load->stop = true;
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(all[i].id, NULL);
		count += all[i].count;
		worst_ms = all[i].worst_ms > worst_ms ? all[i].worst_ms : worst_ms;
	}
	printf("{\"kind\":\"%s\",\"threads\":%u,\"tokens\":%llu,\"per_s\":%.0f,\"failed\":%u,"
	       "\"worst_ms\":%llu}\n",
		store_kind(load->st), threads, (unsigned long long)count,
		(double)count * 1000. / (double)(clock_now_ms() - begin), load->failed,
		(unsigned long long)worst_ms);
	return load->failed != 0;
}

int main(int argc, char **argv)
{
	struct load load = { .now = (int64_t)time(NULL), .next = (unsigned)time(NULL) * 97u };
	unsigned threads = argc > 3 ? (unsigned)atoi(argv[3]) : 32;
	unsigned seconds = argc > 4 ? (unsigned)atoi(argv[4]) : 5;
	char why[512] = "";

	if (argc < 2 || threads < 1 || threads > THREADS_MAX || seconds < 1) {
		fprintf(stderr, "usage: store_load DIR [DATABASE [THREADS [SECONDS]]]\n");
		return 2;
	}
	if (store_open(&load.st, argv[1], argc > 2 ? argv[2] : "", why) != 0 ||
		prepare(load.st, load.now) != 0) {
		fprintf(stderr, "store_load: %s\n", why);
		return 1;
	}
	int rc = measure(&load, threads, seconds);
	store_close(load.st);
	return rc;
}
