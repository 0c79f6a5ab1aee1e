/*
 * What helio_create() and the parser of authd's answer refuse, and arguments that make no sense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <helio.h>

#include "client-sdk/endpoint.h"

#define PIN "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define ENDPOINT                                                                                   \
	"{\"address\":\"192.0.2.10\",\"port\":49152,\"tls_name\":\"r1\",\"pin\":\"" PIN "\"}"
#define ANSWER(token, room, endpoints)                                                             \
	"{\"token\":\"" token "\",\"room\":\"" room "\",\"endpoints\":[" endpoints "]}"
#define WITH(endpoint) ANSWER("t", "demo", endpoint)

static void nothing(struct helio *h, const struct helio_event *event, void *user)
{
	(void)h;
	(void)event;
	(void)user;
}

static int create(const struct helio_config *config)
{
	struct helio_callbacks callbacks = HELIO_CALLBACKS_INIT;
	struct helio *h = NULL;
	int err;

	callbacks.on_event = nothing;
	err = helio_create(&h, config, &callbacks, NULL);
	assert_int_equal(err == 0, h != NULL);
	helio_destroy(h);
	return err;
}

static void answers(void **state)
{
	static const struct {
		int err;
		const char *text;
	} cases[] = {
		{ 0, WITH(ENDPOINT) },
		{ 0, WITH(ENDPOINT "," ENDPOINT) },
		{ 0, WITH("{\"address\":\"2001:db8::1\",\"port\":443,\"tls_name\":\"r\"}") },
		{ 0, WITH("{\"address\":\"::1\",\"port\":65535,\"tls_name\":\"::1\",\"x\":1}") },
		{ ERR_BAD_JSON, "" },
		{ ERR_BAD_JSON, "[]" },
		{ ERR_BAD_FIELD, "{}" },
		{ ERR_BAD_FIELD, WITH("") },
		{ ERR_BAD_FIELD, WITH("1") },
		{ ERR_BAD_FIELD, ANSWER("", "demo", ENDPOINT) },
		{ ERR_BAD_FIELD, ANSWER("a b", "demo", ENDPOINT) },
		{ ERR_BAD_FIELD, ANSWER("t\\r\\n", "demo", ENDPOINT) },
		{ ERR_BAD_FIELD, ANSWER("t", "", ENDPOINT) },
		{ ERR_BAD_FIELD, ANSWER("t", "de/mo", ENDPOINT) },
		{ ERR_BAD_FIELD,
			WITH("{\"address\":\"r1.example\",\"port\":1,\"tls_name\":\"r\"}") },
		{ ERR_BAD_FIELD, WITH("{\"address\":\"[::1]\",\"port\":1,\"tls_name\":\"r\"}") },
		{ ERR_BAD_FIELD,
			WITH("{\"address\":\"fe80::1%e\",\"port\":1,\"tls_name\":\"r\"}") },
		{ ERR_BAD_FIELD,
			WITH("{\"address\":\"1.2.3.4@x\",\"port\":1,\"tls_name\":\"r\"}") },
		{ ERR_BAD_FIELD, WITH("{\"address\":\"::1\",\"port\":0,\"tls_name\":\"r\"}") },
		{ ERR_BAD_FIELD, WITH("{\"address\":\"::1\",\"port\":65536,\"tls_name\":\"r\"}") },
		{ ERR_BAD_FIELD, WITH("{\"address\":\"::1\",\"port\":\"1\",\"tls_name\":\"r\"}") },
		{ ERR_BAD_FIELD, WITH("{\"address\":\"::1\",\"port\":1}") },
		{ ERR_BAD_FIELD, WITH("{\"address\":\"::1\",\"port\":1,\"tls_name\":\"\"}") },
		{ ERR_BAD_FIELD, WITH("{\"address\":\"::1\",\"port\":1,\"tls_name\":\"a b\"}") },
		{ ERR_BAD_FIELD,
			WITH("{\"address\":\"::1\",\"port\":1,\"tls_name\":\"r\","
			     "\"pin\":\"sha256/47DE\"}") },
		{ ERR_BAD_FIELD,
			WITH("{\"address\":\"::1\",\"port\":1,\"tls_name\":\"r\",\"pin\":"
			     "\"sha999/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"}") },
	};
	struct endpoint_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = endpoint_answer_parse(&answer, cases[i].text, strlen(cases[i].text));

		if (err != cases[i].err) {
			fail_msg("%s: %s", cases[i].text, errcode_name(err));
		}
	}
	assert_int_equal(endpoint_answer_parse(&answer, WITH(ENDPOINT), strlen(WITH(ENDPOINT))), 0);
	assert_int_equal(answer.count, 1);
	assert_string_equal(answer.endpoints[0].address, "192.0.2.10");
	assert_int_equal(answer.endpoints[0].port, 49152);
	assert_string_equal(answer.endpoints[0].pin, PIN);
	assert_string_equal(answer.token, "t");
}

static void answers_are_bounded(void **state)
{
	struct endpoint_answer answer;
	char *text = malloc(80000);
	size_t len;

	(void)state;
	assert_non_null(text);
	for (unsigned count = 16; count <= 17; count++) {
		len = (size_t)sprintf(text, "{\"token\":\"t\",\"room\":\"demo\",\"endpoints\":[");
		for (unsigned i = 0; i < count; i++) {
			len += (size_t)sprintf(text + len, "%s%s", i > 0 ? "," : "", ENDPOINT);
		}
		len += (size_t)sprintf(text + len, "]}");
		assert_int_equal(
			endpoint_answer_parse(&answer, text, len), count == 16 ? 0 : ERR_BAD_FIELD);
	}
	for (unsigned size = LIMIT_TOKEN; size <= LIMIT_TOKEN + 1; size++) {
		char token[LIMIT_TOKEN + 2] = { 0 };

		memset(token, 'x', size);
		len = (size_t)sprintf(text,
			"{\"token\":\"%s\",\"room\":\"demo\",\"endpoints\":[" ENDPOINT "]}", token);
		assert_int_equal(endpoint_answer_parse(&answer, text, len),
			size == LIMIT_TOKEN ? 0 : ERR_BAD_FIELD);
	}
	memset(text, ' ', 80000);
	assert_int_equal(endpoint_answer_parse(&answer, text, 80000), ERR_TOO_LARGE);
	free(text);
}

static void configurations(void **state)
{
	struct helio_config good = HELIO_CONFIG_INIT;
	struct helio_config c;
	char long_password[1026];

	(void)state;
	memset(long_password, 'x', sizeof(long_password));
	long_password[1025] = '\0';
	good.authd_url = "https://authd.example:8443/";
	good.user = "alice";
	good.password = "secret";
	good.room = "demo";
	assert_int_equal(create(&good), 0);
#define REFUSED(field, value)                                                                      \
	c = good;                                                                                  \
	c.field = value;                                                                           \
	assert_int_equal(create(&c), HELIO_ERR_INVALID)
	REFUSED(size, offsetof(struct helio_config, invite) - 1);
	REFUSED(size, 0);
	REFUSED(authd_url, NULL);
	REFUSED(authd_url, "");
	REFUSED(authd_url, "http://authd.example");
	REFUSED(authd_url, "authd.example");
	REFUSED(authd_url, "https://user@authd.example");
	REFUSED(authd_url, "https://u:p@authd.example");
	REFUSED(authd_url, "https://authd.example/?a=b");
	REFUSED(authd_url, "https://authd.example/#x");
	REFUSED(authd_url, "https://authd example");
	REFUSED(user, NULL);
	REFUSED(user, "");
	REFUSED(user, "a b");
	REFUSED(password, NULL);
	REFUSED(password, "");
	REFUSED(password, long_password);
	REFUSED(room, NULL);
	REFUSED(room, "de mo");
	REFUSED(device, "");
	REFUSED(device, "a+b");
	REFUSED(device, "123456789012345678901234567890123");
	REFUSED(display_name, "");
	REFUSED(display_name, "\033[31m");
	REFUSED(display_name, "\xff");
	REFUSED(token_answer, "{}");
#undef REFUSED
	c = good;
	c.ca_file = "/nonexistent/ca.pem";
	assert_int_equal(create(&c), HELIO_ERR_CONFIG);
	c.ca_file = "/dev/null";
	assert_int_equal(create(&c), HELIO_ERR_CONFIG);
	memset(&c, 0, sizeof(c));
	c.size = sizeof(c);
	c.token_answer = WITH(ENDPOINT); /* needs nothing else */
	assert_int_equal(create(&c), 0);
}

