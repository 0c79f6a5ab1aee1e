/*
 * The session of libhelio against a fake reflector: joining, roster, publishing, media, chat,
 * leaving.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/sdk_fixture.h"

static const char *text_of(const json_t *message, const char *key)
{
	return json_string_value(json_object_get(message, key));
}

static long number_of(const json_t *message, const char *key)
{
	return (long)json_integer_value(json_object_get(message, key));
}

static void joins_and_leaves(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr;
	const uint8_t *payload;

	assert_int_equal(helio_leave(sdk->h), HELIO_ERR_STATE);
	sdk_join(sdk);
	assert_int_equal(helio_join(sdk->h), HELIO_ERR_STATE);
	assert_int_equal(helio_leave(sdk->h), 0);
	assert_int_equal(helio_leave(sdk->h), HELIO_ERR_STATE);
	json_decref(sdk_recv_json(sdk, "bye"));
	assert_false(sdk_recv(sdk, &hdr, &payload)); /* close_notify */
	sdk_close(sdk, true);
	sdk_expect(sdk, "CLOSED ok");
	sdk_expect_nothing(sdk);
	/* and again with the same handle */
	sdk_join(sdk);
}

static void says_hello(void **state)
{
	struct sdk *sdk = *state;

	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept(sdk);
	json_t *hello = sdk_hello(sdk);
	assert_string_equal(text_of(hello, "token"), "secret-token");
	assert_string_equal(text_of(hello, "room"), "demo");
	assert_string_equal(text_of(hello, "subscribe"), "all");
	assert_string_equal(text_of(hello, "client"), "libhelio/0.1.0");
	assert_int_equal(number_of(hello, "max_payload"), 16384);
	json_t *versions = json_object_get(hello, "versions");
	assert_int_equal(json_array_size(versions), 1);
	assert_int_equal(json_integer_value(json_array_get(versions, 0)), 1);
	assert_int_equal(json_array_size(json_object_get(hello, "capabilities")), 2);
	json_decref(hello);
}

static void reads_a_roster_of_pages(void **state)
{
	struct sdk *sdk = *state;

	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
	sdk_welcome(sdk, NULL);
	sdk_send_json(sdk,
		"{\"type\":\"roster\",\"more\":true,\"participants\":[{\"id\":\"bob\","
		"\"num\":9,\"name\":\"Bob\",\"streams\":[]}]}");
	sdk_sync(sdk);
	sdk_expect_nothing(sdk); /* nothing is told before all of it is here */
	sdk_send_json(sdk,
		"{\"type\":\"roster\",\"more\":false,\"participants\":[{\"id\":\"carol\","
		"\"num\":2,\"name\":\"Carol\",\"streams\":[{\"stream\":5,"
		"\"kind\":\"screen\",\"codec\":\"vp8\",\"label\":\"\"}]}]}");
	sdk_expect(sdk, "JOINED alice 3 Alice");
	sdk_expect(sdk, "PARTICIPANT_JOINED carol 2 Carol");
	sdk_expect(sdk, "STREAM_ADDED 5 screen vp8 '' of carol");
	sdk_expect(sdk, "PARTICIPANT_JOINED bob 9 Bob");
	sdk_sync(sdk);
	sdk_expect_nothing(sdk);
}

