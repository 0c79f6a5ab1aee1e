/* events and event_feed: the ring, and audit records that become events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "authd/event_feed.h"
#include "tests/unit/store_fixture.h"

#define WAIT_S 10u

static const char *text_of(const json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text != NULL ? text : "";
}

/* The next event behind *after, for which it waits; a new reference. */
static json_t *next_event(struct events *ev, int64_t *after)
{
	json_t *list = NULL;

	assert_int_equal(events_wait(ev, *after, 1, WAIT_S, &list, after), 0);
	json_t *event = json_incref(json_array_get(list, 0));
	assert_non_null(event);
	json_decref(list);
	return event;
}

static void on_records(void *arg)
{
	event_feed_wake(arg);
}

static void test_ring(void **state)
{
	struct events *ev = NULL;
	json_t *list = NULL;
	int64_t next = 0, last;
	uint64_t dropped;
	static char big[EVENTS_BYTES_MAX + 1];

	(void)state;
	assert_int_equal(events_create(&ev), 0);
	for (unsigned i = 0; i < EVENTS_MAX + 10; i++) {
		events_add(ev, "x", json_pack("{s:i}", "i", (int)i));
	}
	assert_int_equal(events_wait(ev, 0, 1, 0, &list, &next), 0);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "i")), 10);
	json_decref(list);
	memset(big, 'a', sizeof(big) - 1);
	events_add(ev, "x", json_pack("{s:s}", "big", big));
	events_stats(ev, &last, &dropped);
	assert_int_equal(last, EVENTS_MAX + 10);
	assert_int_equal(dropped, 1);
	events_add(ev, "y", json_pack("{s:i}", "at", 7));
	assert_int_equal(events_wait(ev, last, 10, 0, &list, &next), 0);
	assert_int_equal(json_array_size(list), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "at")), 7);
	assert_int_equal(next, last + 1);
	json_decref(list);
	events_destroy(ev);
}

static void test_records_become_events(void **state)
{
	struct store *st = ((struct store_fixture *)*state)->st;
	struct events *ev = NULL;
	struct event_feed *feed = NULL;
	int64_t after = 0;

	store_fixture_user(st, "before"); /* is no news */
	assert_int_equal(events_create(&ev), 0);
	assert_int_equal(event_feed_create(&feed, st, ev), 0);
	store_watch_records(st, on_records, feed);
	store_fixture_user(st, "alice");
	json_t *event = next_event(ev, &after);
	assert_string_equal(text_of(event, "what"), "user.add");
	assert_string_equal(text_of(event, "object"), "alice");
	assert_string_equal(text_of(event, "actor"), store_tester.name);
	assert_int_equal(json_integer_value(json_object_get(event, "seq")), 2);
	json_decref(event);
	/* what is refused is not told */
	const struct store_user again = { .name = "alice", .hash = "x" };
	assert_int_not_equal(store_user_add(st, &store_tester, &again), 0);
	store_fixture_room(st, "demo");
	event = next_event(ev, &after);
	assert_string_equal(text_of(event, "object"), "demo");
	json_decref(event);
	store_watch_records(st, NULL, NULL);
	event_feed_destroy(feed);
	events_destroy(ev);
}

/* More than a page and more than the ring holds: the newest are there, in order, none twice. */
static void test_far_behind(void **state)
{
	enum { MANY = 350 };
	struct store *st = ((struct store_fixture *)*state)->st;
	struct events *ev = NULL;
	struct event_feed *feed = NULL;
	int64_t after = 0;
	char name[16];

	assert_int_equal(events_create(&ev), 0);
	assert_int_equal(event_feed_create(&feed, st, ev), 0);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		store_fixture_user(st, name);
	}
	event_feed_wake(feed);
	for (unsigned i = 0; i < MANY; i++) {
		json_t *event = next_event(ev, &after);
		snprintf(name, sizeof(name), "u%u", i);
		assert_string_equal(text_of(event, "object"), name);
		json_decref(event);
	}
	event_feed_destroy(feed);
	events_destroy(ev);
}

#define ON_STORE(test)                                                                             \
	cmocka_unit_test_setup_teardown(test, store_fixture_sqlite, store_fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring),
		ON_STORE(test_records_become_events),
		ON_STORE(test_far_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
