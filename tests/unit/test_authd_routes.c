/*
 * Paths and methods, what a listener shows, and what reflectors may say on their links.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "authd/link_parse.h"
#include "authd/link_query.h"
#include "authd/routes.h"

static void test_match(void **state)
{
	static const struct {
		const char *pattern, *path, *arg; /* arg NULL: no match */
	} cases[] = {
		{ "/v1/rooms", "/v1/rooms", "" },
		{ "/v1/rooms", "/v1/rooms/", NULL },
		{ "/v1/rooms", "/v1/room", NULL },
		{ "/v1/rooms", "/v1/roomsx", NULL },
		{ "/v1/rooms", "//v1/rooms", NULL },
		{ "/v1/rooms/{}", "/v1/rooms/demo", "demo" },
		{ "/v1/rooms/{}", "/v1/rooms/", NULL },
		{ "/v1/rooms/{}", "/v1/rooms", NULL },
		{ "/v1/rooms/{}", "/v1/rooms/a/b", NULL },
		{ "/v1/rooms/{}", "/v1/rooms/..", ".." },
		{ "/v1/{}/x", "/v1/a/x", "a" },
		{ "/v1/{}/x", "/v1/a/y", NULL },
		{ "/v1/rooms/{}", "", NULL },
	};
	char args[ROUTE_ARGS][ROUTE_ARG_SIZE];
	const char *arg = args[0];
	char longest[ROUTE_ARG_SIZE + 1] = "/";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool match = routes_match(cases[i].pattern, cases[i].path, args);
		if (match != (cases[i].arg != NULL) || (match && strcmp(arg, cases[i].arg) != 0)) {
			fail_msg("%s against %s", cases[i].path, cases[i].pattern);
		}
	}
	assert_true(routes_match("/v1/{}/x/{}/y", "/v1/a+b@c/x/d/y", args));
	assert_string_equal(args[0], "a+b@c");
	assert_string_equal(args[1], "d");
	assert_false(routes_match("/v1/{}/x/{}/y", "/v1/a/x//y", args));
	memset(longest + 1, 'a', sizeof(longest) - 2);
	assert_true(routes_match("/{}", longest, args));
	memset(longest, 'a', sizeof(longest) - 1);
	assert_false(routes_match("{}", longest, args));
}

static int ask(enum http_listener listener, const char *method, const char *path, const char *body,
	char *code, char *allow)
{
	const struct day_clock clock = { 0 };
	struct routes_ctx ctx = { .clock = &clock };
	struct http_reply reply = { 0 };
	const struct http_request req = { .listener = listener,
		.method = method,
		.path = path,
		.body = body,
		.body_len = strlen(body) };

	routes_handle(&ctx, &req, &reply);
	snprintf(code, 32, "%s", json_string_value(json_object_get(reply.body, "code")));
	snprintf(allow, 64, "%s", reply.allow);
	json_decref(reply.body);
	return reply.status;
}

