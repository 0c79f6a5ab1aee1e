/*
 * settings: values of every type at their borders, and errors that name file, line and reason.
 */
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

#include "common/settings.h"

static void test_addr(void **state)
{
	static const char *const good[] = { "192.0.2.1:1", "0.0.0.0:65535", "[::]:49152",
		"[2001:db8::1]:1", "[::ffff:192.0.2.1]:80" };
	static const char *const bad[] = { "", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0",
		"192.0.2.1:65536", "192.0.2.1:99999999999999999999", "192.0.2.1:-1", "192.0.2.1:1x",
		" 192.0.2.1:1", "192.0.2.1 :1", "192.0.2:1", "192.0.2.256:1", "localhost:1",
		"example.org:1", "::1:1", "[::1]", "[::1]1", "[::1]:", "[::1:1", "[192.0.2.1]:1",
		"[fe80::1%lo]:1", "[]:1", "1:1",
		"[00000000000000000000000000000000000000000000000000000000000000]:1" };
	struct settings_addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(settings_parse_addr(good[i], &addr), 0);
		assert_string_equal(addr.text, good[i]);
	}
	memset(&addr, 0x55, sizeof(addr));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(settings_parse_addr(bad[i], &addr), ERR_CONFIG);
	}
	assert_int_equal(addr.text[0], 0x55);
}

static void test_ports(void **state)
{
	static const char *const bad[] = { "", "0", "65536", "5-4", "1-", "-1", "1-2-3", "1 -2",
		"a", "1-65536", "0-5", "1,2" };
	uint16_t first = 7;
	uint16_t last = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(settings_parse_port_range(bad[i], &first, &last), ERR_CONFIG);
	}
	assert_true(first == 7 && last == 7);
	assert_int_equal(settings_parse_port_range("49152-65535", &first, &last), 0);
	assert_true(first == 49152 && last == 65535);
	assert_int_equal(settings_parse_port_range("443", &first, &last), 0);
	assert_true(first == 443 && last == 443);
	assert_int_equal(settings_parse_port_range("5-5", &first, &last), 0);
}

static void test_durations_and_sizes(void **state)
{
	static const char *const bad[] = { "", "s", "5", "5 s", "-5s", "5S", "5sec", "1.5s", "5s5",
		"0x5s", "99999999999999999999s", "9223372036854775807d" };
	static const char *const bad_sizes[] = { "", "k", "5kB", "-1", "5 k", "5T", "1.5M",
		"9223372036854775808", "9007199254740992G" };
	uint64_t v = 1;

	(void)state;
	assert_int_equal(settings_parse_duration("250ms", &v), 0);
	assert_true(v == 250);
	assert_int_equal(settings_parse_duration("10s", &v), 0);
	assert_true(v == 10000);
	assert_int_equal(settings_parse_duration("5m", &v), 0);
	assert_true(v == 300000);
	assert_int_equal(settings_parse_duration("2h", &v), 0);
	assert_true(v == 7200000);
	assert_int_equal(settings_parse_duration("1d", &v), 0);
	assert_true(v == 86400000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(settings_parse_duration(bad[i], &v), ERR_CONFIG);
	}
	assert_int_equal(settings_parse_size("64k", &v), 0);
	assert_true(v == 65536);
	assert_int_equal(settings_parse_size("5M", &v), 0);
	assert_true(v == 5242880);
	assert_int_equal(settings_parse_size("1G", &v), 0);
	assert_true(v == 1073741824);
	assert_int_equal(settings_parse_size("9223372036854775807", &v), 0);
	for (size_t i = 0; i < sizeof(bad_sizes) / sizeof(bad_sizes[0]); i++) {
		assert_int_equal(settings_parse_size(bad_sizes[i], &v), ERR_CONFIG);
	}
	assert_true(v == INT64_MAX);
}

