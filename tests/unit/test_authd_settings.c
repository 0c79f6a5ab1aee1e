/*
 * helio-authd's settings: a good file, defaults, and a named reason for each bad one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "authd/settings.h"

#define GOOD                                                                                       \
	"cluster = \"example\"\n"                                                                  \
	"listen = {\"127.0.0.1:8443\", \"[::1]:8443\"}\n"                                          \
	"certificate = \"a.crt\"\n"                                                                \
	"key = \"/etc/a.key\"\n"                                                                   \
	"control-ca = \"ca.crt\"\n"                                                                \
	"state-dir = \"/var/lib/x\"\n"

#define REFLECTOR                                                                                  \
	"reflector \"r1\" {\n"                                                                     \
	"	control = \"192.0.2.10:49200\"\n"                                                        \
	"	tls-name = \"r1.example\"\n"                                                             \
	"	address = \"2001:db8::10\"\n"                                                            \
	"	ports = \"49152-49155\"\n"                                                               \
	"}\n"

static char file[64], error[SETTINGS_ERROR_SIZE];

static int load(struct authd_settings **out, const char *text)
{
	FILE *fp = fopen(file, "w");

	assert_non_null(fp);
	fputs(text, fp);
	fclose(fp);
	error[0] = '\0';
	return authd_settings_load(out, file, error);
}

static void test_good(void **state)
{
	struct authd_settings *s = NULL;

	(void)state;
	assert_int_equal(load(&s, GOOD REFLECTOR), 0);
	assert_string_equal(s->name, "authd");
	assert_string_equal(s->cluster, "example");
	assert_int_equal(s->listen_count, 2);
	assert_string_equal(s->listen[1].text, "[::1]:8443");
	assert_string_equal(s->certificate, "/tmp/a.crt"); /* beside the file */
	assert_string_equal(s->key, "/etc/a.key");
	assert_string_equal(s->control_certificate, "/tmp/a.crt");
	assert_string_equal(s->admin_socket, "/run/heliograph/authd.sock");
	assert_string_equal(s->public_url, "https://127.0.0.1:8443");
	assert_int_equal(s->token_life_s, 12 * 3600);
	assert_int_equal(s->hash_memory, 64 << 20);
	assert_int_equal(s->hash_passes, 2);
	assert_int_equal(s->rate_user, 600);
	assert_int_equal(s->log_level, LOG_LEVEL_INFO);
	assert_int_equal(s->reflector_count, 1);
	assert_string_equal(s->reflectors[0].name, "r1");
	assert_string_equal(s->reflectors[0].address, "2001:db8::10");
	assert_int_equal(s->reflectors[0].port_first, 49152);
	assert_int_equal(s->reflectors[0].port_last, 49155);
	authd_settings_destroy(s);
	authd_settings_destroy(NULL);
}

