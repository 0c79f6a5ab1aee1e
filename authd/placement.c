/*
 * placement: decides where rooms live. Owns no state but a lock: what was decided is in the store,
 * what is true of the reflectors comes from their links. Must never hand out a place that it has
 * not recorded, nor an endpoint whose worker would refuse the room.
 *
 * A room lives in one worker, and a worker has one port. So a fallback port is an endpoint of rooms
 * that its own worker holds, and never a second way to another worker's room; workers on fallback
 * ports are chosen last.
 */
#include "authd/placement.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/msg.h"

#define COUNTS_MAX 4096u
#define TRIES 4

struct placement {
	struct store *store;
	placement_source source;
	void *links;
	pthread_mutex_t mutex; /* one decision at a time */
};

/* A worker that could take the room. */
struct candidate {
	bool found;
	struct placement_endpoint at;
	int64_t load, weight;
	bool fallback;
};

/* One look at all reflectors. */
struct survey {
	const struct store_room *room;
	uint64_t now_ms;
	int64_t capacity;
	const struct store_place *counts; /* rooms placed so far */
	size_t count_len;
	bool stays, wait; /* the room's own place: still good; or perhaps again in a moment */
	struct placement_endpoint own;
	const char *not_at; /* a reflector that is no candidate */
	struct candidate best;
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

static void fill_endpoint(
	struct placement_endpoint *at, const struct link_view *view, uint16_t port)
{
	snprintf(at->reflector, sizeof(at->reflector), "%s", view->conf.name);
	snprintf(at->address, sizeof(at->address), "%s", view->conf.address);
	snprintf(at->tls_name, sizeof(at->tls_name), "%s", view->conf.tls_name);
	snprintf(at->pin, sizeof(at->pin), "%s", view->pin);
	at->port = port;
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

/* No report yet counts from when the link came up. */
static bool reports(const struct survey *s, const struct link_view *view,
	const struct link_worker *w, uint64_t ms)
{
	return within(s, w->report_ms != 0 ? w->report_ms : view->since_ms, ms);
}

/* A drained reflector keeps a room while there are people on the worker, and a moment longer for
 * those whose token is on its way. */
static bool keeps(const struct survey *s, const struct link_view *view, const struct link_worker *w)
{
	if (view->conf.state != STORE_REFLECTOR_DRAIN) {
		return reports(s, view, w, PLACEMENT_LIVE_MS);
	}
	return w->participants > 0 || within(s, view->state_ms, PLACEMENT_LIVE_MS);
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
	bool people = w->participants > 0 && w->report_ms != 0 &&
		within(s, w->report_ms, PLACEMENT_LIVE_MS);
	if (view->up ? keeps(s, view, w) || people : recent || people) {
		s->stays = true;
		fill_endpoint(&s->own, view, w->port);
	}
}

static int64_t placed_rooms(const struct survey *s, const char *reflector, uint16_t port)
{
	for (size_t i = 0; i < s->count_len; i++) {
		if (s->counts[i].port == port && strcmp(s->counts[i].reflector, reflector) == 0) {
			return (int64_t)s->counts[i].rooms;
		}
	}
	return 0;
}

/* Whether a is the better place: own ports before fallback ports, then the lower share of load. */
static bool better(const struct candidate *a, const struct candidate *b)
{
	if (!b->found) {
		return true;
	}
	if (a->fallback != b->fallback) {
		return b->fallback;
	}
	return a->load * b->weight < b->load * a->weight;
}

static bool suitable(const struct survey *s, const struct link_view *view)
{
	return view->up && view->conf.state == STORE_REFLECTOR_UP &&
		(view->max_participants == 0 || s->capacity <= view->max_participants) &&
		(s->not_at == NULL || strcmp(view->conf.name, s->not_at) != 0);
}

static void look_for_best(struct survey *s, const struct link_view *view)
{
	if (!suitable(s, view)) {
		return;
	}
	for (size_t i = 0; i < view->worker_count; i++) {
		const struct link_worker *w = &view->workers[i];
		struct candidate c = { .found = true,
			/* with this one, so that weights count when all is empty */
			.load = w->participants + placed_rooms(s, view->conf.name, w->port) + 1,
			.weight = view->conf.weight,
			.fallback = !fleet_ports_have(&view->conf.ports, w->port) };
		if (reports(s, view, w, PLACEMENT_REPORT_MS) && better(&c, &s->best)) {
			fill_endpoint(&c.at, view, w->port);
			s->best = c;
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

/* ---- alternates ---- */

struct resolve {
	const char *reflector;
	uint16_t port;
	struct placement_endpoint *out;
	const struct survey *survey;
	bool found, pending; /* pending: it may be linked in a moment, as after a start */
};

/* A reflector that is away for the moment is still an alternate: its pin is known. */
static int resolve_one(const struct link_view *view, void *arg)
{
	struct resolve *r = arg;

	if (strcmp(view->conf.name, r->reflector) != 0) {
		return 0;
	}
	r->pending = !view->was_up && within(r->survey, view->since_ms, PLACEMENT_GRACE_MS);
	if (view->was_up && worker_at(view, r->port) != NULL) {
		fill_endpoint(r->out, view, r->port);
		r->found = true;
	}
	return 0;
}

/* Appends the room's stored alternates that are still known. True: one may be known in a moment. */
static bool add_stored(struct placement *p, const struct survey *s, struct placement_result *out)
{
	bool pending = false;
	char list[STORE_ALTERNATES_MAX + 1];
	char *rest = NULL;

	snprintf(list, sizeof(list), "%s", s->room->alternates);
	for (char *part = strtok_r(list, ",", &rest);
		part != NULL && out->count < PLACEMENT_ENDPOINTS_MAX;
		part = strtok_r(NULL, ",", &rest)) {
		char *colon = strrchr(part, ':');
		long port = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;
		if (port < 1 || port > 65535) {
			continue;
		}
		*colon = '\0';
		struct resolve r = { .reflector = part,
			.port = (uint16_t)port,
			.survey = s,
			.out = &out->endpoints[out->count] };
		(void)p->source(p->links, resolve_one, &r);
		if (r.found) {
			out->count++;
		}
		pending = pending || r.pending;
	}
	return pending;
}

static void write_alternates(const struct placement_result *res, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 1; i < res->count && at < size; i++) {
		at += (size_t)snprintf(out + at, size - at, "%s%s:%u", at > 0 ? "," : "",
			res->endpoints[i].reflector, res->endpoints[i].port);
	}
}

/* One worker on another reflector than the primary's. */
static void add_fresh(struct placement *p, struct survey *s, struct placement_result *out)
{
	memset(&s->best, 0, sizeof(s->best));
	s->not_at = out->endpoints[0].reflector;
	(void)p->source(p->links, look, s);
	if (s->best.found) {
		out->endpoints[out->count++] = s->best.at;
	}
}

/* ---- a decision ---- */

/* With the numbers of the survey. */
static int choose(struct placement *p, struct survey *s, struct placement_result *out)
{
	*out = (struct placement_result){ .count = 0 };
	memset(&s->best, 0, sizeof(s->best));
	s->not_at = NULL;
	(void)p->source(p->links, look, s);
	if (s->stays) {
		out->endpoints[out->count++] = s->own;
	} else if (s->wait || !s->best.found) {
		return ERR_NO_REFLECTOR;
	} else {
		out->endpoints[out->count++] = s->best.at;
	}
	add_fresh(p, s, out);
	return 0;
}

/* True when nothing has to be decided: the room stays, and its alternates are there, will be in a
 * moment, or there is none to be had. */
static bool settled(struct placement *p, struct survey *s, struct placement_result *out)
{
	(void)p->source(p->links, look, s);
	if (!s->stays) {
		return false;
	}
	out->endpoints[0] = s->own;
	out->count = 1;
	if (add_stored(p, s, out) || out->count > 1) {
		return true;
	}
	add_fresh(p, s, out);
	return out->count == 1;
}

static int record(struct placement *p, const struct store_room *room,
	const struct placement_result *res, int64_t now)
{
	struct store_place from = { .port = room->port }, to = { .port = res->endpoints[0].port };
	char alternates[STORE_ALTERNATES_MAX + 1];

	snprintf(from.reflector, sizeof(from.reflector), "%s", room->reflector);
	snprintf(to.reflector, sizeof(to.reflector), "%s", res->endpoints[0].reflector);
	write_alternates(res, alternates, sizeof(alternates));
	if (from.port == to.port && strcmp(from.reflector, to.reflector) == 0 &&
		strcmp(alternates, room->alternates) == 0) {
		return 0;
	}
	return store_place_set(p->store, room->name, &from, &to, alternates, now);
}

static int64_t capacity_of(const struct store_room *room)
{
	json_t *policy = NULL;
	int64_t capacity = 0;

	if (msg_parse_object(room->policy, strlen(room->policy), &policy) == 0) {
		(void)!msg_opt_int(policy, "capacity", 0, INT32_MAX, &capacity);
	}
	json_decref(policy);
	return capacity;
}

static int place(struct placement *p, struct survey *s, int64_t now, struct placement_result *out)
{
	struct counts counts = { .rows = calloc(COUNTS_MAX, sizeof(*counts.rows)) };
	int err =
		counts.rows != NULL ? store_place_counts(p->store, add_count, &counts) : ERR_NOMEM;

	if (err == 0) {
		s->capacity = capacity_of(s->room);
		s->counts = counts.rows;
		s->count_len = counts.len;
		err = choose(p, s, out);
	}
	free(counts.rows);
	return err == 0 ? record(p, s->room, out, now) : err;
}

int placement_find(struct placement *p, const char *room, uint64_t now_ms, int64_t now,
	struct placement_result *out)
{
	struct store_room row;
	int err = ERR_STATE;

	pthread_mutex_lock(&p->mutex);
	/* ERR_STATE: another authd was faster, look again */
	for (int i = 0; i < TRIES && err == ERR_STATE; i++) {
		struct survey s = { .room = &row, .now_ms = now_ms };
		err = store_room_get(p->store, room, &row);
		*out = (struct placement_result){ .count = 0 };
		if (err == 0 && !settled(p, &s, out)) {
			err = place(p, &s, now, out);
		}
	}
	pthread_mutex_unlock(&p->mutex);
	return err == ERR_STATE ? ERR_STORE : err;
}
