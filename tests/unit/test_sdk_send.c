/*
 * The SDK's send queue: order of the classes, bounds, ages, what is dropped with what, and that a
 * picture that was begun is finished.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "client-sdk/send.h"

static uint8_t out[16384];
static size_t kept; /* bytes of it that take() has not given yet */
static const uint8_t zeros[HELIO_FRAME_MAX];

static int setup(void **state)
{
	struct send_queue *q = malloc(sizeof(*q));

	assert_non_null(q);
	send_init(q, 400, 1000);
	q->max_fragment = 1000;
	kept = 0;
	*state = q;
	return 0;
}

static int teardown(void **state)
{
	send_clear(*state);
	free(*state);
	return 0;
}

static int put(struct send_queue *q, struct send_source *source, unsigned flags, size_t length,
	uint32_t timestamp, int64_t now)
{
	struct helio_frame frame = HELIO_FRAME_INIT;

	frame.flags = flags;
	frame.payload = zeros;
	frame.length = length;
	frame.timestamp = timestamp;
	return send_media(q, source, &frame, now);
}

/* Takes one frame out; what was gathered with it is kept for the next call. */
static bool take(struct send_queue *q, struct frame_hdr *hdr)
{
	int err;

	if (kept == 0) {
		kept = send_gather(q, out, FRAME_HDR_LEN + 1000);
	}
	if (kept == 0) {
		return false;
	}
	assert_int_equal(frame_hdr_parse(hdr, out, kept, 1000, &err), PARSE_DONE);
	kept -= FRAME_HDR_LEN + hdr->length;
	memmove(out, out + FRAME_HDR_LEN + hdr->length, kept);
	return true;
}

static void classes_in_order(void **state)
{
	struct send_queue *q = *state;
	struct send_source audio = { .kind = HELIO_AUDIO, .stream = 1 };
	struct send_source video = { .kind = HELIO_VIDEO, .stream = 2 };
	static const uint8_t want[] = { FRAME_CONTROL, FRAME_PING, FRAME_AUDIO, FRAME_AUDIO,
		FRAME_CHAT, FRAME_VIDEO };
	size_t at = 0;
	int err;

	assert_true(send_empty(q));
	assert_int_equal(put(q, &video, HELIO_KEYFRAME, 10, 1, 0), 0);
	assert_int_equal(send_chat(q, 0, 1, "x", 1), 0);
	assert_int_equal(put(q, &audio, 0, 10, 1, 0), 0);
	assert_int_equal(put(q, &audio, 0, 10, 2, 0), 0);
	assert_int_equal(send_control(q, "{}", 2), 0);
	assert_int_equal(send_ping(q, "12345678", 8), 0);
	assert_false(send_empty(q));
	size_t len = send_gather(q, out, sizeof(out));
	for (size_t i = 0; i < sizeof(want); i++) {
		struct frame_hdr hdr;

		assert_int_equal(frame_hdr_parse(&hdr, out + at, len - at, 1000, &err), PARSE_DONE);
		assert_int_equal(hdr.kind, want[i]);
		at += FRAME_HDR_LEN + hdr.length;
	}
	assert_int_equal(at, len);
	assert_true(send_empty(q));
	assert_int_equal(q->frames_sent, 4);
}

static void gather_keeps_to_its_room(void **state)
{
	struct send_queue *q = *state;
	struct send_source video = { .kind = HELIO_VIDEO, .stream = 2 };

	assert_int_equal(put(q, &video, HELIO_KEYFRAME, 2500, 1, 0), 0);
	assert_int_equal(send_gather(q, out, 15), 0);
	assert_int_equal(send_gather(q, out, 1015), 0);
	assert_int_equal(send_gather(q, out, 1016), 1016);
	assert_int_equal(send_gather(q, out, 1531), 1016);
	assert_int_equal(send_gather(q, out, 516), 516);
	assert_int_equal(send_gather(q, out, 1016), 0);
	assert_true(send_empty(q));
}

