/*
 * Tables of helioctl: width by what the screen shows, escapes, alignment, colour.
 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/columns.h"

static void expect_escape(const char *in, const char *want)
{
	char *out = columns_escape(in);

	assert_non_null(out);
	assert_string_equal(out, want);
	free(out);
}

static void test_escape(void **state)
{
	(void)state;
	expect_escape("", "");
	expect_escape("Zo\xc3\xab \xe6\x97\xa5", "Zo\xc3\xab \xe6\x97\xa5");
	expect_escape("a\nb\tc", "a\\x0ab\\x09c");
	expect_escape("\033[31mred", "\\x1b[31mred");
	expect_escape("\x7f", "\\x7f");
	expect_escape("\xc2\x9b", "\\u{9b}"); /* a control of one byte in Latin-1: CSI */
	expect_escape("\xe2\x80\xae", "\\u{202e}"); /* right to left from here on */
	expect_escape("\xe2\x80\x8b", "\\u{200b}"); /* no width: would hide a difference */
	expect_escape("\xff\xc3", "\\xff\\xc3"); /* no UTF-8 at all, and cut short */
	expect_escape("\xc0\x80", "\\xc0\\x80"); /* overlong */
	expect_escape("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
}

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(columns_width(""), 0);
	assert_int_equal(columns_width("abc"), 3);
	assert_int_equal(columns_width("Zo\xc3\xab"), 3);
	assert_int_equal(columns_width("e\xcc\x81"), 1); /* a combining accent */
	assert_int_equal(columns_width("\xe6\x97\xa5\xe6\x9c\xac"), 4); /* two wide ones */
}

/* What the table prints; the caller frees. */
static char *printed(const struct columns *table, bool colour)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	columns_print(table, out, colour);
	fclose(out);
	return text;
}

static struct columns *sample(void)
{
	struct columns *table = columns_create(3);
	static const char *const rows[][3] = { { "\xe6\x97\xa5\xe6\x9c\xac", "7", "x" },
		{ "b", "1234", "" } };

	assert_non_null(table);
	assert_int_equal(columns_add(table, "ROOM", ALIGN_LEFT, STYLE_PLAIN), 0);
	assert_int_equal(columns_add(table, "N", ALIGN_RIGHT, STYLE_PLAIN), 0);
	assert_int_equal(columns_add(table, "LAST", ALIGN_LEFT, STYLE_PLAIN), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(columns_add(table, rows[i / 3][i % 3], ALIGN_LEFT,
					 i == 0 ? STYLE_GOOD : STYLE_PLAIN),
			0);
	}
	return table;
}

static void test_layout(void **state)
{
	struct columns *table = sample();
	char *text = printed(table, false);

	(void)state;
	assert_string_equal(text,
		"ROOM     N  LAST\n"
		"\xe6\x97\xa5\xe6\x9c\xac     7  x\n"
		"b     1234  -\n");
	free(text);
	columns_destroy(table);
}

static void test_colour(void **state)
{
	struct columns *table = sample();
	char *text = printed(table, true);

	(void)state;
	assert_non_null(strstr(text, "\033[1mROOM\033[0m  "));
	assert_non_null(strstr(text, "\033[32m\xe6\x97\xa5\xe6\x9c\xac\033[0m     7"));
	free(text);
	columns_destroy(table);
}

static void test_incomplete_row(void **state)
{
	struct columns *table = sample();
	char *text;

	(void)state;
	assert_int_equal(columns_add(table, "half a row", ALIGN_LEFT, STYLE_PLAIN), 0);
	text = printed(table, false);
	assert_null(strstr(text, "half"));
	free(text);
	columns_destroy(table);
	columns_destroy(NULL);
}

/* A table of two rows: an id, a name with wide characters, a number, long text. */
static struct columns *wide_sample(const char *name)
{
	static const char *const cells[] = { "ID", "NAME", "NUM", "WHY", "0123456789abcdef", NULL,
		"7", "abcdefghij abcdefghij abcdefghij abcdefghij" };
	struct columns *table = columns_create(4);

	assert_non_null(table);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(columns_add(table, cells[i] != NULL ? cells[i] : name, ALIGN_LEFT,
					 STYLE_PLAIN),
			0);
	}
	return table;
}

static void expect_fit(const char *name, size_t width, const char *want)
{
	static const int fit[] = { FIT_ID, FIT_KEEP, FIT_DROP(1), FIT_CUT };
	struct columns *table = wide_sample(name);
	char *text, *row;

	assert_int_equal(columns_fit(table, width, fit), 0);
	assert_int_equal(columns_is_cut(table), width > 0 && width < 80);
	text = printed(table, false);
	row = text + strcspn(text, "\n") + 1;
	row[strcspn(row, "\n")] = '\0';
	assert_string_equal(row, want);
	assert_true(width == 0 || columns_width(row) <= width);
	free(text);
	columns_destroy(table);
}

#define WIDE_NAME                                                                                  \
	"\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac" /* four characters of width 2 */
#define LONG_TEXT "abcdefghij abcdefghij abcdefghij abcdefghij"

static void test_fit(void **state)
{
	(void)state;
	expect_fit(WIDE_NAME, 0, "0123456789abcdef  " WIDE_NAME "  7    " LONG_TEXT);
	expect_fit(WIDE_NAME, 80, "0123456789abcdef  " WIDE_NAME "  7    " LONG_TEXT);
	/* Ids first; then long text as long as enough of it is left; then columns. */
	expect_fit(WIDE_NAME, 68, "01234567  " WIDE_NAME "  7    " LONG_TEXT);
	expect_fit(WIDE_NAME, 60,
		"01234567  " WIDE_NAME "  7    abcdefghij abcdefghij abcdefghij a\xe2\x80\xa6");
	expect_fit(WIDE_NAME, 52,
		"01234567  " WIDE_NAME "  abcdefghij abcdefghij abcdefghi\xe2\x80\xa6");
	/* In the end everything; a character of width 2 is never cut in two. */
	expect_fit(WIDE_NAME, 24,
		"01234567  \xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xa6  abcdef\xe2\x80\xa6");
}

/* Narrower than anything can be: it ends, and prints what is left. */
static void test_fit_hopeless(void **state)
{
	static const int fit[] = { FIT_ID, FIT_KEEP, FIT_DROP(1), FIT_CUT };
	struct columns *table = wide_sample("e\xcc\x81\xff"
					    "a long name, and longer");
	char *text;

	(void)state;
	assert_int_equal(columns_fit(table, 1, fit), 0);
	text = printed(table, false);
	assert_non_null(strstr(text, "01234567  "));
	assert_null(strstr(text, "NUM"));
	free(text);
	columns_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_incomplete_row),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_fit_hopeless),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
