/*
 * frame, frame_queue and frame_policy: references, order of classes, every bound at one less, at
 * and one more, what goes by age, pictures kept whole, and that every drop is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "reflector/frame_policy.h"

#define KEY (FRAME_KEYFRAME | FRAME_FIRST | FRAME_LAST)
#define DELTA (FRAME_FIRST | FRAME_LAST)

static const struct frame_policy policy = { .audio_ms = 400, .video_ms = 1000, .bytes = 40000 };

struct bench {
	struct frame_pool pool;
	struct frame_queue queue;
	struct frame_feed audio, video, video2, data;
};

static int setup(void **state)
{
	struct bench *b = test_calloc(1, sizeof(*b));

	frame_pool_init(&b->pool);
	frame_queue_init(&b->queue, &b->pool);
	frame_policy_apply(&policy, &b->queue);
	b->queue.max_payload = 16384;
	frame_feed_init(&b->audio, 1, FRAME_CLASS_AUDIO);
	frame_feed_init(&b->video, 2, FRAME_CLASS_VIDEO);
	frame_feed_init(&b->video2, 3, FRAME_CLASS_VIDEO);
	frame_feed_init(&b->data, 4, FRAME_CLASS_DATA);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	frame_queue_finish(&b->queue);
	frame_pool_finish(&b->pool);
	test_free(b);
	return 0;
}

static struct frame *make(
	enum frame_kind kind, unsigned flags, unsigned seq, uint32_t length, uint64_t at_ms)
{
	struct frame_hdr hdr = { .kind = (uint8_t)kind,
		.flags = (uint8_t)flags,
		.seq = (uint16_t)seq,
		.timestamp = seq,
		.length = length };
	struct frame *frame = frame_create(&hdr, NULL, at_ms);

	assert_non_null(frame);
	memset(frame_payload(frame), (int)seq, length);
	return frame;
}

/* Offers and gives the own reference back. */
static bool offer(struct bench *b, struct frame_feed *feed, struct frame *frame, uint64_t now_ms)
{
	bool needs = frame_policy_offer(&policy, &b->queue, feed, frame, now_ms);

	frame_unref(frame);
	return needs;
}

static bool offer_video(
	struct bench *b, unsigned flags, unsigned seq, uint32_t length, uint64_t now_ms)
{
	return offer(b, &b->video, make(FRAME_VIDEO, flags, seq, length, now_ms), now_ms);
}

static unsigned count(const struct bench *b, enum frame_class c)
{
	return b->queue.lists[c].count;
}

static unsigned seq_at(const struct bench *b, enum frame_class c, unsigned index)
{
	const struct frame_entry *entry = b->queue.lists[c].head;

	while (index-- > 0) {
		entry = entry->next;
	}
	return entry->frame->hdr.seq;
}

static void drain(struct bench *b)
{
	uint8_t record[16384];

	while (frame_queue_gather(&b->queue, record, sizeof(record)) > 0) {
	}
}

static void test_references(void **state)
{
	struct bench *b = *state;
	struct frame *frame = make(FRAME_AUDIO, 0, 1, 10, 0);

	assert_int_equal(frame->len, FRAME_HDR_LEN + 10);
	assert_ptr_equal(frame_ref(frame), frame);
	assert_int_equal(frame->refs, 2);
	frame_unref(frame);
	assert_int_equal(frame_queue_push(&b->queue, FRAME_CLASS_AUDIO, frame, &b->audio), 0);
	assert_int_equal(frame->refs, 2);
	assert_int_equal(b->audio.queued, 1);
	frame_queue_clear(&b->queue);
	assert_int_equal(frame->refs, 1);
	assert_int_equal(b->audio.queued, 0);
	frame_unref(frame);
	frame_unref(NULL);
}