static void pings_and_pongs_are_bounded(void **state)
{
	struct send_queue *q = *state;
	struct frame_hdr hdr;
	unsigned count = 0;

	for (unsigned i = 0; i < 100000; i++) {
		assert_int_equal(send_pong(q, zeros, 64), 0);
		assert_int_equal(send_ping(q, zeros, 8), 0);
	}
	while (take(q, &hdr)) {
		count++;
	}
	assert_int_equal(count, 33);
	assert_int_equal(send_pong(q, zeros, 64), 0); /* and there is room again */
	assert_true(take(q, &hdr));
}

static void control_is_bounded(void **state)
{
	struct send_queue *q = *state;

	for (unsigned i = 0; i < SEND_CONTROL_ITEMS; i++) {
		assert_int_equal(send_control(q, "{}", 2), 0);
	}
	assert_int_equal(send_control(q, "{}", 2), HELIO_ERR_FULL);
	assert_int_equal(send_pong(q, zeros, 1), 0); /* left out in silence */
}

static void old_audio_goes_one_by_one(void **state)
{
	struct send_queue *q = *state;
	struct send_source audio = { .kind = HELIO_AUDIO, .stream = 1 };
	struct frame_hdr hdr;

	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(put(q, &audio, 0, 10, i, 1000 + 100 * i), 0);
	}
	assert_int_equal(send_next_expiry(q), 1401);
	send_expire(q, 1400);
	assert_int_equal(audio.drops[SEND_DROP_AGE].count, 0);
	send_expire(q, 1501); /* 0 and 1 are older than 400 ms */
	assert_int_equal(audio.drops[SEND_DROP_AGE].count, 2);
	assert_int_equal(audio.drops[SEND_DROP_AGE].bytes, 20);
	assert_int_equal(q->frames_dropped, 2);
	assert_int_equal(send_oldest_ms(q, 1501), 301);
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.timestamp, 2);
	assert_int_equal(hdr.seq, 2); /* the receiver sees that two are missing */
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.seq, 3);
	assert_false(audio.ask_keyframe);
}

static void audio_bounds(void **state)
{
	struct send_queue *q = *state;
	struct send_source audio = { .kind = HELIO_AUDIO, .stream = 1 };
	struct frame_hdr hdr;

	assert_int_equal(put(q, &audio, 0, 1001, 0, 0), HELIO_ERR_TOO_LARGE);
	for (unsigned i = 0; i < SEND_AUDIO_ITEMS; i++) {
		assert_int_equal(put(q, &audio, 0, 1, i, 0), 0);
	}
	assert_int_equal(put(q, &audio, 0, 1, 900, 0), HELIO_ERR_FULL);
	assert_int_equal(put(q, &audio, 0, 1, 901, 0), HELIO_ERR_FULL);
	assert_int_equal(audio.drops[SEND_DROP_FULL].count, 2);
	for (unsigned i = 0; i < SEND_AUDIO_ITEMS; i++) {
		assert_true(take(q, &hdr));
		assert_int_equal(hdr.seq, i);
	}
	assert_int_equal(put(q, &audio, 0, 1, 902, 0), 0);
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.seq, SEND_AUDIO_ITEMS + 2); /* the gap stands where it belongs */
}

static void old_picture_takes_its_followers(void **state)
{
	struct send_queue *q = *state;
	struct send_source video = { .kind = HELIO_VIDEO, .stream = 1 };
	struct send_source other = { .kind = HELIO_SCREEN, .stream = 2 };
	struct frame_hdr hdr;

	assert_int_equal(put(q, &video, 0, 10, 1, 0), 0);
	assert_int_equal(put(q, &other, 0, 10, 2, 900), 0);
	assert_int_equal(put(q, &video, 0, 10, 3, 900), 0);
	assert_int_equal(put(q, &video, HELIO_DISCARDABLE, 10, 4, 900), 0);
	assert_int_equal(put(q, &video, HELIO_KEYFRAME, 10, 5, 900), 0);
	assert_int_equal(put(q, &video, 0, 10, 6, 900), 0);
	send_expire(q, 1001);
	assert_int_equal(video.drops[SEND_DROP_AGE].count, 1);
	assert_int_equal(video.drops[SEND_DROP_KEYFRAME].count, 2);
	assert_false(video.ask_keyframe); /* one is on its way already */
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.timestamp, 2);
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.timestamp, 5);
	assert_int_equal(hdr.seq, 0); /* a row without a gap */
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.timestamp, 6);
	assert_false(take(q, &hdr));
}

