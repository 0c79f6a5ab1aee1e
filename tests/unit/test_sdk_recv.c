/*
 * The SDK's reassembly: each fragment missing once, pictures that depend on a lost one, and memory
 * that stays bounded whatever comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "client-sdk/recv.h"

struct run {
	struct recv recv;
	struct recv_stream stream;
	uint16_t seq;
	uint8_t layer;
	struct recv_picture picture; /* the last one that came out */
};

static void init(struct run *run)
{
	memset(run, 0, sizeof(*run));
	run->stream.pictures = true;
	run->seq = 65530; /* wraps soon */
}

static void finish(struct run *run)
{
	recv_reset(&run->recv, &run->stream);
	assert_int_equal(run->recv.held, 0);
	assert_null(run->recv.oldest);
	assert_null(run->recv.newest);
}

/* One fragment; true when a picture came out, whose bytes are checked to be `bytes`. */
static bool feed(
	struct run *run, unsigned flags, uint32_t timestamp, const char *bytes, const char *whole)
{
	struct frame_hdr hdr = {
		.kind = FRAME_VIDEO,
		.flags = (uint8_t)flags,
		.layer = run->layer,
		.seq = run->seq++,
		.timestamp = timestamp,
		.length = (uint32_t)strlen(bytes),
	};

	if (!recv_fragment(&run->recv, &run->stream, &hdr, (const uint8_t *)bytes, &run->picture)) {
		assert_null(whole);
		return false;
	}
	assert_non_null(whole);
	assert_int_equal(run->picture.length, strlen(whole));
	assert_memory_equal(run->picture.payload, whole, strlen(whole));
	assert_int_equal(run->picture.hdr.seq, hdr.seq);
	free(run->picture.payload);
	return true;
}

static void whole_pictures(void **state)
{
	struct run run;

	(void)state;
	init(&run);
	assert_true(feed(&run, FRAME_KEYFRAME | FRAME_FIRST | FRAME_LAST, 1, "", ""));
	assert_true(feed(&run, FRAME_FIRST | FRAME_LAST, 2, "b", "b"));
	for (uint32_t i = 3; i < 20; i++) {
		assert_false(feed(&run, FRAME_FIRST, i, "one", NULL));
		assert_false(feed(&run, 0, i, "", NULL));
		assert_false(feed(&run, 0, i, "two", NULL));
		assert_true(feed(&run, FRAME_LAST, i, "three", "onetwothree"));
	}
	assert_int_equal(run.recv.incomplete, 0);
	finish(&run);
}

/* A keyframe and two pictures of four fragments each: leaves fragment `missing` out. */
static void one_missing(unsigned missing)
{
	struct run run;
	unsigned out[3] = { 0 };
	bool lost = false;

	init(&run);
	for (unsigned i = 0; i < 12; i++) {
		unsigned picture = i / 4;
		unsigned part = i % 4;
		unsigned flags = picture == 0 ? FRAME_KEYFRAME : 0;

		flags |= part == 0 ? FRAME_FIRST : 0;
		flags |= part == 3 ? FRAME_LAST : 0;
		lost = lost || i == missing;
		if (i == missing) {
			run.seq++;
			continue;
		}
		bool last = part == 3 && !lost;
		out[picture] += feed(&run, flags, picture, "abc", last ? "abcabcabcabc" : NULL);
	}
	/* everything before the lost picture comes, nothing of it and behind it */
	for (unsigned p = 0; p < 3; p++) {
		assert_int_equal(out[p], p < missing / 4);
	}
	/* The very first fragment leaves no gap, and the very last none yet. */
	if (missing > 0 && missing < 11) {
		assert_true(run.recv.incomplete >= 1);
	}
	/* a keyframe mends it */
	assert_int_equal(recv_keyframe_due(&run.stream, 100000), missing < 11);
	assert_true(feed(&run, FRAME_KEYFRAME | FRAME_FIRST | FRAME_LAST, 9, "k", "k"));
	assert_true(feed(&run, FRAME_FIRST | FRAME_LAST, 10, "p", "p"));
	assert_false(recv_keyframe_due(&run.stream, 200000));
	finish(&run);
}

