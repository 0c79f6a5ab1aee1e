/*
 * worker_fixture: the family and the clients of one worker. They check nothing but what a test asks
 * them to.
 */
#include "tests/unit/worker_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/clock.h"
#include "proto/base64url.h"
#include "proto/token_claims.h"
#include "reflector/worker.h"
#include "tests/unit/starve.h"

#define HEADER "{\"alg\":\"EdDSA\",\"typ\":\"helio+jwt\",\"kid\":\"k1\"}"

static void keys_init(struct world *w)
{
	gnutls_ecc_curve_t curve;
	gnutls_datum_t x;
	char text[64];

	assert_int_equal(gnutls_privkey_init(&w->signer), 0);
	assert_int_equal(gnutls_privkey_generate(w->signer, GNUTLS_PK_EDDSA_ED25519, 256, 0), 0);
	assert_int_equal(gnutls_privkey_export_ecc_raw(w->signer, &curve, &x, NULL, NULL), 0);
	assert_int_equal(base64url_encode(x.data, x.size, text, sizeof(text)), 0);
	json_t *msg = json_pack("{s:s, s:s, s:s, s:{s:[{s:s, s:s, s:s, s:s}]}}", "type", "keys",
		"issuer", "authd", "cluster", "example", "jwks", "keys", "kty", "OKP", "crv",
		"Ed25519", "kid", "k1", "x", text);
	w->keys = json_dumps(msg, 0);
	json_decref(msg);
	gnutls_free(x.data);
}

void world_init(struct world *w)
{
	tls_ca_init(&w->ca);
	tls_identity_init(&w->id, &w->ca, &(struct tls_wish){ .name = "r1.example" });
	w->creds = tls_fixture_creds(NULL, NULL);
	keys_init(w);
	json_t *msg = json_pack("{s:s, s:s, s:s}", "type", "credentials", "chain", w->id.cert.data,
		"key", w->id.key.data);
	w->credentials = json_dumps(msg, 0);
	json_decref(msg);
	w->settings = strdup("{\"type\":\"settings\",\"log_level\":\"info\",\"log_format\":"
			     "\"logfmt\",\"limits\":{\"max_participants\":10,\"max_payload\":16384,"
			     "\"heartbeat_ms\":5000,\"queue_audio_ms\":400,\"queue_video_ms\":1000,"
			     "\"queue_bytes\":1048576}}");
	strcpy(w->conf.name, "r1");
	w->conf.limits = (struct settings_limits){ .max_participants = 10,
		.max_payload = 16384,
		.heartbeat_ms = 5000,
		.queue_audio_ms = 400,
		.queue_video_ms = 1000,
		.queue_bytes = 1048576 };
	w->log = tmpfile();
	assert_non_null(w->log);
	for (int i = 0; i < WORLD_CLIENTS; i++) {
		w->clients[i].world = w;
		w->clients[i].fd = -1;
	}
}

void world_finish(struct world *w)
{
	free(w->credentials);
	free(w->settings);
	free(w->keys);
	gnutls_privkey_deinit(w->signer);
	gnutls_certificate_free_credentials(w->creds);
	tls_identity_finish(&w->id);
	tls_ca_finish(&w->ca);
	fclose(w->log);
}

static void make_token(const struct world *w, const char *who, char out[2048])
{
	struct token_claims c = { .issuer = "authd",
		.audience = "example",
		.room = "demo",
		.issued_at = time(NULL),
		.expires_at = time(NULL) + 600,
		.publish = 15,
		.subscribe = true,
		.chat = true,
		.moderate = strcmp(who, "alice") == 0,
		.policy = { .kinds = 15, .epoch = 1 },
		.place_count = 1 };
	gnutls_datum_t sig;

	snprintf(c.participant, sizeof(c.participant), "%s", who);
	snprintf(c.user, sizeof(c.user), "%s", who);
	snprintf(c.display_name, sizeof(c.display_name), "%s", who);
	snprintf(c.jti, sizeof(c.jti), "jti-%s", who);
	snprintf(c.places[0], sizeof(c.places[0]), "r1:%u", w->port);
	json_t *claims = token_claims_build(&c);
	char *text = json_dumps(claims, 0);
	assert_int_equal(base64url_encode(HEADER, strlen(HEADER), out, 2048), 0);
	strcat(out, ".");
	size_t n = strlen(out);
	assert_int_equal(base64url_encode(text, strlen(text), out + n, 2048 - n), 0);
	n = strlen(out);
	const gnutls_datum_t data = { (unsigned char *)out, (unsigned)n };
	assert_int_equal(
		gnutls_privkey_sign_data2(w->signer, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &sig), 0);
	out[n++] = '.';
	assert_int_equal(base64url_encode(sig.data, sig.size, out + n, 2048 - n), 0);
	gnutls_free(sig.data);
	free(text);
	json_decref(claims);
}

