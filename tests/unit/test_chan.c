/*
 * chan over both carriers: messages both ways, bounds, garbage, a silent peer, and an owner that
 * destroys the channel inside its callbacks.
 */
#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/chan.h"
#include "proto/frame_hdr.h"
#include "tests/unit/tls_fixture.h"

struct fixture {
	struct ev_loop *loop;
	struct ev_timer guard;
	struct tls_ca ca;
	struct tls_identity id;
	gnutls_certificate_credentials_t creds;
};

/* What an owner saw. */
struct seen {
	struct fixture *f;
	struct chan *ch;
	unsigned messages;
	unsigned opens;
	unsigned ends;
	int err;
	unsigned stop_at; /* break the loop at this many messages */
	bool destroy_on_message;
	bool destroy_on_end;
	bool destroy_on_open;
	bool echo;
	size_t text_len; /* of the field "text" of the last message */
	char type[33];
};

static void on_message(struct chan *ch, const char *type, const json_t *msg, void *user)
{
	struct seen *s = user;

	assert_ptr_equal(ch, s->ch);
	s->messages++;
	strcpy(s->type, type);
	s->text_len = json_string_length(json_object_get(msg, "text"));
	if (s->echo) {
		assert_int_equal(chan_send(ch, msg), 0);
	}
	if (s->destroy_on_message) {
		chan_destroy(ch);
		s->ch = NULL;
	}
	if (s->messages == s->stop_at) {
		ev_break(s->f->loop, EVBREAK_ONE);
	}
}

static void on_open(struct chan *ch, void *user)
{
	struct seen *s = user;

	s->opens++;
	if (s->destroy_on_open) {
		chan_destroy(ch);
		s->ch = NULL;
	}
}

static void on_end(struct chan *ch, int err, void *user)
{
	struct seen *s = user;

	s->ends++;
	s->err = err;
	if (s->destroy_on_end) {
		chan_destroy(ch);
		s->ch = NULL;
	}
	ev_break(s->f->loop, EVBREAK_ONE);
}

static const struct chan_events events = { on_message, on_open, on_end };

static void guard_cb(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	bool *fired = w->data;

	(void)revents;
	if (fired != NULL) {
		*fired = true;
	}
	ev_break(loop, EVBREAK_ONE);
}

/* Runs the loop until something breaks it; false when nothing did for a while. */
static bool run(struct fixture *f)
{
	bool fired = false;

	f->guard.data = &fired;
	f->guard.repeat = 10.;
	ev_timer_again(f->loop, &f->guard);
	ev_run(f->loop, 0);
	ev_timer_stop(f->loop, &f->guard);
	return !fired;
}

