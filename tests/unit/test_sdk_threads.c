/*
 * libhelio with a thread of its own, functions called from several threads at once, and a peer that
 * does not read. Made to be run under ThreadSanitizer too.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <cmocka.h>

#include "tests/unit/sdk_fixture.h"

/* ------------------------------------------------------------------ the handle's own thread */

struct seen {
	struct helio *h;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool joined, published, closed;
	int publication;
	unsigned chats, frames;
	int stop_in_callback;
	_Atomic int inside; /* callbacks that run now: never two */
};

static void on_event(struct helio *h, const struct helio_event *event, void *user)
{
	struct seen *seen = user;

	if (atomic_fetch_add(&seen->inside, 1) != 0) {
		abort();
	}
	pthread_mutex_lock(&seen->lock);
	switch (event->type) {
	case HELIO_EVENT_JOINED:
		seen->joined = true;
		seen->stop_in_callback = helio_thread_stop(h);
		break;
	case HELIO_EVENT_PUBLISHED:
		seen->published = true;
		break;
	case HELIO_EVENT_CHAT_DELIVERED:
		seen->chats++;
		break;
	case HELIO_EVENT_CLOSED:
		seen->closed = true;
		break;
	default:
		break;
	}
	pthread_cond_broadcast(&seen->changed);
	pthread_mutex_unlock(&seen->lock);
	atomic_fetch_sub(&seen->inside, 1);
}

static void on_frame(struct helio *h, const struct helio_frame *frame, void *user)
{
	struct seen *seen = user;

	(void)h;
	(void)frame;
	if (atomic_fetch_add(&seen->inside, 1) != 0) {
		abort();
	}
	pthread_mutex_lock(&seen->lock);
	seen->frames++;
	pthread_cond_broadcast(&seen->changed);
	pthread_mutex_unlock(&seen->lock);
	atomic_fetch_sub(&seen->inside, 1);
}

static void wait_for(struct seen *seen, const bool *flag)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	pthread_mutex_lock(&seen->lock);
	while (!*flag) {
		if (pthread_cond_timedwait(&seen->changed, &seen->lock, &until) == ETIMEDOUT) {
			pthread_mutex_unlock(&seen->lock);
			fail_msg("it never came");
		}
	}
	pthread_mutex_unlock(&seen->lock);
}

static void *chatter(void *user)
{
	struct seen *seen = user;
	struct helio_stats stats = { .size = sizeof(stats) };

	for (int i = 0; i < 50; i++) {
		(void)helio_chat(seen->h, 0, "hi", 2, NULL);
		(void)helio_get_stats(seen->h, &stats);
		(void)helio_buffered_ms(seen->h);
	}
	return NULL;
}

static void *sender(void *user)
{
	struct seen *seen = user;
	struct helio_frame frame = HELIO_FRAME_INIT;
	char payload[100] = { 0 };

	frame.payload = payload;
	frame.length = sizeof(payload);
	for (int i = 0; i < 200; i++) {
		(void)helio_send(seen->h, seen->publication, &frame);
	}
	return NULL;
}

/* Reads until everything of the threads came, acknowledging chat. */
static void serve(struct sdk *sdk, unsigned chats, unsigned frames)
{
	struct frame_hdr hdr;
	const uint8_t *payload;
	struct frame_hdr audio = { .kind = FRAME_AUDIO, .stream = 7, .length = 1 };

	while (chats > 0 || frames > 0) {
		assert_true(sdk_recv(sdk, &hdr, &payload));
		if (hdr.kind == FRAME_CHAT) {
			chats--;
			sdk_send_json(
				sdk, "{\"type\":\"chat-ack\",\"seq\":%u,\"number\":1}", hdr.seq);
			sdk_send_frame(sdk, &audio, "x");
		}
		frames -= hdr.kind == FRAME_AUDIO;
	}
}

static void runs_on_its_own_thread(void **state)
{
	struct sdk *sdk = *state;
	struct seen seen = { .lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER };
	struct helio_config config = HELIO_CONFIG_INIT;
	struct helio_callbacks callbacks = HELIO_CALLBACKS_INIT;
	struct helio_stream wish = HELIO_STREAM_INIT;
	pthread_t threads[3];
	struct frame_hdr hdr;
	const uint8_t *payload;

	config.token_answer = sdk->token_answer;
	callbacks.on_event = on_event;
	callbacks.on_frame = on_frame;
	assert_int_equal(helio_create(&seen.h, &config, &callbacks, &seen), 0);
	assert_int_equal(helio_thread_start(seen.h), 0);
	assert_int_equal(helio_thread_start(seen.h), HELIO_ERR_STATE);
	assert_int_equal(helio_dispatch(seen.h), HELIO_ERR_STATE);
	assert_int_equal(helio_join(seen.h), 0);
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
	sdk_welcome(sdk, NULL);
	sdk_send_json(sdk,
		"{\"type\":\"roster\",\"participants\":[{\"id\":\"bob\",\"num\":1,"
		"\"name\":\"B\",\"streams\":[{\"stream\":7,\"kind\":\"audio\","
		"\"codec\":\"opus\"}]}]}");
	wait_for(&seen, &seen.joined);
	assert_int_equal(seen.stop_in_callback, HELIO_ERR_STATE);
	wish.kind = HELIO_AUDIO;
	wish.codec = "opus";
	assert_int_equal(helio_publish(seen.h, &wish, &seen.publication), 0);
	json_t *request = sdk_recv_json(sdk, "publish");
	sdk_send_json(sdk, "{\"type\":\"published\",\"req\":%d,\"stream\":20}",
		(int)json_integer_value(json_object_get(request, "req")));
	json_decref(request);
	wait_for(&seen, &seen.published);
	assert_int_equal(pthread_create(&threads[0], NULL, chatter, &seen), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, sender, &seen), 0);
	assert_int_equal(pthread_create(&threads[2], NULL, chatter, &seen), 0);
	serve(sdk, 100, 200);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(helio_leave(seen.h), 0);
	json_decref(sdk_recv_json(sdk, "bye"));
	assert_false(sdk_recv(sdk, &hdr, &payload));
	sdk_close(sdk, true);
	wait_for(&seen, &seen.closed);
	assert_int_equal(seen.chats, 100);
	assert_int_equal(seen.frames, 100);
	assert_int_equal(helio_thread_stop(seen.h), 0);
	assert_int_equal(helio_thread_stop(seen.h), HELIO_ERR_STATE);
	assert_int_equal(helio_dispatch(seen.h), 0); /* the loop is ours again */
	assert_int_equal(helio_thread_start(seen.h), 0);
	helio_destroy(seen.h); /* stops it */
}

