/*
 * query: reads the worker's state and pages it out. Changes nothing.
 */
#include "reflector/query.h"

#include <string.h>

#include "common/log.h"
#include "proto/msg.h"
#include "reflector/json_page.h"
#include "reflector/lane.h"
#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/worker.h"

struct collect {
	struct worker *worker;
	const char *room; /* filter, or NULL */
	json_t *items;
	int err;
};

static void append(struct collect *c, json_t *item, const struct stats *stats)
{
	if (item == NULL || stats_put(item, stats) != 0 || json_array_append(c->items, item) != 0) {
		c->err = ERR_NOMEM;
	}
	json_decref(item);
}

static void collect_room(struct room *room, void *user)
{
	struct collect *c = user;
	size_t name_len = strcspn(c->worker->place, ":");

	if (room->member_count + room->waiting_count == 0 ||
		(c->room != NULL && strcmp(c->room, room->name) != 0)) {
		return;
	}
	append(c,
		json_pack("{s:s, s:s%, s:i, s:i, s:i, s:i, s:b, s:I}", "name", room->name,
			"reflector", c->worker->place, name_len, "port", (int)c->worker->port,
			"participants", (int)room->member_count, "waiting",
			(int)room->waiting_count, "streams", (int)room->streams.count, "locked",
			(int)room->locked, "created_at", (json_int_t)room->created_at),
		&room->stats);
}

static json_t *participant_json(const struct session *session)
{
	const char *address = session->lane_count > 0 ? session->lanes[0]->address : "?";
	json_t *item = session_json(session);
	json_t *more = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:i, s:b, s:b, s:o}", "room",
		session->room->name, "user", session->user, "jti", session->jti, "joined_at",
		(json_int_t)session->joined_at, "address", address, "queue_ms",
		(json_int_t)frame_queue_age(&session->queue, session->worker->now_ms),
		"queue_bytes", (json_int_t)frame_queue_bytes(&session->queue), "lanes",
		(int)session->lane_count, "waiting", (int)session->waiting, "hidden",
		(int)session->hidden, "muted", token_publish_build(session->muted));

	if (item == NULL || more == NULL || json_object_update(item, more) != 0) {
		json_decref(item);
		item = NULL;
	}
	json_decref(more);
	return item;
}

static void collect_sessions(struct collect *c, const struct list *sessions)
{
	for (LIST_EACH(node, sessions)) {
		const struct session *session = LIST_ENTRY(node, struct session, member);
		struct stats stats = session->stats;
		stats.dropped = session->queue.dropped;
		append(c, participant_json(session), &stats);
	}
}

static void collect_participants(struct room *room, void *user)
{
	struct collect *c = user;

	if (c->room == NULL || strcmp(c->room, room->name) == 0) {
		collect_sessions(c, &room->members);
		collect_sessions(c, &room->waiting);
	}
}

static int send_pages(struct worker *worker, int64_t id, const json_t *items)
{
	size_t at = 0;
	int err;

	do {
		json_t *page;
		err = json_page_take(items, &at, QUERY_PAGE_BYTES, &page);
		if (err == 0) {
			json_t *msg = json_pack("{s:s, s:I, s:i, s:b, s:o}", "type", "answer", "id",
				(json_int_t)id, "port", (int)worker->port, "more",
				(int)(at < json_array_size(items)), "items", page);
			err = msg != NULL ? chan_send(worker->gate, msg) : ERR_NOMEM;
			json_decref(msg);
		}
	} while (err == 0 && at < json_array_size(items));
	return err;
}

void query_handle(struct worker *worker, const json_t *msg)
{
	struct collect c = { .worker = worker };
	const char *what;
	int64_t id;

	if (msg_get_int(msg, "id", 0, INT64_MAX, &id) != 0 ||
		msg_get_string(msg, "what", LIMIT_LABEL, &what) != 0 ||
		msg_opt_string(msg, "room", LIMIT_NAME, &c.room) != 0) {
		log_event(LOG_LEVEL_ERROR, "query-failed", LOG_ERR(ERR_BAD_FIELD));
		return;
	}
	c.items = json_array();
	room_table_each(&worker->rooms,
		strcmp(what, "rooms") == 0 ? collect_room : collect_participants, &c);
	int err = c.err != 0 ? c.err : send_pages(worker, id, c.items);
	json_decref(c.items);
	if (err != 0) {
		/* The gate waits in vain and names this port as missing. */
		log_event(LOG_LEVEL_ERROR, "query-failed", LOG_ERR(err),
			LOG_INT("port", worker->port));
	}
}