/* A few turns in which nothing is expected to break the loop. */
static void run_briefly(struct fixture *f)
{
	for (int i = 0; i < 20; i++) {
		ev_run(f->loop, EVRUN_NOWAIT);
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->loop = ev_loop_new(EVFLAG_AUTO);
	ev_init(&f->guard, guard_cb);
	tls_ca_init(&f->ca);
	tls_identity_init(&f->id, &f->ca, &(struct tls_wish){ .name = "peer.example" });
	f->creds = tls_fixture_creds(&f->id, &f->ca);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	gnutls_certificate_free_credentials(f->creds);
	tls_identity_finish(&f->id);
	tls_ca_finish(&f->ca);
	ev_loop_destroy(f->loop);
	free(f);
	return 0;
}

static struct seen seen_init(struct fixture *f)
{
	return (struct seen){ .f = f };
}

static void packet_fds(int fds[2])
{
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void packet_pair(struct fixture *f, struct seen *a, struct seen *b)
{
	int fds[2];

	packet_fds(fds);
	assert_int_equal(chan_create_packet(&a->ch, f->loop, fds[0], &events, a), 0);
	assert_int_equal(chan_create_packet(&b->ch, f->loop, fds[1], &events, b), 0);
}

static void init_server(struct fixture *f, struct tls_io *io, int fd)
{
	const struct tls_io_server conf = {
		.creds = f->creds, .alpn = "helio-link/1", .want_client_cert = true
	};

	assert_int_equal(tls_io_init_server(io, fd, &conf), 0);
}

static void init_client(struct fixture *f, struct tls_io *io, int fd)
{
	const struct tls_io_client conf = { .creds = f->creds,
		.alpn = "helio-link/1",
		.tls_name = "peer.example",
		.require_ca = true };

	assert_int_equal(tls_io_init_client(io, fd, &conf), 0);
}

static void tls_pair(
	struct fixture *f, struct seen *client, struct seen *server, unsigned heartbeat_ms)
{
	int fds[2];
	struct tls_io io;

	tls_fixture_pair(fds);
	init_client(f, &io, fds[0]);
	assert_int_equal(chan_create_tls(&client->ch, f->loop, fds[0], &io, 5000, heartbeat_ms,
				 &events, client),
		0);
	assert_null(io.session);
	init_server(f, &io, fds[1]);
	assert_int_equal(chan_create_tls(&server->ch, f->loop, fds[1], &io, 5000, heartbeat_ms,
				 &events, server),
		0);
}

/* One end a channel, the other a bare TLS session after its handshake. */
static void tls_half(
	struct fixture *f, struct seen *server, struct tls_io *io, unsigned heartbeat_ms)
{
	int fds[2];
	enum tls_io_result r = TLS_IO_WANT_READ;
	struct tls_io server_io;

	tls_fixture_pair(fds);
	init_client(f, io, fds[0]);
	init_server(f, &server_io, fds[1]);
	assert_int_equal(chan_create_tls(&server->ch, f->loop, fds[1], &server_io, 5000,
				 heartbeat_ms, &events, server),
		0);
	while (r != TLS_IO_OK) {
		r = tls_io_handshake(io);
		assert_true(r == TLS_IO_OK || r == TLS_IO_WANT_READ);
		ev_run(f->loop, EVRUN_NOWAIT);
	}
	while (server->opens == 0) {
		ev_run(f->loop, EVRUN_NOWAIT);
	}
}

static json_t *text_message(size_t text_len)
{
	char *text = malloc(text_len + 1);

	memset(text, 'x', text_len);
	text[text_len] = '\0';
	json_t *msg = json_pack("{s:s, s:s}", "type", "test", "text", text);
	free(text);
	assert_non_null(msg);
	return msg;
}

/* {"type":"test","text":"..."} */
#define TEXT_OVERHEAD 25u

static void exchange(struct fixture *f, struct seen *a, struct seen *b)
{
	json_t *small = text_message(3);
	json_t *largest = text_message(CHAN_MESSAGE_MAX - TEXT_OVERHEAD);
	json_t *too_large = text_message(CHAN_MESSAGE_MAX - TEXT_OVERHEAD + 1);

	b->echo = true;
	a->stop_at = 3;
	assert_int_equal(chan_send(a->ch, small), 0);
	assert_int_equal(chan_send(a->ch, largest), 0);
	assert_int_equal(chan_send(a->ch, too_large), ERR_TOO_LARGE);
	assert_int_equal(chan_send(a->ch, small), 0);
	assert_int_equal(a->messages + b->messages, 0);
	assert_true(run(f));
	assert_int_equal(a->messages, 3);
	assert_int_equal(b->messages, 3);
	assert_string_equal(b->type, "test");
	assert_int_equal(a->text_len, 3);
	assert_int_equal(chan_queued(a->ch), 0);
	json_decref(small);
	json_decref(largest);
	json_decref(too_large);
}

/* The queue takes up to its bound, says ERR_FULL, and works again when it has drained. */
static void fill_and_drain(struct fixture *f, struct seen *a, struct seen *b)
{
	json_t *msg = text_message(60000);
	unsigned sent = 0;
	int err = 0;

	while ((err = chan_send(a->ch, msg)) == 0) {
		sent++;
		assert_true(chan_queued(a->ch) <= CHAN_QUEUE_MAX);
	}
	assert_int_equal(err, ERR_FULL);
	assert_true(chan_queued(a->ch) > CHAN_QUEUE_MAX - 2 * 60100);
	b->stop_at = b->messages + sent;
	assert_true(run(f));
	assert_int_equal(b->text_len, 60000);
	assert_int_equal(chan_send(a->ch, msg), 0);
	b->stop_at = b->messages + 1;
	assert_true(run(f));
	assert_int_equal(a->ends + b->ends, 0);
	json_decref(msg);
}

static void test_packet(void **state)
{
	struct fixture *f = *state;
	struct seen a = seen_init(f);
	struct seen b = seen_init(f);

	packet_pair(f, &a, &b);
	assert_null(chan_tls(a.ch));
	exchange(f, &a, &b);
	b.echo = false;
	fill_and_drain(f, &a, &b);
	chan_destroy(a.ch);
	assert_true(run(f));
	assert_int_equal(b.ends, 1);
	assert_int_equal(b.err, ERR_CLOSED);
	json_t *msg = text_message(1);
	assert_int_equal(chan_send(b.ch, msg), ERR_STATE);
	json_decref(msg);
	chan_destroy(b.ch);
	chan_destroy(NULL);
}

static void test_tls(void **state)
{
	struct fixture *f = *state;
	struct seen a = seen_init(f);
	struct seen b = seen_init(f);

	tls_pair(f, &a, &b, 5000);
	exchange(f, &a, &b);
	assert_int_equal(a.opens, 1);
	assert_int_equal(b.opens, 1);
	assert_int_equal(tls_io_peer_names(chan_tls(a.ch), "peer.example"), 0);
	b.echo = false;
	fill_and_drain(f, &a, &b);
	chan_destroy(a.ch);
	assert_true(run(f));
	assert_int_equal(b.err, ERR_CLOSED);
	assert_int_equal(tls_io_peer_names(chan_tls(b.ch), "peer.example"), 0);
	chan_destroy(b.ch);
}

static void test_packet_garbage(void **state)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{ "garbage", ERR_BAD_JSON },
		{ "[]", ERR_BAD_JSON },
		{ "{}", ERR_BAD_FIELD },
		{ "{\"type\":1}", ERR_BAD_FIELD },
		{ "{\"type\":\"a\",\"type\":\"b\"}", ERR_BAD_JSON },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen s = seen_init(f);
		int fds[2];

		packet_fds(fds);
		s.destroy_on_end = true;
		assert_int_equal(chan_create_packet(&s.ch, f->loop, fds[0], &events, &s), 0);
		assert_true(write(fds[1], cases[i].text, strlen(cases[i].text)) > 0);
		assert_true(run(f));
		assert_int_equal(s.ends, 1);
		assert_int_equal(s.err, cases[i].err);
		assert_null(s.ch);
		close(fds[1]);
	}
}