static void test_bad(void **state)
{
	static const struct {
		const char *text;
		const char *line; /* ":N:" when the line must be named */
		const char *word; /* what the reason must name */
	} cases[] = {
		{ "", NULL, "listen" },
		{ "cluster = \"x\"\n", NULL, "listen" },
		{ "listen = {\"127.0.0.1:1\"}\n", NULL, "cluster" },
		{ GOOD "nonsense = 1\n", ":7:", "nonsense" },
		{ GOOD "log-level = \"loud\"\n", ":7:", "log-level" },
		{ GOOD "log-format = \"xml\"\n", ":7:", "log-format" },
		{ GOOD "token-life = 1s\n", ":7:", "token-life" },
		{ GOOD "token-life = 40d\n", ":7:", "token-life" },
		{ GOOD "token-life = forever\n", ":7:", "token-life" },
		{ GOOD "hash-memory = 1M\n", ":7:", "hash-memory" },
		{ GOOD "hash-passes = 0\n", NULL, "hash-passes" },
		{ GOOD "rate-user = 0\n", NULL, "rate-user" },
		{ GOOD "rate-user = -5\n", NULL, "rate-user" },
		{ GOOD "hash-passes = 100\n", NULL, "hash-passes" },
		{ GOOD "hash-passes = many\n", ":7:", "hash-passes" },
		{ GOOD "database = \"mysql://a@b/c\"\n", ":7:", "database" },
		{ GOOD "public-url = \"http://a.example\"\n", ":7:", "public-url" },
		{ GOOD "public-url = \"https://\"\n", ":7:", "public-url" },
		{ GOOD "public-url = \"https://a.example/?x=1\"\n", ":7:", "public-url" },
		{ GOOD "public-url = \"https://a.example#x\"\n", ":7:", "public-url" },
		{ GOOD "name = \"a b\"\n", ":7:", "name" },
		{ GOOD "cluster = \"\"\n", ":7:", "cluster" },
		{ GOOD "listen = {\"localhost:8443\"}\n", ":7:", "listen" },
		{ GOOD "listen = {\"127.0.0.1\"}\n", ":7:", "listen" },
		{ GOOD "certificate = \"\"\n", ":7:", "certificate" },
		{ GOOD "control-key = \"x\"\n", NULL, "control-certificate" },
		{ GOOD "reflector \"r1\" {\n}\n", NULL, "control" },
		{ GOOD "reflector \"r 1\" {\n}\n", NULL, "r 1" },
		{ GOOD "reflector \"r1\" {\n\taddress = \"r1.example\"\n}\n", ":8:", "address" },
		{ GOOD "reflector \"r1\" {\n\tcontrol = \"r1.example:1\"\n}\n", ":8:", "control" },
		{ GOOD "reflector \"r1\" {\n\tports = \"5-1\"\n}\n", ":8:", "ports" },
		{ GOOD "reflector \"r1\" {\n\tcolour = 1\n}\n", ":8:", "colour" },
		{ GOOD REFLECTOR REFLECTOR, NULL, "r1" },
		{ GOOD "listen = {\n", NULL, "" },
		{ "\x01\x02\x03\xff{{{", NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct authd_settings *s = NULL;
		int err = load(&s, cases[i].text);

		if (err != ERR_CONFIG || strstr(error, file) == NULL ||
			strstr(error, cases[i].word) == NULL ||
			(cases[i].line != NULL && strstr(error, cases[i].line) == NULL)) {
			fail_msg("case %zu: err %d, \"%s\"", i, err, error);
		}
	}
}

static void test_missing_file(void **state)
{
	struct authd_settings *s = NULL;

	(void)state;
	assert_int_equal(authd_settings_load(&s, "/nonexistent/authd.conf", error), ERR_CONFIG);
	assert_non_null(strstr(error, "/nonexistent/authd.conf"));
}

static void test_fixed_change(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ GOOD REFLECTOR "token-life = 1h\nlog-level = \"debug\"\n", NULL },
		{ GOOD "name = \"other\"\n", "name" },
		{ GOOD "cluster = \"other\"\n", "cluster" },
		{ GOOD "listen = {\"127.0.0.1:9443\"}\n", "listen" },
		{ GOOD "state-dir = \"/other\"\n", "state-dir" },
		{ GOOD "database = \"postgresql://a@b/c\"\n", "database" },
		{ GOOD "public-url = \"https://a.example\"\n", "public-url" },
		{ GOOD "admin-socket = \"/other\"\n", "admin-socket" },
		{ GOOD "user = \"other\"\n", "user" },
	};
	struct authd_settings *now = NULL;

	(void)state;
	assert_int_equal(load(&now, GOOD), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct authd_settings *then = NULL;
		assert_int_equal(load(&then, cases[i].text), 0);
		const char *got = authd_settings_fixed_change(now, then);
		if (cases[i].want == NULL) {
			assert_null(got);
		} else {
			assert_string_equal(got, cases[i].want);
		}
		authd_settings_destroy(then);
	}
	authd_settings_destroy(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_fixed_change),
	};

	snprintf(file, sizeof(file), "/tmp/helio-settings.XXXXXX");
	int fd = mkstemp(file);
	if (fd < 0) {
		return 1;
	}
	close(fd);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(file);
	return failed;
}