/* Parses text as a file with the options below; the error without the file's name. */
static int parse_text(const char *text, cfg_t **cfg, char reason[SETTINGS_ERROR_SIZE])
{
	static char name_default[] = "d";
	cfg_opt_t section[] = { CFG_STR_CB("control", NULL, CFGF_NONE, settings_cb_addr),
		CFG_END() };
	cfg_opt_t opts[] = { CFG_STR_CB("name", name_default, CFGF_NONE, settings_cb_name),
		CFG_STR_LIST_CB("listen", NULL, CFGF_NODEFAULT, settings_cb_addr),
		CFG_STR_CB("ports", NULL, CFGF_NONE, settings_cb_ports),
		CFG_STR_CB("log-level", NULL, CFGF_NONE, settings_cb_log_level),
		CFG_STR_CB("log-format", NULL, CFGF_NONE, settings_cb_log_format),
		CFG_INT("number", 1, CFGF_NONE),
		CFG_SEC("reflector", section, CFGF_MULTI | CFGF_TITLE), CFG_END() };
	char path[] = "/tmp/helio-settings-XXXXXX";
	char error[SETTINGS_ERROR_SIZE];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	int err = settings_parse_file(cfg, opts, path, error);
	unlink(path);
	if (err != 0) {
		assert_int_equal(strncmp(error, path, strlen(path)), 0);
		strcpy(reason, error + strlen(path));
	}
	return err;
}

static void test_file(void **state)
{
	cfg_t *cfg = NULL;
	char reason[SETTINGS_ERROR_SIZE] = "";

	(void)state;
	assert_int_equal(
		parse_text(
			"name = r1\nlisten = {\"0.0.0.0:1\", \"[::]:1\"}\nports = 49152-49153 # c\n"
			"number = 2\nlog-level = warn\nlog-format = json\n"
			"reflector \"r1\" { control = \"192.0.2.1:5\" }\n",
			&cfg, reason),
		0);
	assert_string_equal(cfg_getstr(cfg, "name"), "r1");
	assert_int_equal(cfg_size(cfg, "listen"), 2);
	assert_string_equal(cfg_getnstr(cfg, "listen", 1), "[::]:1");
	assert_int_equal(cfg_getint(cfg, "number"), 2);
	cfg_free(cfg);
	assert_int_equal(parse_text("", &cfg, reason), 0);
	assert_string_equal(cfg_getstr(cfg, "name"), "d");
	assert_int_equal(cfg_getint(cfg, "number"), 1);
	cfg_free(cfg);
}

static void test_file_errors(void **state)
{
	static const struct {
		const char *text, *line, *word;
	} cases[] = {
		{ "name = a\nnmae = b\n", ":2: ", "nmae" },
		{ "\n\nname = \"a b\"\n", ":3: ", "'a b'" },
		{ "listen = {\"0.0.0.0:1\",\n\"localhost:2\"}\n", ":2: ", "localhost" },
		{ "ports = 5-4\n", ":1: ", "ports" },
		{ "log-level = loud\n", ":1: ", "log-level" },
		{ "log-format = xml\n", ":1: ", "logfmt or json" },
		{ "number = five\n", ":1: ", "number" },
		{ "reflector \"r1\" {\n control = nowhere:1\n}\n", ":2: ", "nowhere" },
		{ "reflector \"r1\" {\n contrl = x\n}\n", ":2: ", "contrl" },
		{ "name = \"open\n", ":", "" },
		{ "name\n", ":", "" },
		{ "name = {a}\n}\n", ":", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cfg_t *cfg = NULL;
		char reason[SETTINGS_ERROR_SIZE] = "";

		if (parse_text(cases[i].text, &cfg, reason) != ERR_CONFIG) {
			fail_msg("accepted: %s", cases[i].text);
		}
		assert_null(cfg);
		if (strncmp(reason, cases[i].line, strlen(cases[i].line)) != 0 ||
			strstr(reason, cases[i].word) == NULL) {
			fail_msg("case %zu: %s", i, reason);
		}
	}
}

static void test_no_file(void **state)
{
	cfg_opt_t opts[] = { CFG_END() };
	cfg_t *cfg = NULL;
	char error[SETTINGS_ERROR_SIZE];

	(void)state;
	assert_int_equal(settings_parse_file(&cfg, opts, "/nonexistent/x.conf", error), ERR_CONFIG);
	assert_non_null(strstr(error, "/nonexistent/x.conf"));
	assert_non_null(strstr(error, "No such file"));
	assert_int_equal(settings_parse_file(&cfg, opts, "/tmp", error), ERR_CONFIG);
	assert_non_null(strstr(error, "directory"));
}

static void test_line_of(void **state)
{
	static const char text[] = "# name = x\nname = a\n  ports={1}\nnames = b\n\tname\t+= c\n";
	char path[] = "/tmp/helio-settings-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(settings_line_of(path, "name"), 5);
	assert_int_equal(settings_line_of(path, "ports"), 3);
	assert_int_equal(settings_line_of(path, "nam"), 0);
	unlink(path);
	assert_int_equal(settings_line_of(path, "name"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_durations_and_sizes),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_file_errors),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_line_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
