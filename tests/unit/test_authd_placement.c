/*
 * Where rooms go: the least loaded worker, the same one again, and when a room moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authd/fleet.h"
#include "authd/placement.h"
#include "authd/store_rooms.h"

#define START_MS 1000000u
#define ROOMS 16

/* A store that knows rooms and their places only. */
static struct store_room rooms[ROOMS];
static size_t room_count, place_sets;
static int place_err;
static void (*before_set)(struct store_room *room); /* what another authd does just before */

int store_room_get(struct store *st, const char *name, struct store_room *out)
{
	(void)st;
	for (size_t i = 0; i < room_count; i++) {
		if (strcmp(rooms[i].name, name) == 0) {
			*out = rooms[i];
			return 0;
		}
	}
	return ERR_NOT_FOUND;
}

int store_place_set(struct store *st, const char *room, const struct store_place *from,
	const struct store_place *to, const char *alternates, int64_t now)
{
	(void)st;
	(void)now;
	if (place_err != 0) {
		return place_err;
	}
	for (size_t i = 0; i < room_count; i++) {
		if (strcmp(rooms[i].name, room) == 0) {
			if (before_set != NULL) {
				before_set(&rooms[i]);
			}
			if (strcmp(rooms[i].reflector, from->reflector) != 0 ||
				rooms[i].port != from->port) {
				return ERR_STATE;
			}
			snprintf(rooms[i].alternates, sizeof(rooms[i].alternates), "%s",
				alternates);
			snprintf(rooms[i].reflector, sizeof(rooms[i].reflector), "%s",
				to->reflector);
			rooms[i].port = to->port;
			place_sets++;
		}
	}
	return 0;
}

int store_place_counts(struct store *st, store_place_fn each, void *arg)
{
	int err = 0;

	(void)st;
	for (size_t i = 0; i < room_count && err == 0; i++) {
		struct store_place row = { .port = rooms[i].port, .rooms = 0 };
		memcpy(row.reflector, rooms[i].reflector, sizeof(row.reflector));
		for (size_t j = 0; j < room_count; j++) {
			row.rooms += rooms[j].port == row.port &&
				strcmp(rooms[j].reflector, row.reflector) == 0;
		}
		err = row.port != 0 ? each(&row, arg) : 0;
	}
	return err;
}

static struct link_view views[2];

static int each_view(void *links, int (*each)(const struct link_view *view, void *arg), void *arg)
{
	int err = 0;

	(void)links;
	for (size_t i = 0; i < 2 && err == 0; i++) {
		err = each(&views[i], arg);
	}
	return err;
}

static void link_up(size_t i, uint64_t now_ms)
{
	views[i].up = views[i].was_up = true;
	views[i].since_ms = now_ms;
}

static void link_lost(size_t i, uint64_t now_ms)
{
	views[i].up = false;
	views[i].since_ms = now_ms;
}

static struct placement *placement;

static int setup(void **state)
{
	(void)state;
	memset(rooms, 0, sizeof(rooms));
	memset(views, 0, sizeof(views));
	place_sets = 0;
	place_err = 0;
	before_set = NULL;
	room_count = ROOMS;
	for (size_t i = 0; i < ROOMS; i++) {
		snprintf(rooms[i].name, sizeof(rooms[i].name), "room%zu", i);
	}
	for (size_t i = 0; i < 2; i++) {
		snprintf(views[i].conf.name, sizeof(views[i].conf.name), "r%zu", i + 1);
		snprintf(
			views[i].conf.address, sizeof(views[i].conf.address), "192.0.2.%zu", i + 1);
		snprintf(views[i].pin, sizeof(views[i].pin), "pin of r%zu", i + 1);
		views[i].workers[0].port = 49152;
		views[i].workers[1].port = 49153;
		views[i].worker_count = 2;
		views[i].conf.weight = 100;
		views[i].conf.state = STORE_REFLECTOR_UP;
		assert_int_equal(fleet_ports_parse(&views[i].conf.ports, "49152-49153"), 0);
		views[i].since_ms = START_MS;
	}
	return placement_create(&placement, NULL, each_view, NULL);
}

static int teardown(void **state)
{
	(void)state;
	placement_destroy(placement);
	return 0;
}

/* Who is linked reports. */
static void report(uint64_t now_ms)
{
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; views[i].up && k < views[i].worker_count; k++) {
			views[i].workers[k].report_ms = now_ms;
		}
	}
}

static struct placement_result result;

