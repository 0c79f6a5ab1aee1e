/*
 * A whole life of a worker, from its credentials to SIGTERM, with its 1st, 2nd, 3rd ... allocation
 * failing. The worker runs in a child, whose own allocations and jansson's are wrapped (the
 * libraries below GnuTLS end a process that has no memory, so GnuTLS is not starved); this process
 * is its supervisor, its gate and its clients, and never starved. The worker must not crash, leak,
 * hang, take a token it should not, or leave anybody waiting for what will not come; it must serve
 * the next client, or have ended and said why. All allocations are tried one by one with
 * HELIO_NO_MEMORY_ALL set, else a few hundred of them.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/clock.h"
#include "tests/unit/starve.h"
#include "tests/unit/worker_fixture.h"

#define RUNS_MAX 400u

/* Waits until the family was told something; false when it will not be. */
static bool family_told(struct world *w, int fd, const char *a, const char *b)
{
	uint64_t end = clock_now_ms() + (tally->for_good ? WORLD_WAIT_STARVED_MS : WORLD_WAIT_MS);
	char text[8192];

	for (;;) {
		uint64_t now = clock_now_ms();
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		if (now >= end || poll(&pfd, 1, (int)(end - now)) <= 0) {
			if (!tally->for_good) {
				world_complain(w, "the family was not told", a);
			}
			return false;
		}
		ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
		if (n <= 0) {
			return false; /* it has ended */
		}
		text[n] = '\0';
		if (strstr(text, a) != NULL || strstr(text, b) != NULL) {
			return true;
		}
	}
}

/* A query may be lost, when the gate names the port as missing; but not two in a row. */
static bool query(struct world *w, const char *what)
{
	char text[128], first[32], second[32];

	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "{\"type\":\"query\",\"id\":%u,\"what\":\"%s\"}",
			++w->queries, what);
		world_say(w->gate, text);
	}
	snprintf(first, sizeof(first), "\"id\":%u,", w->queries - 1);
	snprintf(second, sizeof(second), "\"id\":%u,", w->queries);
	return family_told(w, w->gate, first, second);
}

static void revoke_token(struct world *w, const char *who)
{
	char text[256];

	snprintf(text, sizeof(text),
		"{\"type\":\"revoke\",\"entries\":[{\"seq\":%u,\"kind\":\"token\",\"id\":\"jti-%s\","
		"\"until\":%lld}]}",
		++w->queries, who, (long long)time(NULL) + 600);
	world_say(w->gate, text);
}

static void publish(struct client *c, const char *kind, int req)
{
	char answer[32];

	snprintf(answer, sizeof(answer), "\"req\":%d", req);
	client_say(c, "{\"type\":\"publish\",\"kind\":\"%s\",\"codec\":\"%s-codec\",\"req\":%d}",
		kind, kind, req);
	c->stream = 0;
	if (client_told(c, NULL, answer) && strstr(c->log, "\"published\"") != NULL) {
		c->stream = (uint16_t)atoi(strstr(c->log, "\"stream\":") + 9);
	}
}

static void media(struct client *alice, struct client *bob, uint16_t audio, uint16_t video)
{
	client_forget(bob);
	if (audio != 0) {
		client_send(alice, (struct frame_hdr){ .kind = FRAME_AUDIO, .stream = audio },
			"some audio");
		(void)client_told(bob, alice, "some audio");
	}
	if (video != 0) {
		client_send(alice,
			(struct frame_hdr){ .kind = FRAME_VIDEO,
				.flags = FRAME_KEYFRAME | FRAME_FIRST | FRAME_LAST,
				.stream = video },
			"some video");
		(void)client_told(bob, alice, "some video");
	}
	if (audio != 0) {
		client_say(bob, "{\"type\":\"unsubscribe\",\"streams\":[%u],\"req\":5}", audio);
		(void)client_told(bob, NULL, "\"req\":5");
		client_say(bob, "{\"type\":\"subscribe\",\"streams\":[%u],\"req\":6}", audio);
		(void)client_told(bob, NULL, "\"req\":6");
	}
	if (video != 0) {
		client_say(bob,
			"{\"type\":\"layers\",\"stream\":%u,\"spatial\":1,\"temporal\":1,\"req\":"
			"7}",
			video);
		(void)client_told(bob, NULL, "\"req\":7");
	}
}

static bool ping(struct client *c)
{
	client_forget(c);
	client_send(c, (struct frame_hdr){ .kind = FRAME_PING }, "are you there");
	return client_told(c, NULL, "kind 7 are you there");
}

