/*
 * How a join of libhelio can fail, and how a session can end: each way has its named error. And
 * helio_leave() and helio_destroy() in every state.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/sdk_fixture.h"

#define WRONG_PIN "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

/* The client's side of a handshake that it must refuse. */
static void refuse_handshake(struct sdk *sdk)
{
	struct tls_io_server conf = { .creds = sdk->creds, .alpn = "helio/1" };
	size_t moved;
	char byte;

	sdk_accept_tcp(sdk);
	assert_int_equal(tls_io_init_server(&sdk->tls, sdk->fd, &conf), 0);
	for (int i = 0; i < 400 && sdk->event_count == 0; i++) {
		enum tls_io_result result = tls_io_handshake(&sdk->tls);

		/* Not a byte of application data may come, whatever the handshake says. */
		if (result == TLS_IO_OK) {
			assert_int_not_equal(tls_io_recv(&sdk->tls, &byte, 1, &moved), TLS_IO_OK);
		}
		sdk_turn(sdk, sdk->fd, POLLIN);
	}
}

static void wrong_pin(void **state)
{
	struct sdk *sdk = *state;

	sdk_answer_make(sdk, WRONG_PIN);
	sdk_create(sdk, NULL);
	assert_int_equal(helio_join(sdk->h), 0);
	refuse_handshake(sdk);
	sdk_expect(sdk, "CLOSED tls-pin");
	assert_non_null(strstr(sdk->last_text, "127.0.0.1"));
}

static void neither_pin_nor_ca(void **state)
{
	struct sdk *sdk = *state;

	sdk_answer_make(sdk, NULL);
	sdk_create(sdk, NULL);
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_expect(sdk, "CLOSED tls-certificate");
	assert_non_null(strstr(sdk->last_text, "pin"));
}

static void ca_alone_is_enough(void **state)
{
	struct sdk *sdk = *state;
	struct helio_config config = HELIO_CONFIG_INIT;
	char *ca = sdk_ca_file(sdk);

	config.ca_file = ca;
	sdk_answer_make(sdk, NULL);
	sdk_create(sdk, &config);
	sdk_join(sdk);
	unlink(ca);
	free(ca);
}

static void pin_is_checked_beside_the_ca(void **state)
{
	struct sdk *sdk = *state;
	struct helio_config config = HELIO_CONFIG_INIT;
	char *ca = sdk_ca_file(sdk);

	config.ca_file = ca;
	sdk_answer_make(sdk, WRONG_PIN);
	sdk_create(sdk, &config);
	assert_int_equal(helio_join(sdk->h), 0);
	refuse_handshake(sdk);
	sdk_expect(sdk, "CLOSED tls-pin");
	unlink(ca);
	free(ca);
}

static void another_ca_beside_the_pin(void **state)
{
	struct sdk *sdk = *state;
	struct sdk *other = malloc(sizeof(*other));
	struct helio_config config = HELIO_CONFIG_INIT;

	assert_non_null(other);
	sdk_init(other);
	char *ca = sdk_ca_file(other);
	config.ca_file = ca;
	sdk_create(sdk, &config); /* the pin is right */
	assert_int_equal(helio_join(sdk->h), 0);
	refuse_handshake(sdk);
	sdk_expect(sdk, "CLOSED tls-certificate");
	unlink(ca);
	free(ca);
	sdk_finish(other);
	free(other);
}

static void name_is_checked_with_the_ca(void **state)
{
	struct sdk *sdk = *state;
	struct helio_config config = HELIO_CONFIG_INIT;
	char *ca = sdk_ca_file(sdk);
	char *name = strstr(sdk->token_answer, SDK_TLS_NAME);

	assert_non_null(name);
	name[0] = 'X';
	config.ca_file = ca;
	sdk_create(sdk, &config);
	assert_int_equal(helio_join(sdk->h), 0);
	refuse_handshake(sdk);
	sdk_expect(sdk, "CLOSED tls-certificate");
	unlink(ca);
	free(ca);
}

/* A port of the loopback where nobody listens. */
static unsigned closed_port(int *fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin_port);
}

static void answer_of_two(struct sdk *sdk, unsigned first_port, const char *first_pin)
{
	snprintf(sdk->token_answer, sizeof(sdk->token_answer),
		"{\"token\":\"secret-token\",\"participant\":\"alice\",\"room\":\"demo\","
		"\"endpoints\":[{\"address\":\"127.0.0.1\",\"port\":%u,\"tls_name\":\"" SDK_TLS_NAME
		"\",\"pin\":\"%s\"},{\"address\":\"127.0.0.1\",\"port\":%u,\"tls_name\":\"" SDK_TLS_NAME
		"\",\"pin\":\"%s\"}]}",
		first_port, first_pin, sdk->port, sdk->identity.pin);
}