static void test_header_bytes_are_kept(void **state)
{
	static const uint8_t raw[FRAME_HDR_LEN] = { 2, 0x20, 0, 30, 0, 7, 0, 1, 0, 0, 3, 0xc0, 0, 0,
		0, 3 };
	struct frame_hdr hdr;
	int err;

	(void)state;
	assert_int_equal(frame_hdr_parse(&hdr, raw, sizeof(raw), 16384, &err), PARSE_DONE);
	struct frame *frame = frame_create_received(&hdr, raw, 5);
	assert_memory_equal(frame->bytes, raw, sizeof(raw));
	assert_int_equal(frame->arrived_ms, 5);
	frame_unref(frame);
}

static void test_order_of_classes(void **state)
{
	static const enum frame_class order[] = { FRAME_CLASS_DATA, FRAME_CLASS_VIDEO,
		FRAME_CLASS_CHAT, FRAME_CLASS_AUDIO, FRAME_CLASS_CONTROL };
	static const enum frame_kind kinds[] = { FRAME_DATA, FRAME_VIDEO, FRAME_CHAT, FRAME_AUDIO,
		FRAME_CONTROL };
	static const uint8_t expected[] = { FRAME_CONTROL, FRAME_AUDIO, FRAME_CHAT, FRAME_VIDEO,
		FRAME_DATA };
	struct bench *b = *state;
	uint8_t out[5 * FRAME_HDR_LEN + 1];

	for (size_t i = 0; i < 5; i++) {
		struct frame *frame = make(kinds[i], 0, 0, 0, 0);
		assert_int_equal(frame_queue_push(&b->queue, order[i], frame, NULL), 0);
		frame_unref(frame);
	}
	assert_int_equal(frame_queue_gather(&b->queue, out, sizeof(out)), 5 * FRAME_HDR_LEN);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(out[i * FRAME_HDR_LEN], expected[i]);
	}
	assert_true(frame_queue_empty(&b->queue));
	assert_int_equal(frame_queue_bytes(&b->queue), 0);
}

/* A frame that has been begun goes on before anything more urgent. */
static void test_begun_frame_goes_on(void **state)
{
	struct bench *b = *state;
	uint8_t out[64];

	assert_false(offer_video(b, KEY, 1, 100, 0));
	assert_int_equal(frame_queue_gather(&b->queue, out, 50), 50);
	struct frame *control = make(FRAME_CONTROL, 0, 9, 4, 0);
	assert_int_equal(frame_queue_push(&b->queue, FRAME_CLASS_CONTROL, control, NULL), 0);
	frame_unref(control);
	assert_int_equal(frame_queue_bytes(&b->queue), 66 + 20 + sizeof(struct frame_entry));
	frame_queue_clear(&b->queue);
	assert_int_equal(frame_queue_gather(&b->queue, out, 64), 64);
	assert_int_equal(frame_queue_gather(&b->queue, out, 64), 2);
	assert_true(frame_queue_empty(&b->queue));
}

static void test_control_bound(void **state)
{
	struct bench *b = *state;
	struct frame *frame = make(FRAME_CONTROL, 0, 1, 100, 0);
	size_t cost = frame_queue_cost(frame);

	b->queue.lists[FRAME_CLASS_CONTROL].bound = 3 * cost - 1;
	assert_int_equal(frame_queue_push(&b->queue, FRAME_CLASS_CONTROL, frame, NULL), 0);
	assert_int_equal(frame_queue_push(&b->queue, FRAME_CLASS_CONTROL, frame, NULL), 0);
	assert_int_equal(frame_queue_push(&b->queue, FRAME_CLASS_CONTROL, frame, NULL), ERR_FULL);
	b->queue.lists[FRAME_CLASS_CONTROL].bound++;
	assert_int_equal(frame_queue_push(&b->queue, FRAME_CLASS_CONTROL, frame, NULL), 0);
	assert_int_equal(frame_queue_push(&b->queue, FRAME_CLASS_CONTROL, frame, NULL), ERR_FULL);
	assert_int_equal(frame->refs, 4);
	frame_unref(frame);
}