static void assert_place(const char *room, uint64_t now_ms, const char *reflector, uint16_t port)
{
	report(now_ms);
	assert_int_equal(placement_find(placement, room, now_ms, 1, &result), 0);
	assert_string_equal(result.endpoints[0].reflector, reflector);
	assert_int_equal(result.endpoints[0].port, port);
	assert_string_equal(
		result.endpoints[0].address, reflector[1] == '1' ? "192.0.2.1" : "192.0.2.2");
}

static void assert_alternate(const char *reflector, uint16_t port)
{
	assert_int_equal(result.count, 2);
	assert_string_equal(result.endpoints[1].reflector, reflector);
	assert_int_equal(result.endpoints[1].port, port);
}

static void assert_none(const char *room, uint64_t now_ms, int want)
{
	assert_int_equal(placement_find(placement, room, now_ms, 1, &result), want);
}

static void test_nothing_linked(void **state)
{
	(void)state;
	assert_none("room0", START_MS, ERR_NO_REFLECTOR);
	assert_none("room0", START_MS + 100000, ERR_NO_REFLECTOR);
	assert_none("unknown", START_MS, ERR_NOT_FOUND);
	assert_int_equal(place_sets, 0);
}

static void test_spreads_before_reports(void **state)
{
	(void)state;
	link_up(0, START_MS);
	link_up(1, START_MS);
	assert_place("room0", START_MS, "r1", 49152);
	assert_place("room1", START_MS, "r1", 49153);
	assert_place("room2", START_MS, "r2", 49152);
	assert_place("room3", START_MS, "r2", 49153);
	assert_place("room4", START_MS, "r1", 49152);
	assert_int_equal(place_sets, 5);
}

static void test_fewest_people(void **state)
{
	(void)state;
	link_up(0, START_MS);
	link_up(1, START_MS);
	views[0].workers[0].participants = 10;
	views[0].workers[1].participants = 3;
	views[1].workers[0].participants = 2;
	views[1].workers[1].participants = 5;
	assert_place("room0", START_MS, "r2", 49152);
}

static void test_sticky(void **state)
{
	(void)state;
	link_up(0, START_MS);
	link_up(1, START_MS);
	assert_place("room0", START_MS, "r1", 49152);
	views[0].workers[0].participants = 400;
	assert_place("room0", START_MS + 100000, "r1", 49152);
	assert_int_equal(place_sets, 1);
}

static void test_moves_when_lost_and_empty(void **state)
{
	(void)state;
	link_up(0, START_MS);
	link_up(1, START_MS);
	assert_place("room0", START_MS, "r1", 49152);
	link_lost(0, START_MS + 20000);
	/* a blink of the link moves nobody */
	assert_place("room0", START_MS + 20000 + PLACEMENT_GRACE_MS - 1, "r1", 49152);
	assert_place("room0", START_MS + 20000 + PLACEMENT_GRACE_MS, "r2", 49152);
	/* and it stays where it went */
	link_up(0, START_MS + 40000);
	assert_place("room0", START_MS + 40000, "r2", 49152);
}

static void test_stays_while_people_are_known(void **state)
{
	uint64_t lost = START_MS + 20000, reported = lost - 1000;

	(void)state;
	link_up(0, START_MS);
	link_up(1, START_MS);
	assert_place("room0", START_MS, "r1", 49152);
	views[0].workers[0].participants = 2;
	views[0].workers[0].report_ms = reported;
	link_lost(0, lost);
	assert_place("room0", reported + PLACEMENT_LIVE_MS - 1, "r1", 49152);
	assert_place("room0", reported + PLACEMENT_LIVE_MS, "r2", 49152);
}

static void test_lost_and_no_other(void **state)
{
	(void)state;
	link_up(0, START_MS);
	assert_place("room0", START_MS, "r1", 49152);
	link_lost(0, START_MS + 1);
	assert_none("room0", START_MS + 60000, ERR_NO_REFLECTOR);
	assert_string_equal(rooms[0].reflector, "r1");
}

/* Links come up one after the other at a start: a placed room waits for its own. */
static void test_start_moves_nobody(void **state)
{
	(void)state;
	snprintf(rooms[0].reflector, sizeof(rooms[0].reflector), "r1");
	rooms[0].port = 49153;
	link_up(1, START_MS);
	assert_none("room0", START_MS + PLACEMENT_GRACE_MS - 1, ERR_NO_REFLECTOR);
	assert_int_equal(place_sets, 0);
	link_up(0, START_MS + 100);
	assert_place("room0", START_MS + 200, "r1", 49153);
	link_lost(0, START_MS);
	views[0].was_up = false;
	assert_place("room0", START_MS + PLACEMENT_GRACE_MS, "r2", 49152);
}