static void goes_to_the_next_endpoint(void **state)
{
	struct sdk *sdk = *state;
	int fd;

	answer_of_two(sdk, closed_port(&fd), sdk->identity.pin);
	sdk_create(sdk, NULL);
	sdk_join(sdk);
	close(fd);
}

static void next_endpoint_after_a_wrong_pin(void **state)
{
	struct sdk *sdk = *state;
	size_t moved;
	char byte;

	answer_of_two(sdk, sdk->port, WRONG_PIN);
	sdk_create(sdk, NULL);
	assert_int_equal(helio_join(sdk->h), 0);
	/* the client's alert is all that the first connection gets */
	struct tls_io_server conf = { .creds = sdk->creds, .alpn = "helio/1" };
	sdk_accept_tcp(sdk);
	assert_int_equal(tls_io_init_server(&sdk->tls, sdk->fd, &conf), 0);
	enum tls_io_result result = TLS_IO_WANT_READ;
	for (int i = 0; i < 400 && result == TLS_IO_WANT_READ; i++) {
		result = tls_io_handshake(&sdk->tls);
		if (result == TLS_IO_OK) {
			result = tls_io_recv(&sdk->tls, &byte, 1, &moved);
			assert_int_not_equal(result, TLS_IO_OK);
		}
		if (result == TLS_IO_WANT_READ) {
			sdk_turn(sdk, sdk->fd, POLLIN);
		}
	}
	sdk_close(sdk, false);
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
}

static void nobody_listens(void **state)
{
	struct sdk *sdk = *state;
	int fd;

	snprintf(sdk->token_answer, sizeof(sdk->token_answer),
		"{\"token\":\"t\",\"room\":\"demo\",\"endpoints\":[{\"address\":\"127.0.0.1\","
		"\"port\":%u,\"tls_name\":\"x\",\"pin\":\"%s\"}]}",
		closed_port(&fd), sdk->identity.pin);
	sdk_create(sdk, NULL);
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_expect(sdk, "CLOSED connect");
	assert_int_equal(helio_join(sdk->h), 0); /* and may be tried again */
	sdk_expect(sdk, "CLOSED connect");
	close(fd);
}

static void no_tls_there(void **state)
{
	struct sdk *sdk = *state;

	sdk_create(sdk, NULL);
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept_tcp(sdk);
	assert_int_equal(send(sdk->fd, "SSH-2.0-OpenSSH_9.2\r\n", 21, MSG_NOSIGNAL), 21);
	sdk_expect(sdk, "CLOSED tls");
}

static void cut_in_the_handshake(void **state)
{
	struct sdk *sdk = *state;

	sdk_create(sdk, NULL);
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept_tcp(sdk);
	sdk_close(sdk, false);
	sdk_expect(sdk, "CLOSED lost");
}

static void silence_has_a_deadline(void **state)
{
	struct sdk *sdk = *state;
	struct helio_config config = HELIO_CONFIG_INIT;

	config.connect_timeout_ms = 150;
	sdk_create(sdk, &config);
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_expect(sdk, "CLOSED timeout"); /* the kernel took the connection, nobody else did */
	assert_non_null(strstr(sdk->last_text, "TLS"));
	assert_int_equal(helio_join(sdk->h), 0);
	close(accept(sdk->listen_fd, NULL, NULL)); /* that was the first one */
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
	sdk_expect(sdk, "CLOSED timeout"); /* no welcome */
	assert_non_null(strstr(sdk->last_text, "hello"));
}

static void say_hello(struct sdk *sdk)
{
	sdk_create(sdk, NULL);
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
}

static void joins_over_ipv6(void **state)
{
	struct sdk *sdk = *state;
	struct sockaddr_in6 address = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(address);
	struct helio_stats stats = { .size = sizeof(stats) };

	close(sdk->listen_fd);
	sdk->listen_fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sdk->listen_fd < 0 ||
		bind(sdk->listen_fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		skip(); /* a machine without IPv6 */
	}
	assert_int_equal(listen(sdk->listen_fd, 1), 0);
	assert_int_equal(getsockname(sdk->listen_fd, (struct sockaddr *)&address, &len), 0);
	snprintf(sdk->token_answer, sizeof(sdk->token_answer),
		"{\"token\":\"secret-token\",\"room\":\"demo\",\"endpoints\":[{\"address\":\"::1\","
		"\"port\":%u,\"tls_name\":\"" SDK_TLS_NAME "\",\"pin\":\"%s\"}]}",
		ntohs(address.sin6_port), sdk->identity.pin);
	sdk_create(sdk, NULL);
	sdk_join(sdk);
	assert_int_equal(helio_get_stats(sdk->h, &stats), 0);
	assert_string_equal(stats.endpoint_address, "::1");
}

