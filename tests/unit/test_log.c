/*
 * log: what reaches stderr, and that a peer's text can neither end a line nor steer a terminal.
 */
#include <fcntl.h>
#include <jansson.h>
#include <sys/socket.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/log.h"

static int saved_stderr = -1;
static int pipe_read = -1;

static void capture(void)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	pipe_read = fds[0];
}

/* What was written; packets of the pipe show how many writes there were. */
static char *captured(void)
{
	static char text[16384];
	ssize_t n = read(pipe_read, text, sizeof(text) - 1);

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(pipe_read);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void check_printable(const char *line)
{
	for (const char *p = line; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		assert_true(c >= 0x20 || (c == '\n' && p[1] == '\0'));
		assert_true(c != 0x7f);
	}
	assert_null(strstr(line, "\xe2\x80\xae"));
}

static const char hostile[] = "a\r\n<3>level=error \x1b[31m\"q\" \\ \xe2\x80\xae \xc2\x9b \x7f "
			      "\xff\xc3 \xf0\x9f\x98\x80=";

static void test_logfmt(void **state)
{
	(void)state;
	log_setup("worker", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	capture();
	log_event(LOG_LEVEL_INFO, "room-join", LOG_STR("room", "demo"), LOG_INT("num", 3),
		LOG_STR("empty", ""), LOG_STR("text", "two words"), LOG_INT("min", INT64_MIN),
		LOG_ERR(ERR_TOO_SLOW));
	const char *line = captured();
	assert_int_equal(strncmp(line, "<6>time=20", 10), 0);
	assert_int_equal(line[8 + 23], 'Z');
	assert_non_null(strstr(line,
		"Z level=info proc=worker event=room-join room=demo num=3 empty=\"\" "
		"text=\"two words\" min=-9223372036854775808 err=too-slow\n"));
	check_printable(line);
}

static void test_hostile(void **state)
{
	(void)state;
	for (int json = 0; json < 2; json++) {
		log_setup("gate", LOG_LEVEL_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT);
		capture();
		log_event(LOG_LEVEL_WARN, "x", LOG_STR("name", hostile), LOG_INT("after", 1));
		const char *line = captured();
		check_printable(line);
		assert_non_null(strstr(line,
			"a\\r\\n<3>level=error \\u001b[31m\\\"q\\\" \\\\ \\u202e \\u009b \\u007f "
			"\\ufffd\\ufffd \xf0\x9f\x98\x80="));
		assert_non_null(strstr(line, json ? "\"after\":1}\n" : "after=1\n"));
		assert_int_equal(strncmp(line, "<4>", 3), 0);
	}
}

static void test_json(void **state)
{
	json_error_t error;

	(void)state;
	log_setup("authd", LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	capture();
	log_event(LOG_LEVEL_ERROR, "x", LOG_STR("name", hostile), LOG_INT("n", -5));
	const char *line = captured();
	json_t *o = json_loads(line + 3, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "level")), "error");
	assert_string_equal(json_string_value(json_object_get(o, "proc")), "authd");
	assert_string_equal(json_string_value(json_object_get(o, "event")), "x");
	assert_int_equal(json_integer_value(json_object_get(o, "n")), -5);
	json_decref(o);
	capture();
	log_event(LOG_LEVEL_DEBUG, "bare");
	o = json_loads(captured() + 3, 0, &error);
	assert_int_equal(json_object_size(o), 4);
	json_decref(o);
}

/* However long the values: one line, at most 4096 bytes, and still JSON. */
static void test_long(void **state)
{
	char big[8000];
	json_error_t error;

	(void)state;
	for (int json = 0; json < 2; json++) {
		for (int fill = 0; fill < 2; fill++) {
			memset(big, fill ? '\x01' : 'x', sizeof(big) - 1);
			big[sizeof(big) - 1] = '\0';
			log_setup("w", LOG_LEVEL_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT);
			capture();
			log_event(LOG_LEVEL_INFO, "x", LOG_STR("a", big), LOG_STR("b", big),
				LOG_STR("c", big), LOG_STR("d", big), LOG_STR("e", big));
			const char *line = captured();
			check_printable(line);
			assert_true(strlen(line) <= 4096);
			assert_non_null(strstr(line, "..."));
			assert_non_null(strstr(line, json ? ",\"cut\":true}\n" : " cut=true\n"));
			if (json) {
				json_t *o = json_loads(line + 3, 0, &error);
				assert_non_null(o);
				json_decref(o);
			}
		}
	}
}

/* A socket of packets shows each write as one packet. */
static void test_one_write(void **state)
{
	int fds[2];
	char text[8192];

	(void)state;
	log_setup("w", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	int keep = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	log_event(LOG_LEVEL_INFO, "one", LOG_STR("a", "b c"), LOG_STR("d", hostile));
	log_event(LOG_LEVEL_INFO, "two");
	dup2(keep, STDERR_FILENO);
	close(keep);
	close(fds[1]);
	for (int i = 0; i < 2; i++) {
		ssize_t n = read(fds[0], text, sizeof(text));

		assert_true(n > 0);
		assert_int_equal(text[n - 1], '\n');
		assert_ptr_equal(memchr(text, '\n', (size_t)n), text + n - 1);
	}
	assert_int_equal(read(fds[0], text, sizeof(text)), 0);
	close(fds[0]);
}

static void test_threshold(void **state)
{
	enum log_level level = LOG_LEVEL_INFO;
	enum log_format format = LOG_FORMAT_LOGFMT;

	(void)state;
	log_setup("w", LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
	capture();
	log_event(LOG_LEVEL_INFO, "quiet");
	assert_string_equal(captured(), "");
	assert_true(log_level_from_name("debug", &level) && level == LOG_LEVEL_DEBUG);
	assert_false(log_level_from_name("Debug", &level));
	assert_true(log_format_from_name("json", &format) && format == LOG_FORMAT_JSON);
	assert_false(log_format_from_name("", &format));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logfmt),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_one_write),
		cmocka_unit_test(test_threshold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
