/*
 * frame_hdr: every boundary of every field, and every place where a header can be cut.
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

static enum parse parse_field(uint8_t at, uint8_t value, int *err)
{
	uint8_t bytes[FRAME_HDR_LEN] = { FRAME_AUDIO };
	struct frame_hdr hdr;

	bytes[at] = value;
	return frame_hdr_parse(&hdr, bytes, sizeof(bytes), LIMIT_PAYLOAD_DEFAULT, err);
}

static void test_fields(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		int err = 0;
		enum parse p = parse_field(0, (uint8_t)v, &err);

		assert_int_equal(p, v >= 1 && v <= 7 ? PARSE_DONE : PARSE_BROKEN);
		assert_int_equal(err, p == PARSE_DONE ? 0 : ERR_BAD_FRAME);
		p = parse_field(1, (uint8_t)v, &err);
		assert_int_equal(p, v < 0x40 ? PARSE_DONE : PARSE_BROKEN);
		assert_int_equal(err, p == PARSE_DONE ? 0 : ERR_BAD_FRAME);
		assert_int_equal(parse_field(2, (uint8_t)v, &err), PARSE_DONE);
		p = parse_field(3, (uint8_t)v, &err);
		assert_int_equal(p, v <= 127 ? PARSE_DONE : PARSE_BROKEN);
		assert_int_equal(err, p == PARSE_DONE ? 0 : ERR_BAD_FRAME);
	}
}

static void test_lengths(void **state)
{
	static const uint32_t limits[] = { 0, 1, LIMIT_PING_PAYLOAD, LIMIT_PAYLOAD_MIN,
		LIMIT_CHAT_PAYLOAD, LIMIT_PRE_HELLO_PAYLOAD, LIMIT_PAYLOAD_DEFAULT,
		LIMIT_PAYLOAD_MAX, UINT32_MAX - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		uint8_t bytes[FRAME_HDR_LEN];
		struct frame_hdr in = { .kind = FRAME_VIDEO };
		struct frame_hdr out;
		int err = 0;

		for (int d = -1; d <= 1; d++) {
			if (limits[i] == 0 && d < 0) {
				continue;
			}
			in.length = limits[i] + (uint32_t)d;
			frame_hdr_write(&in, bytes);
			enum parse p = frame_hdr_parse(&out, bytes, sizeof(bytes), limits[i], &err);
			assert_int_equal(p, d <= 0 ? PARSE_DONE : PARSE_BROKEN);
			assert_int_equal(err, d <= 0 ? 0 : ERR_TOO_LARGE);
			assert_int_equal(out.length, in.length);
		}
	}
}

static void test_splits(void **state)
{
	const struct frame_hdr in = { FRAME_VIDEO, 0x3f, 0x5a, 127, 0xffee, 0x0102, 0x03040506,
		16384 };
	uint8_t bytes[FRAME_HDR_LEN + 1] = { 0 };
	struct frame_hdr out;
	int err = 1;

	(void)state;
	frame_hdr_write(&in, bytes);
	for (size_t len = 0; len < FRAME_HDR_LEN; len++) {
		/* the exact bytes on the heap: a read past them is found */
		uint8_t *part = malloc(len + 1);

		memcpy(part, bytes, len);
		assert_int_equal(frame_hdr_parse(&out, part, len, 16384, &err), PARSE_MORE);
		assert_int_equal(err, 0);
		free(part);
	}
	for (size_t len = FRAME_HDR_LEN; len <= sizeof(bytes); len++) {
		assert_int_equal(frame_hdr_parse(&out, bytes, len, 16384, &err), PARSE_DONE);
		assert_memory_equal(&out, &in, sizeof(in));
	}
	assert_int_equal(frame_hdr_spatial(&out), 5);
	assert_int_equal(frame_hdr_temporal(&out), 10);
}

/* Both wrong: the header is not worth its length. */
static void test_order(void **state)
{
	uint8_t bytes[FRAME_HDR_LEN];
	struct frame_hdr hdr;
	int err = 0;

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(frame_hdr_parse(&hdr, bytes, sizeof(bytes), 10, &err), PARSE_BROKEN);
	assert_int_equal(err, ERR_BAD_FRAME);
}

/* Chat of others reaches those, too, who take small payloads only. */
static void chat_has_a_limit_of_its_own(void **state)
{
	struct frame_hdr hdr = { .kind = FRAME_CHAT, .length = 4096 };
	uint8_t bytes[FRAME_HDR_LEN];
	int err = 0;

	(void)state;
	frame_hdr_write(&hdr, bytes);
	assert_int_equal(frame_hdr_parse(&hdr, bytes, sizeof(bytes), 1200, &err), PARSE_DONE);
	hdr.length = 4097;
	frame_hdr_write(&hdr, bytes);
	assert_int_equal(frame_hdr_parse(&hdr, bytes, sizeof(bytes), 1200, &err), PARSE_BROKEN);
	assert_int_equal(err, ERR_TOO_LARGE);
	hdr = (struct frame_hdr){ .kind = FRAME_AUDIO, .length = 1201 };
	frame_hdr_write(&hdr, bytes);
	assert_int_equal(frame_hdr_parse(&hdr, bytes, sizeof(bytes), 1200, &err), PARSE_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chat_has_a_limit_of_its_own),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