static void chat(struct client *alice, struct client *bob)
{
	client_forget(alice);
	client_forget(bob);
	client_send(alice, (struct frame_hdr){ .kind = FRAME_CHAT, .seq = 1 }, "hello room");
	(void)client_told(alice, NULL, "\"chat-ack\",\"seq\":1");
	(void)client_told(bob, alice, "hello room");
	client_forget(bob);
	client_send(bob,
		(struct frame_hdr){
			.kind = FRAME_CHAT, .flags = FRAME_MARKER, .stream = 1, .seq = 2 },
		"hello alice");
	(void)client_told(bob, alice, "\"seq\":2");
	(void)client_told(alice, bob, "hello alice");
	client_forget(bob);
	client_send(bob,
		(struct frame_hdr){
			.kind = FRAME_CHAT, .flags = FRAME_MARKER, .stream = 99, .seq = 3 },
		"hello nobody");
	(void)client_told(bob, NULL, "\"seq\":3");
	client_say(bob, "{\"type\":\"nonsense\",\"req\":9}");
	(void)client_told(bob, NULL, "\"req\":9");
	(void)ping(bob);
}

static bool push_policy(struct world *w, struct client *alice, bool lobby)
{
	char text[256];

	client_forget(alice);
	snprintf(text, sizeof(text),
		"{\"type\":\"policies\",\"rooms\":[{\"name\":\"demo\",\"rev\":%u,\"policy\":{"
		"\"lobby\":%s,\"kinds\":[\"audio\",\"video\"]}}]}",
		++w->queries, lobby ? "true" : "false");
	world_say(w->gate, text);
	return client_told(alice, NULL, "\"policy\"");
}

/* An order may be lost, when the gate says so; but not two in a row. */
static void order(struct world *w, const char *what, const char *who)
{
	char text[256];

	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			"{\"type\":\"moderate\",\"id\":%u,\"what\":\"%s\",\"room\":\"demo\","
			"\"participant\":\"%s\",\"kinds\":[\"audio\"]}",
			++w->queries, what, who);
		world_say(w->gate, text);
	}
	(void)family_told(w, w->gate, "\"moderated\"", "\"moderated\"");
}

static void ask(struct client *c, const char *type, unsigned num, const char *more, int req)
{
	char answer[32];

	snprintf(answer, sizeof(answer), "\"req\":%d", req);
	client_say(c, "{\"type\":\"%s\",\"num\":%u,\"req\":%d%s}", type, num, req, more);
	(void)client_told(c, NULL, answer);
}

/* Alice lets dora in out of the lobby, mutes her and sends her away. */
static void lobby(struct world *w, struct client *alice, struct client *dora)
{
	client_forget(alice);
	if (client_wait(dora, "dora") && client_told(alice, dora, "\"waiting\"")) {
		unsigned num = (unsigned)atoi(strstr(dora->log, "\"num\":") + 6);

		client_forget(dora);
		ask(alice, "admit", num, "", 20);
		if (strstr(alice->log, "\"admitted\"") != NULL &&
			client_told(dora, alice, "\"more\":false")) {
			client_forget(dora);
			ask(alice, "mute", num, ",\"kinds\":[\"audio\"],\"muted\":true", 21);
			(void)client_told(dora, alice, "\"muted\"");
			ask(alice, "lock", num, ",\"locked\":true", 22);
			ask(alice, "lock", num, ",\"locked\":false", 23);
			(void)query(w, "participants");
			ask(alice, "kick", num, ",\"ban_s\":60,\"text\":\"enough\"", 24);
		}
	}
	order(w, "mute", "alice");
	order(w, "unmute", "alice");
	client_drop(dora);
}

/* The next client finds no lobby, whatever failed. */
static void moderation(struct world *w, struct client *alice, struct client *dora)
{
	if (push_policy(w, alice, true)) {
		lobby(w, alice, dora);
	}
	(void)push_policy(w, alice, false);
}

/* The next honest client: who is hit by the failure himself tries once more. */
static void serve_next(struct world *w, struct client *carol)
{
	bool hit_before = tally->failed;

	bool joined = client_join(carol, "carol");
	if (!joined && !hit_before) {
		joined = client_join(carol, "carol");
	}
	if (!joined && !tally->for_good && !world_has_ended(w) &&
		world_log_has(w, "err=no-memory") == false) {
		world_complain(w, "not served:", "carol");
	}
}