static void each_layer_counts_its_own_frames(void **state)
{
	struct send_queue *q = *state;
	struct send_source video = { .kind = HELIO_VIDEO, .stream = 9 };
	struct helio_frame frame = HELIO_FRAME_INIT;
	struct frame_hdr hdr;

	frame.payload = zeros;
	frame.length = 10;
	for (unsigned i = 0; i < 6; i++) {
		frame.flags = i == 0 ? HELIO_KEYFRAME : 0;
		frame.temporal = i % 2;
		frame.timestamp = i;
		assert_int_equal(send_media(q, &video, &frame, 0), 0);
	}
	for (unsigned i = 0; i < 6; i++) {
		assert_true(take(q, &hdr));
		assert_int_equal(hdr.timestamp, i);
		assert_int_equal(hdr.layer, i % 2);
		assert_int_equal(hdr.seq, i / 2);
	}
	assert_false(take(q, &hdr));
}

static void a_dropped_picture_asks_for_a_keyframe(void **state)
{
	struct send_queue *q = *state;
	struct send_source video = { .kind = HELIO_VIDEO, .stream = 1 };

	assert_int_equal(put(q, &video, HELIO_KEYFRAME, 10, 1, 0), 0);
	assert_int_equal(put(q, &video, 0, 10, 2, 0), 0);
	send_expire(q, 1001);
	assert_true(send_empty(q));
	assert_true(video.ask_keyframe);
	assert_int_equal(put(q, &video, 0, 10, 3, 1001), HELIO_ERR_FULL);
	assert_int_equal(put(q, &video, HELIO_DISCARDABLE, 10, 4, 1001), HELIO_ERR_FULL);
	assert_int_equal(video.drops[SEND_DROP_KEYFRAME].count, 3);
	assert_int_equal(put(q, &video, HELIO_KEYFRAME, 10, 5, 1001), 0);
	assert_int_equal(put(q, &video, 0, 10, 6, 1001), 0);
}

static void a_discardable_picture_goes_alone(void **state)
{
	struct send_queue *q = *state;
	struct send_source video = { .kind = HELIO_VIDEO, .stream = 1 };
	struct frame_hdr hdr;

	assert_int_equal(put(q, &video, HELIO_DISCARDABLE, 10, 1, 0), 0);
	assert_int_equal(put(q, &video, 0, 10, 2, 500), 0);
	send_expire(q, 1001);
	assert_int_equal(video.drops[SEND_DROP_AGE].count, 1);
	assert_int_equal(video.drops[SEND_DROP_KEYFRAME].count, 0);
	assert_false(video.ask_keyframe);
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.timestamp, 2);
}

static void a_begun_picture_is_finished(void **state)
{
	struct send_queue *q = *state;
	struct send_source video = { .kind = HELIO_VIDEO, .stream = 1 };
	struct frame_hdr hdr;

	assert_int_equal(put(q, &video, HELIO_KEYFRAME, 2500, 1, 0), 0);
	assert_int_equal(put(q, &video, 0, 10, 2, 0), 0);
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.flags, FRAME_KEYFRAME | FRAME_FIRST);
	send_expire(q, 100000);
	assert_int_equal(video.drops[SEND_DROP_AGE].count, 1); /* the second */
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.flags, FRAME_KEYFRAME);
	assert_int_equal(send_oldest_ms(q, 100000), 100000);
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.flags, FRAME_KEYFRAME | FRAME_LAST);
	assert_int_equal(hdr.length, 500);
	assert_int_equal(hdr.seq, 2);
	assert_true(send_empty(q));
}

