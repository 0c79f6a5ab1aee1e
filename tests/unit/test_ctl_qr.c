/*
 * QR codes as they are printed: read back from the half blocks, they are the modules that
 * libqrencode made, with four light modules around.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <qrencode.h>

#include "ctl/qr.h"

static const char text[] = "https://authd.example/join#eyJhbGciOiJFZERTQSJ9.e30.c2ln";

/* What is printed; the caller's. */
static char *print(const struct qr *qr, enum qr_style style)
{
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);

	qr_print(qr, file, style);
	fclose(file);
	return out;
}

/* Which halves of the character at *at are drawn: 2 the upper, 1 the lower. Moves on. */
static int take_block(const char **at)
{
	static const char *const blocks[4] = { " ", "\342\226\204", "\342\226\200",
		"\342\226\210" };

	for (int i = 0; i < 4; i++) {
		if (strncmp(*at, blocks[i], strlen(blocks[i])) == 0) {
			*at += strlen(blocks[i]);
			return i;
		}
	}
	fail_msg("something that is no block");
	return 0;
}

static bool wanted(const QRcode *code, int x, int y)
{
	x -= 4;
	y -= 4;
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
		(code->data[y * code->width + x] & 1) != 0;
}

/* Compares each printed module with the code; start and end stand around each line. */
static void check(enum qr_style style, bool drawn_is_dark, const char *start, const char *end)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	struct qr *qr = NULL;
	int width = code->width + 8;
	char *out;

	assert_int_equal(qr_create(&qr, text), 0);
	assert_int_equal(qr_width(qr), width);
	out = print(qr, style);
	const char *at = out;
	for (int y = 0; y < width; y += 2) {
		assert_int_equal(strncmp(at, start, strlen(start)), 0);
		at += strlen(start);
		for (int x = 0; x < width; x++) {
			int block = take_block(&at);

			assert_int_equal(((block & 2) != 0) == drawn_is_dark, wanted(code, x, y));
			if (y + 1 < width) {
				assert_int_equal(((block & 1) != 0) == drawn_is_dark,
					wanted(code, x, y + 1));
			}
		}
		assert_int_equal(strncmp(at, end, strlen(end)), 0);
		at += strlen(end);
	}
	assert_string_equal(at, "");
	free(out);
	qr_destroy(qr);
	QRcode_free(code);
}

static void test_colour(void **state)
{
	(void)state;
	check(QR_COLOUR, true, "\033[30;107m", "\033[0m\n");
}

static void test_dark(void **state)
{
	(void)state;
	check(QR_DARK, false, "", "\n");
}

static void test_light(void **state)
{
	(void)state;
	check(QR_LIGHT, true, "", "\n");
}

static void test_svg(void **state)
{
	struct qr *qr = NULL;
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);

	(void)state;
	assert_int_equal(qr_create(&qr, text), 0);
	qr_print_svg(qr, file);
	fclose(file);
	assert_non_null(strstr(out, "<svg xmlns="));
	/* The upper left finder pattern begins behind the quiet zone and is seven modules wide. */
	assert_non_null(strstr(out, "M4 4h7v1h-7z"));
	free(out);
	qr_destroy(qr);
}

static void test_too_long(void **state)
{
	struct qr *qr = NULL;
	char *longest = malloc(2955);

	(void)state;
	memset(longest, 'a', 2954);
	longest[2954] = '\0';
	assert_int_equal(qr_create(&qr, longest), ERR_TOO_LARGE);
	longest[2953] = '\0';
	assert_int_equal(qr_create(&qr, longest), 0);
	qr_destroy(qr);
	qr_destroy(NULL);
	free(longest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_dark),
		cmocka_unit_test(test_light),
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
