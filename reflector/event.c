/*
 * event: makes event messages within the bound. What does not fit is counted, never queued; what
 * authd has to record (a ban, a lock) has a share of its own that comings and goings cannot take.
 */
#include "reflector/event.h"

#include "proto/errcode.h"
#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/worker.h"

/* Takes msg over; NULL counts as an event that was dropped. */
static void send_event(struct worker *worker, json_t *msg)
{
	if (worker->gate == NULL || msg == NULL || chan_send(worker->gate, msg) != 0) {
		worker->events_dropped++;
	}
	json_decref(msg);
}

static json_t *event_json(const struct room *room, const char *what, const struct session *session)
{
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "type", "event", "port",
		(int)room->worker->port, "what", what, "room", room->name, "id",
		session != NULL ? session->id : "", "user", session != NULL ? session->user : "",
		"jti", session != NULL ? session->jti : "");
}

void event_session(const struct session *session, const char *what, const char *reason)
{
	struct worker *worker = session->worker;

	if (worker->stopping || !bucket_take(&worker->events, worker->now_ms)) {
		worker->events_dropped += worker->stopping ? 0 : 1;
		return;
	}
	json_t *msg = event_json(session->room, what, session);
	if (reason != NULL && json_object_set_new(msg, "reason", json_string(reason)) != 0) {
		json_decref(msg);
		msg = NULL;
	}
	send_event(worker, msg);
}

void event_moderation(const struct room *room, const char *what, const struct session *session,
	const struct session *by, json_t *more)
{
	struct worker *worker = room->worker;

	if (!bucket_take(&worker->events_moderation, worker->now_ms)) {
		worker->events_dropped++;
		json_decref(more);
		return;
	}
	json_t *msg = event_json(room, what, session);
	if (json_object_set_new(msg, "by", json_string(by != NULL ? by->id : "")) != 0 ||
		(more != NULL && json_object_update(msg, more) != 0)) {
		json_decref(msg);
		msg = NULL;
	}
	json_decref(more);
	send_event(worker, msg);
}