static void refused_by_name(void **state)
{
	struct sdk *sdk = *state;

	say_hello(sdk);
	sdk_send_json(sdk,
		"{\"type\":\"error\",\"code\":\"token-expired\",\"text\":\"too late\","
		"\"fatal\":true}");
	sdk_close(sdk, true);
	sdk_expect(sdk, "CLOSED token-expired");
	assert_string_equal(sdk->last_text, "too late");
	sdk_expect_nothing(sdk);
}

static void bye_instead_of_welcome(void **state)
{
	struct sdk *sdk = *state;

	say_hello(sdk);
	sdk_send_json(sdk, "{\"type\":\"bye\",\"reason\":\"shutdown\"}");
	sdk_expect(sdk, "CLOSED shutdown");
}

static void closed_instead_of_welcome(void **state)
{
	struct sdk *sdk = *state;

	say_hello(sdk);
	sdk_close(sdk, true);
	sdk_expect(sdk, "CLOSED closed");
}

static void join(struct sdk *sdk)
{
	sdk_create(sdk, NULL);
	sdk_join(sdk);
}

static void ends_with_bye(void **state)
{
	struct sdk *sdk = *state;

	join(sdk);
	sdk_send_json(sdk, "{\"type\":\"bye\",\"reason\":\"replaced\"}");
	sdk_expect(sdk, "CLOSED replaced");
	assert_int_equal(helio_chat(sdk->h, 0, "x", 1, NULL), HELIO_ERR_STATE);
}

static void ends_in_order(void **state)
{
	struct sdk *sdk = *state;

	join(sdk);
	sdk_close(sdk, true);
	sdk_expect(sdk, "CLOSED closed");
}

static void ends_with_a_cut(void **state)
{
	struct sdk *sdk = *state;

	join(sdk);
	sdk_close(sdk, false);
	sdk_expect(sdk, "CLOSED lost");
}

/* A reflector that says why and closes, while we write to it: the reason is what counts. */
static void reason_survives_writing(void **state)
{
	struct sdk *sdk = *state;

	join(sdk);
	sdk_send_json(sdk, "{\"type\":\"bye\",\"reason\":\"token-revoked\"}");
	for (int i = 0; i < 50; i++) {
		assert_int_equal(helio_chat(sdk->h, 0, "x", 1, NULL), 0);
	}
	sdk_close(sdk, true);
	while (strncmp(sdk_next_event(sdk), "CHAT_FAILED", 11) == 0) {
	}
	assert_int_equal(sdk->last_error, HELIO_ERR_TOKEN_REVOKED);
}

static void heartbeats(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr;
	const uint8_t *payload;
	struct helio_stats stats = { .size = sizeof(stats) };

	sdk_create(sdk, NULL);
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
	sdk->keep_pings = true;
	sdk_welcome(sdk, "{\"heartbeat_ms\":50}");
	sdk_send_json(sdk, "{\"type\":\"roster\",\"participants\":[]}");
	for (int i = 0; i < 3; i++) {
		assert_true(sdk_recv(sdk, &hdr, &payload));
		assert_int_equal(hdr.kind, FRAME_PING);
		assert_in_range(hdr.length, 1, 64);
		hdr.kind = FRAME_PONG;
		sdk_send_frame(sdk, &hdr, payload);
	}
	sdk_expect(sdk, "JOINED alice 3 Alice");
	sdk_sync(sdk);
	assert_int_equal(helio_get_stats(sdk->h, &stats), 0);
	assert_true(stats.rtt_ms >= 1);
	/* now nothing is said any more: two intervals and a second */
	sdk_expect(sdk, "CLOSED lost");
}

