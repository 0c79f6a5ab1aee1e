/*
 * A reflector that lies: whatever it sends, libhelio stays within its bounds and ends the session
 * with a named error where it cannot go on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "client-sdk/loop.h"
#include "tests/unit/sdk_fixture.h"

static void say_hello(struct sdk *sdk)
{
	assert_int_equal(helio_join(sdk->h), 0);
	sdk_accept(sdk);
	json_decref(sdk_hello(sdk));
}

static void expect_closed(struct sdk *sdk, const char *error, const char *what)
{
	char line[64];
	const char *told = sdk_next_event(sdk);

	snprintf(line, sizeof(line), "CLOSED %s", error);
	if (strcmp(told, line) != 0) {
		fail_msg("'%s': %s instead of %s", what, told, line);
	}
	sdk_expect_nothing(sdk);
	sdk_close(sdk, false);
}

struct lie {
	const char *error;
	const char *json;
};

static void lies_before_the_welcome(void **state)
{
	static const struct lie lies[] = {
		{ "bad-json", "" },
		{ "bad-json", "{" },
		{ "bad-json", "[]" },
		{ "bad-json", "{\"type\":\"welcome\",\"type\":\"welcome\"}" },
		{ "bad-json", "{\"type\":\"welcome\",\"x\":\"\xff\"}" },
		{ "bad-json", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[" },
		{ "bad-field", "{}" },
		{ "bad-field", "{\"type\":1}" },
		{ "bad-field", "{\"type\":\"welcome\"}" },
		{ "bad-field", "{\"type\":\"error\"}" },
		{ "bad-field", "{\"type\":\"error\",\"code\":\"ok\"}" },
		{ "internal", "{\"type\":\"error\",\"code\":\"of-a-later-time\"}" },
		{ "closed", "{\"type\":\"bye\"}" },
		{ "internal", "{\"type\":\"bye\",\"reason\":7}" },
		{ "hello-expected", "{\"type\":\"roster\",\"participants\":[]}" },
		{ "hello-expected", "{\"type\":\"speakers\"}" },
	};
	struct sdk *sdk = *state;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		say_hello(sdk);
		sdk_send_json(sdk, "%s", lies[i].json);
		expect_closed(sdk, lies[i].error, lies[i].json);
	}
}

static void bad_welcomes(void **state)
{
	static const struct lie lies[] = {
		{ "version", "{\"version\":2}" },
		{ "bad-field", "{\"version\":\"1\"}" },
		{ "bad-field", "{\"room\":\"other\"}" },
		{ "bad-field", "{\"max_payload\":1199}" },
		{ "bad-field", "{\"max_payload\":16385}" },
		{ "bad-field", "{\"max_payload\":-1}" },
		{ "bad-field", "{\"heartbeat_ms\":0}" },
		{ "bad-field", "{\"heartbeat_ms\":9223372036854775807}" },
		{ "bad-field", "{\"capabilities\":\"chat\"}" },
		{ "bad-field", "{\"participant\":[]}" },
		{ "bad-field", "{\"participant\":{\"id\":\"alice\",\"num\":0,\"name\":\"A\"}}" },
		{ "bad-field",
			"{\"participant\":{\"id\":\"alice\",\"num\":65536,\"name\":\"A\"}}" },
		{ "bad-field", "{\"participant\":{\"id\":\"a b\",\"num\":1,\"name\":\"A\"}}" },
		{ "bad-field",
			"{\"participant\":{\"id\":\"a\",\"num\":1,\"name\":\"A\\u001b[0m\"}}" },
	};
	struct sdk *sdk = *state;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		say_hello(sdk);
		sdk_welcome(sdk, lies[i].json);
		expect_closed(sdk, lies[i].error, lies[i].json);
	}
}

static void frames_before_the_welcome(void **state)
{
	struct sdk *sdk = *state;

	for (uint8_t kind = FRAME_AUDIO; kind <= FRAME_CHAT; kind++) {
		struct frame_hdr hdr = { .kind = kind, .stream = 7, .length = 1 };

		say_hello(sdk);
		sdk_send_frame(sdk, &hdr, "x");
		expect_closed(sdk, "bad-frame", "media before welcome");
	}
	say_hello(sdk);
	struct frame_hdr hdr = { .kind = FRAME_CONTROL, .length = 8193 };
	uint8_t bytes[FRAME_HDR_LEN];
	frame_hdr_write(&hdr, bytes);
	sdk_send_bytes(sdk, bytes, sizeof(bytes));
	expect_closed(sdk, "too-large", "8193 bytes before welcome");
}

static void join_again(struct sdk *sdk)
{
	sdk_join(sdk);
	sdk_sync(sdk);
}

static void lies_in_the_room(void **state)
{
	static const struct lie lies[] = {
		{ "second-hello", "{\"type\":\"welcome\"}" },
		{ "bad-json", "x" },
		{ "bad-field", "{\"type\":\"roster\"}" },
		{ "bad-field", "{\"type\":\"roster\",\"participants\":[7]}" },
		{ "bad-field", "{\"type\":\"joined\"}" },
		{ "bad-field",
			"{\"type\":\"joined\",\"participant\":{\"id\":\"eve\",\"num\":1,"
			"\"name\":\"Eve\",\"streams\":[]}}" },
		{ "bad-field",
			"{\"type\":\"joined\",\"participant\":{\"id\":\"eve\",\"num\":3,"
			"\"name\":\"Eve\",\"streams\":[]}}" },
		{ "bad-field",
			"{\"type\":\"joined\",\"participant\":{\"id\":\"eve\",\"num\":4,"
			"\"name\":\"\",\"streams\":[]}}" },
		{ "bad-field", "{\"type\":\"left\"}" },
		{ "bad-field", "{\"type\":\"left\",\"num\":\"1\"}" },
		{ "bad-field", "{\"type\":\"published\",\"stream\":70}" },
		{ "bad-field", "{\"type\":\"published\",\"req\":1,\"stream\":70}" },
		{ "bad-field",
			"{\"type\":\"published\",\"num\":9,\"stream\":70,"
			"\"kind\":\"audio\",\"codec\":\"opus\"}" },
		{ "bad-field",
			"{\"type\":\"published\",\"num\":1,\"stream\":0,"
			"\"kind\":\"audio\",\"codec\":\"opus\"}" },
		{ "bad-field",
			"{\"type\":\"published\",\"num\":1,\"stream\":70,"
			"\"kind\":\"smell\",\"codec\":\"opus\"}" },
		{ "bad-field",
			"{\"type\":\"published\",\"num\":1,\"stream\":70,"
			"\"kind\":\"audio\",\"codec\":\"\"}" },
		{ "bad-field",
			"{\"type\":\"published\",\"num\":1,\"stream\":7,"
			"\"kind\":\"video\",\"codec\":\"vp8\"}" },
		{ "bad-field", "{\"type\":\"unpublished\"}" },
		{ "bad-field", "{\"type\":\"keyframe\",\"stream\":-1}" },
		{ "bad-field", "{\"type\":\"drops\",\"stream\":7}" },
		{ "bad-field", "{\"type\":\"chat-ack\",\"seq\":65536}" },
		{ "not-granted", "{\"type\":\"error\",\"code\":\"not-granted\",\"fatal\":true}" },
		{ "bad-field", "{\"type\":\"error\",\"code\":\"limit\",\"fatal\":1}" },
	};
	struct sdk *sdk = *state;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		join_again(sdk);
		sdk_send_json(sdk, "%s", lies[i].json);
		expect_closed(sdk, lies[i].error, lies[i].json);
	}
}

static void bad_frames(void **state)
{
	static const struct {
		const char *error;
		struct frame_hdr hdr;
	} lies[] = {
		{ "bad-frame", { .kind = 0 } }, { "bad-frame", { .kind = 8 } },
		{ "bad-frame", { .kind = FRAME_AUDIO, .flags = 0x40 } },
		{ "bad-frame", { .kind = FRAME_AUDIO, .level = 128 } },
		{ "too-large", { .kind = FRAME_AUDIO, .length = 16385 } },
		{ "too-large", { .kind = FRAME_VIDEO, .length = UINT32_MAX } },
		{ "bad-frame", { .kind = FRAME_VIDEO, .stream = 7 } }, /* 7 is audio */
		{ "bad-frame", { .kind = FRAME_AUDIO, .stream = 8 } }, /* 8 is video */
		{ "bad-frame", { .kind = FRAME_DATA, .stream = 8 } },
		{ "bad-frame", { .kind = FRAME_CHAT, .stream = 1 } }, /* empty */
		{ "bad-json", { .kind = FRAME_CONTROL } }, /* empty */
	};
	struct sdk *sdk = *state;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		uint8_t bytes[FRAME_HDR_LEN];
		char what[32];

		join_again(sdk);
		frame_hdr_write(&lies[i].hdr, bytes);
		sdk_send_bytes(sdk, bytes, sizeof(bytes));
		snprintf(what, sizeof(what), "frame %zu", i);
		expect_closed(sdk, lies[i].error, what);
	}
}

