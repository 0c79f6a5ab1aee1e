/*
 * A whole session of libhelio, from helio_create() to the goodbye, with its 1st, 2nd, 3rd ...
 * allocation failing, until it gets through. It must never crash, hang or leak, and always say how
 * it ended. Our own allocations are wrapped; those of jansson, GnuTLS and curl come through their
 * hooks. The fake reflector here takes everything as it comes, since the client may end at any
 * point.
 */
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/sdk_fixture.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
json_t *__real_json_loadb(const char *bytes, size_t len, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *bytes, size_t len, size_t flags, json_error_t *error);

static unsigned fail_at; /* 0: never */
static unsigned allocations;
static bool failed;

static bool refuse_now(void)
{
	if (!sdk_in_library || ++allocations != fail_at) {
		return false;
	}
	failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return refuse_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return refuse_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return refuse_now() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	return refuse_now() ? NULL : __real_strdup(s);
}

/*
 * jansson's parser writes past a string whose text it could not grow, so it is not starved inside:
 * it fails as a whole, as it says it does.
 */
json_t *__wrap_json_loadb(const char *bytes, size_t len, size_t flags, json_error_t *error)
{
	bool starving = sdk_in_library;
	json_t *json = NULL;

	if (refuse_now()) {
		memset(error, 0, sizeof(*error));
		return NULL;
	}
	sdk_in_library = false;
	json = __real_json_loadb(bytes, len, flags, error);
	sdk_in_library = starving;
	return json;
}

/* ------------------------------------------------------------------ the fake */

struct fake {
	struct sdk sdk;
	bool http; /* the first connection is for authd */
	bool asked; /* authd was */
	bool up; /* TLS */
};

static void fake_drop(struct fake *fake)
{
	if (fake->sdk.fd >= 0) {
		tls_io_finish(&fake->sdk.tls);
		close(fake->sdk.fd);
	}
	fake->sdk.fd = -1;
	fake->sdk.in_at = 0;
	fake->sdk.in_len = 0;
	fake->up = false;
}