void world_say(int fd, const char *text)
{
	/* a worker that has ended takes nothing */
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* In the child: all of a worker's process, and what it has not freed. */
static void be_worker(const struct world *w, int supervisor, int gate)
{
	struct worker_start start = { .settings = &w->conf,
		.port = w->port,
		.listen_fds = &w->listener,
		.listen_count = 1,
		.supervisor_fd = supervisor,
		.gate_fd = gate };

	/* what goes wrong here is no failure of a test of this copy */
	static const int signals[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL };
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		(void)signal(signals[i], SIG_DFL);
	}
	close(w->supervisor);
	close(w->gate);
	dup2(fileno(w->log), STDERR_FILENO);
	log_setup("worker", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	starve_counting = true;
	int status = worker_run(&start);
	starve_counting = false;
	if (status != 0) {
		/* what it did not take over is its caller's */
		tally->live = tally->live > 0 ? tally->live : 0;
	}
	exit(status);
}

void world_start(struct world *w)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int sup[2], gate[2];

	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(w->listener, 16), 0);
	assert_int_equal(getsockname(w->listener, (struct sockaddr *)&sin, &len), 0);
	w->port = ntohs(sin.sin_port);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sup), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, gate), 0);
	w->supervisor = sup[0];
	w->gate = gate[0];
	w->queries = 0;
	assert_int_equal(ftruncate(fileno(w->log), 0), 0);
	rewind(w->log);
	fflush(NULL);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0) {
		be_worker(w, sup[1], gate[1]);
	}
	w->pidfd = pidfd_open(w->pid, 0);
	assert_true(w->pidfd >= 0);
	close(w->listener);
	close(sup[1]);
	close(gate[1]);
}

static void show_log(struct world *w)
{
	char line[1024];

	rewind(w->log);
	while (fgets(line, sizeof(line), w->log) != NULL) {
		fprintf(stderr, "%s", line);
	}
}

bool world_log_has(struct world *w, const char *text)
{
	char line[1024];
	bool found = false;

	rewind(w->log);
	while (!found && fgets(line, sizeof(line), w->log) != NULL) {
		found = strstr(line, text) != NULL;
	}
	return found;
}

/* Fails the test with the worker's own words. */
void world_complain(struct world *w, const char *what, const char *who)
{
	show_log(w);
	kill(w->pid, SIGKILL);
	fail_msg("allocation %u%s: %s %s", tally->fail_at, tally->for_good ? " and all behind" : "",
		what, who);
}

bool world_has_ended(const struct world *w)
{
	struct pollfd pfd = { .fd = w->pidfd, .events = POLLIN };

	return poll(&pfd, 1, 0) > 0;
}

void client_drop(struct client *c)
{
	if (c->fd >= 0) {
		tls_io_finish(&c->tls);
		close(c->fd);
	}
	c->fd = -1;
	c->closed = true;
}

static void client_note(struct client *c, const char *text, size_t len)
{
	assert_true(c->log_len + len + 2 < sizeof(c->log));
	memcpy(c->log + c->log_len, text, len);
	c->log_len += len;
	c->log[c->log_len++] = '\n';
	c->log[c->log_len] = '\0';
}

static void client_frames(struct client *c)
{
	struct frame_hdr hdr;
	char line[64];
	int err;

	while (frame_hdr_parse(&hdr, c->in, c->in_len, 16384, &err) == PARSE_DONE &&
		c->in_len >= FRAME_HDR_LEN + hdr.length) {
		const uint8_t *payload = c->in + FRAME_HDR_LEN;

		if (hdr.kind == FRAME_CONTROL) {
			client_note(c, (const char *)payload, hdr.length);
		} else {
			int n = snprintf(line, sizeof(line), "kind %u %.*s", hdr.kind,
				hdr.length < 32 ? (int)hdr.length : 32, (const char *)payload);
			client_note(c, line, (size_t)n);
		}
		c->in_len -= FRAME_HDR_LEN + hdr.length;
		memmove(c->in, payload + hdr.length, c->in_len);
	}
}

static void client_step(struct client *c)
{
	enum tls_io_result r = TLS_IO_OK;
	size_t moved;

	if (!c->up) {
		r = tls_io_handshake(&c->tls);
		c->up = r == TLS_IO_OK;
	}
	while (r == TLS_IO_OK) {
		r = tls_io_recv(&c->tls, c->in + c->in_len, sizeof(c->in) - c->in_len, &moved);
		c->in_len += moved;
		client_frames(c);
	}
	if (r != TLS_IO_WANT_READ && r != TLS_IO_WANT_WRITE) {
		client_drop(c);
	}
}