static void leaves_before_it_came(void **state)
{
	struct sdk *sdk = *state;

	sdk_create(sdk, NULL);
	/* before anything was done */
	assert_int_equal(helio_join(sdk->h), 0);
	assert_int_equal(helio_leave(sdk->h), 0);
	sdk_expect(sdk, "CLOSED ok");
	/* in the middle of the handshake */
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept_tcp(sdk);
	assert_int_equal(helio_leave(sdk->h), 0);
	sdk_expect(sdk, "CLOSED ok");
	sdk_close(sdk, false);
	/* before the welcome: goodbye is said all the same */
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
	assert_int_equal(helio_leave(sdk->h), 0);
	json_decref(sdk_recv_json(sdk, "bye"));
	sdk_close(sdk, true);
	sdk_expect(sdk, "CLOSED ok");
	/* between welcome and roster */
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
	sdk_welcome(sdk, NULL);
	sdk_sync(sdk);
	assert_int_equal(helio_leave(sdk->h), 0);
	json_decref(sdk_recv_json(sdk, "bye"));
	sdk_close(sdk, true);
	sdk_expect(sdk, "CLOSED ok");
	sdk_expect_nothing(sdk);
}

static void leaving_sends_what_is_queued(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr;
	const uint8_t *payload;

	join(sdk);
	assert_int_equal(helio_chat(sdk->h, 0, "last word", 9, NULL), 0);
	assert_int_equal(helio_leave(sdk->h), 0);
	assert_int_equal(helio_chat(sdk->h, 0, "x", 1, NULL), HELIO_ERR_STATE);
	assert_true(sdk_recv(sdk, &hdr, &payload));
	assert_int_equal(hdr.kind, FRAME_CHAT);
	sdk_send_json(sdk, "{\"type\":\"chat-ack\",\"seq\":1,\"number\":1}");
	json_decref(sdk_recv_json(sdk, "bye"));
	assert_false(sdk_recv(sdk, &hdr, &payload));
	sdk_expect(sdk, "CHAT_DELIVERED 1");
	/* the fake does not close: a second is enough */
	sdk_expect(sdk, "CLOSED ok");
}

static void leaving_has_a_deadline(void **state)
{
	struct sdk *sdk = *state;

	join(sdk);
	assert_int_equal(helio_chat(sdk->h, 0, "x", 1, NULL), 0);
	assert_int_equal(helio_leave(sdk->h), 0);
	/* no acknowledgement, no reading */
	sdk_expect(sdk, "CHAT_FAILED 1 closed");
	sdk_expect(sdk, "CLOSED ok");
}

static void destroys_in_every_state(void **state)
{
	struct sdk *sdk = *state;

	for (int stage = 0; stage < 8; stage++) {
		sdk_create(sdk, NULL);
		if (stage >= 1) {
			assert_int_equal(helio_join(sdk->h), 0);
		}
		if (stage == 2) {
			sdk_turn(sdk, -1, 0);
		}
		if (stage == 3) {
			sdk_accept_tcp(sdk);
		}
		if (stage >= 4) {
			sdk_accept(sdk);
			json_decref(sdk_hello(sdk));
		}
		if (stage >= 5) {
			sdk_welcome(sdk, NULL);
			sdk_sync(sdk);
		}
		if (stage >= 6) {
			sdk_send_json(sdk, "{\"type\":\"roster\",\"participants\":[]}");
			sdk_expect(sdk, "JOINED alice 3 Alice");
		}
		if (stage == 7) {
			assert_int_equal(helio_chat(sdk->h, 0, "x", 1, NULL), 0);
			assert_int_equal(helio_leave(sdk->h), 0);
			sdk_turn(sdk, -1, 0);
		}
		helio_destroy(sdk->h);
		sdk->h = NULL;
		sdk_close(sdk, false);
		/* a connection that nobody took is not for the next stage */
		close(accept(sdk->listen_fd, NULL, NULL));
		sdk_expect_nothing(sdk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wrong_pin, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(neither_pin_nor_ca, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(ca_alone_is_enough, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			pin_is_checked_beside_the_ca, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(another_ca_beside_the_pin, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			name_is_checked_with_the_ca, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(goes_to_the_next_endpoint, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			next_endpoint_after_a_wrong_pin, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(nobody_listens, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(no_tls_there, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(cut_in_the_handshake, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(silence_has_a_deadline, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(joins_over_ipv6, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(refused_by_name, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(bye_instead_of_welcome, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(closed_instead_of_welcome, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(ends_with_bye, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(ends_in_order, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(ends_with_a_cut, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(reason_survives_writing, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(heartbeats, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(leaves_before_it_came, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			leaving_sends_what_is_queued, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(leaving_has_a_deadline, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(destroys_in_every_state, sdk_setup, sdk_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
