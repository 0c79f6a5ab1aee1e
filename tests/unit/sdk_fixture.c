/*
 * sdk_fixture: the fake reflector and the recorded client. The fake checks nothing but what a test
 * asks it to; it is not a reflector.
 */
#include "tests/unit/sdk_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/limits.h"
#include "proto/msg.h"

#define TURNS_MAX 400 /* of 50 ms: 20 s, and the test fails */

/* ------------------------------------------------------------------ the client */

static const char *kind_name(enum helio_kind kind)
{
	static const char *const names[] = { "?", "audio", "video", "screen", "data" };

	return names[kind];
}

static void describe_stream(char *out, size_t size, const char *what, const struct helio_event *e)
{
	snprintf(out, size, "%s %u %s %s '%s' of %s", what, e->stream->id,
		kind_name(e->stream->kind), e->stream->codec, e->stream->label, e->participant->id);
}

static void describe_moderation(char *out, size_t size, const struct helio_event *e)
{
	const struct helio_moderation *m = e->moderation;
	const struct helio_policy *p = e->policy;

	switch (e->type) {
	case HELIO_EVENT_LOBBY:
		snprintf(out, size, "LOBBY %s", e->text);
		break;
	case HELIO_EVENT_WAITING:
		snprintf(out, size, "WAITING %s %u %s", e->participant->id, e->participant->number,
			e->participant->name);
		break;
	case HELIO_EVENT_WAITING_LEFT:
		snprintf(out, size, "WAITING_LEFT %s %u", e->participant->id,
			e->participant->number);
		break;
	case HELIO_EVENT_MUTED:
		snprintf(out, size, "MUTED %s %x %d by %u", e->participant->id, m->kinds, m->on,
			m->by);
		break;
	case HELIO_EVENT_LOCKED:
		snprintf(out, size, "LOCKED %d by %u", m->on, m->by);
		break;
	case HELIO_EVENT_REKEY:
		snprintf(out, size, "REKEY %llu", (unsigned long long)m->epoch);
		break;
	case HELIO_EVENT_POLICY:
		snprintf(out, size, "POLICY %x %u %d%d%d %u %llu %lld", p->kinds, p->capacity,
			p->lobby, p->locked, p->e2ee, p->loudest, (unsigned long long)p->epoch,
			(long long)p->expires_at);
		break;
	case HELIO_EVENT_MOVED:
		snprintf(out, size, "MOVED %s", e->text);
		break;
	default:
		snprintf(out, size, "EVENT %d", (int)e->type);
		break;
	}
}

static void describe_ours(char *out, size_t size, const struct helio_event *e)
{
	switch (e->type) {
	case HELIO_EVENT_PUBLISHED:
		snprintf(out, size, "PUBLISHED %d %u %s", e->publication, e->stream->id,
			kind_name(e->stream->kind));
		break;
	case HELIO_EVENT_PUBLISH_FAILED:
		snprintf(out, size, "PUBLISH_FAILED %d %s", e->publication, errcode_name(e->error));
		break;
	case HELIO_EVENT_UNPUBLISHED:
		snprintf(out, size, "UNPUBLISHED %d", e->publication);
		break;
	case HELIO_EVENT_KEYFRAME_REQUEST:
		snprintf(out, size, "KEYFRAME_REQUEST %d", e->publication);
		break;
	case HELIO_EVENT_CHAT_DELIVERED:
		snprintf(out, size, "CHAT_DELIVERED %u", e->chat_id);
		break;
	case HELIO_EVENT_CHAT_FAILED:
		snprintf(out, size, "CHAT_FAILED %u %s", e->chat_id, errcode_name(e->error));
		break;
	default:
		describe_moderation(out, size, e);
		break;
	}
}

