/*
 * wire: the cursor reads and writes in network order, and never past its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/wire.h"

static void test_read(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	struct wire_reader r;

	(void)state;
	wire_reader_init(&r, bytes, sizeof(bytes));
	assert_int_equal(wire_read_u8(&r), 1);
	assert_int_equal(wire_read_u16(&r), 0x0203);
	assert_int_equal(wire_read_u32(&r), 0x04050607);
	assert_true(wire_read_u64(&r) == UINT64_C(0x08090a0b0c0d0e0f));
	assert_ptr_equal(wire_read_bytes(&r, 1), bytes + 15);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.left, 0);
	assert_non_null(wire_read_bytes(&r, 0));
	assert_int_equal(wire_read_u8(&r), 0);
	assert_int_equal(r.err, ERR_BAD_FRAME);
}

/* The first error stays, and nothing is consumed by a read that fails. */
static void test_read_past_end(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct wire_reader r;

	(void)state;
	wire_reader_init(&r, bytes, sizeof(bytes));
	assert_int_equal(wire_read_u32(&r), 0);
	assert_int_equal(r.err, ERR_BAD_FRAME);
	assert_int_equal(r.left, 3);
	assert_int_equal(wire_read_u8(&r), 0);
	assert_null(wire_read_bytes(&r, 1));
	wire_reader_init(&r, bytes, sizeof(bytes));
	assert_null(wire_read_bytes(&r, SIZE_MAX));
	assert_int_equal(r.err, ERR_BAD_FRAME);
}

static void test_write(void **state)
{
	static const uint8_t expected[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		0xaa };
	uint8_t out[16];
	struct wire_writer w;

	(void)state;
	memset(out, 0xaa, sizeof(out));
	wire_writer_init(&w, out, 15);
	wire_write_u8(&w, 1);
	wire_write_u16(&w, 0x0203);
	wire_write_u32(&w, 0x04050607);
	wire_write_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
	assert_int_equal(w.err, 0);
	wire_write_bytes(&w, NULL, 0);
	assert_int_equal(w.err, 0);
	wire_write_u8(&w, 0x55);
	assert_int_equal(w.err, ERR_FULL);
	assert_memory_equal(out, expected, sizeof(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_past_end),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
