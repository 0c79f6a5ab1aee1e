/*
 * libhelio and authd: the request, the answer, and all the ways in which the answer can be none.
 * The fake plays authd on the first connection and the reflector on the second.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/sdk_fixture.h"

struct http {
	struct sdk sdk;
	char *ca;
	char url[64];
};

static int setup(void **state)
{
	struct http *http = malloc(sizeof(*http));

	assert_non_null(http);
	sdk_init_named(&http->sdk, "127.0.0.1");
	http->ca = sdk_ca_file(&http->sdk);
	http->sdk.alpn = "http/1.1";
	snprintf(http->url, sizeof(http->url), "https://127.0.0.1:%u", http->sdk.port);
	*state = http;
	return 0;
}

static int teardown(void **state)
{
	struct http *http = *state;

	unlink(http->ca);
	free(http->ca);
	sdk_finish(&http->sdk);
	free(http);
	return 0;
}

static void create(struct http *http, bool trusted)
{
	struct helio_config config = HELIO_CONFIG_INIT;

	config.authd_url = http->url;
	config.authd_ca_file = trusted ? http->ca : NULL;
	config.user = "alice";
	config.password = "correct \"horse\"";
	config.room = "demo";
	config.device = "laptop";
	config.connect_timeout_ms = 30000;
	sdk_create_with_authd(&http->sdk, &config);
}

/* Reads the request up to its end. */
static json_t *request_read(struct sdk *sdk)
{
	static char text[8192];
	size_t len = 0;
	char *body = NULL;

	for (int i = 0; i < 400; i++) {
		size_t moved;
		enum tls_io_result result =
			tls_io_recv(&sdk->tls, text + len, sizeof(text) - 1 - len, &moved);

		len += moved;
		text[len] = '\0';
		body = strstr(text, "\r\n\r\n");
		if (body != NULL && body[4] != '\0' && text[len - 1] == '}') {
			break;
		}
		if (result != TLS_IO_OK) {
			sdk_turn(sdk, sdk->fd, 1);
		}
	}
	assert_non_null(body);
	assert_int_equal(strncmp(text, "POST /v1/token HTTP/1.1\r\n", 25), 0);
	assert_non_null(strstr(text, "Content-Type: application/json\r\n"));
	json_t *object = json_loads(body + 4, 0, NULL);
	assert_non_null(object);
	return object;
}

static void reply(struct sdk *sdk, const char *status, const char *body)
{
	static char text[8192];
	int len = snprintf(text, sizeof(text),
		"HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
		strlen(body), body);

	assert_in_range(len, 1, (int)sizeof(text) - 1);
	sdk_send_bytes(sdk, text, (size_t)len);
}

/* The link says where to ask; only its token, the name and the passcode are sent. */
static void asks_as_a_guest(void **state)
{
	struct http *http = *state;
	struct sdk *sdk = &http->sdk;
	struct helio_config config = HELIO_CONFIG_INIT;
	char link[128];

	snprintf(link, sizeof(link), "%s/join#eyJh.eyJi.c2ln", http->url);
	config.invite = link;
	config.passcode = "1234";
	config.display_name = "Gina";
	config.authd_ca_file = http->ca;
	config.connect_timeout_ms = 30000;
	sdk_create_with_authd(sdk, &config);
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept(sdk);
	json_t *request = request_read(sdk);
	assert_int_equal(json_object_size(request), 3);
	assert_string_equal(
		json_string_value(json_object_get(request, "invite")), "eyJh.eyJi.c2ln");
	assert_string_equal(json_string_value(json_object_get(request, "name")), "Gina");
	assert_string_equal(json_string_value(json_object_get(request, "passcode")), "1234");
	json_decref(request);
	reply(sdk, "401 Unauthorized", "{\"code\":\"login-failed\"}");
	sdk_expect(sdk, "CLOSED login-failed");
}

static void ask(struct http *http)
{
	create(http, true);
	assert_int_equal(helio_join(http->sdk.h), 0);
	sdk_accept(&http->sdk);
	json_decref(request_read(&http->sdk));
}

static void joins_with_a_password(void **state)
{
	struct http *http = *state;
	struct sdk *sdk = &http->sdk;

	create(http, true);
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept(sdk);
	json_t *request = request_read(sdk);
	assert_int_equal(json_object_size(request), 4);
	assert_string_equal(json_string_value(json_object_get(request, "user")), "alice");
	assert_string_equal(
		json_string_value(json_object_get(request, "password")), "correct \"horse\"");
	assert_string_equal(json_string_value(json_object_get(request, "room")), "demo");
	assert_string_equal(json_string_value(json_object_get(request, "device")), "laptop");
	json_decref(request);
	reply(sdk, "200 OK", sdk->token_answer);
	for (int i = 0; i < 3; i++) {
		sdk_turn(sdk, -1, 0);
	}
	sdk_close(sdk, true);
	sdk->alpn = "helio/1";
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
	sdk_welcome(sdk, NULL);
	sdk_send_json(sdk, "{\"type\":\"roster\",\"participants\":[]}");
	sdk_expect(sdk, "JOINED alice 3 Alice");
}