static void describe(char *out, size_t size, const struct helio_event *e)
{
	switch (e->type) {
	case HELIO_EVENT_JOINED:
		snprintf(out, size, "JOINED %s %u %s", e->participant->id, e->participant->number,
			e->participant->name);
		break;
	case HELIO_EVENT_CLOSED:
		snprintf(out, size, "CLOSED %s", errcode_name(e->error));
		break;
	case HELIO_EVENT_PARTICIPANT_JOINED:
		snprintf(out, size, "PARTICIPANT_JOINED %s %u %s%s", e->participant->id,
			e->participant->number, e->participant->name,
			e->participant->hidden ? " hidden" : "");
		break;
	case HELIO_EVENT_PARTICIPANT_LEFT:
		snprintf(out, size, "PARTICIPANT_LEFT %s %s", e->participant->id,
			errcode_name(e->error));
		break;
	case HELIO_EVENT_STREAM_ADDED:
		describe_stream(out, size, "STREAM_ADDED", e);
		break;
	case HELIO_EVENT_STREAM_REMOVED:
		describe_stream(out, size, "STREAM_REMOVED", e);
		break;
	case HELIO_EVENT_CHAT:
		snprintf(out, size, "CHAT %u %s %s %d %u %.*s", e->chat->from, e->chat->from_id,
			e->chat->from_name, e->chat->is_private, e->chat->number,
			(int)e->chat->length, e->chat->text);
		break;
	case HELIO_EVENT_DROPS:
		snprintf(out, size, "DROPS %u %s %u %llu %d", e->drops->stream, e->drops->reason,
			e->drops->count, (unsigned long long)e->drops->bytes, e->drops->outgoing);
		break;
	case HELIO_EVENT_ERROR:
		snprintf(out, size, "ERROR %s %s", errcode_name(e->error), e->text);
		break;
	default:
		describe_ours(out, size, e);
		break;
	}
}

bool sdk_in_library;

static void on_event(struct helio *h, const struct helio_event *event, void *user)
{
	struct sdk *sdk = user;
	char line[512];

	(void)h;
	sdk_in_library = false;
	assert_true(sdk->dispatching);
	assert_int_equal(event->size, sizeof(*event));
	assert_true(sdk->event_count < SDK_EVENTS_MAX);
	describe(line, sizeof(line), event);
	sdk->events[sdk->event_count++] = strdup(line);
	if (event->type == HELIO_EVENT_CLOSED) {
		sdk->last_error = event->error;
		snprintf(sdk->last_text, sizeof(sdk->last_text), "%s",
			event->text != NULL ? event->text : "");
	}
	if (sdk->hook != NULL) {
		sdk->hook(sdk, event);
	}
	sdk_in_library = true;
}

static void on_frame(struct helio *h, const struct helio_frame *frame, void *user)
{
	struct sdk *sdk = user;
	struct sdk_frame *kept = &sdk->frames[sdk->frame_count++];

	(void)h;
	sdk_in_library = false;
	assert_true(sdk->dispatching);
	assert_true(sdk->frame_count <= SDK_FRAMES_MAX);
	kept->frame = *frame;
	kept->payload = malloc(frame->length + 1);
	assert_non_null(kept->payload);
	if (frame->length > 0) {
		memcpy(kept->payload, frame->payload, frame->length);
	}
	sdk_in_library = true;
}

static void on_log(struct helio *h, int level, const char *text, void *user)
{
	struct sdk *sdk = user;

	(void)h;
	sdk_in_library = false;
	assert_true(sdk->dispatching);
	assert_in_range(level, 3, 7);
	assert_null(strstr(text, "secret-token"));
	sdk_in_library = true;
}

void sdk_answer_make(struct sdk *sdk, const char *pin)
{
	snprintf(sdk->token_answer, sizeof(sdk->token_answer),
		"{\"token\":\"secret-token\",\"expires_at\":1790000000,\"participant\":\"alice\","
		"\"room\":\"demo\",\"cluster\":\"test\",\"endpoints\":[{\"address\":\"127.0.0.1\","
		"\"port\":%u,\"tls_name\":\"" SDK_TLS_NAME "\"%s%s%s}],\"keys\":{\"keys\":[]}}",
		sdk->port, pin != NULL ? ",\"pin\":\"" : "", pin != NULL ? pin : "",
		pin != NULL ? "\"" : "");
}

void sdk_callbacks(struct helio_callbacks *callbacks)
{
	callbacks->on_event = on_event;
	callbacks->on_frame = on_frame;
	callbacks->on_log = on_log;
}

void sdk_create_with_authd(struct sdk *sdk, const struct helio_config *config)
{
	struct helio_callbacks callbacks = HELIO_CALLBACKS_INIT;

	sdk_callbacks(&callbacks);
	assert_int_equal(helio_create(&sdk->h, config, &callbacks, sdk), 0);
}