static void frames_over_their_own_limit(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr = { .kind = FRAME_CHAT, .stream = 1, .length = 4097 };
	char *big = calloc(1, 16384);

	assert_non_null(big);
	join_again(sdk);
	sdk_send_frame(sdk, &hdr, big);
	expect_closed(sdk, "too-large", "chat");
	join_again(sdk);
	hdr.kind = FRAME_PING;
	hdr.length = 65;
	sdk_send_frame(sdk, &hdr, big);
	expect_closed(sdk, "bad-frame", "ping");
	join_again(sdk);
	hdr.kind = FRAME_PONG;
	sdk_send_frame(sdk, &hdr, big);
	expect_closed(sdk, "bad-frame", "pong");
	free(big);
}

/* A cut inside a frame is a cut, not a goodbye. */
static void cut_inside_a_frame(void **state)
{
	struct sdk *sdk = *state;

	join_again(sdk);
	sdk_send_bytes(sdk, "\x02", 1);
	sdk_close(sdk, false);
	sdk_expect(sdk, "CLOSED lost");
}

/* One byte at a time is slow, not wrong. */
static void byte_by_byte(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr = { .kind = FRAME_AUDIO, .stream = 7, .length = 3 };
	uint8_t bytes[FRAME_HDR_LEN + 3] = { 0 };

	join_again(sdk);
	frame_hdr_write(&hdr, bytes);
	memcpy(bytes + FRAME_HDR_LEN, "abc", 3);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		sdk_send_bytes(sdk, bytes + i, 1);
		sdk_turn(sdk, -1, 0);
	}
	sdk_wait_frames(sdk, 1);
	assert_memory_equal(sdk->frames[0].payload, "abc", 3);
}