static void test_packet_oversize(void **state)
{
	struct fixture *f = *state;
	struct seen s = seen_init(f);
	char *big = calloc(1, CHAN_MESSAGE_MAX + 1);
	int fds[2];

	packet_fds(fds);
	assert_int_equal(chan_create_packet(&s.ch, f->loop, fds[0], &events, &s), 0);
	assert_int_equal(write(fds[1], big, CHAN_MESSAGE_MAX + 1), CHAN_MESSAGE_MAX + 1);
	assert_true(run(f));
	assert_int_equal(s.err, ERR_TOO_LARGE);
	chan_destroy(s.ch);
	close(fds[1]);
	free(big);
}

/* What a peer said before it went is delivered, though writing to it fails. */
static void test_packet_last_words(void **state)
{
	struct fixture *f = *state;
	struct seen s = seen_init(f);
	json_t *msg = text_message(1);
	int fds[2];

	packet_fds(fds);
	assert_int_equal(chan_create_packet(&s.ch, f->loop, fds[0], &events, &s), 0);
	assert_int_equal(write(fds[1], "{\"type\":\"last\"}", 15), 15);
	close(fds[1]);
	assert_int_equal(chan_send(s.ch, msg), 0);
	assert_true(run(f));
	assert_int_equal(s.messages, 1);
	assert_int_equal(s.ends, 1);
	chan_destroy(s.ch);
	json_decref(msg);
}

static void test_destroy_inside(void **state)
{
	struct fixture *f = *state;

	for (int tls = 0; tls < 2; tls++) {
		struct seen a = seen_init(f);
		struct seen b = seen_init(f);
		json_t *msg = text_message(10);

		if (tls) {
			tls_pair(f, &a, &b, 5000);
		} else {
			packet_pair(f, &a, &b);
		}
		b.destroy_on_message = true;
		for (int i = 0; i < 3; i++) {
			assert_int_equal(chan_send(a.ch, msg), 0);
		}
		assert_true(run(f)); /* until a sees the end */
		assert_int_equal(b.messages, 1);
		assert_int_equal(b.ends, 0);
		assert_null(b.ch);
		assert_int_equal(a.ends, 1);
		chan_destroy(a.ch);
		json_decref(msg);
	}

	struct seen a = seen_init(f);
	struct seen b = seen_init(f);
	tls_pair(f, &a, &b, 5000);
	a.destroy_on_open = true;
	assert_true(run(f));
	assert_int_equal(b.ends, 1);
	chan_destroy(b.ch);
}

