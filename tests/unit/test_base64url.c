/*
 * base64url: RFC 4648 vectors, and no second spelling of anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/base64url.h"

static void test_vectors(void **state)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = { { "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfb", "__77" }, { "\xfb\xef\xbe", "----" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[16];
		uint8_t bytes[16];
		size_t len = strlen(cases[i].bytes);
		size_t out = len;

		assert_int_equal(base64url_encoded_len(len), strlen(cases[i].text));
		assert_int_equal(
			base64url_encode(cases[i].bytes, len, text, strlen(cases[i].text) + 1), 0);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(base64url_encode(cases[i].bytes, len, text, strlen(cases[i].text)),
			ERR_FULL);
		assert_int_equal(
			base64url_decode(cases[i].text, strlen(cases[i].text), bytes, &out), 0);
		assert_int_equal(out, len);
		assert_memory_equal(bytes, cases[i].bytes, len);
		if (len > 0) {
			out = len - 1;
			assert_int_equal(
				base64url_decode(cases[i].text, strlen(cases[i].text), bytes, &out),
				ERR_FULL);
		}
	}
}

static void test_strict(void **state)
{
	static const char *const bad[] = { "Z", "Zg==", "Zg=", "Zm9vY", "Zh", "Zm9", "Zm 8",
		"Zm8\n", "Zm+8", "Zm/8", " Zg", "Zg.", "\xc3\xa4g" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t bytes[16];
		size_t out = sizeof(bytes);

		assert_int_equal(
			base64url_decode(bad[i], strlen(bad[i]), bytes, &out), ERR_INVALID);
		assert_int_equal(out, sizeof(bytes));
	}
	uint8_t bytes[16];
	size_t out = sizeof(bytes);
	assert_int_equal(base64url_decode("Z\0g", 3, bytes, &out), ERR_INVALID);
}

static void test_all_bytes(void **state)
{
	uint8_t in[256];
	uint8_t out[256];
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++) {
		in[i] = (uint8_t)i;
	}
	for (size_t len = 0; len <= sizeof(in); len++) {
		size_t n = len;

		assert_int_equal(base64url_encode(in, len, text, sizeof(text)), 0);
		assert_int_equal(base64url_decode(text, strlen(text), out, &n), 0);
		assert_int_equal(n, len);
		assert_memory_equal(in, out, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_all_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