static const struct {
	enum http_listener listener;
	const char *method, *path, *body;
	int status;
	const char *code, *allow;
} error_cases[] = {
	{ HTTP_PUBLIC, "GET", "/", "", 404, "not-found", NULL },
	{ HTTP_PUBLIC, "GET", "/v1/users", "", 404, "not-found", NULL },
	{ HTTP_PUBLIC, "POST", "/v1/rooms", "{}", 404, "not-found", NULL },
	{ HTTP_PUBLIC, "DELETE", "/v1/tokens/aaaaaaaa", "", 404, "not-found", NULL },
	{ HTTP_PUBLIC, "GET", "/v1/token", "", 405, "unknown-message", "POST" },
	{ HTTP_PUBLIC, "POST", "/healthz", "", 405, "unknown-message", "GET, HEAD" },
	{ HTTP_ADMIN, "PUT", "/v1/rooms", "", 405, "unknown-message", "GET, HEAD, POST" },
	{ HTTP_ADMIN, "PUT", "/v1/users/alice", "", 405, "unknown-message",
		"GET, HEAD, PATCH, DELETE" },
	{ HTTP_ADMIN, "GET", "/v1/tokens/aaaaaaaa", "", 405, "unknown-message", "DELETE" },
	{ HTTP_PUBLIC, "POST", "/v1/token", "", 400, "bad-json", NULL },
	{ HTTP_PUBLIC, "POST", "/v1/token", "[]", 400, "bad-json", NULL },
	{ HTTP_PUBLIC, "POST", "/v1/token", "{\"user\":\"a\",\"user\":\"b\"}", 400, "bad-json",
		NULL },
	{ HTTP_PUBLIC, "POST", "/v1/token", "{}", 400, "bad-field", NULL },
	{ HTTP_PUBLIC, "POST", "/v1/token", "{\"user\":\"a b\",\"password\":\"x\",\"room\":\"r\"}",
		400, "bad-field", NULL },
	{ HTTP_PUBLIC, "POST", "/v1/token", "{\"user\":1,\"password\":\"x\",\"room\":\"r\"}", 400,
		"bad-field", NULL },
	{ HTTP_PUBLIC, "POST", "/v1/token",
		"{\"user\":\"a\",\"password\":\"x\",\"room\":\"r\",\"device\":\"a+b\"}", 400,
		"bad-field", NULL },
	{ HTTP_PUBLIC, "POST", "/v1/token",
		"{\"user\":\"a\",\"password\":\"x\",\"room\":\"r\",\"name\":\"a\\nb\"}", 400,
		"bad-field", NULL },
	{ HTTP_ADMIN, "POST", "/v1/users", "{\"name\":\"alice\",\"password\":\"short\"}", 400,
		"bad-field", NULL },
	{ HTTP_ADMIN, "POST", "/v1/rooms", "{\"name\":\"../x\"}", 400, "bad-field", NULL },
	{ HTTP_ADMIN, "DELETE", "/v1/tokens/short", "", 400, "bad-field", NULL },
	{ HTTP_ADMIN, "DELETE", "/v1/tokens/aaaaaaa%", "", 404, "not-found", NULL },
	{ HTTP_ADMIN, "GET", "/v1/rooms/no such", "", 404, "not-found", NULL },
	{ HTTP_ADMIN, "PATCH", "/v1/users/no such", "{}", 404, "not-found", NULL },
	{ HTTP_ADMIN, "GET", "/v1/users/no such", "", 404, "not-found", NULL },
	{ HTTP_ADMIN, "DELETE", "/v1/users/no such", "", 404, "not-found", NULL },
	{ HTTP_ADMIN, "PATCH", "/v1/users/alice", "{}", 400, "bad-field", NULL },
	{ HTTP_ADMIN, "PATCH", "/v1/users/alice", "{\"disabled\":true,\"policy\":{}}", 400,
		"bad-field", NULL },
	{ HTTP_ADMIN, "PATCH", "/v1/users/alice", "{\"disabled\":1}", 400, "bad-field", NULL },
	{ HTTP_ADMIN, "PATCH", "/v1/users/alice", "{\"policy\":{\"fly\":true}}", 400, "bad-field",
		NULL },
	{ HTTP_ADMIN, "POST", "/v1/users",
		"{\"name\":\"alice\",\"password\":\"long enough\",\"hash\":\"$6$\"}", 400,
		"bad-field", NULL },
	{ HTTP_ADMIN, "POST", "/v1/users", "{\"name\":\"alice\",\"hash\":\"$1$a$b\"}", 400,
		"bad-field", NULL },
	{ HTTP_ADMIN, "POST", "/v1/users", "{\"name\":\"alice\",\"more\":1}", 400, "bad-field",
		NULL },
	{ HTTP_PUBLIC, "GET", "/v1/apikeys", "", 404, "not-found", NULL },
	{ HTTP_ADMIN, "GET", "/v1/apikeys/no such", "", 404, "not-found", NULL },
	{ HTTP_ADMIN, "DELETE", "/v1/apikeys/no such", "", 404, "not-found", NULL },
	{ HTTP_ADMIN, "POST", "/v1/apikeys", "{\"name\":\"a b\"}", 400, "bad-field", NULL },
	{ HTTP_ADMIN, "POST", "/v1/apikeys", "{\"name\":\"shop\",\"rooms\":\"*\"}", 400,
		"bad-field", NULL },
	{ HTTP_ADMIN, "POST", "/v1/apikeys", "{\"name\":\"shop\",\"rooms\":[\"a b\"]}", 400,
		"bad-field", NULL },
	{ HTTP_ADMIN, "POST", "/v1/apikeys", "{\"name\":\"shop\",\"grants\":{\"x\":1}}", 400,
		"bad-field", NULL },
	{ HTTP_ADMIN, "POST", "/v1/apikeys", "{\"name\":\"shop\",\"expires_at\":1}", 400,
		"bad-field", NULL },
	{ HTTP_ADMIN, "POST", "/v1/apikeys", "{\"name\":\"shop\",\"admin\":1}", 400, "bad-field",
		NULL },
};

