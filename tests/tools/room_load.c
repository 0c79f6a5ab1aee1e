/*
 * room_load: the program. It owns the loop over all handles, the phases of a run (join, publish,
 * talk, wait, leave) and the report. It must never call a run good in which a single frame is
 * missing.
 */
#include "tests/tools/room_load.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOIN_AT_ONCE 8u
#define DRAIN_US (10 * 1000000)

struct run {
	struct load_options options;
	struct load_room room;
	struct pollfd *fds;
	char password[256];
};

/* One turn: waits at most until the time at_most (us) for any handle, lets all of them work. */
static void run_turn(struct run *r, int64_t at_most)
{
	int64_t wait = at_most - load_now_us();
	int ms = wait <= 0 ? 0 : (int)(wait / 1000) + 1;
	nfds_t count = 0;

	for (unsigned i = 0; i < r->options.participants; i++) {
		struct load_peer *p = &r->room.peers[i];
		int own = helio_timeout_ms(p->h);
		r->fds[count++] =
			(struct pollfd){ .fd = p->started ? helio_fd(p->h) : -1, .events = POLLIN };
		if (p->started && own >= 0 && own < ms) {
			ms = own;
		}
	}
	poll(r->fds, count, ms);
	for (unsigned i = 0; i < count; i++) {
		if (r->fds[i].revents != 0 || helio_timeout_ms(r->room.peers[i].h) == 0) {
			helio_dispatch(r->room.peers[i].h);
		}
	}
}

static bool run_any_closed(struct run *r, const char *when)
{
	for (unsigned i = 0; i < r->options.participants; i++) {
		const struct load_peer *p = &r->room.peers[i];
		if (p->closed) {
			fprintf(stderr, "room_load: participant %u was closed while %s: %s (%s)\n",
				i, when, helio_error_name(p->error), helio_error_text(p->error));
			return true;
		}
	}
	return false;
}

/* Everybody joins, a few at once: authd hashes a password for each. */
static bool run_join(struct run *r)
{
	int64_t end = load_now_us() + (int64_t)r->options.join_s * 1000000;
	unsigned started = 0, joined = 0;

	while (joined < r->options.participants) {
		while (started < r->options.participants && started - joined < JOIN_AT_ONCE) {
			struct load_peer *p = &r->room.peers[started++];
			p->started = true;
			if (helio_join(p->h) != HELIO_OK) {
				return false;
			}
		}
		run_turn(r, load_now_us() + 50000);
		joined = 0;
		for (unsigned i = 0; i < started; i++) {
			joined += r->room.peers[i].joined;
		}
		if (run_any_closed(r, "joining")) {
			return false;
		}
		if (load_now_us() > end) {
			fprintf(stderr, "room_load: only %u joined in %u s\n", joined,
				r->options.join_s);
			return false;
		}
	}
	return true;
}

static bool run_publish(struct run *r)
{
	int64_t end = load_now_us() + 15000000;

	for (unsigned i = 0; i < r->options.talkers; i++) {
		if (load_peer_publish(&r->room.peers[i]) != HELIO_OK) {
			return false;
		}
	}
	for (unsigned ready = 0; ready < r->options.participants;) {
		run_turn(r, load_now_us() + 50000);
		ready = 0;
		for (unsigned i = 0; i < r->options.participants; i++) {
			ready += load_peer_is_ready(&r->room.peers[i]);
		}
		if (load_now_us() > end) {
			fprintf(stderr, "room_load: only %u saw all streams in 15 s\n", ready);
			return false;
		}
	}
	return true;
}

static void run_talk(struct run *r)
{
	int64_t start = load_now_us(), length = (int64_t)r->options.seconds * 1000000;

	for (int64_t now = 0; now < length; now = load_now_us() - start) {
		for (unsigned i = 0; i < r->options.talkers; i++) {
			load_peer_talk(&r->room.peers[i], now);
		}
		run_turn(r, start + (now / (LOAD_AUDIO_MS * 1000) + 1) * LOAD_AUDIO_MS * 1000);
	}
	for (int m = 0; m < LOAD_MEDIA; m++) {
		struct load_counts *c = &r->room.counts[m];
		c->expected = c->sent * (r->options.participants - 1);
	}
	const struct load_counts *c = r->room.counts;
	for (int64_t end = load_now_us() + DRAIN_US; load_now_us() < end;) {
		if (c[0].received == c[0].expected && c[1].received == c[1].expected) {
			break;
		}
		run_turn(r, load_now_us() + 20000);
	}
}

static void run_leave(struct run *r)
{
	unsigned left = 0;

	for (unsigned i = 0; i < r->options.participants; i++) {
		r->room.failures += r->room.peers[i].closed;
		helio_leave(r->room.peers[i].h);
	}
	for (int64_t end = load_now_us() + 5000000;
		left < r->options.participants && load_now_us() < end;) {
		run_turn(r, load_now_us() + 20000);
		left = 0;
		for (unsigned i = 0; i < r->options.participants; i++) {
			left += r->room.peers[i].closed;
		}
	}
}

static bool counts_are_good(const struct load_counts *c)
{
	return c->received == c->expected && c->missing == 0 && c->again == 0 && c->wrong == 0;
}

static void counts_print(const char *name, const struct load_counts *c)
{
	printf(",\"%s\":{\"sent\":%llu,\"expected\":%llu,\"received\":%llu,\"missing\":%llu,\"again\":%llu,"
	       "\"wrong\":%llu,\"p50_ms\":%.2f,\"p99_ms\":%.2f}",
		name, (unsigned long long)c->sent, (unsigned long long)c->expected,
		(unsigned long long)c->received, (unsigned long long)(c->expected - c->received),
		(unsigned long long)c->again, (unsigned long long)c->wrong,
		load_latency_ms(&c->latency, 500), load_latency_ms(&c->latency, 990));
}