static void follows_the_roster(void **state)
{
	struct sdk *sdk = *state;
	struct helio_stats stats = { .size = sizeof(stats) };

	sdk_join(sdk);
	sdk_send_json(sdk,
		"{\"type\":\"joined\",\"participant\":{\"id\":\"carol+phone\",\"num\":4,"
		"\"name\":\"Carol\",\"streams\":[]}}");
	sdk_expect(sdk, "PARTICIPANT_JOINED carol+phone 4 Carol");
	sdk_send_json(sdk,
		"{\"type\":\"published\",\"stream\":11,\"kind\":\"data\",\"codec\":\"x\","
		"\"label\":\"l\",\"id\":\"carol+phone\",\"num\":4}");
	sdk_expect(sdk, "STREAM_ADDED 11 data x 'l' of carol+phone");
	sdk_send_json(sdk, "{\"type\":\"unpublished\",\"stream\":8,\"num\":1}");
	sdk_expect(sdk, "STREAM_REMOVED 8 video vp8 '' of bob");
	assert_int_equal(helio_get_stats(sdk->h, &stats), 0);
	assert_int_equal(stats.participants, 2);
	assert_int_equal(stats.endpoint_port, sdk->port);
	assert_string_equal(stats.endpoint_address, "127.0.0.1");
	sdk_send_json(sdk, "{\"type\":\"left\",\"id\":\"bob\",\"num\":1,\"reason\":\"too-slow\"}");
	sdk_expect(sdk, "STREAM_REMOVED 7 audio opus 'mic' of bob");
	sdk_expect(sdk, "PARTICIPANT_LEFT bob too-slow");
	sdk_send_json(
		sdk, "{\"type\":\"left\",\"id\":\"carol+phone\",\"num\":4,\"reason\":\"bye\"}");
	sdk_expect(sdk, "STREAM_REMOVED 11 data x 'l' of carol+phone");
	sdk_expect(sdk, "PARTICIPANT_LEFT carol+phone ok");
	sdk_send_json(sdk, "{\"type\":\"left\",\"id\":\"carol+phone\",\"num\":4}");
	sdk_sync(sdk);
	sdk_expect_nothing(sdk);
}

/* Publishes and lets the fake grant it. */
static int publish(struct sdk *sdk, enum helio_kind kind, unsigned stream)
{
	struct helio_stream wish = HELIO_STREAM_INIT;
	char line[64];
	int publication = 0;

	wish.kind = kind;
	wish.codec = kind == HELIO_AUDIO ? "opus" : "vp8";
	wish.label = "mine";
	assert_int_equal(helio_publish(sdk->h, &wish, &publication), 0);
	assert_true(publication > 0);
	json_t *request = sdk_recv_json(sdk, "publish");
	assert_string_equal(text_of(request, "codec"), wish.codec);
	assert_string_equal(text_of(request, "label"), "mine");
	sdk_send_json(sdk, "{\"type\":\"published\",\"req\":%ld,\"stream\":%u,\"kind\":\"%s\"}",
		number_of(request, "req"), stream, text_of(request, "kind"));
	snprintf(line, sizeof(line), "PUBLISHED %d %u %s", publication, stream,
		text_of(request, "kind"));
	json_decref(request);
	sdk_expect(sdk, line);
	return publication;
}

static void publishes_audio(void **state)
{
	struct sdk *sdk = *state;
	struct helio_frame frame = HELIO_FRAME_INIT;
	struct frame_hdr hdr;
	const uint8_t *payload;
	struct helio_stats stats = { .size = sizeof(stats) };

	sdk_join(sdk);
	assert_int_equal(helio_send(sdk->h, 1, &frame), HELIO_ERR_STATE);
	int publication = publish(sdk, HELIO_AUDIO, 20);
	for (unsigned i = 0; i < 5; i++) {
		char text[8] = { 'a', (char)('0' + i) };

		frame.payload = text;
		frame.length = i; /* 0 bytes are a frame too */
		frame.timestamp = 960 * i;
		frame.level = 10 + i;
		frame.flags = i == 0 ? HELIO_MARKER : HELIO_KEYFRAME;
		assert_int_equal(helio_send(sdk->h, publication, &frame), 0);
		memset(text, 0, sizeof(text)); /* it was copied */
	}
	for (unsigned i = 0; i < 5; i++) {
		assert_true(sdk_recv(sdk, &hdr, &payload));
		assert_int_equal(hdr.kind, FRAME_AUDIO);
		assert_int_equal(hdr.stream, 20);
		assert_int_equal(hdr.seq, i);
		assert_int_equal(hdr.timestamp, 960 * i);
		assert_int_equal(hdr.level, 10 + i);
		assert_int_equal(hdr.flags, FRAME_FIRST | FRAME_LAST | (i == 0 ? FRAME_MARKER : 0));
		assert_int_equal(hdr.length, i);
	}
	assert_int_equal(payload[1], '4');
	assert_int_equal(helio_get_stats(sdk->h, &stats), 0);
	assert_int_equal(stats.frames_sent, 5);
	assert_int_equal(stats.bytes_sent, 5 * 16 + 10);
	assert_int_equal(helio_buffered_ms(sdk->h), 0);
}