void sdk_create(struct sdk *sdk, const struct helio_config *config)
{
	struct helio_config own = HELIO_CONFIG_INIT;

	if (config != NULL) {
		own = *config;
	}
	own.token_answer = sdk->token_answer;
	sdk_create_with_authd(sdk, &own);
}

void sdk_turn(struct sdk *sdk, int fd, short events)
{
	struct pollfd pfds[2] = { { .fd = fd, .events = events }, { .fd = -1, .events = POLLIN } };
	int timeout = 50;

	if (sdk->h != NULL) {
		int wants = helio_timeout_ms(sdk->h);

		pfds[1].fd = helio_fd(sdk->h);
		timeout = wants >= 0 && wants < timeout ? wants : timeout;
	}
	(void)poll(pfds, 2, timeout);
	if (pfds[1].fd >= 0) {
		sdk->dispatching = true;
		sdk_in_library = true;
		assert_int_equal(helio_dispatch(sdk->h), 0);
		sdk_in_library = false;
		sdk->dispatching = false;
	}
}

/* ------------------------------------------------------------------ the fake reflector */

void sdk_init(struct sdk *sdk)
{
	sdk_init_named(sdk, SDK_TLS_NAME);
}

char *sdk_ca_file(struct sdk *sdk)
{
	char *name = strdup("sdk-ca-XXXXXX");
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, sdk->ca.pem.data, sdk->ca.pem.size), sdk->ca.pem.size);
	close(fd);
	return name;
}

