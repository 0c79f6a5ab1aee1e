/*
 * sdk_fixture: a client handle, a record of what it was told, and a fake reflector on a port of the
 * loopback that says what a test wants it to say. One thread: whoever waits drives the client's
 * loop meanwhile. Anything that fails here fails the test. For cmocka programs.
 */
#ifndef TESTS_UNIT_SDK_FIXTURE_H
#define TESTS_UNIT_SDK_FIXTURE_H

#include <helio.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/frame_hdr.h"
#include "tests/unit/tls_fixture.h"

#define SDK_EVENTS_MAX 12000
#define SDK_FRAMES_MAX 512
#define SDK_TLS_NAME "reflector.test"

struct sdk_frame {
	struct helio_frame frame; /* payload is our copy */
	uint8_t *payload;
};

struct sdk {
	/* the fake reflector */
	struct tls_ca ca;
	struct tls_identity identity;
	gnutls_certificate_credentials_t creds;
	int listen_fd;
	uint16_t port;
	int fd; /* of the connection; -1: none */
	struct tls_io tls;
	const char *alpn; /* "helio/1", unless a test says otherwise */
	bool keep_pings; /* pings are given to the test; else they are answered */
	uint8_t in[1 << 17];
	size_t in_at, in_len;

	/* the client */
	struct helio *h;
	bool dispatching; /* callbacks may run now */
	void (*hook)(struct sdk *sdk, const struct helio_event *event); /* runs in the callback */
	char *events[SDK_EVENTS_MAX];
	size_t event_count, event_read;
	struct sdk_frame frames[SDK_FRAMES_MAX];
	size_t frame_count;
	char token_answer[4096];
	int last_error;
	char last_text[300];
};

/* True while code of the library runs: neither the test's nor its callbacks'. */
extern bool sdk_in_library;

/* Listens and makes certificates; the client comes with sdk_create(). */
void sdk_init(struct sdk *sdk);
/* The same with another name in the certificate. */
void sdk_init_named(struct sdk *sdk, const char *name);
/* Writes the CA to a temporary file and returns its name, for the caller to unlink and free. */
char *sdk_ca_file(struct sdk *sdk);
void sdk_finish(struct sdk *sdk);
/* For cmocka: *state is a struct sdk, with or without a client that skips authd. */
int sdk_setup(void **state);
int sdk_setup_created(void **state);
int sdk_teardown(void **state);

/* The answer of authd that names the fake, in sdk->token_answer. pin NULL: none. */
void sdk_answer_make(struct sdk *sdk, const char *pin);
/* A handle that skips authd; config may be NULL or has what differs. */
void sdk_create(struct sdk *sdk, const struct helio_config *config);
/* The recording callbacks. */
void sdk_callbacks(struct helio_callbacks *callbacks);
/* A handle with just this configuration. */
void sdk_create_with_authd(struct sdk *sdk, const struct helio_config *config);

/* One turn: waits for the client's descriptor or fd (-1: none), not longer than 50 ms. */
void sdk_turn(struct sdk *sdk, int fd, short events);

/* Accepts a TCP connection. */
void sdk_accept_tcp(struct sdk *sdk);
/* Accepts and shakes hands, with sdk->alpn. */
void sdk_accept(struct sdk *sdk);
/* Reads the hello. */
json_t *sdk_hello(struct sdk *sdk);
/* helio_join(), hello, welcome and a roster with bob (1), who has an audio stream 7 and a video
 * stream 8; the events of that are checked. */
void sdk_join(struct sdk *sdk);
void sdk_welcome(struct sdk *sdk, const char *changes);

/* What the fake sends. */
void sdk_send_bytes(struct sdk *sdk, const void *bytes, size_t len);
void sdk_send_frame(struct sdk *sdk, const struct frame_hdr *hdr, const void *payload);
void sdk_send_json(struct sdk *sdk, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sdk_send_video(struct sdk *sdk, uint16_t stream, uint8_t flags, uint16_t seq,
	uint32_t timestamp, const void *payload, size_t len);
/* Ends the connection: with close_notify or by a cut. */
void sdk_close(struct sdk *sdk, bool in_order);

/* What the fake receives: the next frame; pings are answered and left out. The payload is valid
 * until the next call. False when the connection ended in order; a cut fails the test. */
bool sdk_recv(struct sdk *sdk, struct frame_hdr *hdr, const uint8_t **payload);
/* The next control message, which must be of that type. */
json_t *sdk_recv_json(struct sdk *sdk, const char *type);
/* Returns when the client has handled all that was sent before. */
void sdk_sync(struct sdk *sdk);

/* The next event of the client must be this line; see describe() for their form. */
void sdk_expect(struct sdk *sdk, const char *line);
/* Nothing more was told. */
void sdk_expect_nothing(struct sdk *sdk);
/* Waits for the next event and returns its line. */
const char *sdk_next_event(struct sdk *sdk);
void sdk_wait_frames(struct sdk *sdk, size_t count);
void sdk_frames_clear(struct sdk *sdk);

#endif