static void fragments_pictures(void **state)
{
	static const size_t sizes[] = { 0, 1, 16367, 16368, 16369, 32736, 32737, 500000,
		HELIO_FRAME_MAX };
	struct sdk *sdk = *state;
	struct helio_frame frame = HELIO_FRAME_INIT;
	uint8_t *picture = malloc(HELIO_FRAME_MAX + 1);
	uint16_t seq = 0;

	assert_non_null(picture);
	for (size_t i = 0; i <= HELIO_FRAME_MAX; i++) {
		picture[i] = (uint8_t)(i * 7 + i / 251);
	}
	sdk_join(sdk);
	int publication = publish(sdk, HELIO_VIDEO, 21);
	frame.payload = picture;
	frame.spatial = 2;
	frame.temporal = 1;
	for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
		struct frame_hdr hdr = { 0 };
		const uint8_t *payload;
		size_t got = 0;

		frame.length = sizes[n];
		frame.timestamp = (uint32_t)n;
		frame.flags = n % 2 == 0 ? HELIO_KEYFRAME : HELIO_DISCARDABLE;
		assert_int_equal(helio_send(sdk->h, publication, &frame), 0);
		do {
			assert_true(sdk_recv(sdk, &hdr, &payload));
			assert_int_equal(hdr.kind, FRAME_VIDEO);
			assert_int_equal(hdr.layer, 0x21);
			assert_int_equal(hdr.level, 0);
			assert_int_equal(hdr.timestamp, n);
			assert_int_equal(hdr.seq, seq++);
			assert_int_equal((hdr.flags & FRAME_FIRST) != 0, got == 0);
			assert_int_equal(hdr.flags & (FRAME_KEYFRAME | FRAME_DISCARDABLE),
				n % 2 == 0 ? FRAME_KEYFRAME : FRAME_DISCARDABLE);
			assert_true(got + hdr.length <= sizes[n]);
			if (hdr.length > 0) {
				assert_memory_equal(payload, picture + got, hdr.length);
			}
			got += hdr.length;
		} while ((hdr.flags & FRAME_LAST) == 0);
		assert_int_equal(got, sizes[n]);
	}
	frame.length = HELIO_FRAME_MAX + 1;
	assert_int_equal(helio_send(sdk->h, publication, &frame), HELIO_ERR_TOO_LARGE);
	free(picture);
}

static void audio_stands_between_fragments(void **state)
{
	struct sdk *sdk = *state;
	struct helio_frame frame = HELIO_FRAME_INIT;
	struct frame_hdr hdr;
	const uint8_t *payload;
	uint8_t *picture = calloc(1, 3000000);
	bool audio_came = false;

	assert_non_null(picture);
	sdk_join(sdk);
	int video = publish(sdk, HELIO_VIDEO, 21);
	int audio = publish(sdk, HELIO_AUDIO, 22);
	frame.payload = picture;
	frame.length = 3000000;
	frame.flags = HELIO_KEYFRAME;
	assert_int_equal(helio_send(sdk->h, video, &frame), 0);
	assert_true(sdk_recv(sdk, &hdr, &payload)); /* more than the kernel takes: some is left */
	frame.length = 10;
	frame.flags = 0;
	assert_int_equal(helio_send(sdk->h, audio, &frame), 0);
	do {
		assert_true(sdk_recv(sdk, &hdr, &payload));
		audio_came = audio_came || hdr.kind == FRAME_AUDIO;
	} while (hdr.kind == FRAME_AUDIO || (hdr.flags & FRAME_LAST) == 0);
	assert_true(audio_came);
	free(picture);
}

static void publish_is_refused(void **state)
{
	struct sdk *sdk = *state;
	struct helio_stream wish = HELIO_STREAM_INIT;
	int publication;

	sdk_join(sdk);
	wish.kind = HELIO_SCREEN;
	wish.codec = "vp8";
	assert_int_equal(helio_publish(sdk->h, &wish, &publication), 0);
	json_t *request = sdk_recv_json(sdk, "publish");
	assert_string_equal(text_of(request, "kind"), "screen");
	sdk_send_json(sdk,
		"{\"type\":\"error\",\"code\":\"not-granted\",\"text\":\"no\",\"req\":%ld}",
		number_of(request, "req"));
	json_decref(request);
	sdk_expect(sdk, "PUBLISH_FAILED 1 not-granted");
	assert_int_equal(helio_unpublish(sdk->h, publication), HELIO_ERR_STATE);
	assert_int_equal(publish(sdk, HELIO_AUDIO, 9), 2); /* ids are never used twice */
}

