/*
 * settings of helio-reflector: the smallest good file, every default, and each bad value by itself,
 * with the reason that names it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reflector/ports_ephemeral.h"
#include "reflector/settings.h"

static const char good[] = "name = \"r1\"\n"
			   "listen = {\"127.0.0.1\", \"::1\"}\n"
			   "ports = \"49152-49153\"\n"
			   "control = \"127.0.0.1:49200\"\n"
			   "authd-name = \"authd.example\"\n"
			   "certificate = \"r1.crt\"\n"
			   "key = \"/etc/r1.key\"\n"
			   "control-ca = \"ca.crt\"\n";

static char file[64];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int load(const char *text, struct reflector_settings **out, char error[SETTINGS_ERROR_SIZE])
{
	write_file(file, text);
	error[0] = '\0';
	return settings_load(out, file, error);
}

/* The good file with the line of one key replaced (value NULL: left out), or a line added. */
static void change(char *out, size_t size, const char *key, const char *value)
{
	size_t at = 0;
	const char *line = good;

	while (*line != '\0') {
		const char *end = strchr(line, '\n') + 1;
		if (strncmp(line, key, strlen(key)) != 0 || line[strlen(key)] != ' ') {
			memcpy(out + at, line, (size_t)(end - line));
			at += (size_t)(end - line);
		}
		line = end;
	}
	out[at] = '\0';
	if (value != NULL) {
		(void)snprintf(out + at, size - at, "%s = %s\n", key, value);
	}
}

static void test_defaults(void **state)
{
	struct reflector_settings *s;
	char error[SETTINGS_ERROR_SIZE];
	struct settings_addr addr;

	(void)state;
	assert_int_equal(load(good, &s, error), 0);
	assert_string_equal(s->name, "r1");
	assert_int_equal(s->listen_count, 2);
	assert_int_equal(s->port_count, 2);
	assert_int_equal(s->ports[1], 49153);
	assert_string_equal(s->control.text, "127.0.0.1:49200");
	assert_int_equal(s->limits.max_participants, 500);
	assert_int_equal(s->limits.max_payload, 16384);
	assert_int_equal(s->limits.heartbeat_ms, 5000);
	assert_int_equal(s->limits.queue_audio_ms, 400);
	assert_int_equal(s->limits.queue_video_ms, 1000);
	assert_int_equal(s->limits.queue_bytes, 1048576);
	assert_int_equal(s->log_level, LOG_LEVEL_INFO);
	assert_string_equal(s->user, "");
	/* A relative path counts from the file, an absolute one stands. */
	assert_non_null(strstr(s->certificate, "/r1.crt"));
	assert_string_equal(s->key, "/etc/r1.key");
	settings_listen_addr(&s->listen[1], 49153, &addr);
	assert_string_equal(addr.text, "[::1]:49153");
	settings_listen_addr(&s->listen[0], 49152, &addr);
	assert_string_equal(addr.text, "127.0.0.1:49152");
	settings_destroy(s);
	settings_destroy(NULL);
}

static void test_empty_refuses(void **state)
{
	struct reflector_settings *s;
	char error[SETTINGS_ERROR_SIZE];

	(void)state;
	assert_int_equal(load("", &s, error), ERR_CONFIG);
	assert_non_null(strstr(error, "listen"));
}

static void test_each_required(void **state)
{
	static const char *const keys[] = { "name", "listen", "ports", "control", "authd-name",
		"certificate", "key", "control-ca" };
	struct reflector_settings *s;
	char error[SETTINGS_ERROR_SIZE], text[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		change(text, sizeof(text), keys[i], NULL);
		assert_int_equal(load(text, &s, error), ERR_CONFIG);
		if (strstr(error, keys[i]) == NULL || strstr(error, file) == NULL) {
			fail_msg("without %s: \"%s\"", keys[i], error);
		}
	}
}

static void test_each_bad_value(void **state)
{
	static const struct {
		const char *key, *value, *why;
	} cases[] = {
		{ "log-level", "\"loud\"", "loud" },
		{ "log-format", "\"xml\"", "xml" },
		{ "name", "\"two words\"", "name" },
		{ "name", "\"r:1\"", "name" },
		{ "listen", "{\"localhost\"}", "localhost" },
		{ "listen", "{\"127.0.0.1:80\"}", "127.0.0.1:80" },
		{ "listen", "{\"::1\", \"0:0::1\"}", "twice" },
		{ "listen", "{\"\"}", "listen" },
		{ "ports", "\"49151\"", "49151" },
		{ "ports", "\"443\"", "fallback-ports" },
		{ "ports", "\"49153-49152\"", "49153-49152" },
		{ "ports", "\"49152-70000\"", "70000" },
		{ "ports", "\"49152,49152\"", "twice" },
		{ "ports", "\"49152-49500\"", "256" },
		{ "ports", "\"many\"", "many" },
		{ "ports", "\",\"", "no port" },
		{ "fallback-ports", "{0}", "0" },
		{ "fallback-ports", "{65536}", "65536" },
		{ "control", "\"control.example:49200\"", "control.example" },
		{ "control", "\"127.0.0.1\"", "127.0.0.1" },
		{ "authd-name", "\"*.example\"", "authd-name" },
		{ "max-participants", "0", "max-participants" },
		{ "max-participants", "2001", "2001" },
		{ "max-payload", "1199", "1199" },
		{ "max-payload", "65537", "65537" },
		{ "heartbeat", "\"soon\"", "soon" },
		{ "heartbeat", "\"499ms\"", "heartbeat" },
		{ "heartbeat", "\"61s\"", "heartbeat" },
		{ "queue-audio", "\"19ms\"", "queue-audio" },
		{ "queue-audio", "\"11s\"", "queue-audio" },
		{ "queue-video", "\"49ms\"", "queue-video" },
		{ "queue-video", "\"31s\"", "queue-video" },
		{ "queue-bytes", "\"lots\"", "lots" },
		{ "queue-bytes", "\"65M\"", "65M" },
		{ "queue-bytes", "\"131071\"", "queue-bytes" },
		{ "colour", "\"blue\"", "colour" },
	};
	struct reflector_settings *s;
	char error[SETTINGS_ERROR_SIZE], text[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		change(text, sizeof(text), cases[i].key, cases[i].value);
		int err = load(text, &s, error);
		if (err != ERR_CONFIG || strstr(error, cases[i].why) == NULL ||
			strstr(error, file) == NULL) {
			fail_msg("%s = %s: %d \"%s\"", cases[i].key, cases[i].value, err, error);
		}
	}
}