/* A hundred thousand pings without reading: the answers do not pile up. */
static void ping_flood(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr = { .kind = FRAME_PING, .length = 64 };
	const uint8_t *payload;
	static uint8_t burst[200 * (FRAME_HDR_LEN + 64)];
	unsigned pongs = 0;

	join_again(sdk);
	memset(burst, 'p', sizeof(burst));
	for (size_t i = 0; i < 200; i++) {
		frame_hdr_write(&hdr, burst + i * (FRAME_HDR_LEN + 64));
	}
	for (int i = 0; i < 500; i++) {
		sdk_send_bytes(sdk, burst, sizeof(burst));
		sdk_turn(sdk, -1, 0);
	}
	hdr.kind = FRAME_CHAT;
	hdr.stream = 1;
	hdr.length = 1;
	sdk_send_frame(sdk, &hdr, "x");
	sdk_expect(sdk, "CHAT 1 bob Bob 0 0 x");
	/* The kernel's buffers hold some; what is counted is that they are far fewer than the
	 * pings. */
	assert_int_equal(helio_chat(sdk->h, 0, "end", 3, NULL), 0);
	do {
		assert_true(sdk_recv(sdk, &hdr, &payload));
		pongs += hdr.kind == FRAME_PONG;
	} while (hdr.kind != FRAME_CHAT);
	assert_in_range(pongs, 1, 60000);
}

/* More participants than a room may have. */
static void too_many_participants(void **state)
{
	struct sdk *sdk = *state;
	static char page[12000];
	unsigned number = 10;

	say_hello(sdk);
	sdk_welcome(sdk, NULL);
	while (number < 2011) {
		size_t len = 0;

		for (unsigned i = 0; i < 100 && number < 2011; i++, number++) {
			len += (size_t)snprintf(page + len, sizeof(page) - len,
				"%s{\"id\":\"p%u\",\"num\":%u,\"name\":\"P\",\"streams\":[]}",
				i > 0 ? "," : "", number, number);
		}
		sdk_send_json(
			sdk, "{\"type\":\"roster\",\"more\":true,\"participants\":[%s]}", page);
		sdk_turn(sdk, -1, 0);
	}
	expect_closed(sdk, "limit", "2001 participants");
}