static void test_pongs_are_counted(void **state)
{
	struct bench *b = *state;
	struct frame *pong = make(FRAME_PONG, 0, 0, 8, 0);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(frame_queue_push(&b->queue, FRAME_CLASS_CONTROL, pong, NULL), 0);
	}
	frame_unref(pong);
	assert_int_equal(b->queue.pongs, 3);
	drain(b);
	assert_int_equal(b->queue.pongs, 0);
}

/* Bound of audio: a quarter of 40000; frames that cost 1000 each: ten fit. */
static void test_audio_full(void **state)
{
	struct bench *b = *state;
	uint32_t length = 1000 - FRAME_HDR_LEN - sizeof(struct frame_entry);

	for (unsigned seq = 0; seq < 10; seq++) {
		assert_false(offer(b, &b->audio, make(FRAME_AUDIO, 0, seq, length, 0), 0));
	}
	assert_int_equal(count(b, FRAME_CLASS_AUDIO), 10);
	assert_int_equal(b->queue.dropped, 0);
	offer(b, &b->audio, make(FRAME_AUDIO, 0, 10, length, 0), 0);
	assert_int_equal(count(b, FRAME_CLASS_AUDIO), 10);
	assert_int_equal(seq_at(b, FRAME_CLASS_AUDIO, 0), 1);
	assert_int_equal(b->audio.drops[FRAME_DROP_FULL].count, 1);
	assert_int_equal(b->audio.drops[FRAME_DROP_FULL].bytes, FRAME_HDR_LEN + length);
	assert_int_equal(b->queue.dropped, 1);
	assert_false(list_empty(&b->queue.dropped_feeds));
	offer(b, &b->audio, make(FRAME_AUDIO, 0, 11, 9976 - FRAME_HDR_LEN + 1, 0), 0);
	assert_int_equal(count(b, FRAME_CLASS_AUDIO), 0);
}

static void test_audio_age(void **state)
{
	struct bench *b = *state;

	offer(b, &b->audio, make(FRAME_AUDIO, 0, 1, 10, 0), 0);
	offer(b, &b->audio, make(FRAME_AUDIO, 0, 2, 10, 1), 1);
	frame_policy_expire(&policy, &b->queue, 400);
	assert_int_equal(count(b, FRAME_CLASS_AUDIO), 2);
	assert_int_equal(frame_queue_age(&b->queue, 400), 400);
	frame_policy_expire(&policy, &b->queue, 401);
	assert_int_equal(count(b, FRAME_CLASS_AUDIO), 1);
	assert_int_equal(b->audio.drops[FRAME_DROP_AGE].count, 1);
	offer(b, &b->audio, make(FRAME_AUDIO, 0, 3, 10, 402), 402);
	assert_int_equal(count(b, FRAME_CLASS_AUDIO), 1);
	assert_int_equal(seq_at(b, FRAME_CLASS_AUDIO, 0), 3);
}

static void test_video_begins_at_a_keyframe(void **state)
{
	struct bench *b = *state;

	assert_true(offer_video(b, DELTA, 1, 10, 0));
	assert_true(offer_video(b, FRAME_KEYFRAME | FRAME_LAST, 2, 10, 0));
	assert_int_equal(count(b, FRAME_CLASS_VIDEO), 0);
	/* Nothing was promised, so nothing was dropped. */
	assert_int_equal(b->queue.dropped, 0);
	assert_false(offer_video(b, FRAME_KEYFRAME | FRAME_FIRST, 3, 10, 0));
	assert_false(offer_video(b, FRAME_KEYFRAME | FRAME_LAST, 4, 10, 0));
	assert_false(offer_video(b, DELTA, 5, 10, 0));
	assert_int_equal(count(b, FRAME_CLASS_VIDEO), 3);
}

