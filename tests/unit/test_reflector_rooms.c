/*
 * room_table, stream_ids, subscriptions of streams, roster pages and the reader of frames.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "reflector/frame_fanout.h"
#include "reflector/frame_read.h"
#include "reflector/half_open.h"
#include "reflector/json_page.h"
#include "reflector/room.h"
#include "reflector/roster.h"
#include "reflector/session.h"
#include "reflector/stream.h"
#include "reflector/worker.h"

static void test_room_table(void **state)
{
	struct room_table table = { .count = 0 };
	struct room *rooms = calloc(3000, sizeof(*rooms));

	(void)state;
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(rooms[i].name, sizeof(rooms[i].name), "room-%d", i);
		assert_null(room_table_find(&table, rooms[i].name));
		room_table_add(&table, &rooms[i]);
	}
	assert_int_equal(table.count, 3000);
	for (int i = 0; i < 3000; i += 2) {
		room_table_remove(&table, &rooms[i]);
		room_table_remove(&table, &rooms[i]);
	}
	assert_int_equal(table.count, 1500);
	for (int i = 0; i < 3000; i++) {
		assert_ptr_equal(
			room_table_find(&table, rooms[i].name), i % 2 == 0 ? NULL : &rooms[i]);
	}
	free(rooms);
}

static void test_stream_ids_go_round(void **state)
{
	struct stream_ids ids;
	struct stream a, b;
	uint16_t id, first;

	(void)state;
	stream_ids_init(&ids);
	assert_int_equal(stream_ids_add(&ids, &a, &first), 0);
	assert_int_equal(first, 1);
	/* An id that was given back is not given again before all others. */
	for (unsigned i = 2; i <= 65535; i++) {
		assert_int_equal(stream_ids_add(&ids, &b, &id), 0);
		assert_int_equal(id, i);
		assert_ptr_equal(stream_ids_find(&ids, id), &b);
		stream_ids_remove(&ids, id);
	}
	/* Round the end: 0 is no id, and 1 is taken. */
	assert_int_equal(stream_ids_add(&ids, &b, &id), 0);
	assert_int_equal(id, 2);
	assert_ptr_equal(stream_ids_find(&ids, 1), &a);
	assert_ptr_equal(stream_ids_next(&ids, 1), &a);
	assert_ptr_equal(stream_ids_next(&ids, 2), &b);
	assert_null(stream_ids_next(&ids, 3));
	stream_ids_finish(&ids);
}

static void test_stream_ids_limit(void **state)
{
	struct stream_ids ids;
	struct stream s;
	uint16_t id;

	(void)state;
	stream_ids_init(&ids);
	for (unsigned i = 0; i < LIMIT_STREAM_IDS; i++) {
		assert_int_equal(stream_ids_add(&ids, &s, &id), 0);
	}
	assert_int_equal(stream_ids_add(&ids, &s, &id), ERR_LIMIT);
	stream_ids_remove(&ids, 7);
	stream_ids_remove(&ids, 7);
	assert_null(stream_ids_find(&ids, 7));
	assert_int_equal(stream_ids_add(&ids, &s, &id), 0);
	assert_int_equal(id, LIMIT_STREAM_IDS + 1);
	stream_ids_finish(&ids);
}

/* A room with people, without connections. */
struct party {
	struct worker *worker;
	struct room *room;
	struct session sessions[4];
};

static void init_session(struct party *p, struct session *session)
{
	session->worker = p->worker;
	session->subscribe_all = true;
	session->max_payload = session->queue.max_payload = 16384;
	frame_queue_init(&session->queue, &p->worker->pool);
	frame_policy_apply(&p->worker->policy, &session->queue);
	session->queue.max_payload = 16384;
	list_init(&session->streams);
	list_init(&session->subscriptions);
	list_init(&session->member);
	list_init(&session->dirty);
	list_init(&session->doomed);
	assert_int_equal(room_add(p->room, session), 0);
}