static void too_many_publications(void **state)
{
	struct sdk *sdk = *state;
	struct helio_stream wish = HELIO_STREAM_INIT;
	int publication;
	int err = 0;
	int count = 0;

	sdk_join(sdk);
	wish.kind = HELIO_AUDIO;
	wish.codec = "opus";
	while (err == 0 && count < 100) {
		err = helio_publish(sdk->h, &wish, &publication);
		count++;
	}
	assert_int_equal(err, HELIO_ERR_LIMIT);
	assert_int_equal(count, 17);
}

static void unpublishes_behind_its_media(void **state)
{
	struct sdk *sdk = *state;
	struct helio_frame frame = HELIO_FRAME_INIT;
	struct frame_hdr hdr;
	const uint8_t *payload;
	uint8_t *picture = calloc(1, 1000000);
	size_t got = 0;

	assert_non_null(picture);
	sdk_join(sdk);
	int publication = publish(sdk, HELIO_VIDEO, 21);
	frame.payload = picture;
	frame.length = 1000000;
	assert_int_equal(helio_send(sdk->h, publication, &frame), 0);
	assert_int_equal(helio_unpublish(sdk->h, publication), 0);
	assert_int_equal(helio_unpublish(sdk->h, publication), HELIO_ERR_STATE);
	assert_int_equal(helio_send(sdk->h, publication, &frame), HELIO_ERR_STATE);
	do {
		assert_true(sdk_recv(sdk, &hdr, &payload));
		assert_int_equal(hdr.kind, FRAME_VIDEO);
		got += hdr.length;
	} while ((hdr.flags & FRAME_LAST) == 0);
	assert_int_equal(got, 1000000);
	json_t *message = sdk_recv_json(sdk, "unpublish");
	assert_int_equal(number_of(message, "stream"), 21);
	json_decref(message);
	sdk_send_json(sdk, "{\"type\":\"unpublished\",\"stream\":21,\"num\":3}");
	sdk_expect(sdk, "UNPUBLISHED 1");
	free(picture);
}

static void unpublish_may_come_early(void **state)
{
	struct sdk *sdk = *state;
	struct helio_stream wish = HELIO_STREAM_INIT;
	int publication;

	sdk_join(sdk);
	wish.kind = HELIO_AUDIO;
	wish.codec = "opus";
	assert_int_equal(helio_publish(sdk->h, &wish, &publication), 0);
	assert_int_equal(helio_unpublish(sdk->h, publication), 0);
	json_t *request = sdk_recv_json(sdk, "publish");
	sdk_send_json(sdk, "{\"type\":\"published\",\"req\":%ld,\"stream\":30}",
		number_of(request, "req"));
	json_decref(request);
	sdk_expect(sdk, "PUBLISHED 1 30 audio");
	json_decref(sdk_recv_json(sdk, "unpublish"));
}

static void reflector_asks_and_tells(void **state)
{
	struct sdk *sdk = *state;

	sdk_join(sdk);
	publish(sdk, HELIO_VIDEO, 21);
	sdk_send_json(sdk, "{\"type\":\"keyframe\",\"stream\":21}");
	sdk_expect(sdk, "KEYFRAME_REQUEST 1");
	/* faster than it may: held back */
	sdk_send_json(sdk, "{\"type\":\"keyframe\",\"stream\":21}");
	sdk_send_json(sdk, "{\"type\":\"keyframe\",\"stream\":8}"); /* not ours */
	sdk_send_json(sdk,
		"{\"type\":\"drops\",\"stream\":8,\"class\":\"video\",\"reason\":\"age\","
		"\"count\":12,\"bytes\":90111}");
	sdk_expect(sdk, "DROPS 8 age 12 90111 0");
	sdk_send_json(sdk,
		"{\"type\":\"error\",\"code\":\"unknown-stream\",\"text\":\"a\\u001bb\","
		"\"about\":4}");
	sdk_expect(sdk, "ERROR unknown-stream a?b");
	sdk_send_json(sdk, "{\"type\":\"subscribed\",\"streams\":[7]}");
	sdk_send_json(sdk, "{\"type\":\"speakers\",\"streams\":[7]}"); /* a later version's */
	sdk_send_json(sdk, "{\"type\":\"speakers\",\"streams\":[7]}");
	json_t *refusal = sdk_recv_json(sdk, "error");
	assert_string_equal(text_of(refusal, "code"), "unknown-message");
	json_decref(refusal);
	sdk_sync(sdk); /* one refusal in a second is enough: the next frame is the pong */
	sdk_expect_nothing(sdk);
}