static void call(struct world *w)
{
	struct client *alice = &w->clients[0], *bob = &w->clients[1], *carol = &w->clients[2];

	client_refused_forged(carol);
	client_refused_revoked(carol, "eve");
	(void)client_join(alice, "alice");
	publish(alice, "audio", 1);
	uint16_t audio = alice->stream;
	publish(alice, "video", 2);
	uint16_t video = alice->stream;
	client_forget(alice);
	bool both = client_join(bob, "bob") && !alice->closed;
	both = both && (audio == 0 || client_told(bob, alice, "audio-codec"));
	both = both && (video == 0 || client_told(bob, alice, "video-codec"));
	if (both) {
		(void)client_told(alice, bob, "\"joined\"");
		media(alice, bob, audio, video);
		chat(alice, bob);
		publish(bob, "audio", 8);
		if (bob->stream != 0) {
			(void)client_told(alice, bob, "\"id\":\"bob\"");
		}
	}
	(void)query(w, "rooms");
	(void)query(w, "participants");
	client_forget(alice);
	both = !alice->closed && !bob->closed;
	revoke_token(w, "bob");
	if (both && client_told(bob, NULL, "\"token-revoked\"")) {
		(void)client_told(alice, NULL, "\"left\"");
	}
	(void)query(w, "rooms");
	client_refused_revoked(bob, "bob");
	if (video != 0) {
		client_say(alice, "{\"type\":\"unpublish\",\"stream\":%u,\"req\":3}", video);
		(void)client_told(alice, NULL, "\"req\":3");
	}
	bool there = ping(alice);
	if (there) {
		moderation(w, alice, bob);
		there = ping(alice);
	}
	serve_next(w, carol);
	client_say(alice, "{\"type\":\"bye\",\"reason\":\"bye\"}");
	client_drop(alice);
	if (there && !carol->closed) {
		(void)client_told(carol, NULL, "\"left\"");
	}
}

static void end_worker(struct world *w)
{
	struct client *carol = &w->clients[2];
	struct pollfd pfd = { .fd = w->pidfd, .events = POLLIN };
	int status;

	bool early = world_has_ended(w);
	client_forget(carol);
	/* one that is ending by itself would die of the signal */
	if (!tally->failed) {
		kill(w->pid, SIGTERM);
	} else {
		close(w->supervisor);
		w->supervisor = -1;
	}
	if (!early && !carol->closed) {
		(void)client_told(carol, NULL, "\"shutdown\"");
	}
	for (int i = 0; i < WORLD_CLIENTS; i++) {
		client_drop(&w->clients[i]);
	}
	if (poll(&pfd, 1, WORLD_WAIT_MS) <= 0) {
		world_complain(w, "no end of", "the worker");
	}
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
		world_complain(w, "the worker", WIFEXITED(status) ? "left badly" : "crashed");
	}
	if (tally->live != 0) {
		world_complain(w, "the worker", "leaks");
	}
	if ((early || WEXITSTATUS(status) != 0) && !world_log_has(w, "err=no-memory")) {
		world_complain(w, "the worker", "ended and did not say why");
	}
	close(w->pidfd);
	if (w->supervisor >= 0) {
		close(w->supervisor);
	}
	close(w->gate);
}

/* True when the failure was met. */
static bool run(struct world *w, unsigned fail_at, bool for_good)
{
	*tally = (struct tally){ .fail_at = fail_at, .for_good = for_good };
	world_start(w);
	world_say(w->supervisor, w->credentials);
	world_say(w->supervisor, w->settings);
	revoke_token(w, "eve");
	world_say(w->gate, w->keys);
	bool ready = family_told(w, w->supervisor, "\"ready\"", "\"ready\"");
	if (ready && query(w, "rooms")) {
		call(w);
	}
	if (!ready && !for_good && !world_log_has(w, "err=no-memory")) {
		world_complain(w, "not ready, and no word", "why");
	}
	end_worker(w);
	assert_true(tally->failed || fail_at == 0 || for_good || fail_at >= tally->allocations);
	return tally->failed;
}

static unsigned stride(unsigned total, unsigned runs)
{
	return getenv("HELIO_NO_MEMORY_ALL") != NULL ? 1 : (total + runs - 1) / runs;
}

static void test_once(void **state)
{
	struct world *w = *state;

	assert_false(run(w, 0, false));
	unsigned total = tally->allocations;
	assert_true(total > 100);
	for (unsigned n = 1; run(w, n, false); n += stride(total, RUNS_MAX)) {
		assert_true(n < 20000);
	}
}

static void test_for_good(void **state)
{
	struct world *w = *state;

	assert_false(run(w, 0, false));
	unsigned total = tally->allocations;
	for (unsigned n = 1; n < total; n += total / 12) {
		(void)run(w, n, true);
	}
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	starve_init();
	world_init(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_finish(*state);
	free(*state);
	starve_finish();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_for_good),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