static void the_largest_room(void **state)
{
	struct sdk *sdk = *state;
	static char page[16000];
	unsigned number = 10;
	unsigned stream = 1;

	say_hello(sdk);
	sdk_welcome(sdk, NULL);
	while (number < 2010) {
		size_t len = 0;

		for (unsigned i = 0; i < 50; i++, number++, stream += 2) {
			len += (size_t)snprintf(page + len, sizeof(page) - len,
				"%s{\"id\":\"p%u\",\"num\":%u,\"name\":\"P\",\"streams\":["
				"{\"stream\":%u,\"kind\":\"audio\",\"codec\":\"opus\"},"
				"{\"stream\":%u,\"kind\":\"video\",\"codec\":\"vp8\"}]}",
				i > 0 ? "," : "", number, number, stream, stream + 1);
		}
		sdk_send_json(sdk, "{\"type\":\"roster\",\"more\":%s,\"participants\":[%s]}",
			number < 2010 ? "true" : "false", page);
		sdk_turn(sdk, -1, 0);
	}
	for (unsigned i = 0; i < 1 + 2000 * 3; i++) {
		(void)sdk_next_event(sdk);
	}
	sdk_sync(sdk);
	sdk_expect_nothing(sdk);
	/* one more is too many */
	sdk_send_json(sdk,
		"{\"type\":\"joined\",\"participant\":{\"id\":\"last\",\"num\":9999,"
		"\"name\":\"L\",\"streams\":[]}}");
	expect_closed(sdk, "limit", "participant 2001");
}

static void too_many_streams(void **state)
{
	struct sdk *sdk = *state;

	join_again(sdk);
	for (unsigned i = 0; i < 6; i++) {
		sdk_send_json(sdk,
			"{\"type\":\"published\",\"num\":1,\"stream\":%u,\"kind\":\"data\","
			"\"codec\":\"x\"}",
			100 + i);
		(void)sdk_next_event(sdk);
	}
	sdk_send_json(sdk,
		"{\"type\":\"published\",\"num\":1,\"stream\":106,\"kind\":\"data\","
		"\"codec\":\"x\"}");
	expect_closed(sdk, "limit", "nine streams");
}

/* Eight publishers whose pictures all depend on one that nobody has: asking for each of their 64
 * streams twice a second would be more than the reflector takes. */
static void keyframe_requests_are_paced(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr hdr = { .kind = FRAME_PING };
	const uint8_t *payload;
	unsigned asked = 0;
	int64_t begin;

	join_again(sdk);
	for (unsigned i = 0; i < 64; i++) {
		if (i % 8 == 0) {
			sdk_send_json(sdk,
				"{\"type\":\"joined\",\"participant\":{\"id\":\"p%u\",\"num\":%u,"
				"\"name\":\"P\",\"streams\":[]}}",
				100 + i / 8, 100 + i / 8);
			(void)sdk_next_event(sdk);
		}
		sdk_send_json(sdk,
			"{\"type\":\"published\",\"num\":%u,\"stream\":%u,\"kind\":\"video\","
			"\"codec\":\"vp8\"}",
			100 + i / 8, 100 + i);
		(void)sdk_next_event(sdk);
	}
	begin = loop_now_ms();
	for (unsigned i = 0; i < 64; i++) {
		sdk_send_video(
			sdk, (uint16_t)(100 + i), FRAME_FIRST | FRAME_LAST, 7, 3000, "delta", 5);
	}
	sdk_send_frame(sdk, &hdr, NULL);
	while (sdk_recv(sdk, &hdr, &payload) && hdr.kind != FRAME_PONG) {
		asked += hdr.kind == FRAME_CONTROL;
	}
	assert_true(asked >= 1);
	assert_true(asked <= 2 + (loop_now_ms() - begin) / 50);
}

/* The grant of a stream that is somebody else's, or ours already. */
static void published_twice(void **state)
{
	struct sdk *sdk = *state;
	struct helio_stream wish = HELIO_STREAM_INIT;
	int publication;

	wish.kind = HELIO_AUDIO;
	wish.codec = "opus";
	join_again(sdk);
	assert_int_equal(helio_publish(sdk->h, &wish, &publication), 0);
	json_decref(sdk_recv_json(sdk, "publish"));
	sdk_send_json(sdk, "{\"type\":\"published\",\"req\":0,\"stream\":7}");
	expect_closed(sdk, "bad-field", "stream of bob");
	join_again(sdk);
	assert_int_equal(helio_publish(sdk->h, &wish, &publication), 0);
	json_t *request = sdk_recv_json(sdk, "publish");
	long req = (long)json_integer_value(json_object_get(request, "req"));
	json_decref(request);
	sdk_send_json(sdk, "{\"type\":\"published\",\"req\":%ld,\"stream\":70}", req);
	(void)sdk_next_event(sdk);
	sdk_send_json(sdk, "{\"type\":\"published\",\"req\":%ld,\"stream\":71}", req);
	expect_closed(sdk, "bad-field", "granted twice");
}