/* Bound of video: half of 40000; frames that cost 5000 each: four fit. */
static void test_video_full_skips_to_keyframe(void **state)
{
	struct bench *b = *state;
	uint32_t length = 5000 - FRAME_HDR_LEN - sizeof(struct frame_entry);

	assert_false(offer_video(b, KEY, 0, length, 1));
	for (unsigned seq = 1; seq < 4; seq++) {
		assert_false(offer_video(b, DELTA, seq, length, 1));
	}
	assert_int_equal(count(b, FRAME_CLASS_VIDEO), 4);
	assert_true(offer_video(b, DELTA, 4, length, 1));
	assert_int_equal(b->video.drops[FRAME_DROP_FULL].count, 1);
	drain(b);
	/* There is room again, but no way to go on without a keyframe. */
	assert_true(offer_video(b, DELTA, 5, 10, 2));
	assert_int_equal(b->video.drops[FRAME_DROP_KEYFRAME].count, 1);
	assert_int_equal(count(b, FRAME_CLASS_VIDEO), 0);
	assert_false(offer_video(b, KEY, 6, 10, 3));
	assert_false(offer_video(b, DELTA, 7, 10, 4));
	assert_int_equal(count(b, FRAME_CLASS_VIDEO), 2);
	assert_int_equal(b->queue.dropped, 2);
}

/* The last fragment does not fit: the picture's others go with it, an earlier picture stays. */
static void test_picture_goes_whole(void **state)
{
	struct bench *b = *state;
	struct frame *frame;

	assert_false(offer_video(b, KEY, 1, 1000, 1));
	for (unsigned i = 0; i < 2; i++) {
		frame = make(FRAME_VIDEO, i == 0 ? FRAME_FIRST : 0, 2 + i, 8000, 1);
		frame->hdr.timestamp = 77;
		assert_false(offer(b, &b->video, frame, 1));
	}
	frame = make(FRAME_VIDEO, FRAME_LAST, 4, 8000, 1);
	frame->hdr.timestamp = 77;
	assert_true(offer(b, &b->video, frame, 1));
	assert_int_equal(count(b, FRAME_CLASS_VIDEO), 1);
	assert_int_equal(seq_at(b, FRAME_CLASS_VIDEO, 0), 1);
	assert_int_equal(b->video.drops[FRAME_DROP_FULL].count, 3);
}

/* A keyframe that does not fit takes the place of the older pictures, and only of its own stream.
 */
static void test_keyframe_makes_room(void **state)
{
	struct bench *b = *state;

	offer(b, &b->video2, make(FRAME_VIDEO, KEY, 50, 4000, 1), 1);
	assert_false(offer_video(b, KEY, 1, 7000, 1));
	assert_false(offer_video(b, DELTA, 2, 7000, 1));
	assert_false(offer_video(b, KEY, 3, 12000, 200));
	assert_int_equal(count(b, FRAME_CLASS_VIDEO), 2);
	assert_int_equal(seq_at(b, FRAME_CLASS_VIDEO, 0), 50);
	assert_int_equal(seq_at(b, FRAME_CLASS_VIDEO, 1), 3);
	assert_int_equal(b->video.drops[FRAME_DROP_FULL].count, 2);
	assert_int_equal(b->video2.drops[FRAME_DROP_FULL].count, 0);
}

/* What has begun to leave is not dropped in its middle, not by age and not for a keyframe. */
static void test_no_drop_inside_a_picture(void **state)
{
	struct bench *b = *state;
	uint8_t out[FRAME_HDR_LEN + 100];

	assert_false(offer_video(b, FRAME_KEYFRAME | FRAME_FIRST, 1, 100, 0));
	assert_false(offer_video(b, FRAME_KEYFRAME, 2, 100, 0));
	assert_false(offer_video(b, FRAME_KEYFRAME | FRAME_LAST, 3, 100, 0));
	assert_false(offer_video(b, DELTA, 4, 100, 0));
	assert_int_equal(frame_queue_gather(&b->queue, out, sizeof(out)), sizeof(out));
	frame_policy_expire(&policy, &b->queue, 5000);
	assert_int_equal(count(b, FRAME_CLASS_VIDEO), 2);
	assert_int_equal(seq_at(b, FRAME_CLASS_VIDEO, 0), 2);
	assert_int_equal(b->video.drops[FRAME_DROP_AGE].count, 1);
	assert_true(b->queue.wants_keyframe);
	assert_true(b->video.wants_keyframe);
	assert_true(offer_video(b, DELTA, 5, 10, 5000));
}

