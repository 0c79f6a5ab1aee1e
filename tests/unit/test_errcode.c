/*
 * errcode: names are unique, travel both ways, and are the ones of doc/protocol.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/errcode.h"

static void test_names(void **state)
{
	unsigned known = 0;

	(void)state;
	for (int a = 0; a < 200; a++) {
		const char *name = errcode_name(a);

		if (a != ERR_INTERNAL && strcmp(name, "internal") == 0) {
			continue;
		}
		known++;
		assert_int_equal(errcode_from_name(name), a);
		assert_true(strlen(errcode_text(a)) > 5);
		assert_true(errcode_text(a)[strlen(errcode_text(a)) - 1] != '.');
		for (int b = 0; b < a; b++) {
			assert_true(b == ERR_INTERNAL || strcmp(errcode_name(b), "internal") == 0 ||
				strcmp(name, errcode_name(b)) != 0);
		}
	}
	assert_int_equal(known, 59);
}

static void test_unknown(void **state)
{
	(void)state;
	assert_string_equal(errcode_name(-1), "internal");
	assert_string_equal(errcode_name(12345), "internal");
	assert_string_equal(errcode_text(12345), errcode_text(ERR_INTERNAL));
	assert_int_equal(errcode_from_name("no-such-name"), ERR_INTERNAL);
	assert_int_equal(errcode_from_name(""), ERR_INTERNAL);
}

/* Every name in the table of section 9 of the protocol is one of ours. */
static void test_document(void **state)
{
	FILE *fp = fopen(SRCDIR "/doc/protocol.md", "re");
	char line[1024];
	bool inside = false;
	unsigned found = 0;

	(void)state;
	assert_non_null(fp);
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (strncmp(line, "## ", 3) == 0) {
			inside = strncmp(line, "## 9.", 5) == 0;
		}
		if (!inside || line[0] != '|' || line[2] == '-' ||
			strncmp(line, "| name |", 8) == 0) {
			continue;
		}
		*strchr(line + 1, '|') = '\0';
		char *save = NULL;
		for (char *n = strtok_r(line + 1, ", ", &save); n != NULL;
			n = strtok_r(NULL, ", ", &save)) {
			if (strcmp(errcode_name(errcode_from_name(n)), n) != 0) {
				fail_msg("%s is not known", n);
			}
			found++;
		}
	}
	fclose(fp);
	assert_true(found > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