static void asks_about_streams(void **state)
{
	struct sdk *sdk = *state;

	assert_int_equal(helio_subscribe(sdk->h, 7), HELIO_ERR_STATE);
	sdk_join(sdk);
	assert_int_equal(helio_subscribe(sdk->h, 9), HELIO_ERR_UNKNOWN_STREAM);
	assert_int_equal(helio_set_layers(sdk->h, 8, 16, 0), HELIO_ERR_INVALID);
	assert_int_equal(helio_unsubscribe(sdk->h, 7), 0);
	assert_int_equal(helio_subscribe(sdk->h, 7), 0);
	assert_int_equal(helio_request_keyframe(sdk->h, 8), 0);
	assert_int_equal(helio_set_layers(sdk->h, 8, 1, 2), 0);
	json_decref(sdk_recv_json(sdk, "unsubscribe"));
	json_t *message = sdk_recv_json(sdk, "subscribe");
	json_t *streams = json_object_get(message, "streams");
	assert_int_equal(json_array_size(streams), 1);
	assert_int_equal(json_integer_value(json_array_get(streams, 0)), 7);
	json_decref(message);
	json_decref(sdk_recv_json(sdk, "keyframe"));
	message = sdk_recv_json(sdk, "layers");
	assert_int_equal(number_of(message, "stream"), 8);
	assert_int_equal(number_of(message, "spatial"), 1);
	assert_int_equal(number_of(message, "temporal"), 2);
	json_decref(message);
}

static void chats(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr;
	const uint8_t *payload;
	char big[4097] = { 0 };
	uint32_t id = 0;

	memset(big, 'x', sizeof(big));
	assert_int_equal(helio_chat(sdk->h, 0, "hi", 2, &id), HELIO_ERR_STATE);
	sdk_join(sdk);
	assert_int_equal(helio_chat(sdk->h, 0, "", 0, &id), HELIO_ERR_INVALID);
	assert_int_equal(helio_chat(sdk->h, 0, big, 4097, &id), HELIO_ERR_TOO_LARGE);
	assert_int_equal(helio_chat(sdk->h, 0, "hi", 2, &id), 0);
	assert_int_equal(id, 1);
	assert_int_equal(helio_chat(sdk->h, 1, big, 4096, NULL), 0);
	assert_true(sdk_recv(sdk, &hdr, &payload));
	assert_int_equal(hdr.kind, FRAME_CHAT);
	assert_int_equal(hdr.stream, 0);
	assert_int_equal(hdr.seq, 1);
	assert_int_equal(hdr.flags & FRAME_MARKER, 0);
	assert_int_equal(hdr.length, 2);
	assert_memory_equal(payload, "hi", 2);
	assert_true(sdk_recv(sdk, &hdr, &payload));
	assert_int_equal(hdr.stream, 1);
	assert_int_equal(hdr.seq, 2);
	assert_int_equal(hdr.flags, FRAME_MARKER);
	assert_int_equal(hdr.length, 4096);
	sdk_send_json(sdk, "{\"type\":\"chat-ack\",\"seq\":1,\"number\":1}");
	sdk_expect(sdk, "CHAT_DELIVERED 1");
	sdk_send_json(sdk,
		"{\"type\":\"error\",\"code\":\"unknown-participant\",\"about\":\"chat\","
		"\"seq\":2}");
	sdk_expect(sdk, "CHAT_FAILED 2 unknown-participant");
	sdk_send_json(sdk, "{\"type\":\"chat-ack\",\"seq\":1,\"number\":1}"); /* twice: ignored */
	sdk_sync(sdk);
	sdk_expect_nothing(sdk);
}