static void test_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(error_cases) / sizeof(error_cases[0]); i++) {
		char allow[64] = "";
		char code[32];
		int status = ask(error_cases[i].listener, error_cases[i].method,
			error_cases[i].path, error_cases[i].body, code, allow);
		if (status != error_cases[i].status || strcmp(code, error_cases[i].code) != 0 ||
			(error_cases[i].allow != NULL &&
				strcmp(allow, error_cases[i].allow) != 0)) {
			fail_msg("case %zu: %d %s %s", i, status, code, allow);
		}
	}
}

#define PIN "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define WELCOME(version, name, pin, workers)                                                       \
	"{\"type\":\"link-welcome\",\"version\":" version ",\"reflector\":\"" name                 \
	"\",\"pin\":\"" pin "\",\"workers\":" workers "}"

static int welcome(struct link_view *view, const char *text)
{
	json_t *msg = json_loads(text, 0, NULL);

	memset(view, 0, sizeof(*view));
	snprintf(view->conf.name, sizeof(view->conf.name), "r1");
	assert_int_equal(fleet_ports_parse(&view->conf.ports, "49152-49155"), 0);
	assert_non_null(msg);
	int err = link_parse_welcome(view, msg);
	json_decref(msg);
	return err;
}

static void test_welcome(void **state)
{
	static struct link_view view;

	(void)state;
	assert_int_equal(welcome(&view,
				 WELCOME("1", "r1", PIN,
					 "[{\"port\":49152},{\"port\":49153},{\"port\":80}]")),
		0);
	assert_int_equal(view.worker_count, 2);
	assert_string_equal(view.pin, PIN);
	assert_int_equal(
		welcome(&view, WELCOME("2", "r1", PIN, "[{\"port\":49152}]")), ERR_VERSION);
	assert_int_equal(welcome(&view, WELCOME("1", "r2", PIN, "[{\"port\":49152}]")), ERR_DENIED);
	assert_int_equal(
		welcome(&view, WELCOME("1", "r1", "sha1/x", "[{\"port\":49152}]")), ERR_BAD_FIELD);
	assert_int_equal(welcome(&view, WELCOME("1", "r1", PIN, "[]")), ERR_BAD_FIELD);
	assert_int_equal(welcome(&view, WELCOME("1", "r1", PIN, "[{\"port\":80}]")), ERR_BAD_FIELD);
	assert_int_equal(
		welcome(&view, WELCOME("1", "r1", PIN, "[{\"port\":\"x\"}]")), ERR_BAD_FIELD);
	assert_int_equal(welcome(&view, WELCOME("1", "r1", PIN, "[7]")), ERR_BAD_FIELD);
	assert_int_equal(welcome(&view, "{}"), ERR_VERSION);
}

static int report(struct link_view *view, const char *text)
{
	json_t *msg = json_loads(text, 0, NULL);

	assert_non_null(msg);
	int err = link_parse_report(view, msg, 1000);
	json_decref(msg);
	return err;
}

static void test_report(void **state)
{
	static struct link_view view;

	(void)state;
	assert_int_equal(
		welcome(&view, WELCOME("1", "r1", PIN, "[{\"port\":49152},{\"port\":49153}]")), 0);
	assert_int_equal(
		report(&view,
			"{\"workers\":[{\"port\":49153,\"rooms\":2,\"participants\":7,\"future\":{}}]}"),
		0);
	assert_int_equal(view.workers[1].participants, 7);
	assert_int_equal(view.workers[0].participants, 0);
	assert_int_equal(report(&view, "{\"workers\":[{\"port\":50000,\"rooms\":2}]}"), 0);
	assert_int_equal(view.worker_count, 2);
	assert_int_equal(report(&view, "{\"workers\":[{\"port\":49152,\"participants\":-1}]}"),
		ERR_BAD_FIELD);
	assert_int_equal(report(&view, "{\"workers\":[{\"port\":49152,\"participants\":\"7\"}]}"),
		ERR_BAD_FIELD);
	assert_int_equal(report(&view, "{\"workers\":[[]]}"), ERR_BAD_FIELD);
	assert_int_equal(report(&view, "{\"workers\":{}}"), ERR_BAD_FIELD);
}