static void test_good_limits(void **state)
{
	static const struct {
		const char *key, *value;
	} cases[] = {
		{ "max-participants", "1" },
		{ "max-participants", "2000" },
		{ "max-payload", "1200" },
		{ "max-payload", "65536" },
		{ "heartbeat", "\"500ms\"" },
		{ "queue-bytes", "\"131072\"" },
		{ "queue-bytes", "\"64M\"" },
		{ "ports", "\"49152-49155,65535\"" },
		{ "listen", "{\"0.0.0.0\", \"[::]\"}" },
	};
	struct reflector_settings *s;
	char error[SETTINGS_ERROR_SIZE], text[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		change(text, sizeof(text), cases[i].key, cases[i].value);
		if (load(text, &s, error) != 0) {
			fail_msg("%s = %s: %s", cases[i].key, cases[i].value, error);
		}
		settings_destroy(s);
	}
}

static void test_fallback_port(void **state)
{
	struct reflector_settings *s;
	char error[SETTINGS_ERROR_SIZE], text[2048];

	(void)state;
	change(text, sizeof(text), "ports", "\"49152,443\"\nfallback-ports = {443}");
	assert_int_equal(load(text, &s, error), 0);
	assert_int_equal(s->ports[1], 443);
	settings_destroy(s);
}

static void test_needs_restart(void **state)
{
	static const struct {
		const char *key, *value, *named;
	} cases[] = {
		{ "name", "\"r2\"", "name" },
		{ "listen", "{\"127.0.0.1\"}", "listen" },
		{ "ports", "\"49152-49154\"", "ports" },
		{ "control", "\"127.0.0.1:49201\"", "control" },
		{ "authd-name", "\"other.example\"", "authd-name" },
		{ "user", "\"nobody\"", "user" },
		{ "heartbeat", "\"2s\"", NULL },
		{ "certificate", "\"new.crt\"", NULL },
	};
	struct reflector_settings *now, *then;
	char error[SETTINGS_ERROR_SIZE], text[2048];

	(void)state;
	assert_int_equal(load(good, &now, error), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		change(text, sizeof(text), cases[i].key, cases[i].value);
		assert_int_equal(load(text, &then, error), 0);
		const char *named = settings_needs_restart(now, then);
		if (cases[i].named == NULL) {
			assert_null(named);
		} else {
			assert_string_equal(named, cases[i].named);
		}
		settings_destroy(then);
	}
	settings_destroy(now);
}

static void test_overlap(void **state)
{
	const uint16_t ports[] = { 49152, 49153 };
	char range[80], reserved[80];
	unsigned first, last;

	(void)state;
	(void)snprintf(range, sizeof(range), "%s.range", file);
	(void)snprintf(reserved, sizeof(reserved), "%s.reserved", file);
	write_file(range, "32768\t60999\n");
	assert_true(ports_ephemeral(ports, 2, range, reserved, &first, &last));
	assert_int_equal(last, 60999);
	write_file(reserved, "8080,49152\n");
	assert_true(ports_ephemeral(ports, 2, range, reserved, &first, &last));
	write_file(reserved, "8080,49152-49160,50000\n");
	assert_false(ports_ephemeral(ports, 2, range, reserved, &first, &last));
	write_file(reserved, "\n");
	assert_true(ports_ephemeral(ports, 2, range, reserved, &first, &last));
	write_file(range, "32768\t49151\n");
	assert_false(ports_ephemeral(ports, 2, range, reserved, &first, &last));
	write_file(range, "49154 60999\n");
	assert_false(ports_ephemeral(ports, 2, range, reserved, &first, &last));
	(void)unlink(range);
	(void)unlink(reserved);
	assert_false(ports_ephemeral(ports, 2, range, reserved, &first, &last));
}

static void test_missing_file(void **state)
{
	struct reflector_settings *s;
	char error[SETTINGS_ERROR_SIZE] = "";

	(void)state;
	assert_int_equal(settings_load(&s, "/nonexistent/reflector.conf", error), ERR_CONFIG);
	assert_non_null(strstr(error, "/nonexistent/reflector.conf"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_empty_refuses),
		cmocka_unit_test(test_each_required),
		cmocka_unit_test(test_each_bad_value),
		cmocka_unit_test(test_good_limits),
		cmocka_unit_test(test_fallback_port),
		cmocka_unit_test(test_needs_restart),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_missing_file),
	};
	int fd;

	(void)snprintf(file, sizeof(file), "/tmp/helio-settings-XXXXXX");
	fd = mkstemp(file);
	if (fd < 0) {
		return 1;
	}
	(void)close(fd);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(file);
	return failed;
}