static void step_all(struct world *w, int timeout_ms)
{
	struct pollfd pfds[WORLD_CLIENTS];

	for (int i = 0; i < WORLD_CLIENTS; i++) {
		pfds[i] = (struct pollfd){ .fd = w->clients[i].fd, .events = POLLIN };
	}
	(void)poll(pfds, WORLD_CLIENTS, timeout_ms);
	for (int i = 0; i < WORLD_CLIENTS; i++) {
		if (pfds[i].revents != 0) {
			client_step(&w->clients[i]);
		}
	}
}

bool client_told(struct client *c, const struct client *by, const char *what)
{
	uint64_t end = clock_now_ms() + (tally->for_good ? WORLD_WAIT_STARVED_MS : WORLD_WAIT_MS);

	while (strstr(c->log, what) == NULL) {
		uint64_t now = clock_now_ms();
		bool refused = c->closed || (by != NULL && by->closed) ||
			strstr(c->log, "\"type\":\"error\"") != NULL ||
			strstr(c->log, "\"type\":\"drops\"") != NULL ||
			(by != NULL && strstr(by->log, "\"type\":\"error\"") != NULL);
		if (refused || (now >= end && tally->for_good)) {
			if (!tally->failed) {
				world_complain(
					c->world, "without any failure nobody was told", what);
			}
			return false;
		}
		if (now >= end) {
			world_complain(c->world, "somebody waits in vain for", what);
		}
		step_all(c->world, (int)(end - now));
	}
	return true;
}

void client_send(struct client *c, struct frame_hdr hdr, const char *payload)
{
	uint8_t bytes[8192];

	if (c->closed) {
		return;
	}
	hdr.length = (uint32_t)strlen(payload);
	frame_hdr_write(&hdr, bytes);
	memcpy(bytes + FRAME_HDR_LEN, payload, hdr.length);
	if (tls_io_send(&c->tls, bytes, FRAME_HDR_LEN + hdr.length) != TLS_IO_OK) {
		client_drop(c);
	}
}

void client_forget(struct client *c)
{
	c->log_len = 0;
	c->log[0] = '\0';
}

void client_say(struct client *c, const char *format, ...)
{
	char text[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	client_forget(c);
	client_send(c, (struct frame_hdr){ .kind = FRAME_CONTROL }, text);
}

/* Connects and says hello with this token. */
static void client_hello(struct client *c, const char *token)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(c->world->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct tls_io_client conf = { .creds = c->world->creds,
		.alpn = "helio/1",
		.tls_name = "r1.example",
		.spki_pin = c->world->id.pin };
	uint64_t end = clock_now_ms() + WORLD_WAIT_MS;

	client_drop(c);
	client_forget(c);
	c->up = false;
	c->in_len = 0;
	c->stream = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
		tls_io_init_client(&c->tls, fd, &conf) != 0) {
		close(fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	c->fd = fd;
	c->closed = false;
	client_step(c);
	while (!c->up && !c->closed) {
		if (clock_now_ms() >= end) {
			world_complain(c->world, "no end of", "the handshake");
		}
		step_all(c->world, WORLD_WAIT_MS);
	}
	client_say(c,
		"{\"type\":\"hello\",\"versions\":[1],\"token\":\"%s\",\"room\":\"demo\","
		"\"capabilities\":[\"chat\",\"layers\"]}",
		token);
}

bool client_join(struct client *c, const char *who)
{
	char token[2048];

	make_token(c->world, who, token);
	client_hello(c, token);
	return client_told(c, NULL, "\"welcome\"") && client_told(c, NULL, "\"more\":false");
}

bool client_wait(struct client *c, const char *who)
{
	char token[2048];

	make_token(c->world, who, token);
	client_hello(c, token);
	return client_told(c, NULL, "\"lobby\"");
}

static void be_refused(struct client *c, const char *token)
{
	uint64_t end = clock_now_ms() + WORLD_WAIT_MS;

	client_hello(c, token);
	while (!c->closed && clock_now_ms() < end) {
		step_all(c->world, WORLD_WAIT_MS);
	}
	if (strstr(c->log, "welcome") != NULL) {
		world_complain(c->world, "a token was taken:", token);
	}
	if (!c->closed) {
		world_complain(c->world, "not closed:", token);
	}
}

void client_refused_forged(struct client *c)
{
	char token[2048];

	make_token(c->world, "mallory", token);
	char *last = strrchr(token, '.') + 1;
	*last = *last == 'A' ? 'B' : 'A';
	be_refused(c, token);
}

void client_refused_revoked(struct client *c, const char *who)
{
	char token[2048];

	make_token(c->world, who, token);
	be_refused(c, token);
}