static void each_fragment_missing(void **state)
{
	(void)state;
	for (unsigned missing = 0; missing < 12; missing++) {
		one_missing(missing);
	}
}

static void begins_with_a_keyframe(void **state)
{
	struct run run;

	(void)state;
	init(&run);
	assert_false(feed(&run, FRAME_FIRST | FRAME_LAST, 1, "p", NULL));
	assert_true(recv_keyframe_due(&run.stream, 1000));
	assert_false(recv_keyframe_due(&run.stream, 1499)); /* asked for already */
	assert_true(recv_keyframe_due(&run.stream, 1500));
	assert_false(feed(&run, FRAME_FIRST | FRAME_KEYFRAME, 2, "k", NULL));
	assert_false(recv_keyframe_due(&run.stream, 3000)); /* it is coming */
	assert_true(feed(&run, FRAME_LAST | FRAME_KEYFRAME, 2, "k", "kk"));
	finish(&run);
}

static void fragments_must_belong_together(void **state)
{
	struct run run;

	(void)state;
	init(&run);
	assert_true(feed(&run, FRAME_KEYFRAME | FRAME_FIRST | FRAME_LAST, 1, "k", "k"));
	assert_false(feed(&run, FRAME_FIRST, 2, "p", NULL));
	assert_false(feed(&run, FRAME_LAST, 3, "p", NULL)); /* another timestamp */
	assert_int_equal(run.recv.incomplete, 1);
	assert_false(feed(&run, FRAME_KEYFRAME | FRAME_FIRST, 4, "k", NULL));
	assert_false(feed(&run, FRAME_LAST, 4, "p", NULL)); /* no keyframe any more */
	assert_false(feed(&run, FRAME_KEYFRAME | FRAME_FIRST, 5, "k", NULL));
	assert_true(feed(&run, FRAME_KEYFRAME | FRAME_FIRST | FRAME_LAST, 6, "k", "k"));
	assert_int_equal(run.recv.incomplete, 3); /* the one whose end never came */
	assert_false(feed(&run, 0, 7, "x", NULL)); /* begins in the middle */
	finish(&run);
}

static void copies_are_left_out(void **state)
{
	struct run run;

	(void)state;
	init(&run);
	assert_true(feed(&run, FRAME_KEYFRAME | FRAME_FIRST | FRAME_LAST, 1, "k", "k"));
	run.seq--;
	assert_false(
		feed(&run, FRAME_REPEAT | FRAME_KEYFRAME | FRAME_FIRST | FRAME_LAST, 1, "k", NULL));
	assert_true(feed(&run, FRAME_FIRST | FRAME_LAST, 2, "p", "p"));
	finish(&run);
}

static void left_out_layers_are_no_loss(void **state)
{
	struct run run;

	(void)state;
	init(&run);
	assert_true(feed(&run, FRAME_KEYFRAME | FRAME_FIRST | FRAME_LAST, 1, "k", "k"));
	run.layer = 1;
	run.seq = 100; /* each layer counts for itself */
	assert_true(feed(&run, FRAME_FIRST | FRAME_LAST, 2, "u", "u"));
	run.layer = 0;
	run.seq = (uint16_t)(65530 + 1);
	assert_true(feed(&run, FRAME_FIRST | FRAME_LAST, 3, "p", "p"));
	/* one of layer 1 was left out */
	assert_true(feed(&run, FRAME_FIRST | FRAME_LAST, 4, "p", "p"));
	assert_int_equal(run.recv.incomplete, 0);
	run.layer = 1;
	run.seq = 102; /* but here it is missing */
	assert_false(feed(&run, FRAME_FIRST | FRAME_LAST, 5, "u", NULL));
	assert_int_equal(run.recv.incomplete, 1);
	assert_true(recv_keyframe_due(&run.stream, 1000));
	finish(&run);
}