static void send_frame(struct tls_io *io, enum frame_kind kind, uint32_t length,
	const void *payload, size_t payload_len)
{
	const struct frame_hdr hdr = { .kind = (uint8_t)kind, .length = length };
	uint8_t bytes[FRAME_HDR_LEN + 256];

	frame_hdr_write(&hdr, bytes);
	memcpy(bytes + FRAME_HDR_LEN, payload, payload_len);
	assert_int_equal(tls_io_send(io, bytes, FRAME_HDR_LEN + payload_len), TLS_IO_OK);
}

static void test_tls_bad_frames(void **state)
{
	static const struct {
		enum frame_kind kind;
		uint32_t length;
		const char *payload;
		int err;
	} cases[] = {
		{ FRAME_AUDIO, 0, "", ERR_BAD_FRAME },
		{ (enum frame_kind)99, 0, "", ERR_BAD_FRAME },
		{ FRAME_CONTROL, CHAN_MESSAGE_MAX + 1, "", ERR_TOO_LARGE },
		{ FRAME_CONTROL, 0xffffffff, "", ERR_TOO_LARGE },
		{ FRAME_PING, 65, "", ERR_BAD_FRAME },
		{ FRAME_PONG, 65, "", ERR_BAD_FRAME },
		{ FRAME_CONTROL, 4, "junk", ERR_BAD_JSON },
		{ FRAME_CONTROL, 2, "{}", ERR_BAD_FIELD },
		{ FRAME_CONTROL, 0, "", ERR_BAD_JSON },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen s = seen_init(f);
		struct tls_io io;

		tls_half(f, &s, &io, 5000);
		send_frame(&io, cases[i].kind, cases[i].length, cases[i].payload,
			strlen(cases[i].payload));
		assert_true(run(f));
		assert_int_equal(s.err, cases[i].err);
		chan_destroy(s.ch);
		close(io.fd);
		tls_io_finish(&io);
	}
}

/* Every byte in a record of its own. */
static void test_tls_split(void **state)
{
	static const char text[] = "{\"type\":\"split\"}";
	struct fixture *f = *state;
	struct seen s = seen_init(f);
	struct tls_io io;
	uint8_t bytes[2 * (FRAME_HDR_LEN + sizeof(text) - 1)];
	const struct frame_hdr hdr = { .kind = FRAME_CONTROL, .length = sizeof(text) - 1 };

	for (size_t i = 0; i < 2; i++) {
		uint8_t *at = bytes + i * sizeof(bytes) / 2;

		frame_hdr_write(&hdr, at);
		memcpy(at + FRAME_HDR_LEN, text, sizeof(text) - 1);
	}
	tls_half(f, &s, &io, 5000);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		assert_int_equal(s.messages, i < sizeof(bytes) / 2 ? 0 : 1);
		assert_int_equal(tls_io_send(&io, bytes + i, 1), TLS_IO_OK);
		run_briefly(f);
	}
	assert_int_equal(s.messages, 2);
	assert_string_equal(s.type, "split");
	chan_destroy(s.ch);
	close(io.fd);
	tls_io_finish(&io);
}

/* 100 pings to a peer whose answers nobody reads: 32 wait, the rest is ignored. */
static void test_tls_ping(void **state)
{
	struct fixture *f = *state;
	struct seen s = seen_init(f);
	struct tls_io io;
	uint8_t bytes[100 * (FRAME_HDR_LEN + 8)];
	const struct frame_hdr hdr = { .kind = FRAME_PING, .length = 8 };
	size_t got = 0;
	size_t n = 0;

	for (size_t i = 0; i < 100; i++) {
		uint8_t *at = bytes + i * (FRAME_HDR_LEN + 8);

		frame_hdr_write(&hdr, at);
		memset(at + FRAME_HDR_LEN, (int)i, 8);
	}
	tls_half(f, &s, &io, 5000);
	assert_int_equal(tls_io_send(&io, bytes, sizeof(bytes)), TLS_IO_OK);
	run_briefly(f);
	while (tls_io_recv(&io, bytes + got, sizeof(bytes) - got, &n) == TLS_IO_OK) {
		got += n;
	}
	assert_int_equal(got, CHAN_PONGS_MAX * (FRAME_HDR_LEN + 8));
	for (size_t i = 0; i < CHAN_PONGS_MAX; i++) {
		assert_int_equal(bytes[i * (FRAME_HDR_LEN + 8)], FRAME_PONG);
		assert_int_equal(bytes[i * (FRAME_HDR_LEN + 8) + FRAME_HDR_LEN], i);
	}
	assert_int_equal(s.ends, 0);
	chan_destroy(s.ch);
	close(io.fd);
	tls_io_finish(&io);
}