/* ------------------------------------------------------------------ a loop of ours, woken by
 * others */

static void *late_chat(void *user)
{
	struct sdk *sdk = user;

	(void)helio_chat(sdk->h, 0, "wake up", 7, NULL);
	return NULL;
}

static void other_threads_wake_the_loop(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr;
	const uint8_t *payload;
	pthread_t thread;

	sdk_create(sdk, NULL);
	sdk_join(sdk);
	sdk_sync(sdk);
	assert_int_equal(pthread_create(&thread, NULL, late_chat, sdk), 0);
	assert_true(sdk_recv(sdk, &hdr, &payload));
	assert_int_equal(hdr.kind, FRAME_CHAT);
	pthread_join(thread, NULL);
}

/* ------------------------------------------------------------------ a peer that does not read */

/* Sends pictures until the queue holds some for longer than they may wait. */
static void a_peer_that_does_not_read(void **state)
{
	struct sdk *sdk = *state;
	struct helio_config config = HELIO_CONFIG_INIT;
	struct helio_stream wish = HELIO_STREAM_INIT;
	struct helio_frame frame = HELIO_FRAME_INIT;
	struct helio_stats stats = { .size = sizeof(stats) };
	struct frame_hdr hdr;
	const uint8_t *payload;
	bool asked = false, dropped = false;
	uint32_t last = 0, pictures = 0;
	bool inside = false;
	int publication;
	int small = 4096;

	config.queue_video_ms = 100;
	assert_int_equal(
		setsockopt(sdk->listen_fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	sdk_create(sdk, &config);
	sdk_join(sdk);
	wish.kind = HELIO_VIDEO;
	wish.codec = "vp8";
	assert_int_equal(helio_publish(sdk->h, &wish, &publication), 0);
	json_t *request = sdk_recv_json(sdk, "publish");
	json_decref(request);
	sdk_send_json(sdk, "{\"type\":\"published\",\"req\":0,\"stream\":20}");
	sdk_expect(sdk, "PUBLISHED 1 20 video");
	frame.length = 200000;
	frame.payload = calloc(1, frame.length);
	for (uint32_t i = 1; i <= 10; i++) {
		frame.timestamp = i;
		frame.flags = i == 1 ? HELIO_KEYFRAME : 0;
		assert_int_equal(helio_send(sdk->h, publication, &frame), 0);
	}
	while (!asked || !dropped) {
		const char *line = sdk_next_event(sdk);

		asked = asked || strcmp(line, "KEYFRAME_REQUEST 1") == 0;
		dropped = dropped || strncmp(line, "DROPS 20 age ", 13) == 0;
	}
	assert_true(helio_buffered_ms(sdk->h) > 0); /* the picture that was begun */
	assert_int_equal(helio_send(sdk->h, publication, &frame), HELIO_ERR_FULL);
	frame.flags = HELIO_KEYFRAME;
	frame.timestamp = 5000;
	assert_int_equal(helio_send(sdk->h, publication, &frame), 0);
	/* now it reads: whole pictures, in a row of seq without a gap, and then the keyframe */
	uint16_t seq = 0;
	while (last != 5000 || inside) {
		assert_true(sdk_recv(sdk, &hdr, &payload));
		if (hdr.kind != FRAME_VIDEO) {
			continue;
		}
		assert_int_equal(hdr.seq, seq++);
		assert_int_equal((hdr.flags & FRAME_FIRST) != 0, !inside);
		assert_true(inside ? hdr.timestamp == last : hdr.timestamp > last);
		/* what follows a gap in time is a keyframe */
		assert_true(
			inside || hdr.timestamp == last + 1 || (hdr.flags & FRAME_KEYFRAME) != 0);
		last = hdr.timestamp;
		inside = (hdr.flags & FRAME_LAST) == 0;
		pictures += !inside;
	}
	assert_in_range(pictures, 2, 10);
	assert_int_equal(helio_get_stats(sdk->h, &stats), 0);
	assert_true(stats.frames_dropped_out > 0);
	free((void *)(uintptr_t)frame.payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(runs_on_its_own_thread, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			other_threads_wake_the_loop, sdk_setup, sdk_teardown),
		cmocka_unit_test_setup_teardown(a_peer_that_does_not_read, sdk_setup, sdk_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