static void fake_accept(struct fake *fake)
{
	struct sdk *sdk = &fake->sdk;
	struct tls_io_server conf = { .creds = sdk->creds,
		.alpn = fake->http && !fake->asked ? "http/1.1" : "helio/1" };

	sdk->fd = accept4(sdk->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (sdk->fd >= 0) {
		assert_int_equal(tls_io_init_server(&sdk->tls, sdk->fd, &conf), 0);
	}
}

static void fake_say(struct fake *fake, const char *json)
{
	struct frame_hdr hdr = { .kind = FRAME_CONTROL, .length = (uint32_t)strlen(json) };
	uint8_t bytes[2048];

	frame_hdr_write(&hdr, bytes);
	memcpy(bytes + FRAME_HDR_LEN, json, hdr.length);
	(void)!tls_io_send(&fake->sdk.tls, bytes, FRAME_HDR_LEN + hdr.length);
}

static void fake_media(struct fake *fake)
{
	struct frame_hdr hdr = { .kind = FRAME_AUDIO, .stream = 7, .length = 3 };
	uint8_t bytes[FRAME_HDR_LEN + 3] = { 0 };

	frame_hdr_write(&hdr, bytes);
	(void)!tls_io_send(&fake->sdk.tls, bytes, sizeof(bytes));
	hdr.kind = FRAME_VIDEO;
	hdr.stream = 8;
	hdr.flags = FRAME_FIRST | FRAME_KEYFRAME;
	frame_hdr_write(&hdr, bytes);
	(void)!tls_io_send(&fake->sdk.tls, bytes, sizeof(bytes));
	hdr.flags = FRAME_LAST | FRAME_KEYFRAME;
	hdr.seq = 1;
	frame_hdr_write(&hdr, bytes);
	(void)!tls_io_send(&fake->sdk.tls, bytes, sizeof(bytes));
	hdr.flags = FRAME_FIRST;
	hdr.seq = 3; /* a gap: a keyframe is asked for */
	frame_hdr_write(&hdr, bytes);
	(void)!tls_io_send(&fake->sdk.tls, bytes, sizeof(bytes));
	hdr.kind = FRAME_CHAT;
	hdr.stream = 1;
	frame_hdr_write(&hdr, bytes);
	(void)!tls_io_send(&fake->sdk.tls, bytes, sizeof(bytes));
}

static void fake_control(struct fake *fake, const char *text)
{
	if (strstr(text, "\"hello\"") != NULL) {
		fake_say(fake,
			"{\"type\":\"welcome\",\"version\":1,\"capabilities\":[\"chat\"],"
			"\"room\":\"demo\",\"participant\":{\"id\":\"alice\",\"num\":3,"
			"\"name\":\"Alice\"},\"max_payload\":16384,\"heartbeat_ms\":5000}");
		fake_say(fake,
			"{\"type\":\"roster\",\"participants\":[{\"id\":\"bob\",\"num\":1,"
			"\"name\":\"Bob\",\"streams\":[{\"stream\":7,\"kind\":\"audio\","
			"\"codec\":\"opus\"},{\"stream\":8,\"kind\":\"video\","
			"\"codec\":\"vp8\"}]}]}");
	} else if (strstr(text, "\"publish\"") != NULL) {
		/* whatever its req is, it stands behind the colon */
		char answer[96];

		snprintf(answer, sizeof(answer),
			"{\"type\":\"published\",\"req\":%d,\"stream\":20}",
			atoi(strstr(text, "\"req\":") + 6));
		fake_say(fake, answer);
		fake_say(fake, "{\"type\":\"speakers\"}");
		fake_say(fake, "{\"type\":\"keyframe\",\"stream\":20}");
		fake_media(fake);
	}
}

static void fake_frames(struct fake *fake)
{
	struct sdk *sdk = &fake->sdk;
	struct frame_hdr hdr;
	char text[8192];
	int err;

	while (frame_hdr_parse(&hdr, sdk->in, sdk->in_len, sizeof(sdk->in), &err) == PARSE_DONE &&
		sdk->in_len >= FRAME_HDR_LEN + hdr.length) {
		const uint8_t *payload = sdk->in + FRAME_HDR_LEN;

		if (hdr.kind == FRAME_CONTROL && hdr.length < sizeof(text)) {
			memcpy(text, payload, hdr.length);
			text[hdr.length] = '\0';
			fake_control(fake, text);
		} else if (hdr.kind == FRAME_CHAT) {
			fake_say(fake, "{\"type\":\"chat-ack\",\"seq\":1,\"number\":1}");
		}
		sdk->in_len -= FRAME_HDR_LEN + hdr.length;
		memmove(sdk->in, payload + hdr.length, sdk->in_len);
	}
}

static void fake_http(struct fake *fake)
{
	struct sdk *sdk = &fake->sdk;
	char text[6000];

	if (sdk->in_len == 0 || sdk->in[sdk->in_len - 1] != '}') {
		return;
	}
	int len = snprintf(text, sizeof(text),
		"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		strlen(sdk->token_answer), sdk->token_answer);
	(void)!tls_io_send(&sdk->tls, text, (size_t)len);
	tls_io_bye(&sdk->tls);
	fake->asked = true;
	fake_drop(fake);
}

static void fake_step(struct fake *fake)
{
	struct sdk *sdk = &fake->sdk;
	enum tls_io_result result = TLS_IO_OK;
	size_t moved = 1;

	if (sdk->fd < 0) {
		fake_accept(fake);
	}
	if (sdk->fd >= 0 && !fake->up) {
		result = tls_io_handshake(&sdk->tls);
		fake->up = result == TLS_IO_OK;
	}
	while (fake->up && sdk->fd >= 0 && result == TLS_IO_OK) {
		result = tls_io_recv(
			&sdk->tls, sdk->in + sdk->in_len, sizeof(sdk->in) - sdk->in_len, &moved);
		sdk->in_len += moved;
		if (fake->http && !fake->asked) {
			fake_http(fake);
		} else {
			fake_frames(fake);
		}
	}
	if (sdk->fd >= 0 && result != TLS_IO_OK && result != TLS_IO_WANT_READ &&
		result != TLS_IO_WANT_WRITE) {
		fake_drop(fake);
	}
}

/* ------------------------------------------------------------------ the client */

/* What an application does; whatever fails, it leaves. */
static void hook(struct sdk *sdk, const struct helio_event *event)
{
	struct helio_stream wish = HELIO_STREAM_INIT;
	struct helio_frame frame = HELIO_FRAME_INIT;
	int publication;
	int err = 0;

	wish.kind = HELIO_VIDEO;
	wish.codec = "vp8";
	frame.payload = "abc";
	frame.length = 3;
	sdk_in_library = true;
	switch (event->type) {
	case HELIO_EVENT_JOINED:
		err = helio_publish(sdk->h, &wish, &publication);
		err = err != 0 ? err : helio_chat(sdk->h, 0, "hi", 2, NULL);
		break;
	case HELIO_EVENT_PUBLISHED:
		err = helio_send(sdk->h, event->publication, &frame);
		break;
	case HELIO_EVENT_PUBLISH_FAILED:
	case HELIO_EVENT_CHAT:
		err = HELIO_ERR_NOMEM;
		break;
	default:
		break;
	}
	if (err != 0) {
		(void)helio_leave(sdk->h);
	}
	sdk_in_library = false;
}

static bool is_closed(const struct sdk *sdk)
{
	return sdk->event_count > 0 && strncmp(sdk->events[sdk->event_count - 1], "CLOSED", 6) == 0;
}

static void turn(struct fake *fake)
{
	struct sdk *sdk = &fake->sdk;
	int wants = helio_timeout_ms(sdk->h);
	struct pollfd pfds[2] = {
		{ .fd = helio_fd(sdk->h), .events = POLLIN },
		{ .fd = sdk->fd >= 0 ? sdk->fd : sdk->listen_fd, .events = POLLIN },
	};

	(void)poll(pfds, 2, wants >= 0 && wants < 1000 ? wants : 1000);
	fake_step(fake);
	sdk->dispatching = true;
	sdk_in_library = true;
	assert_int_equal(helio_dispatch(sdk->h), 0);
	sdk_in_library = false;
	sdk->dispatching = false;
}

static void one_session(struct fake *fake, const struct helio_config *config)
{
	struct sdk *sdk = &fake->sdk;
	struct helio_callbacks callbacks = HELIO_CALLBACKS_INIT;
	int err;

	fake->asked = false;
	sdk->h = NULL;
	sdk_callbacks(&callbacks);
	sdk_in_library = true;
	err = helio_create(&sdk->h, config, &callbacks, sdk);
	sdk_in_library = false;
	if (err != 0) {
		assert_true(failed);
		assert_null(sdk->h);
		return;
	}
	assert_int_equal(helio_join(sdk->h), 0);
	for (int i = 0; i < 300 && !is_closed(sdk); i++) {
		turn(fake);
	}
	assert_true(is_closed(sdk));
	helio_destroy(sdk->h);
	sdk->h = NULL;
	fake_drop(fake);
	close(accept(sdk->listen_fd, NULL, NULL)); /* one that nobody took */
}

static void forget_events(struct sdk *sdk)
{
	for (size_t i = 0; i < sdk->event_count; i++) {
		free(sdk->events[i]);
	}
	sdk->event_count = 0;
	sdk_frames_clear(sdk);
}

static void exhaust(struct fake *fake, const struct helio_config *config)
{
	fake->sdk.hook = hook;
	for (fail_at = 1;; fail_at++) {
		assert_true(fail_at < 20000);
		allocations = 0;
		failed = false;
		one_session(fake, config);
		bool good = fake->sdk.last_error == 0;
		size_t frames = fake->sdk.frame_count;
		forget_events(&fake->sdk);
		if (!failed) {
			/* nothing failed: then all must have gone well */
			assert_true(good);
			assert_int_equal(frames, 2);
			assert_true(fail_at > 30);
			break;
		}
	}
	fail_at = 0;
	sdk_finish(&fake->sdk);
	free(fake);
}

static void with_a_token(void **state)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	struct helio_config config = HELIO_CONFIG_INIT;

	(void)state;
	assert_non_null(fake);
	sdk_init(&fake->sdk);
	config.token_answer = fake->sdk.token_answer;
	config.connect_timeout_ms = 2000;
	exhaust(fake, &config);
}

static void with_a_password(void **state)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	struct helio_config config = HELIO_CONFIG_INIT;
	char url[64];
	char *ca;

	(void)state;
	assert_non_null(fake);
	sdk_init_named(&fake->sdk, "127.0.0.1");
	ca = sdk_ca_file(&fake->sdk);
	fake->http = true;
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", fake->sdk.port);
	config.authd_url = url;
	config.authd_ca_file = ca;
	config.user = "alice";
	config.password = "secret";
	config.room = "demo";
	config.connect_timeout_ms = 2000;
	exhaust(fake, &config);
	unlink(ca);
	free(ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_a_token),
		cmocka_unit_test(with_a_password),
	};

	json_set_alloc_funcs(__wrap_malloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
