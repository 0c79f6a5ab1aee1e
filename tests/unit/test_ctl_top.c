/*
 * helioctl top: rates from two samples, order, filter, and a screen that fits whatever its size.
 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/columns.h"
#include "ctl/top_model.h"
#include "ctl/top_view.h"

static json_t *load(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

static void make_samples(struct top_sample *before, struct top_sample *now)
{
	*before = (struct top_sample){ .at = 100,
		.rooms = load("[{\"name\":\"a\",\"bytes_in\":1000,\"bytes_out\":0,\"dropped\":1},"
			      "{\"name\":\"b\",\"bytes_in\":5000,\"bytes_out\":9,\"dropped\":1}]"),
		.participants = load("[]"),
		.reflectors =
			load("[{\"name\":\"r1\",\"workers\":[{\"port\":1,\"bytes_in\":100}]}]") };
	*now = (struct top_sample){ .at = 102,
		.rooms = load("[{\"name\":\"b\",\"bytes_in\":10,\"bytes_out\":9,\"dropped\":1},"
			      "{\"name\":\"a\",\"bytes_in\":1500,\"bytes_out\":250,\"dropped\":5,"
			      "\"participants\":2,\"reflector\":\"r1\",\"port\":0},"
			      "{\"name\":\"new\"}]"),
		.participants = load("[{\"id\":\"x\",\"room\":\"a\",\"queue_ms\":70},"
				     "{\"id\":\"y\",\"room\":\"a\",\"queue_ms\":300},7,null]"),
		.reflectors = load("[{\"name\":\"r1\",\"state\":\"up\",\"workers\":[{\"port\":2},"
				   "{\"port\":1,\"bytes_in\":350,\"rooms\":3}]},"
				   "{\"name\":\"r2\",\"state\":\"down\"}]") };
}

static const json_t *row_of(const json_t *rows, const char *name)
{
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row) {
		if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0) {
			return row;
		}
	}
	fail_msg("no row %s", name);
	return NULL;
}

static double number(const json_t *row, const char *key)
{
	return json_number_value(json_object_get(row, key));
}

static void test_rates(void **state)
{
	struct top_sample before, now;
	json_t *rows;

	(void)state;
	make_samples(&before, &now);
	rows = top_rows(&now, &before, TOP_ROOMS, "");
	assert_int_equal(json_array_size(rows), 3);
	assert_true(number(row_of(rows, "a"), "in_bps") == 2000);
	assert_true(number(row_of(rows, "a"), "out_bps") == 1000);
	assert_true(number(row_of(rows, "a"), "drops_per_s") == 2);
	assert_int_equal(number(row_of(rows, "a"), "queue_ms"), 300);
	/* A counter that went back gives none, and so does what was not there before. */
	assert_true(json_is_null(json_object_get(row_of(rows, "b"), "in_bps")));
	assert_true(json_is_null(json_object_get(row_of(rows, "new"), "in_bps")));
	json_decref(rows);
	rows = top_rows(&now, &before, TOP_REFLECTORS, "");
	assert_int_equal(json_array_size(rows), 3);
	assert_true(number(row_of(rows, "r1:1"), "in_bps") == 1000);
	assert_true(json_is_null(json_object_get(row_of(rows, "r1:2"), "in_bps")));
	json_decref(rows);
	rows = top_rows(&now, NULL, TOP_ROOMS, "");
	assert_true(json_is_null(json_object_get(row_of(rows, "a"), "in_bps")));
	json_decref(rows);
	top_sample_finish(&before);
	top_sample_finish(&now);
}

static const char *first_of(const json_t *rows)
{
	return json_string_value(json_object_get(json_array_get(rows, 0), "name"));
}

static void test_order(void **state)
{
	struct top_sample before, now;
	json_t *rows;

	(void)state;
	make_samples(&before, &now);
	rows = top_rows(&now, &before, TOP_ROOMS, "");
	assert_int_equal(top_sort(rows, TOP_ROOMS, top_column_find(TOP_ROOMS, "out"), false), 0);
	assert_string_equal(first_of(rows), "a");
	assert_int_equal(top_sort(rows, TOP_ROOMS, top_column_find(TOP_ROOMS, "room"), true), 0);
	assert_string_equal(first_of(rows), "new");
	json_decref(rows);
	rows = top_rows(&now, &before, TOP_PARTICIPANTS, "Y");
	assert_int_equal(json_array_size(rows), 1);
	assert_string_equal(first_of(rows), "y");
	json_decref(rows);
	assert_int_equal(top_column_find(TOP_ROOMS, "smell"), -1);
	assert_int_equal(top_view_find("reflectors"), TOP_REFLECTORS);
	assert_int_equal(top_view_find("x"), TOP_VIEWS);
	top_sample_finish(&before);
	top_sample_finish(&now);
}

static void test_clip(void **state)
{
	char *cut;

	(void)state;
	cut = top_clip("abcdef", 3);
	assert_string_equal(cut, "abc");
	free(cut);
	cut = top_clip("\033[1mabc\033[0m", 2);
	assert_string_equal(cut, "\033[1mab\033[0m");
	free(cut);
	cut = top_clip("a\346\227\245b", 2); /* a wide character does not fit by half */
	assert_string_equal(cut, "a");
	free(cut);
	cut = top_clip("abc", 0);
	assert_string_equal(cut, "");
	free(cut);
}

/* The lines of a screen without our own sequences, none wider and no more than there is room. */
static void check_screen(char *screen, unsigned rows, unsigned columns)
{
	char *plain = malloc(strlen(screen) + 1), *out = plain, *save = NULL;
	unsigned lines = 0;

	for (const char *at = screen; *at != '\0';) {
		if (*at == '\033') {
			at += 2;
			at += strspn(at, "0123456789;") + 1;
		} else if (*at == '\r') {
			at++;
		} else {
			*out++ = *at++;
		}
	}
	*out = '\0';
	for (const char *at = plain; *at != '\0'; at++) {
		lines += *at == '\n' ? 1 : 0;
	}
	assert_true(lines < rows);
	for (char *line = strtok_r(plain, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		assert_true(columns_width(line) <= columns);
	}
	free(plain);
}

static void test_any_size(void **state)
{
	struct top_sample before, now;

	(void)state;
	make_samples(&before, &now);
	for (unsigned rows = 1; rows < 30; rows++) {
		for (unsigned columns = 1; columns < 130; columns += 7) {
			for (int view = 0; view < TOP_VIEWS; view++) {
				struct top_state top = { .view = (enum top_view)view,
					.first = rows * 3,
					.interval_s = 2,
					.help = columns % 2 == 0,
					.typing = rows % 2 == 0,
					.filter = "",
					.where = "a\033b" };
				char *screen = top_render(
					&now, &before, &top, rows, columns, columns % 3 == 0);

				assert_non_null(screen);
				check_screen(screen, rows, columns);
				free(screen);
			}
		}
	}
	top_sample_finish(&before);
	top_sample_finish(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_clip),
		cmocka_unit_test(test_any_size),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