static json_t *items_of(size_t count)
{
	json_t *items = json_array();

	for (size_t i = 0; i < count; i++) {
		json_array_append_new(items, json_object());
	}
	return items;
}

static void test_query_books(void **state)
{
	static struct link_query q;

	(void)state;
	assert_int_equal(link_query_init(&q, "rooms", NULL), 0);
	link_query_expect(&q, "r1");
	link_query_expect(&q, "r2");
	link_query_expect(&q, "r3");
	link_query_answer(&q, "r1", items_of(2), false);
	link_query_answer(&q, "r1", items_of(1), true);
	link_query_answer(&q, "r1", items_of(5), true); /* nothing is due any more */
	link_query_answer(&q, "r9", items_of(5), true); /* was never asked */
	link_query_lost(&q, "r1");
	link_query_lost(&q, "r2");
	link_query_lost(&q, "r2");
	assert_int_equal(json_array_size(q.items), 3);
	assert_int_equal(json_array_size(q.missing), 1);
	assert_int_equal(q.pending_count, 1);
	/* one that never stops talking is cut off and counts as missing */
	for (unsigned i = 0; i < LINK_QUERY_ITEMS_MAX / 1000; i++) {
		link_query_answer(&q, "r3", items_of(1000), false);
	}
	assert_int_equal(q.pending_count, 1);
	link_query_answer(&q, "r3", items_of(1), false);
	assert_int_equal(q.pending_count, 0);
	assert_string_equal(json_string_value(json_array_get(q.missing, 1)), "r3");
	link_query_finish(&q);
}

/* Nobody answers: the wait ends by itself and names who is missing. */
/* Few items may be as large as many. */
static void test_query_large(void **state)
{
	static struct link_query q;
	static char text[100000];
	unsigned taken = 0;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	json_t *large = json_pack("{s:s}", "name", text);
	assert_int_equal(link_query_init(&q, "rooms", NULL), 0);
	link_query_expect(&q, "r1");
	for (; q.pending_count > 0 && taken < LINK_QUERY_ITEMS_MAX; taken++) {
		link_query_answer(&q, "r1", json_pack("[O]", large), false);
	}
	assert_in_range(taken, 1000, LINK_QUERY_BYTES_MAX / sizeof(text) + 1);
	assert_string_equal(json_string_value(json_array_get(q.missing, 0)), "r1");
	link_query_finish(&q);
	/* and what is small on the wire may be large in memory */
	json_t *many = json_array();
	for (unsigned i = 0; i < 30000; i++) {
		assert_int_equal(json_array_append_new(many, json_array()), 0);
	}
	assert_int_equal(link_query_init(&q, "rooms", NULL), 0);
	link_query_expect(&q, "r1");
	for (taken = 0; q.pending_count > 0 && taken < LINK_QUERY_ITEMS_MAX; taken++) {
		link_query_answer(&q, "r1", json_pack("[{s:O}]", "a", many), false);
	}
	assert_in_range(taken, 10, 100);
	link_query_finish(&q);
	json_decref(many);
	json_decref(large);
}

static void test_query_deadline(void **state)
{
	static struct link_query q;
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	(void)state;
	assert_int_equal(link_query_init(&q, "rooms", NULL), 0);
	link_query_expect(&q, "r1");
	q.asked = true;
	pthread_mutex_lock(&mutex);
	link_query_wait(&q, &mutex);
	pthread_mutex_unlock(&mutex);
	assert_int_equal(json_array_size(q.missing), 1);
	link_query_finish(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_welcome),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_query_books),
		cmocka_unit_test(test_query_large),
		cmocka_unit_test(test_query_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