static void refusals(void **state)
{
	static const struct {
		const char *status, *body, *told;
	} cases[] = {
		{ "401 Unauthorized", "{\"code\":\"login-failed\",\"title\":\"x\"}",
			"CLOSED login-failed" },
		{ "401 Unauthorized", "", "CLOSED login-failed" },
		{ "429 Too Many Requests", "{\"code\":\"rate\"}", "CLOSED rate" },
		{ "429 Too Many Requests", "<html>", "CLOSED rate" },
		{ "503 Service Unavailable", "{\"code\":\"no-reflector\"}", "CLOSED no-reflector" },
		{ "503 Service Unavailable", "{\"code\":\"ok\"}", "CLOSED no-reflector" },
		{ "413 Too Large", "", "CLOSED too-large" },
		{ "400 Bad Request", "{\"code\":\"bad-field\"}", "CLOSED bad-field" },
		{ "500 Oops", "{\"code\":\"never-heard-of\"}", "CLOSED internal" },
		{ "404 Not Found", "", "CLOSED http" },
		{ "302 Found\r\nLocation: https://127.0.0.1:1/", "", "CLOSED http" },
		{ "204 No Content", "", "CLOSED http" },
		{ "200 OK", "", "CLOSED http" },
		{ "200 OK", "not JSON", "CLOSED http" },
		{ "200 OK", "{\"token\":\"t\",\"room\":\"demo\",\"endpoints\":[]}", "CLOSED http" },
		{ "200 OK",
			"{\"token\":\"t\",\"room\":\"other\",\"endpoints\":[{\"address\":\"::1\","
			"\"port\":1,\"tls_name\":\"x\"}]}",
			"CLOSED token-room" },
	};
	struct http *http = *state;
	struct sdk *sdk = &http->sdk;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(http);
		reply(sdk, cases[i].status, cases[i].body);
		const char *told = sdk_next_event(sdk);
		if (strcmp(told, cases[i].told) != 0) {
			fail_msg("%s: %s", cases[i].status, told);
		}
		sdk_close(sdk, true);
		helio_destroy(sdk->h);
		sdk->h = NULL;
	}
}

static void an_answer_without_end(void **state)
{
	struct http *http = *state;
	struct sdk *sdk = &http->sdk;
	static char much[16384];

	ask(http);
	memset(much, ' ', sizeof(much));
	sdk_send_bytes(sdk, "HTTP/1.1 200 OK\r\n\r\n", 19);
	for (int i = 0; i < 5 && sdk->event_count == 0; i++) {
		sdk_send_bytes(sdk, much, sizeof(much));
		sdk_turn(sdk, -1, 0);
	}
	sdk_expect(sdk, "CLOSED http");
	assert_non_null(strstr(sdk->last_text, "too large"));
}

static void an_answer_cut_short(void **state)
{
	struct http *http = *state;

	ask(http);
	sdk_send_bytes(&http->sdk, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", 42);
	sdk_close(&http->sdk, false);
	sdk_expect(&http->sdk, "CLOSED lost");
}

static void no_answer(void **state)
{
	struct http *http = *state;
	struct sdk *sdk = &http->sdk;
	struct helio_config config = HELIO_CONFIG_INIT;

	config.authd_url = http->url;
	config.user = "alice";
	config.password = "x";
	config.room = "demo";
	config.connect_timeout_ms = 150;
	sdk_create_with_authd(sdk, &config);
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_expect(sdk, "CLOSED timeout");
	assert_int_equal(helio_join(sdk->h), 0);
	assert_int_equal(helio_leave(sdk->h), 0);
	sdk_expect(sdk, "CLOSED ok");
}

static void leaves_while_authd_thinks(void **state)
{
	struct http *http = *state;

	ask(http);
	assert_int_equal(helio_leave(http->sdk.h), 0);
	sdk_expect(&http->sdk, "CLOSED ok");
	/* and is destroyed in that state */
	sdk_close(&http->sdk, false);
	assert_int_equal(helio_join(http->sdk.h), 0);
	sdk_accept(&http->sdk);
}

static void untrusted(void **state)
{
	struct http *http = *state;
	struct sdk *sdk = &http->sdk;
	struct tls_io_server conf = { .creds = sdk->creds, .alpn = "http/1.1" };
	size_t moved;
	char byte;

	create(http, false);
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept_tcp(sdk);
	assert_int_equal(tls_io_init_server(&sdk->tls, sdk->fd, &conf), 0);
	for (int i = 0; i < 400 && sdk->event_count == 0; i++) {
		if (tls_io_handshake(&sdk->tls) == TLS_IO_OK) {
			assert_int_not_equal(tls_io_recv(&sdk->tls, &byte, 1, &moved), TLS_IO_OK);
		}
		sdk_turn(sdk, sdk->fd, 1);
	}
	sdk_expect(sdk, "CLOSED tls-certificate");
	assert_null(strstr(sdk->last_text, "horse"));
}

static void trust_anchors_that_are_not_there(void **state)
{
	struct http *http = *state;

	unlink(http->ca);
	free(http->ca);
	http->ca = strdup("/nonexistent/ca.pem");
	create(http, true);
	assert_int_equal(helio_join(http->sdk.h), 0);
	sdk_expect(&http->sdk, "CLOSED bad-settings");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(joins_with_a_password, setup, teardown),
		cmocka_unit_test_setup_teardown(asks_as_a_guest, setup, teardown),
		cmocka_unit_test_setup_teardown(refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_cut_short, setup, teardown),
		cmocka_unit_test_setup_teardown(no_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(leaves_while_authd_thinks, setup, teardown),
		cmocka_unit_test_setup_teardown(untrusted, setup, teardown),
		cmocka_unit_test_setup_teardown(trust_anchors_that_are_not_there, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