static int party_setup(void **state)
{
	struct party *p = calloc(1, sizeof(*p));

	log_setup("test", LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	p->worker = calloc(1, sizeof(*p->worker));
	p->worker->limits = (struct settings_limits){ .max_participants = 4 };
	p->worker->policy =
		(struct frame_policy){ .audio_ms = 400, .video_ms = 1000, .bytes = 1 << 20 };
	p->worker->now_ms = 1000;
	list_init(&p->worker->empty_rooms);
	list_init(&p->worker->dirty);
	list_init(&p->worker->doomed);
	frame_pool_init(&p->worker->pool);
	assert_int_equal(room_create(&p->room, p->worker, "demo"), 0);
	for (size_t i = 0; i < 4; i++) {
		init_session(p, &p->sessions[i]);
		(void)snprintf(p->sessions[i].id, sizeof(p->sessions[i].id), "p%zu", i);
	}
	*state = p;
	return 0;
}

static int party_teardown(void **state)
{
	struct party *p = *state;

	for (size_t i = 0; i < 4; i++) {
		struct session *session = &p->sessions[i];
		while (!list_empty(&session->streams)) {
			stream_destroy(LIST_ENTRY(session->streams.next, struct stream, node));
		}
		frame_queue_finish(&session->queue);
		subscription_reap(&session->queue);
		if (session->room != NULL) {
			room_remove(p->room, session);
		}
	}
	assert_false(list_empty(&p->worker->empty_rooms));
	room_destroy(p->room);
	assert_int_equal(p->worker->rooms.count, 0);
	frame_pool_finish(&p->worker->pool);
	free(p->worker);
	free(p);
	return 0;
}

static struct stream *publish(struct party *p, size_t i, const char *kind)
{
	struct stream *stream;

	assert_int_equal(stream_create(&stream, &p->sessions[i], kind, "x", ""), 0);
	return stream;
}

static struct frame *media(const struct stream *stream, unsigned flags, unsigned layer)
{
	struct frame_hdr hdr = { .kind = stream->frame_kind,
		.flags = (uint8_t)flags,
		.layer = (uint8_t)layer,
		.stream = stream->id,
		.length = 4 };

	return frame_create(&hdr, "abcd", 1000);
}

static void test_room_numbers_and_bound(void **state)
{
	struct party *p = *state;
	struct session one_more = { .worker = p->worker };

	assert_int_equal(p->sessions[3].num, 4);
	list_init(&one_more.member);
	assert_int_equal(room_add(p->room, &one_more), ERR_LIMIT);
	room_remove(p->room, &p->sessions[3]);
	assert_null(room_find_num(p->room, 4));
	assert_int_equal(room_add(p->room, &p->sessions[3]), 0);
	assert_int_equal(p->sessions[3].num, 5); /* a number is not given twice ... */
	for (unsigned i = 6; i <= 65535; i++) {
		room_remove(p->room, &p->sessions[3]);
		assert_int_equal(room_add(p->room, &p->sessions[3]), 0);
		assert_int_equal(p->sessions[3].num, i);
	}
	room_remove(p->room, &p->sessions[3]);
	assert_int_equal(room_add(p->room, &p->sessions[3]), 0);
	assert_int_equal(p->sessions[3].num, 4); /* ... before all were: 1 to 3 are in use */
	assert_ptr_equal(room_find_id(p->room, "p2"), &p->sessions[2]);
	assert_null(room_find_id(p->room, "p9"));
	assert_int_equal(p->worker->participant_count, 4);
}

static void test_streams_per_participant(void **state)
{
	struct party *p = *state;
	struct stream *stream;

	for (unsigned i = 0; i < LIMIT_STREAMS_PER_PARTICIPANT; i++) {
		publish(p, 0, "data");
	}
	assert_int_equal(stream_create(&stream, &p->sessions[0], "audio", "x", ""), ERR_LIMIT);
	assert_int_equal(p->worker->stream_count, LIMIT_STREAMS_PER_PARTICIPANT);
}

static void test_fanout_touches_subscribers_only(void **state)
{
	struct party *p = *state;
	struct stream *stream = publish(p, 0, "audio");

	assert_int_equal(subscription_create(stream, &p->sessions[1]), 0);
	assert_int_equal(subscription_create(stream, &p->sessions[3]), 0);
	struct frame *frame = media(stream, 0, 0);
	frame_fanout(stream, frame);
	assert_int_equal(frame->refs, 3);
	assert_int_equal(p->sessions[1].queue.lists[FRAME_CLASS_AUDIO].count, 1);
	assert_int_equal(p->sessions[2].queue.lists[FRAME_CLASS_AUDIO].count, 0);
	assert_true(list_empty(&p->sessions[2].dirty));
	assert_int_equal(p->worker->stats.frames_out, 2);
	assert_int_equal(p->room->stats.bytes_out, 2 * frame->len);
	frame_unref(frame);
}

static void test_subscription_ends_anywhere(void **state)
{
	struct party *p = *state;
	struct stream *stream = publish(p, 0, "audio");

	for (size_t i = 1; i < 4; i++) {
		assert_int_equal(subscription_create(stream, &p->sessions[i]), 0);
	}
	subscription_end(subscription_find(stream, &p->sessions[1]));
	assert_null(subscription_find(stream, &p->sessions[1]));
	assert_int_equal(stream->count, 2);
	for (size_t i = 0; i < stream->count; i++) {
		assert_int_equal(stream->subscriptions[i]->index, i);
	}
	/* One with a frame still queued outlives its end until the frame has left. */
	struct frame *frame = media(stream, 0, 0);
	frame_fanout(stream, frame);
	frame_unref(frame);
	stream_destroy(stream);
	assert_int_equal(p->sessions[2].queue.lists[FRAME_CLASS_AUDIO].count, 1);
	assert_true(list_empty(&p->sessions[2].queue.spent_feeds));
	frame_queue_clear(&p->sessions[2].queue);
	assert_false(list_empty(&p->sessions[2].queue.spent_feeds));
}

static void test_layers_and_keyframe_request(void **state)
{
	struct party *p = *state;
	struct stream *stream = publish(p, 0, "screen");
	struct frame *frames[] = { media(stream, FRAME_FIRST, 0),
		media(stream, FRAME_FIRST | FRAME_KEYFRAME, 0), media(stream, FRAME_FIRST, 0x10),
		media(stream, FRAME_FIRST, 0x02), media(stream, FRAME_FIRST, 0x01) };

	assert_int_equal(stream->frame_kind, FRAME_VIDEO);
	assert_int_equal(subscription_create(stream, &p->sessions[1]), 0);
	subscription_find(stream, &p->sessions[1])->max_spatial = 0;
	subscription_find(stream, &p->sessions[1])->max_temporal = 1;
	for (size_t i = 0; i < 5; i++) {
		frame_fanout(stream, frames[i]);
		frame_unref(frames[i]);
	}
	assert_int_equal(p->sessions[1].queue.lists[FRAME_CLASS_VIDEO].count, 2);
	/* The frame before the keyframe made us ask for one; not twice in half a second. */
	assert_int_equal(p->sessions[0].queue.lists[FRAME_CLASS_CONTROL].count, 1);
	stream_ask_keyframe(stream);
	p->worker->now_ms += LIMIT_KEYFRAME_REQUEST_MS - 1;
	stream_ask_keyframe(stream);
	assert_int_equal(p->sessions[0].queue.lists[FRAME_CLASS_CONTROL].count, 1);
	p->worker->now_ms += 1;
	stream_ask_keyframe(stream);
	assert_int_equal(p->sessions[0].queue.lists[FRAME_CLASS_CONTROL].count, 2);
}

static void test_full_control_queue_dooms(void **state)
{
	struct party *p = *state;

	p->sessions[1].queue.lists[FRAME_CLASS_CONTROL].bound = 10;
	session_send(&p->sessions[1], json_pack("{s:s}", "type", "x"));
	assert_int_equal(p->sessions[1].doom, ERR_TOO_SLOW);
	assert_false(list_empty(&p->worker->doomed));
	list_remove(&p->sessions[1].doomed);
}

static json_t *person(int num, int streams)
{
	json_t *list = json_array();

	for (int i = 0; i < streams; i++) {
		json_array_append_new(list,
			json_pack("{s:i, s:s}", "stream", i + 1, "label",
				"123456789012345678901234567890"));
	}
	return json_pack(
		"{s:s, s:i, s:s, s:o}", "id", "somebody", "num", num, "name", "x", "streams", list);
}

static void check_roster(int people, int streams, size_t limit, size_t late)
{
	json_t *all = json_array();
	json_t *messages, *msg;
	size_t i, seen = 0, published = 0, pages = 0;

	for (int n = 1; n <= people; n++) {
		json_array_append_new(all, person(n, n == 1 ? streams : 0));
	}
	assert_int_equal(roster_messages(all, limit, &messages), 0);
	json_array_foreach(messages, i, msg) {
		assert_true(json_page_size(msg) <= limit);
		if (strcmp(json_string_value(json_object_get(msg, "type")), "roster") == 0) {
			pages++;
			assert_int_equal(published, 0);
			seen += json_array_size(json_object_get(msg, "participants"));
			assert_int_equal(
				json_is_true(json_object_get(msg, "more")), seen < (size_t)people);
		} else {
			published++;
			assert_int_equal(json_integer_value(json_object_get(msg, "num")), 1);
		}
	}
	assert_true(pages >= 1);
	assert_int_equal(seen, people);
	assert_int_equal(published, late);
	json_decref(messages);
	json_decref(all);
}

static void test_roster_pages(void **state)
{
	(void)state;
	check_roster(0, 0, 1200, 0);
	check_roster(1, 0, 1200, 0);
	check_roster(1, 8, 1200, 0);
	check_roster(500, 8, 1200, 0);
	check_roster(500, 8, 16384, 0);
	check_roster(3, 8, 300, 8);
}

static void test_json_page_boundaries(void **state)
{
	json_t *items = json_pack(
		"[s, s, s]", "aaaa", "bbbb", "cccc"); /* ["aaaa","bbbb","cccc"]: 22 bytes */
	json_t *page;
	size_t at = 0;

	(void)state;
	assert_int_equal(json_page_take(items, &at, 23, &page), 0);
	assert_int_equal(json_array_size(page), 3);
	json_decref(page);
	at = 0;
	assert_int_equal(json_page_take(items, &at, 22, &page), 0);
	assert_int_equal(json_array_size(page), 2);
	json_decref(page);
	assert_int_equal(json_page_take(items, &at, 1, &page), 0);
	assert_int_equal(json_array_size(page), 1);
	json_decref(page);
	assert_int_equal(json_page_take(items, &at, 1, &page), 0);
	assert_int_equal(json_array_size(page), 0);
	json_decref(page);
	json_decref(items);
}

/* Two frames cut at every place give the same two frames. */
static void test_reader_at_every_split(void **state)
{
	uint8_t bytes[2 * FRAME_HDR_LEN + 5] = { 2, 0, 0, 9, 0, 7, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 1,
		2, 3, 4, 5 };

	(void)state;
	bytes[FRAME_HDR_LEN + 5] = FRAME_VIDEO;
	for (size_t split = 0; split <= sizeof(bytes); split++) {
		struct frame_reader reader = { .have = 0 };
		unsigned frames = 0;
		for (size_t at = 0, end = split; at < sizeof(bytes); end = sizeof(bytes)) {
			while (at < end) {
				struct frame *frame = NULL;
				size_t used;
				int err;
				enum parse parsed = frame_reader_take(
					&reader, bytes + at, end - at, 5, 1, &used, &frame, &err);
				assert_int_not_equal(parsed, PARSE_BROKEN);
				if (parsed == PARSE_DONE) {
					assert_int_equal(frame->hdr.kind,
						frames == 0 ? FRAME_AUDIO : FRAME_VIDEO);
					assert_int_equal(frame->hdr.length, frames == 0 ? 5 : 0);
					assert_memory_equal(frame->bytes,
						bytes + (frames == 0 ? 0 : 21), frame->len);
					frames++;
				} else {
					assert_int_equal(used, end - at);
				}
				at += used;
				frame_unref(frame);
			}
		}
		assert_int_equal(frames, 2);
		frame_reader_finish(&reader);
	}
}

static void test_reader_refuses_before_it_allocates(void **state)
{
	static const uint8_t large[FRAME_HDR_LEN] = { 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
		0xff, 0xff, 0xff };
	struct frame_reader reader = { .have = 0 };
	struct frame *frame = NULL;
	size_t used;
	int err;

	(void)state;
	assert_int_equal(
		frame_reader_take(&reader, large, sizeof(large), 65536, 1, &used, &frame, &err),
		PARSE_BROKEN);
	assert_int_equal(err, ERR_TOO_LARGE);
	assert_null(reader.frame);
	frame_reader_finish(&reader);
}

static void address_v4(struct sockaddr_in *sin, uint32_t host)
{
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(host);
}

static void test_half_open_crowd(void **state)
{
	static struct half_open table;
	struct half_open_node many[20], one;
	struct sockaddr_in sin;

	(void)state;
	half_open_init(&table, 12345);
	assert_null(half_open_crowd(&table, 0));
	/* One network, twenty hosts of it. */
	for (unsigned i = 0; i < 20; i++) {
		address_v4(&sin, 0xc0000200u + i);
		half_open_add(&table, &many[i], (struct sockaddr *)&sin);
	}
	address_v4(&sin, 0x7f000001u);
	half_open_add(&table, &one, (struct sockaddr *)&sin);
	assert_int_not_equal(one.source, many[0].source);
	assert_int_equal(table.total, 21);
	assert_null(half_open_crowd(&table, 21));
	/* The oldest of the crowd goes, never the one from elsewhere. */
	for (unsigned i = 0; i < 19; i++) {
		assert_ptr_equal(half_open_crowd(&table, 1), &many[i]);
		half_open_remove(&table, &many[i]);
		half_open_remove(&table, &many[i]);
	}
	assert_int_equal(table.total, 2);
	half_open_remove(&table, &many[19]);
	assert_ptr_equal(half_open_crowd(&table, 1), &one);
	half_open_remove(&table, &one);
	assert_int_equal(table.total, 0);
}

int main(void)
{
#define PARTY(f) cmocka_unit_test_setup_teardown(f, party_setup, party_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room_table),
		cmocka_unit_test(test_stream_ids_go_round),
		cmocka_unit_test(test_stream_ids_limit),
		PARTY(test_room_numbers_and_bound),
		PARTY(test_streams_per_participant),
		PARTY(test_fanout_touches_subscribers_only),
		PARTY(test_subscription_ends_anywhere),
		PARTY(test_layers_and_keyframe_request),
		PARTY(test_full_control_queue_dooms),
		cmocka_unit_test(test_roster_pages),
		cmocka_unit_test(test_json_page_boundaries),
		cmocka_unit_test(test_half_open_crowd),
		cmocka_unit_test(test_reader_at_every_split),
		cmocka_unit_test(test_reader_refuses_before_it_allocates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