void sdk_init_named(struct sdk *sdk, const char *name)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	struct tls_wish wish = { .name = name };

	memset(sdk, 0, sizeof(*sdk));
	sdk->fd = -1;
	sdk->alpn = "helio/1";
	tls_ca_init(&sdk->ca);
	tls_identity_init(&sdk->identity, &sdk->ca, &wish);
	sdk->creds = tls_fixture_creds(&sdk->identity, NULL);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sdk->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(sdk->listen_fd >= 0);
	assert_int_equal(bind(sdk->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	/* What is accepted inherits this; without it each answer waits 40 ms for an ACK. */
	(void)setsockopt(sdk->listen_fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	assert_int_equal(listen(sdk->listen_fd, 8), 0);
	assert_int_equal(getsockname(sdk->listen_fd, (struct sockaddr *)&address, &len), 0);
	sdk->port = ntohs(address.sin_port);
	sdk_answer_make(sdk, sdk->identity.pin);
}

static void connection_end(struct sdk *sdk)
{
	tls_io_finish(&sdk->tls);
	if (sdk->fd >= 0) {
		close(sdk->fd);
	}
	sdk->fd = -1;
	sdk->in_at = 0;
	sdk->in_len = 0;
}

void sdk_frames_clear(struct sdk *sdk)
{
	for (size_t i = 0; i < sdk->frame_count; i++) {
		free(sdk->frames[i].payload);
	}
	sdk->frame_count = 0;
}

void sdk_finish(struct sdk *sdk)
{
	helio_destroy(sdk->h);
	connection_end(sdk);
	close(sdk->listen_fd);
	gnutls_certificate_free_credentials(sdk->creds);
	tls_identity_finish(&sdk->identity);
	tls_ca_finish(&sdk->ca);
	sdk_frames_clear(sdk);
	for (size_t i = 0; i < sdk->event_count; i++) {
		free(sdk->events[i]);
	}
}

/* Waits for what the fake's TLS asked for; the result must be one of the two that wait. */
static void tls_wait(struct sdk *sdk, enum tls_io_result result)
{
	assert_true(result == TLS_IO_WANT_READ || result == TLS_IO_WANT_WRITE);
	sdk_turn(sdk, sdk->fd, result == TLS_IO_WANT_WRITE ? POLLOUT : POLLIN);
}

void sdk_accept_tcp(struct sdk *sdk)
{
	for (int i = 0; i < TURNS_MAX && sdk->fd < 0; i++) {
		sdk->fd = accept4(sdk->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (sdk->fd < 0) {
			sdk_turn(sdk, sdk->listen_fd, POLLIN);
		}
	}
	assert_true(sdk->fd >= 0);
}

void sdk_accept(struct sdk *sdk)
{
	struct tls_io_server conf = { .creds = sdk->creds, .alpn = sdk->alpn };
	enum tls_io_result result;

	sdk_accept_tcp(sdk);
	assert_int_equal(tls_io_init_server(&sdk->tls, sdk->fd, &conf), 0);
	for (int i = 0; i < TURNS_MAX; i++) {
		result = tls_io_handshake(&sdk->tls);
		if (result == TLS_IO_OK) {
			return;
		}
		tls_wait(sdk, result);
	}
	fail_msg("the handshake did not end");
}

void sdk_send_bytes(struct sdk *sdk, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		size_t part = len < 16384 ? len : 16384;
		enum tls_io_result result = tls_io_send(&sdk->tls, at, part);

		for (int i = 0; result == TLS_IO_WANT_WRITE; i++) {
			assert_true(i < TURNS_MAX);
			tls_wait(sdk, result);
			result = tls_io_flush(&sdk->tls);
		}
		assert_int_equal(result, TLS_IO_OK);
		at += part;
		len -= part;
	}
}

void sdk_send_frame(struct sdk *sdk, const struct frame_hdr *hdr, const void *payload)
{
	uint8_t *bytes = malloc(FRAME_HDR_LEN + (size_t)hdr->length);

	assert_non_null(bytes);
	frame_hdr_write(hdr, bytes);
	if (hdr->length > 0) {
		memcpy(bytes + FRAME_HDR_LEN, payload, hdr->length);
	}
	sdk_send_bytes(sdk, bytes, FRAME_HDR_LEN + (size_t)hdr->length);
	free(bytes);
}

void sdk_send_json(struct sdk *sdk, const char *format, ...)
{
	static char text[70000];
	struct frame_hdr hdr = { .kind = FRAME_CONTROL, .flags = FRAME_FIRST | FRAME_LAST };
	va_list args;

	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_in_range(len, 0, (int)sizeof(text) - 1);
	hdr.length = (uint32_t)len;
	sdk_send_frame(sdk, &hdr, text);
}

void sdk_send_video(struct sdk *sdk, uint16_t stream, uint8_t flags, uint16_t seq,
	uint32_t timestamp, const void *payload, size_t len)
{
	struct frame_hdr hdr = {
		.kind = FRAME_VIDEO,
		.flags = flags,
		.stream = stream,
		.seq = seq,
		.timestamp = timestamp,
		.length = (uint32_t)len,
	};

	sdk_send_frame(sdk, &hdr, payload);
}

void sdk_close(struct sdk *sdk, bool in_order)
{
	if (in_order) {
		tls_io_bye(&sdk->tls);
	}
	connection_end(sdk);
}

/* More bytes; false when the connection ended in order. */
static bool bytes_read(struct sdk *sdk)
{
	memmove(sdk->in, sdk->in + sdk->in_at, sdk->in_len);
	sdk->in_at = 0;
	for (int i = 0; i < TURNS_MAX; i++) {
		size_t moved;
		enum tls_io_result result = tls_io_recv(
			&sdk->tls, sdk->in + sdk->in_len, sizeof(sdk->in) - sdk->in_len, &moved);

		sdk->in_len += moved;
		if (result == TLS_IO_OK) {
			return true;
		}
		if (result == TLS_IO_EOF) {
			return false;
		}
		tls_wait(sdk, result);
	}
	fail_msg("nothing came");
	return false;
}

static bool frame_read(struct sdk *sdk, struct frame_hdr *hdr, const uint8_t **payload)
{
	int err;

	for (;;) {
		const uint8_t *at = sdk->in + sdk->in_at;
		enum parse parsed =
			frame_hdr_parse(hdr, at, sdk->in_len, LIMIT_PAYLOAD_DEFAULT, &err);

		assert_int_not_equal(parsed, PARSE_BROKEN);
		if (parsed == PARSE_DONE && sdk->in_len >= FRAME_HDR_LEN + hdr->length) {
			*payload = at + FRAME_HDR_LEN;
			sdk->in_at += FRAME_HDR_LEN + hdr->length;
			sdk->in_len -= FRAME_HDR_LEN + hdr->length;
			return true;
		}
		if (!bytes_read(sdk)) {
			return false;
		}
	}
}

bool sdk_recv(struct sdk *sdk, struct frame_hdr *hdr, const uint8_t **payload)
{
	while (frame_read(sdk, hdr, payload)) {
		if (hdr->kind != FRAME_PING || sdk->keep_pings) {
			return true;
		}
		struct frame_hdr pong = *hdr;
		pong.kind = FRAME_PONG;
		sdk_send_frame(sdk, &pong, *payload);
	}
	return false;
}

json_t *sdk_recv_json(struct sdk *sdk, const char *type)
{
	struct frame_hdr hdr;
	const uint8_t *payload;
	const char *got;
	json_t *message;

	assert_true(sdk_recv(sdk, &hdr, &payload));
	assert_int_equal(hdr.kind, FRAME_CONTROL);
	assert_int_equal(msg_parse(payload, hdr.length, &message, &got), 0);
	assert_string_equal(got, type);
	return message;
}

void sdk_sync(struct sdk *sdk)
{
	struct frame_hdr hdr = { .kind = FRAME_PING, .length = 4 };
	const uint8_t *payload;

	sdk_send_frame(sdk, &hdr, "sync");
	do {
		assert_true(sdk_recv(sdk, &hdr, &payload));
	} while (hdr.kind != FRAME_PONG);
	assert_memory_equal(payload, "sync", 4);
}

json_t *sdk_hello(struct sdk *sdk)
{
	return sdk_recv_json(sdk, "hello");
}

void sdk_welcome(struct sdk *sdk, const char *changes)
{
	json_t *welcome = json_pack("{ss si s[ss] ss ss s{ss si ss} si si si si}", "type",
		"welcome", "version", 1, "capabilities", "chat", "layers", "server", "fake", "room",
		"demo", "participant", "id", "alice", "num", 3, "name", "Alice", "max_payload",
		16384, "heartbeat_ms", 5000, "max_lanes", 1, "max_streams", 8);
	json_t *patch = json_loads(changes != NULL ? changes : "{}", 0, NULL);

	assert_non_null(welcome);
	assert_non_null(patch);
	assert_int_equal(json_object_update(welcome, patch), 0);
	char *text = msg_dump(welcome, NULL);
	sdk_send_json(sdk, "%s", text);
	free(text);
	json_decref(patch);
	json_decref(welcome);
}

void sdk_join(struct sdk *sdk)
{
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
	sdk_welcome(sdk, NULL);
	sdk_send_json(sdk,
		"{\"type\":\"roster\",\"more\":false,\"participants\":[{\"id\":\"bob\",\"num\":1,"
		"\"name\":\"Bob\",\"streams\":[{\"stream\":7,\"kind\":\"audio\",\"codec\":\"opus\","
		"\"label\":\"mic\"},{\"stream\":8,\"kind\":\"video\",\"codec\":\"vp8\"}]}]}");
	sdk_expect(sdk, "JOINED alice 3 Alice");
	sdk_expect(sdk, "PARTICIPANT_JOINED bob 1 Bob");
	sdk_expect(sdk, "STREAM_ADDED 7 audio opus 'mic' of bob");
	sdk_expect(sdk, "STREAM_ADDED 8 video vp8 '' of bob");
}

/* ------------------------------------------------------------------ expectations */

const char *sdk_next_event(struct sdk *sdk)
{
	for (int i = 0; i < TURNS_MAX && sdk->event_read == sdk->event_count; i++) {
		sdk_turn(sdk, -1, 0);
	}
	if (sdk->event_read == sdk->event_count) {
		fail_msg("no event came");
	}
	return sdk->events[sdk->event_read++];
}

void sdk_expect(struct sdk *sdk, const char *line)
{
	assert_string_equal(sdk_next_event(sdk), line);
}

void sdk_expect_nothing(struct sdk *sdk)
{
	if (sdk->event_read != sdk->event_count) {
		fail_msg("told: %s", sdk->events[sdk->event_read]);
	}
}

void sdk_wait_frames(struct sdk *sdk, size_t count)
{
	for (int i = 0; i < TURNS_MAX && sdk->frame_count < count; i++) {
		sdk_turn(sdk, -1, 0);
	}
	assert_int_equal(sdk->frame_count, count);
}

int sdk_setup(void **state)
{
	struct sdk *sdk = malloc(sizeof(*sdk));

	assert_non_null(sdk);
	sdk_init(sdk);
	*state = sdk;
	return 0;
}

int sdk_setup_created(void **state)
{
	sdk_setup(state);
	sdk_create(*state, NULL);
	return 0;
}

int sdk_teardown(void **state)
{
	struct sdk *sdk = *state;

	sdk_finish(sdk);
	free(sdk);
	return 0;
}
