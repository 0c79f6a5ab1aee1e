/*
 * Replays the test vectors of doc/protocol.md through the parser and the writer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/frame_hdr.h"
#include "proto/limits.h"

static size_t from_hex(const char *hex, uint8_t *out, size_t room)
{
	size_t n = 0;

	if (strcmp(hex, "-") == 0) {
		return 0;
	}
	for (; hex[0] != '\0'; hex += 2) {
		unsigned byte = 0;

		assert_true(n < room && hex[1] != '\0');
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		out[n++] = (uint8_t)byte;
	}
	return n;
}

static void good_line(const char *line)
{
	char hdr_hex[64];
	char payload_hex[256];
	uint8_t bytes[FRAME_HDR_LEN];
	uint8_t payload[128];
	uint8_t written[FRAME_HDR_LEN];
	unsigned kind, flags, layer, level, stream, seq, timestamp;
	struct frame_hdr hdr;
	int err = 0;

	if (sscanf(line, "%63s %255s %u %x %x %u %u %u %u", hdr_hex, payload_hex, &kind, &flags,
		    &layer, &level, &stream, &seq, &timestamp) != 9) {
		fail_msg("not a vector: %s", line);
	}
	assert_int_equal(from_hex(hdr_hex, bytes, sizeof(bytes)), FRAME_HDR_LEN);
	size_t payload_len = from_hex(payload_hex, payload, sizeof(payload));
	assert_int_equal(frame_hdr_parse(&hdr, bytes, sizeof(bytes), LIMIT_PAYLOAD_DEFAULT, &err),
		PARSE_DONE);
	assert_int_equal(hdr.kind, kind);
	assert_int_equal(hdr.flags, flags);
	assert_int_equal(hdr.layer, layer);
	assert_int_equal(hdr.level, level);
	assert_int_equal(hdr.stream, stream);
	assert_int_equal(hdr.seq, seq);
	assert_int_equal(hdr.timestamp, timestamp);
	assert_int_equal(hdr.length, payload_len);
	frame_hdr_write(&hdr, written);
	assert_memory_equal(written, bytes, sizeof(bytes));
}

static void bad_line(const char *line)
{
	char hdr_hex[64];
	char name[32];
	uint8_t bytes[FRAME_HDR_LEN];
	struct frame_hdr hdr;
	int err = 0;

	if (sscanf(line, "%63s %31s", hdr_hex, name) != 2) {
		fail_msg("not a vector: %s", line);
	}
	assert_int_equal(from_hex(hdr_hex, bytes, sizeof(bytes)), FRAME_HDR_LEN);
	assert_int_equal(frame_hdr_parse(&hdr, bytes, sizeof(bytes), LIMIT_PAYLOAD_DEFAULT, &err),
		PARSE_BROKEN);
	assert_string_equal(errcode_name(err), name);
}

static void test_document(void **state)
{
	FILE *fp = fopen(SRCDIR "/doc/protocol.md", "re");
	char line[1024];
	void (*check)(const char *) = NULL;
	unsigned good = 0;
	unsigned bad = 0;

	(void)state;
	assert_non_null(fp);
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (strcmp(line, "```vectors\n") == 0) {
			check = good_line;
		} else if (strcmp(line, "```vectors-bad\n") == 0) {
			check = bad_line;
		} else if (strncmp(line, "```", 3) == 0) {
			check = NULL;
		} else if (check != NULL) {
			check(line);
			good += check == good_line;
			bad += check == bad_line;
		}
	}
	fclose(fp);
	assert_true(good >= 10);
	assert_true(bad >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
