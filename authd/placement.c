/*
 * placement: decides where rooms live. Owns no state but a lock: what was decided is in the store,
 * what is true of the reflectors comes from their links. Must never hand out a place that it has
 * not recorded.
 */
#include "authd/placement.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/store_rooms.h"

#define COUNTS_MAX 4096u

struct placement {
	struct store *store;
	placement_source source;
	void *links;
	pthread_mutex_t mutex; /* one decision at a time */
};

/* One look at all reflectors. */
struct survey {
	const struct store_room *room;
	uint64_t now_ms;
	const struct store_place *counts; /* rooms placed so far */
	size_t count_len;
	bool stays, wait; /* the room's own place: still good; or perhaps again in a moment */
	bool found; /* best holds the least loaded worker */
	struct placement_spot own, best;
	int64_t best_people;
	size_t best_rooms;
};

struct counts {
	struct store_place *rows;
	size_t len;
};

int placement_create(
	struct placement **out, struct store *store, placement_source source, void *links)
{
	struct placement *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return ERR_NOMEM;
	}
	p->store = store;
	p->source = source;
	p->links = links;
	pthread_mutex_init(&p->mutex, NULL);
	*out = p;
	return 0;
}

void placement_destroy(struct placement *p)
{
	if (p != NULL) {
		pthread_mutex_destroy(&p->mutex);
		free(p);
	}
}

static void fill_spot(struct placement_spot *spot, const struct link_view *view, uint16_t port)
{
	snprintf(spot->reflector, sizeof(spot->reflector), "%s", view->conf.name);
	snprintf(spot->address, sizeof(spot->address), "%s", view->conf.address);
	snprintf(spot->tls_name, sizeof(spot->tls_name), "%s", view->conf.tls_name);
	snprintf(spot->pin, sizeof(spot->pin), "%s", view->pin);
	spot->port = port;
}

static const struct link_worker *worker_at(const struct link_view *view, uint16_t port)
{
	for (size_t i = 0; i < view->worker_count; i++) {
		if (view->workers[i].port == port) {
			return &view->workers[i];
		}
	}
	return NULL;
}

/* A link may change after the caller has looked at the clock: that is now, and not long ago. */
static bool within(const struct survey *s, uint64_t then_ms, uint64_t ms)
{
	return s->now_ms < then_ms || s->now_ms - then_ms < ms;
}

static void look_at_own(struct survey *s, const struct link_view *view)
{
	const struct link_worker *w = worker_at(view, s->room->port);
	bool recent = within(s, view->since_ms, PLACEMENT_GRACE_MS);

	if (!view->was_up) {
		s->wait = recent; /* at a start, and when a reload made the link anew */
		return;
	}
	if (w == NULL) {
		return; /* that port is gone */
	}
	bool people = w->participants > 0 && view->report_ms != 0 &&
		within(s, view->report_ms, PLACEMENT_LIVE_MS);
	if (view->up || recent || people) {
		s->stays = true;
		fill_spot(&s->own, view, w->port);
	}
}

static size_t placed_rooms(const struct survey *s, const char *reflector, uint16_t port)
{
	for (size_t i = 0; i < s->count_len; i++) {
		if (s->counts[i].port == port && strcmp(s->counts[i].reflector, reflector) == 0) {
			return s->counts[i].rooms;
		}
	}
	return 0;
}

/* Fewest people; then fewest rooms placed, since those placed a moment ago have no people yet. */
static void look_for_best(struct survey *s, const struct link_view *view)
{
	if (!view->up) {
		return;
	}
	for (size_t i = 0; i < view->worker_count; i++) {
		const struct link_worker *w = &view->workers[i];
		size_t rooms = placed_rooms(s, view->conf.name, w->port);

		if (!s->found || w->participants < s->best_people ||
			(w->participants == s->best_people && rooms < s->best_rooms)) {
			s->found = true;
			s->best_people = w->participants;
			s->best_rooms = rooms;
			fill_spot(&s->best, view, w->port);
		}
	}
}

static int look(const struct link_view *view, void *arg)
{
	struct survey *s = arg;

	if (strcmp(view->conf.name, s->room->reflector) == 0) {
		look_at_own(s, view);
	}
	look_for_best(s, view);
	return 0;
}

static int add_count(const struct store_place *row, void *arg)
{
	struct counts *counts = arg;

	if (counts->len < COUNTS_MAX) {
		counts->rows[counts->len++] = *row;
	}
	return 0;
}

/* The room's place when it stays; only looks. */
static bool stays(struct placement *p, struct survey *s)
{
	(void)p->source(p->links, look, s);
	return s->stays;
}

/* ERR_STATE: another authd was faster; where the room lives now is looked up again then. */
static int record(struct placement *p, const struct survey *s, int64_t now)
{
	struct store_place from = { .port = s->room->port }, to = { .port = s->best.port };

	snprintf(from.reflector, sizeof(from.reflector), "%s", s->room->reflector);
	snprintf(to.reflector, sizeof(to.reflector), "%s", s->best.reflector);
	return store_place_set(p->store, s->room->name, &from, &to, "", now);
}

static int place(struct placement *p, struct survey *s, int64_t now)
{
	struct counts counts = { .rows = calloc(COUNTS_MAX, sizeof(*counts.rows)) };
	int err = ERR_NOMEM;

	if (counts.rows != NULL) {
		err = store_place_counts(p->store, add_count, &counts);
	}
	if (err == 0) {
		s->counts = counts.rows;
		s->count_len = counts.len;
		s->found = false;
		if (!stays(p, s)) {
			err = s->wait || !s->found
				? ERR_NO_REFLECTOR
				: record(p, s, now);
		}
	}
	free(counts.rows);
	return err;
}

static int find(struct placement *p, const char *room, uint64_t now_ms, int64_t now,
	struct placement_spot *out)
{
	struct store_room row;
	struct survey s = { .room = &row, .now_ms = now_ms };
	int err = store_room_get(p->store, room, &row);

	if (err == 0 && !stays(p, &s)) {
		err = place(p, &s, now);
	}
	if (err == 0) {
		*out = s.stays ? s.own : s.best;
	}
	return err;
}

int placement_find(struct placement *p, const char *room, uint64_t now_ms, int64_t now,
	struct placement_spot *out)
{
	pthread_mutex_lock(&p->mutex);
	int err = find(p, room, now_ms, now, out);
	if (err == ERR_STATE) {
		err = find(p, room, now_ms, now, out);
	}
	pthread_mutex_unlock(&p->mutex);
	return err == ERR_STATE ? ERR_NO_REFLECTOR : err;
}