/* Our stream taken away while a picture of it is half sent. */
static void unpublished_under_load(void **state)
{
	struct sdk *sdk = *state;
	struct helio_stream wish = HELIO_STREAM_INIT;
	struct helio_frame frame = HELIO_FRAME_INIT;
	int publication;

	wish.kind = HELIO_VIDEO;
	wish.codec = "vp8";
	join_again(sdk);
	assert_int_equal(helio_publish(sdk->h, &wish, &publication), 0);
	json_decref(sdk_recv_json(sdk, "publish"));
	sdk_send_json(sdk, "{\"type\":\"published\",\"req\":0,\"stream\":70}");
	(void)sdk_next_event(sdk);
	frame.length = HELIO_FRAME_MAX;
	frame.payload = calloc(1, frame.length);
	assert_int_equal(helio_send(sdk->h, publication, &frame), 0);
	assert_int_equal(helio_send(sdk->h, publication, &frame), 0);
	sdk_turn(sdk, -1, 0);
	free((void *)(uintptr_t)frame.payload);
	sdk_send_json(sdk, "{\"type\":\"unpublished\",\"stream\":70,\"num\":3}");
	sdk_expect(sdk, "UNPUBLISHED 1");
	assert_int_equal(helio_buffered_ms(sdk->h), 0);
	sdk_turn(sdk, -1, 0);
}

/* Nothing is told before JOINED, whatever comes early. */
static void early_birds(void **state)
{
	struct sdk *sdk = *state;
	struct frame_hdr chat = { .kind = FRAME_CHAT, .stream = 1, .length = 1 };
	struct frame_hdr audio = { .kind = FRAME_AUDIO, .stream = 7, .length = 1 };

	say_hello(sdk);
	sdk_welcome(sdk, NULL);
	sdk_send_json(sdk,
		"{\"type\":\"joined\",\"participant\":{\"id\":\"carol\",\"num\":4,"
		"\"name\":\"C\",\"streams\":[]}}");
	sdk_send_json(sdk, "{\"type\":\"left\",\"num\":4}");
	sdk_send_frame(sdk, &chat, "x");
	sdk_send_frame(sdk, &audio, "x");
	sdk_send_json(sdk, "{\"type\":\"drops\",\"stream\":7,\"reason\":\"age\",\"count\":1}");
	sdk_send_json(sdk, "{\"type\":\"error\",\"code\":\"limit\"}");
	sdk_send_json(sdk, "{\"type\":\"chat-ack\",\"seq\":1,\"number\":1}");
	sdk_send_json(sdk, "{\"type\":\"keyframe\",\"stream\":1}");
	sdk_sync(sdk);
	sdk_expect_nothing(sdk);
	sdk_send_json(sdk, "{\"type\":\"roster\",\"participants\":[]}");
	sdk_expect(sdk, "JOINED alice 3 Alice");
	sdk_sync(sdk);
	sdk_expect_nothing(sdk);
	assert_int_equal(sdk->frame_count, 0);
}

static void texts_for_people_are_cleaned(void **state)
{
	struct sdk *sdk = *state;
	char text[800];
	char line[300];

	join_again(sdk);
	/* escape, C1 control sequence introducer, right-to-left override */
	sdk_send_json(sdk,
		"{\"type\":\"error\",\"code\":\"limit\",\"text\":"
		"\"a\\u001b[31m\xc2\x9b\xe2\x80\xae\xc3\xa4\"}");
	sdk_expect(sdk, "ERROR limit a?[31m??\xc3\xa4");
	/* cut between characters of two bytes */
	for (size_t i = 0; i < 798; i += 2) {
		memcpy(text + i, "\xc3\xa4", 3);
	}
	sdk_send_json(sdk, "{\"type\":\"error\",\"code\":\"limit\",\"text\":\"%s\"}", text);
	snprintf(line, sizeof(line), "ERROR limit %.254s", text);
	sdk_expect(sdk, line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			lies_before_the_welcome, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(bad_welcomes, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			frames_before_the_welcome, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(lies_in_the_room, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(bad_frames, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			frames_over_their_own_limit, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			cut_inside_a_frame, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(byte_by_byte, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(ping_flood, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			too_many_participants, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(the_largest_room, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(too_many_streams, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			keyframe_requests_are_paced, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(published_twice, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			unpublished_under_load, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(early_birds, sdk_setup_created, sdk_teardown),
		cmocka_unit_test_setup_teardown(
			texts_for_people_are_cleaned, sdk_setup_created, sdk_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