#define LINK "https://authd.example:8443/join#eyJh.eyJi.c2ln"

static void invites(void **state)
{
	struct helio_config good = HELIO_CONFIG_INIT;
	struct helio_config c;

	(void)state;
	good.invite = LINK;
	good.display_name = "Gina";
	assert_int_equal(create(&good), 0);
	c = good;
	c.passcode = "1234";
	assert_int_equal(create(&c), 0);
	c.invite = "eyJh.eyJi.c2ln"; /* the token alone needs to be told where */
	assert_int_equal(create(&c), HELIO_ERR_INVALID);
	c.authd_url = "https://authd.example";
	assert_int_equal(create(&c), 0);
#define REFUSED(field, value)                                                                      \
	c = good;                                                                                  \
	c.field = value;                                                                           \
	assert_int_equal(create(&c), HELIO_ERR_INVALID)
	REFUSED(display_name, NULL);
	REFUSED(user, "alice");
	REFUSED(password, "secret");
	REFUSED(device, "laptop");
	REFUSED(room, "de mo");
	REFUSED(invite, "");
	REFUSED(invite, "https://authd.example/join#");
	REFUSED(invite, "https://authd.example/join#a b");
	REFUSED(invite, "https://authd.example/other#eyJh.eyJi.c2ln");
	REFUSED(invite, "http://authd.example/join#eyJh.eyJi.c2ln");
	REFUSED(invite, "/join#eyJh.eyJi.c2ln");
	REFUSED(invite, "https://authd.example/join#eyJh.eyJi.c2ln#x");
	REFUSED(passcode, "12345678901234567890123456789012345678901234567890123456789012345");
#undef REFUSED
}