static void chat_is_received(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr = { .kind = FRAME_CHAT, .stream = 1, .timestamp = 5, .length = 5 };

	sdk_join(sdk);
	sdk_send_frame(sdk, &hdr, "hello");
	sdk_expect(sdk, "CHAT 1 bob Bob 0 5 hello");
	hdr.flags = FRAME_MARKER;
	hdr.stream = 77;
	sdk_send_frame(sdk, &hdr, "hello");
	sdk_expect(sdk, "CHAT 77   1 5 hello");
}

static void chat_is_bounded(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr;
	const uint8_t *payload;
	uint32_t id;

	sdk_join(sdk);
	for (unsigned i = 1; i <= 256; i++) {
		assert_int_equal(helio_chat(sdk->h, 0, "x", 1, &id), 0);
		assert_int_equal(id, i);
	}
	assert_int_equal(helio_chat(sdk->h, 0, "x", 1, &id), HELIO_ERR_FULL);
	sdk_send_json(sdk, "{\"type\":\"chat-ack\",\"seq\":200,\"number\":1}");
	sdk_expect(sdk, "CHAT_DELIVERED 200");
	assert_int_equal(helio_chat(sdk->h, 0, "x", 1, &id), 0);
	assert_int_equal(id, 257);
	for (unsigned i = 1; i <= 257; i++) {
		assert_true(sdk_recv(sdk, &hdr, &payload));
		assert_int_equal(hdr.seq, i);
	}
	/* at the end each of them is accounted for */
	sdk_close(sdk, true);
	for (unsigned i = 1; i <= 257; i++) {
		if (i != 200) {
			char line[64];

			snprintf(line, sizeof(line), "CHAT_FAILED %u closed", i);
			sdk_expect(sdk, line);
		}
	}
	sdk_expect(sdk, "CLOSED closed");
}

static void receives_media(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr = { .kind = FRAME_AUDIO,
		.flags = FRAME_MARKER,
		.level = 30,
		.stream = 7,
		.seq = 4,
		.timestamp = 960,
		.length = 3 };
	struct helio_stats stats = { .size = sizeof(stats) };

	sdk_join(sdk);
	sdk_send_frame(sdk, &hdr, "abc");
	hdr.length = 0;
	hdr.seq = 9; /* a gap in audio is no reason to hold back */
	sdk_send_frame(sdk, &hdr, "");
	sdk_send_video(sdk, 8, FRAME_KEYFRAME | FRAME_FIRST, 65535, 90, "01", 2);
	hdr.length = 1;
	sdk_send_frame(sdk, &hdr, "z"); /* stands between fragments */
	sdk_send_video(sdk, 8, FRAME_KEYFRAME, 0, 90, "2", 1);
	sdk_send_video(sdk, 8, FRAME_KEYFRAME | FRAME_LAST, 1, 90, "345", 3);
	hdr.stream = 999;
	sdk_send_frame(sdk, &hdr, "?"); /* nobody's: left out */
	sdk_wait_frames(sdk, 4);
	assert_int_equal(sdk->frames[0].frame.kind, HELIO_AUDIO);
	assert_int_equal(sdk->frames[0].frame.stream, 7);
	assert_int_equal(sdk->frames[0].frame.level, 30);
	assert_int_equal(sdk->frames[0].frame.flags, HELIO_MARKER);
	assert_int_equal(sdk->frames[0].frame.timestamp, 960);
	assert_int_equal(sdk->frames[0].frame.seq, 4);
	assert_memory_equal(sdk->frames[0].payload, "abc", 3);
	assert_int_equal(sdk->frames[1].frame.length, 0);
	assert_int_equal(sdk->frames[2].frame.length, 1);
	assert_int_equal(sdk->frames[3].frame.kind, HELIO_VIDEO);
	assert_int_equal(sdk->frames[3].frame.flags, HELIO_KEYFRAME);
	assert_int_equal(sdk->frames[3].frame.seq, 1);
	assert_int_equal(sdk->frames[3].frame.length, 6);
	assert_memory_equal(sdk->frames[3].payload, "012345", 6);
	sdk_sync(sdk);
	assert_int_equal(helio_get_stats(sdk->h, &stats), 0);
	assert_int_equal(stats.frames_received, 7);
	assert_int_equal(stats.pictures_incomplete, 0);
	sdk_expect_nothing(sdk);
}