/* A reload with another address makes the link anew: people in the room are not left behind. */
static void test_reload_moves_nobody(void **state)
{
	(void)state;
	link_up(0, START_MS);
	link_up(1, START_MS);
	assert_place("room0", START_MS, "r1", 49152);
	link_lost(0, START_MS + 60000);
	views[0].was_up = false;
	assert_none("room0", START_MS + 60000 + 10, ERR_NO_REFLECTOR);
	link_up(0, START_MS + 60000 + 20);
	assert_place("room0", START_MS + 60000 + 30, "r1", 49152);
	assert_int_equal(place_sets, 1);
}

/* Lost between the caller's look at the clock and the decision. */
static void test_lost_meanwhile(void **state)
{
	(void)state;
	link_up(0, START_MS);
	link_up(1, START_MS);
	assert_place("room0", START_MS, "r1", 49152);
	link_lost(0, START_MS + 20000);
	assert_place("room0", START_MS + 20000 - 1, "r1", 49152);
	views[0].workers[0].participants = 2;
	views[0].workers[0].report_ms = START_MS + 60000;
	assert_place("room0", START_MS + 60000 - 1, "r1", 49152);
	assert_int_equal(place_sets, 1);
}

static void test_unknown_reflector_or_port(void **state)
{
	(void)state;
	link_up(0, START_MS);
	snprintf(rooms[0].reflector, sizeof(rooms[0].reflector), "gone");
	rooms[0].port = 49152;
	assert_place("room0", START_MS, "r1", 49152);
	snprintf(rooms[1].reflector, sizeof(rooms[1].reflector), "r1");
	rooms[1].port = 50000;
	assert_place("room1", START_MS, "r1", 49153);
}

/* What is not recorded is not handed out. */
static void test_store_fails(void **state)
{
	(void)state;
	link_up(0, START_MS);
	place_err = ERR_STORE;
	assert_none("room0", START_MS, ERR_STORE);
}

/* The load counts by weight: three times the weight, three times the rooms. */
static void test_weights(void **state)
{
	static const struct {
		int64_t weight[2];
		unsigned rooms[2]; /* of twelve */
	} cases[] = {
		{ { 100, 100 }, { 6, 6 } },
		{ { 300, 100 }, { 9, 3 } },
		{ { 100, 500 }, { 2, 10 } },
		{ { 1000, 1 }, { 12, 0 } },
	};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		unsigned got[2] = { 0, 0 };
		for (size_t i = 0; i < ROOMS; i++) {
			rooms[i].reflector[0] = rooms[i].alternates[0] = '\0';
			rooms[i].port = 0;
		}
		for (size_t i = 0; i < 2; i++) {
			link_up(i, START_MS);
			views[i].conf.weight = cases[c].weight[i];
			views[i].worker_count = 1;
		}
		for (size_t i = 0; i < 12; i++) {
			report(START_MS);
			assert_int_equal(
				placement_find(placement, rooms[i].name, START_MS, 1, &result), 0);
			got[strcmp(result.endpoints[0].reflector, "r2") == 0]++;
		}
		assert_int_equal(got[0], cases[c].rooms[0]);
		assert_int_equal(got[1], cases[c].rooms[1]);
	}
}

static void test_drain(void **state)
{
	(void)state;
	link_up(0, START_MS);
	link_up(1, START_MS);
	assert_place("room0", START_MS, "r1", 49152);
	views[0].workers[0].participants = 3;
	views[0].conf.state = STORE_REFLECTOR_DRAIN;
	views[0].state_ms = START_MS + 1000;
	assert_place("room0", START_MS + 100000, "r1", 49152); /* keeps its rooms */
	assert_place("room1", START_MS + 100000, "r2", 49152); /* gets no new ones */
	assert_int_equal(result.count, 1); /* not as an alternate either */
	assert_place("room2", START_MS + 100000, "r2", 49153);
	views[0].workers[0].participants = 0;
	assert_place("room0", START_MS + 100001, "r2", 49152); /* empty: it goes */
	views[0].conf.state = STORE_REFLECTOR_UP;
	assert_place("room0", START_MS + 100002, "r2", 49152);
	/* one that was given out a moment before the drain is waited for */
	assert_place("room3", START_MS + 100003, "r1", 49152);
	views[0].conf.state = STORE_REFLECTOR_DRAIN;
	views[0].state_ms = START_MS + 100004;
	assert_place("room3", START_MS + 100005, "r1", 49152);
}