static void data_needs_no_keyframe(void **state)
{
	struct run run;

	(void)state;
	init(&run);
	run.stream.pictures = false;
	assert_true(feed(&run, FRAME_FIRST | FRAME_LAST, 1, "a", "a"));
	run.seq++;
	assert_true(feed(&run, FRAME_FIRST | FRAME_LAST, 2, "b", "b"));
	assert_false(feed(&run, FRAME_FIRST, 3, "c", NULL));
	run.seq++;
	assert_false(feed(&run, FRAME_LAST, 3, "c", NULL));
	assert_true(feed(&run, FRAME_FIRST | FRAME_LAST, 4, "d", "d"));
	assert_false(recv_keyframe_due(&run.stream, 1000));
	finish(&run);
}

/* Feeds len bytes of a picture in fragments of 65,536, without its end. */
static void feed_much(struct recv *recv, struct recv_stream *stream, size_t len, uint16_t *seq)
{
	static uint8_t bytes[65536];
	struct recv_picture picture;

	for (size_t at = 0; at < len; at += sizeof(bytes)) {
		struct frame_hdr hdr = {
			.kind = FRAME_VIDEO,
			.flags = (uint8_t)(FRAME_KEYFRAME | (at == 0 ? FRAME_FIRST : 0)),
			.seq = (*seq)++,
			.timestamp = 1,
			.length = sizeof(bytes),
		};

		assert_false(recv_fragment(recv, stream, &hdr, bytes, &picture));
	}
}

static void a_picture_is_bounded(void **state)
{
	struct run run;
	struct recv_picture picture;

	(void)state;
	init(&run);
	feed_much(&run.recv, &run.stream, HELIO_FRAME_MAX, &run.seq);
	assert_int_equal(run.recv.held, HELIO_FRAME_MAX);
	struct frame_hdr last = { .kind = FRAME_VIDEO,
		.flags = FRAME_KEYFRAME | FRAME_LAST,
		.seq = run.seq,
		.timestamp = 1,
		.length = 0 };
	assert_true(recv_fragment(&run.recv, &run.stream, &last, NULL, &picture));
	assert_int_equal(picture.length, HELIO_FRAME_MAX);
	free(picture.payload);
	run.seq++;
	feed_much(&run.recv, &run.stream, HELIO_FRAME_MAX + 1, &run.seq);
	assert_int_equal(run.recv.held, 0);
	assert_int_equal(run.recv.incomplete, 1);
	/* what still comes of it is not kept, and not counted again */
	assert_false(feed(&run, FRAME_KEYFRAME, 1, "x", NULL));
	assert_int_equal(run.recv.incomplete, 1);
	finish(&run);
}

static void all_together_are_bounded(void **state)
{
	struct recv recv = { 0 };
	static struct recv_stream streams[20];
	uint16_t seqs[20] = { 0 };

	(void)state;
	for (size_t i = 0; i < 20; i++) {
		streams[i].pictures = true;
		feed_much(&recv, &streams[i], HELIO_FRAME_MAX, &seqs[i]);
		assert_true(recv.held <= RECV_HELD_MAX);
	}
	assert_int_equal(recv.held, RECV_HELD_MAX);
	assert_int_equal(recv.incomplete, 12); /* the ones that waited longest gave way */
	assert_null(streams[0].buf);
	assert_null(streams[11].buf);
	assert_non_null(streams[12].buf);
	for (size_t i = 0; i < 20; i++) {
		recv_reset(&recv, &streams[i]);
	}
	assert_int_equal(recv.held, 0);
	assert_null(recv.oldest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_pictures),
		cmocka_unit_test(each_fragment_missing),
		cmocka_unit_test(begins_with_a_keyframe),
		cmocka_unit_test(fragments_must_belong_together),
		cmocka_unit_test(copies_are_left_out),
		cmocka_unit_test(left_out_layers_are_no_loss),
		cmocka_unit_test(data_needs_no_keyframe),
		cmocka_unit_test(a_picture_is_bounded),
		cmocka_unit_test(all_together_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