/* A peer that says nothing is pinged and then given up. */
static void test_tls_silence(void **state)
{
	struct fixture *f = *state;
	struct seen s = seen_init(f);
	struct tls_io io;
	uint8_t bytes[256];
	size_t n = 0;

	tls_half(f, &s, &io, 20);
	ev_tstamp start = ev_time();
	assert_true(run(f));
	assert_int_equal(s.err, ERR_LOST);
	assert_true(ev_time() - start >= 0.9);
	assert_int_equal(tls_io_recv(&io, bytes, sizeof(bytes), &n), TLS_IO_OK);
	assert_int_equal(bytes[0], FRAME_PING);
	chan_destroy(s.ch);
	close(io.fd);
	tls_io_finish(&io);
}

/* Two live ends keep each other up far beyond the limit of silence. */
static void test_tls_heartbeat(void **state)
{
	struct fixture *f = *state;
	struct seen a = seen_init(f);
	struct seen b = seen_init(f);
	struct ev_timer stop;

	tls_pair(f, &a, &b, 50);
	ev_timer_init(&stop, guard_cb, 1.6, 0.);
	stop.data = NULL;
	ev_timer_start(f->loop, &stop);
	ev_run(f->loop, 0);
	assert_int_equal(a.ends + b.ends, 0);
	chan_destroy(a.ch);
	chan_destroy(b.ch);
}

static void test_tls_handshake_deadline(void **state)
{
	struct fixture *f = *state;
	struct seen s = seen_init(f);
	struct tls_io io;
	int fds[2];

	tls_fixture_pair(fds);
	init_server(f, &io, fds[1]);
	assert_int_equal(
		chan_create_tls(&s.ch, f->loop, fds[1], &io, 0, 50, &events, &s), ERR_INVALID);
	assert_int_equal(
		chan_create_tls(&s.ch, f->loop, fds[1], &io, 50, 0, &events, &s), ERR_INVALID);
	assert_int_equal(chan_create_tls(&s.ch, f->loop, fds[1], &io, 50, 50, &events, &s), 0);
	assert_true(run(f));
	assert_int_equal(s.err, ERR_DEADLINE);
	assert_int_equal(s.opens, 0);
	chan_destroy(s.ch);
	close(fds[0]);
}

static void test_tls_ends(void **state)
{
	struct fixture *f = *state;
	struct seen s = seen_init(f);
	struct tls_io io;
	int fds[2];

	/* cut */
	tls_half(f, &s, &io, 5000);
	close(io.fd);
	assert_true(run(f));
	assert_int_equal(s.err, ERR_LOST);
	chan_destroy(s.ch);
	tls_io_finish(&io);

	/* no TLS */
	s = seen_init(f);
	tls_fixture_pair(fds);
	init_server(f, &io, fds[1]);
	assert_int_equal(chan_create_tls(&s.ch, f->loop, fds[1], &io, 5000, 50, &events, &s), 0);
	assert_int_equal(write(fds[0], "GET / HTTP/1.0\r\n\r\n", 18), 18);
	assert_true(run(f));
	assert_int_equal(s.err, ERR_TLS);
	chan_destroy(s.ch);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_packet_garbage),
		cmocka_unit_test(test_packet_oversize),
		cmocka_unit_test(test_packet_last_words),
		cmocka_unit_test(test_destroy_inside),
		cmocka_unit_test(test_tls_bad_frames),
		cmocka_unit_test(test_tls_split),
		cmocka_unit_test(test_tls_ping),
		cmocka_unit_test(test_tls_silence),
		cmocka_unit_test(test_tls_heartbeat),
		cmocka_unit_test(test_tls_handshake_deadline),
		cmocka_unit_test(test_tls_ends),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