/* By age: up to the next keyframe in the queue, if there is one that is young enough. */
static void test_video_age_goes_to_keyframe(void **state)
{
	struct bench *b = *state;

	assert_false(offer_video(b, KEY, 1, 100, 0));
	assert_false(offer_video(b, DELTA, 2, 100, 900));
	assert_false(offer_video(b, KEY, 3, 100, 950));
	offer(b, &b->video2, make(FRAME_VIDEO, KEY, 60, 100, 960), 960);
	frame_policy_expire(&policy, &b->queue, 1000);
	assert_int_equal(count(b, FRAME_CLASS_VIDEO), 4);
	frame_policy_expire(&policy, &b->queue, 1001);
	assert_int_equal(count(b, FRAME_CLASS_VIDEO), 2);
	assert_int_equal(seq_at(b, FRAME_CLASS_VIDEO, 0), 3);
	assert_int_equal(b->video.drops[FRAME_DROP_AGE].count, 1);
	assert_int_equal(b->video.drops[FRAME_DROP_KEYFRAME].count, 1);
	assert_false(b->queue.wants_keyframe);
	assert_false(offer_video(b, DELTA, 4, 100, 1001));
}

static void test_data_goes_to_next_first(void **state)
{
	struct bench *b = *state;

	offer(b, &b->data, make(FRAME_DATA, 0, 1, 10, 0), 0);
	assert_int_equal(count(b, FRAME_CLASS_DATA), 0);
	assert_false(offer(b, &b->data, make(FRAME_DATA, FRAME_FIRST, 2, 8000, 0), 0));
	struct frame *rest = make(FRAME_DATA, FRAME_LAST, 3, 8000, 0);
	rest->hdr.timestamp = 2;
	assert_false(offer(b, &b->data, rest, 0));
	assert_int_equal(count(b, FRAME_CLASS_DATA), 0);
	assert_int_equal(b->data.drops[FRAME_DROP_FULL].count, 2);
	assert_false(offer(b, &b->data, make(FRAME_DATA, DELTA, 4, 10, 0), 0));
	assert_int_equal(count(b, FRAME_CLASS_DATA), 1);
}

static void test_frames_over_the_receivers_limit(void **state)
{
	struct bench *b = *state;

	b->queue.max_payload = 1200;
	assert_false(offer_video(b, KEY, 1, 1200, 0));
	assert_true(offer_video(b, KEY, 2, 1201, 0));
	offer(b, &b->audio, make(FRAME_AUDIO, 0, 1, 1201, 0), 0);
	assert_int_equal(b->queue.dropped, 2);
	assert_int_equal(count(b, FRAME_CLASS_AUDIO), 0);
}

static void test_gone_feed_is_spent_when_drained(void **state)
{
	struct bench *b = *state;

	assert_false(offer_video(b, KEY, 1, 10, 0));
	b->video.gone = true;
	assert_true(list_empty(&b->queue.spent_feeds));
	drain(b);
	assert_ptr_equal(b->queue.spent_feeds.next, &b->video.node);
	list_remove(&b->video.node);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_references),
		CASE(test_header_bytes_are_kept),
		CASE(test_order_of_classes),
		CASE(test_begun_frame_goes_on),
		CASE(test_control_bound),
		CASE(test_pongs_are_counted),
		CASE(test_audio_full),
		CASE(test_audio_age),
		CASE(test_video_begins_at_a_keyframe),
		CASE(test_video_full_skips_to_keyframe),
		CASE(test_picture_goes_whole),
		CASE(test_keyframe_makes_room),
		CASE(test_no_drop_inside_a_picture),
		CASE(test_video_age_goes_to_keyframe),
		CASE(test_data_goes_to_next_first),
		CASE(test_frames_over_the_receivers_limit),
		CASE(test_gone_feed_is_spent_when_drained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