static void test_alternate(void **state)
{
	(void)state;
	link_up(0, START_MS);
	assert_place("room0", START_MS, "r1", 49152);
	assert_int_equal(result.count, 1);
	link_up(1, START_MS);
	views[1].workers[0].participants = 5;
	assert_place("room0", START_MS, "r1", 49152);
	assert_alternate("r2", 49153);
	/* the same for every token, whatever the load does, and while it is away */
	views[1].workers[1].participants = 500;
	assert_place("room0", START_MS, "r1", 49152);
	assert_alternate("r2", 49153);
	assert_string_equal(rooms[0].alternates, "r2:49153");
	link_lost(1, START_MS + 1);
	assert_place("room0", START_MS + 90000, "r1", 49152);
	assert_alternate("r2", 49153);
	/* after a start it is waited for, not replaced */
	views[1].was_up = false;
	views[1].since_ms = START_MS + 90000;
	assert_place("room0", START_MS + 90001, "r1", 49152);
	assert_string_equal(rooms[0].alternates, "r2:49153");
	/* withdrawn: gone from the endpoints */
	snprintf(views[1].conf.name, sizeof(views[1].conf.name), "r3");
	assert_place("room0", START_MS + 100000, "r1", 49152);
	assert_int_equal(result.count, 1);
	link_up(1, START_MS + 100000);
	assert_place("room0", START_MS + 100000, "r1", 49152);
	assert_alternate("r3", 49152);
}

/* Linked is not enough: a worker that says nothing gets no new rooms, and loses the old ones. */
static void test_down_by_report_age(void **state)
{
	uint64_t silent = START_MS + PLACEMENT_REPORT_MS;

	(void)state;
	link_up(0, START_MS);
	link_up(1, START_MS);
	assert_place("room0", START_MS, "r1", 49152);
	views[1].workers[0].report_ms = views[1].workers[1].report_ms = silent;
	assert_int_equal(placement_find(placement, "room1", silent, 1, &result), 0);
	assert_string_equal(result.endpoints[0].reflector, "r2");
	assert_int_equal(placement_find(placement, "room0", silent, 1, &result), 0);
	assert_string_equal(result.endpoints[0].reflector, "r1");
	views[1].workers[0].report_ms = views[1].workers[1].report_ms =
		START_MS + PLACEMENT_LIVE_MS;
	assert_int_equal(
		placement_find(placement, "room0", START_MS + PLACEMENT_LIVE_MS, 1, &result), 0);
	assert_string_equal(result.endpoints[0].reflector, "r2");
}

static void move_to_r2(struct store_room *room)
{
	snprintf(room->reflector, sizeof(room->reflector), "r2");
	room->port = 49153;
	before_set = NULL;
}

/* Several authd: who records a place first wins. */
static void test_another_was_faster(void **state)
{
	(void)state;
	link_up(0, START_MS);
	link_up(1, START_MS);
	before_set = move_to_r2;
	assert_place("room0", START_MS, "r2", 49153);
	assert_alternate("r1", 49152);
}

/* A worker on a fallback port is the last choice, and an endpoint of its own rooms alone. */
static void test_fallback_port(void **state)
{
	(void)state;
	link_up(0, START_MS);
	views[0].workers[1].port = 443;
	assert_int_equal(fleet_ports_parse(&views[0].conf.ports, "49152"), 0);
	assert_int_equal(fleet_ports_parse(&views[0].conf.fallback, "443"), 0);
	views[0].workers[0].participants = 400;
	assert_place("room0", START_MS, "r1", 49152);
	assert_int_equal(result.count, 1);
	views[0].workers[0].report_ms = 1;
	views[0].workers[1].report_ms = START_MS + PLACEMENT_REPORT_MS;
	assert_int_equal(
		placement_find(placement, "room1", START_MS + PLACEMENT_REPORT_MS, 1, &result), 0);
	assert_int_equal(result.endpoints[0].port, 443);
}

static void test_capacity(void **state)
{
	(void)state;
	link_up(0, START_MS);
	link_up(1, START_MS);
	views[0].max_participants = 50;
	views[1].max_participants = 500;
	snprintf(rooms[0].policy, sizeof(rooms[0].policy), "{\"capacity\":100}");
	assert_place("room0", START_MS, "r2", 49152);
	assert_int_equal(result.count, 1);
	snprintf(rooms[1].policy, sizeof(rooms[1].policy), "{\"capacity\":501}");
	report(START_MS);
	assert_none("room1", START_MS, ERR_NO_REFLECTOR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_linked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spreads_before_reports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fewest_people, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sticky, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moves_when_lost_and_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stays_while_people_are_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_and_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start_moves_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_moves_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_reflector_or_port, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_weights, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alternate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_down_by_report_age, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_was_faster, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fallback_port, setup, teardown),
		cmocka_unit_test_setup_teardown(test_capacity, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