static void asks_for_a_keyframe(void **state)
{
	struct sdk *sdk = *state;
	struct helio_stats stats = { .size = sizeof(stats) };

	sdk_join(sdk);
	sdk_send_video(sdk, 8, FRAME_KEYFRAME | FRAME_FIRST | FRAME_LAST, 0, 1, "K", 1);
	sdk_send_video(sdk, 8, FRAME_FIRST | FRAME_LAST, 2, 3, "p", 1); /* 1 is missing */
	sdk_send_video(sdk, 8, FRAME_FIRST | FRAME_LAST, 3, 4, "p", 1);
	json_t *message = sdk_recv_json(sdk, "keyframe");
	assert_int_equal(number_of(message, "stream"), 8);
	json_decref(message);
	sdk_sync(sdk); /* one request, not two */
	assert_int_equal(sdk->frame_count, 1);
	sdk_send_video(sdk, 8, FRAME_KEYFRAME | FRAME_FIRST | FRAME_LAST, 4, 5, "K", 1);
	sdk_send_video(sdk, 8, FRAME_FIRST | FRAME_LAST, 5, 6, "p", 1);
	sdk_wait_frames(sdk, 3);
	assert_int_equal(helio_get_stats(sdk->h, &stats), 0);
	assert_int_equal(stats.pictures_incomplete, 1);
}

/* ------------------------------------------------------------------ callbacks */

static void hook_uses_everything(struct sdk *sdk, const struct helio_event *event)
{
	struct helio_stream wish = HELIO_STREAM_INIT;
	struct helio_stats stats = { .size = sizeof(stats) };
	int publication;

	if (event->type == HELIO_EVENT_JOINED) {
		wish.kind = HELIO_AUDIO;
		wish.codec = "opus";
		assert_int_equal(helio_publish(sdk->h, &wish, &publication), 0);
		assert_int_equal(helio_chat(sdk->h, 0, "in", 2, NULL), 0);
		assert_int_equal(helio_get_stats(sdk->h, &stats), 0);
		assert_int_equal(helio_dispatch(sdk->h), HELIO_ERR_STATE);
		assert_true(helio_fd(sdk->h) >= 0);
		(void)helio_timeout_ms(sdk->h);
		assert_int_equal(helio_join(sdk->h), HELIO_ERR_STATE);
	}
	if (event->type == HELIO_EVENT_CHAT) {
		assert_int_equal(helio_leave(sdk->h), 0);
	}
	if (event->type == HELIO_EVENT_CLOSED) {
		assert_int_equal(helio_join(sdk->h), 0);
	}
}

static void callbacks_may_call(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr chat = { .kind = FRAME_CHAT, .stream = 1, .length = 1 };
	struct frame_hdr hdr;
	const uint8_t *payload;

	sdk->hook = hook_uses_everything;
	sdk_join(sdk);
	json_decref(sdk_recv_json(sdk, "publish"));
	assert_true(sdk_recv(sdk, &hdr, &payload));
	assert_int_equal(hdr.kind, FRAME_CHAT);
	sdk_send_json(sdk, "{\"type\":\"chat-ack\",\"seq\":1,\"number\":1}");
	sdk_send_frame(sdk, &chat, "x");
	json_decref(sdk_recv_json(sdk, "bye"));
	assert_false(sdk_recv(sdk, &hdr, &payload));
	sdk_close(sdk, true);
	sdk_expect(sdk, "CHAT_DELIVERED 1");
	sdk_expect(sdk, "CHAT 1 bob Bob 0 0 x");
	sdk_expect(sdk, "CLOSED ok");
	/* joined again from the callback of CLOSED */
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(joins_and_leaves, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(says_hello, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			reads_a_roster_of_pages, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			follows_the_roster, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(publishes_audio, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			fragments_pictures, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			audio_stands_between_fragments, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			publish_is_refused, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			too_many_publications, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			unpublishes_behind_its_media, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			unpublish_may_come_early, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			reflector_asks_and_tells, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			asks_about_streams, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(chats, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(chat_is_received, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(chat_is_bounded, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(receives_media, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			asks_for_a_keyframe, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			callbacks_may_call, sdk_setup_created, sdk_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