/* An application that was built before there were invites: what is behind its end is not read. */
static void shorter_structures(void **state)
{
	struct helio_config c;

	(void)state;
	memset(&c, 0x5a, sizeof(c));
	memset(&c, 0, offsetof(struct helio_config, invite));
	c.size = offsetof(struct helio_config, invite);
	c.token_answer = WITH(ENDPOINT);
	assert_int_equal(create(&c), 0);
}

/* A newer application's structure is longer; what we do not know is not read. */
static void longer_structures(void **state)
{
	struct {
		struct helio_config config;
		char more[16];
	} longer = { .config = HELIO_CONFIG_INIT, .more = "whatever" };

	(void)state;
	longer.config.size = sizeof(longer);
	longer.config.token_answer = WITH(ENDPOINT);
	assert_int_equal(create(&longer.config), 0);
}

static void arguments(void **state)
{
	struct helio_config config = HELIO_CONFIG_INIT;
	struct helio_callbacks callbacks = HELIO_CALLBACKS_INIT;
	struct helio_frame frame = HELIO_FRAME_INIT;
	struct helio_stream stream = HELIO_STREAM_INIT;
	struct helio_stats stats = { 0 };
	struct helio *h;
	int publication;

	(void)state;
	config.token_answer = WITH(ENDPOINT);
	assert_int_equal(helio_create(NULL, &config, &callbacks, NULL), HELIO_ERR_INVALID);
	assert_int_equal(helio_create(&h, NULL, &callbacks, NULL), HELIO_ERR_INVALID);
	assert_int_equal(helio_create(&h, &config, NULL, NULL), HELIO_ERR_INVALID);
	helio_destroy(NULL);
	assert_int_equal(helio_create(&h, &config, &callbacks, NULL), 0);
	assert_int_equal(helio_timeout_ms(h), -1);
	assert_int_equal(helio_dispatch(h), 0);
	assert_int_equal(helio_thread_stop(h), HELIO_ERR_STATE);
	assert_int_equal(helio_publish(h, NULL, &publication), HELIO_ERR_INVALID);
	stream.kind = HELIO_AUDIO;
	assert_int_equal(helio_publish(h, &stream, &publication), HELIO_ERR_INVALID);
	stream.codec = "opus";
	assert_int_equal(helio_publish(h, &stream, NULL), HELIO_ERR_INVALID);
	assert_int_equal(helio_publish(h, &stream, &publication), HELIO_ERR_STATE);
	stream.codec = "123456789012345678901234567890123";
	assert_int_equal(helio_publish(h, &stream, &publication), HELIO_ERR_INVALID);
	stream.codec = "o pus";
	assert_int_equal(helio_publish(h, &stream, &publication), HELIO_ERR_INVALID);
	stream.codec = "opus";
	stream.label = "\n";
	assert_int_equal(helio_publish(h, &stream, &publication), HELIO_ERR_INVALID);
	stream.label = "";
	stream.kind = (enum helio_kind)9;
	assert_int_equal(helio_publish(h, &stream, &publication), HELIO_ERR_INVALID);
	assert_int_equal(helio_send(h, 1, NULL), HELIO_ERR_INVALID);
	assert_int_equal(helio_send(h, 1, &frame), HELIO_ERR_STATE);
	frame.length = 1;
	assert_int_equal(helio_send(h, 1, &frame), HELIO_ERR_INVALID); /* no payload */
	frame.payload = "x";
	frame.flags = 0x02;
	assert_int_equal(helio_send(h, 1, &frame), HELIO_ERR_INVALID);
	frame.flags = 0;
	frame.level = 128;
	assert_int_equal(helio_send(h, 1, &frame), HELIO_ERR_INVALID);
	frame.level = 0;
	frame.spatial = 16;
	assert_int_equal(helio_send(h, 1, &frame), HELIO_ERR_INVALID);
	assert_int_equal(helio_get_stats(h, &stats), HELIO_ERR_INVALID);
	stats.size = sizeof(stats);
	assert_int_equal(helio_get_stats(h, &stats), 0);
	assert_int_equal(stats.size, sizeof(stats));
	assert_int_equal(stats.endpoint_port, 0);
	helio_destroy(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(answers_are_bounded),
		cmocka_unit_test(configurations),
		cmocka_unit_test(invites),
		cmocka_unit_test(longer_structures),
		cmocka_unit_test(shorter_structures),
		cmocka_unit_test(arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