static bool run_report(const struct run *r)
{
	const struct load_room *room = &r->room;
	bool ok = room->counts[LOAD_AUDIO].expected > 0 &&
		counts_are_good(&room->counts[LOAD_AUDIO]) &&
		counts_are_good(&room->counts[LOAD_VIDEO]) && room->refused == 0 &&
		room->failures == 0;

	printf("{\"ok\":%s,\"participants\":%u,\"talkers\":%u,\"seconds\":%u,\"refused\":%u,\"failures\":%u",
		ok ? "true" : "false", r->options.participants, r->options.talkers,
		r->options.seconds, room->refused, room->failures);
	counts_print("audio", &room->counts[LOAD_AUDIO]);
	if (r->options.video) {
		counts_print("video", &room->counts[LOAD_VIDEO]);
	}
	puts("}");
	return ok;
}

static bool run_phases(struct run *r)
{
	if (!run_join(r)) {
		return false;
	}
	printf("{\"joined\":%u}\n", r->options.participants);
	fflush(stdout);
	if (!run_publish(r)) {
		return false;
	}
	run_talk(r);
	run_any_closed(r, "talking");
	run_leave(r);
	return run_report(r);
}

static int run(struct run *r)
{
	int status = EXIT_FAILURE;
	unsigned made = 0;

	r->room.options = &r->options;
	r->room.peers = calloc(r->options.participants, sizeof(*r->room.peers));
	r->fds = calloc(r->options.participants, sizeof(*r->fds));
	if (r->room.peers == NULL || r->fds == NULL) {
		goto free_all;
	}
	for (; made < r->options.participants; made++) {
		int error = load_peer_init(&r->room.peers[made], &r->room, made);
		if (error != HELIO_OK) {
			fprintf(stderr, "room_load: helio_create: %s\n", helio_error_text(error));
			goto finish_peers;
		}
	}
	status = run_phases(r) ? EXIT_SUCCESS : EXIT_FAILURE;

finish_peers:
	for (unsigned i = 0; i <= made && i < r->options.participants; i++) {
		load_peer_finish(&r->room.peers[i]);
	}
free_all:
	free(r->fds);
	free(r->room.peers);
	return status;
}

static bool read_password(struct run *r, const char *path)
{
	FILE *file = fopen(path, "r");

	if (file == NULL || fgets(r->password, sizeof(r->password), file) == NULL) {
		fprintf(stderr, "room_load: cannot read %s: %s\n", path, strerror(errno));
		if (file != NULL) {
			fclose(file);
		}
		return false;
	}
	fclose(file);
	r->password[strcspn(r->password, "\n")] = '\0';
	r->options.password = r->password;
	return true;
}

static bool parse_number(unsigned *out, const char *text, unsigned max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 1 || n > max) {
		fprintf(stderr, "room_load: %s is no number from 1 to %u\n", text, max);
		return false;
	}
	*out = (unsigned)n;
	return true;
}

enum option_id {
	AUTHD = 1,
	AUTHD_CA,
	CA,
	USER,
	PASSWORD_FILE,
	ROOM,
	PARTICIPANTS,
	TALKERS,
	SECONDS,
	JOIN_S,
	VIDEO
};

static const struct option options[] = {
	{ "authd", required_argument, NULL, AUTHD },
	{ "authd-ca", required_argument, NULL, AUTHD_CA },
	{ "ca", required_argument, NULL, CA },
	{ "user", required_argument, NULL, USER },
	{ "password-file", required_argument, NULL, PASSWORD_FILE },
	{ "room", required_argument, NULL, ROOM },
	{ "participants", required_argument, NULL, PARTICIPANTS },
	{ "talkers", required_argument, NULL, TALKERS },
	{ "seconds", required_argument, NULL, SECONDS },
	{ "join-seconds", required_argument, NULL, JOIN_S },
	{ "video", no_argument, NULL, VIDEO },
	{ NULL, 0, NULL, 0 },
};

static bool take_option(struct run *r, int option, const char *value)
{
	struct load_options *o = &r->options;

	switch (option) {
	case AUTHD:
		o->authd = value;
		return true;
	case AUTHD_CA:
		o->authd_ca = value;
		return true;
	case CA:
		o->ca = value;
		return true;
	case USER:
		o->user = value;
		return true;
	case ROOM:
		o->room = value;
		return true;
	case PASSWORD_FILE:
		return read_password(r, value);
	case PARTICIPANTS:
		return parse_number(&o->participants, value, LOAD_MAX);
	case TALKERS:
		return parse_number(&o->talkers, value, LOAD_MAX);
	case SECONDS:
		return parse_number(&o->seconds, value, 86400);
	case JOIN_S:
		return parse_number(&o->join_s, value, 3600);
	case VIDEO:
		o->video = true;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	struct run *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		return EXIT_FAILURE;
	}
	r->options = (struct load_options){
		.participants = 50, .talkers = 1, .seconds = 5, .join_s = 60
	};
	bool good = true;
	for (int c; good && (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		good = take_option(r, c, optarg);
	}
	const struct load_options *o = &r->options;
	if (!good || optind != argc || o->authd == NULL || o->user == NULL || o->password == NULL ||
		o->room == NULL || o->talkers > o->participants || o->participants < 2) {
		fprintf(stderr,
			"usage: room_load --authd URL --user NAME --password-file FILE --room NAME\n"
			"\t[--authd-ca FILE] [--ca FILE] [--participants N] [--talkers N] [--seconds S]\n"
			"\t[--join-seconds S] [--video]\n");
		free(r);
		return 2;
	}
	int status = run(r);
	free(r);
	return status;
}