static void video_bounds(void **state)
{
	struct send_queue *q = *state;
	struct send_source video = { .kind = HELIO_VIDEO, .stream = 1 };
	struct send_source other = { .kind = HELIO_VIDEO, .stream = 2 };

	assert_int_equal(put(q, &video, HELIO_KEYFRAME, HELIO_FRAME_MAX, 1, 0), 0);
	assert_int_equal(put(q, &video, 0, HELIO_FRAME_MAX, 2, 0), 0);
	assert_int_equal(put(q, &other, HELIO_DISCARDABLE, 1, 3, 0), HELIO_ERR_FULL);
	assert_false(other.ask_keyframe);
	assert_int_equal(put(q, &video, 0, 1, 3, 0), HELIO_ERR_FULL);
	assert_true(video.ask_keyframe);
	assert_int_equal(video.drops[SEND_DROP_FULL].count, 1);
	send_clear(q);
	for (unsigned i = 0; i < SEND_VIDEO_ITEMS; i++) {
		assert_int_equal(put(q, &other, 0, 0, i, 0), 0);
	}
	assert_int_equal(put(q, &other, 0, 0, 0, 0), HELIO_ERR_FULL);
}

/* A gap must not open inside a message that is half sent. */
static void data_gap_stands_between_messages(void **state)
{
	struct send_queue *q = *state;
	struct send_source data = { .kind = HELIO_DATA, .stream = 1 };
	struct frame_hdr hdr;

	assert_int_equal(put(q, &data, 0, 1500, 1, 0), 0);
	assert_int_equal(put(q, &data, 0, 10, 2, 0), 0);
	assert_int_equal(put(q, &data, 0, 10, 3, 500), 0);
	assert_true(take(q, &hdr));
	send_expire(q, 1001);
	assert_int_equal(data.drops[SEND_DROP_AGE].count, 1);
	assert_false(data.ask_keyframe);
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.kind, FRAME_DATA);
	assert_int_equal(hdr.seq, 1);
	assert_int_equal(hdr.flags, FRAME_LAST);
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.timestamp, 3);
	assert_int_equal(hdr.seq, 3);
}

static void control_behind_media_never_gets_old(void **state)
{
	struct send_queue *q = *state;
	struct send_source audio = { .kind = HELIO_AUDIO, .stream = 1 };
	struct frame_hdr hdr;

	assert_int_equal(put(q, &audio, 0, 1, 1, 0), 0);
	assert_int_equal(send_control_behind(q, &audio, "{}", 2), 0);
	send_expire(q, 100000);
	assert_int_equal(send_next_expiry(q), -1);
	assert_int_equal(send_oldest_ms(q, 100000), 0);
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.kind, FRAME_CONTROL);
}

static void forgets_a_source(void **state)
{
	struct send_queue *q = *state;
	struct send_source video = { .kind = HELIO_VIDEO, .stream = 1 };
	struct send_source other = { .kind = HELIO_VIDEO, .stream = 2 };
	struct frame_hdr hdr;

	assert_int_equal(put(q, &video, HELIO_KEYFRAME, 1500, 1, 0), 0);
	assert_int_equal(put(q, &other, 0, 10, 2, 0), 0);
	assert_int_equal(put(q, &video, 0, 10, 3, 0), 0);
	assert_true(take(q, &hdr));
	send_forget(q, &video);
	assert_int_equal(q->lists[SEND_VIDEO].items, 1);
	assert_int_equal(q->lists[SEND_VIDEO].bytes, 10);
	assert_true(take(q, &hdr));
	assert_int_equal(hdr.stream, 2);
	assert_int_equal(put(q, &other, 0, 10, 4, 0), 0); /* the tail is right */
	assert_true(take(q, &hdr));
	assert_true(send_empty(q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(classes_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(gather_keeps_to_its_room, setup, teardown),
		cmocka_unit_test_setup_teardown(pings_and_pongs_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(control_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(old_audio_goes_one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(audio_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(old_picture_takes_its_followers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_dropped_picture_asks_for_a_keyframe, setup, teardown),
		cmocka_unit_test_setup_teardown(each_layer_counts_its_own_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(a_discardable_picture_goes_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(a_begun_picture_is_finished, setup, teardown),
		cmocka_unit_test_setup_teardown(video_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(data_gap_stands_between_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(
			control_behind_media_never_gets_old, setup, teardown),
		cmocka_unit_test_setup_teardown(forgets_a_source, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
