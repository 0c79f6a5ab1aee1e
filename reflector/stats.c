/*
 * stats: numbers to JSON, once a second at most.
 */
#include "reflector/stats.h"

#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "reflector/session.h"
#include "reflector/worker.h"

#define REPORT_AT_LEAST_MS 5000u

int stats_put(json_t *object, const struct stats *stats)
{
	json_t *counters = json_pack("{s:I, s:I, s:I, s:I, s:I}", "frames_in",
		(json_int_t)stats->frames_in, "frames_out", (json_int_t)stats->frames_out,
		"bytes_in", (json_int_t)stats->bytes_in, "bytes_out", (json_int_t)stats->bytes_out,
		"dropped", (json_int_t)stats->dropped);
	int err = counters != NULL && json_object_update(object, counters) == 0 ? 0 : ERR_NOMEM;

	json_decref(counters);
	return err;
}

static bool changed(const struct worker *worker)
{
	return memcmp(&worker->stats, &worker->reported, sizeof(worker->stats)) != 0 ||
		worker->reported_rooms != worker->rooms.count ||
		worker->reported_participants != worker->participant_count ||
		worker->reported_streams != worker->stream_count;
}

/* How long the oldest frame of any receiver has waited. */
static uint64_t worst_queue_ms(const struct worker *worker)
{
	uint64_t worst = 0;

	for (LIST_EACH(node, &worker->sessions)) {
		const struct session *session = LIST_ENTRY(node, struct session, all);
		uint64_t age = frame_queue_age(&session->queue, worker->now_ms);
		worst = age > worst ? age : worst;
	}
	return worst;
}

static json_t *report_json(const struct worker *worker)
{
	json_t *item = json_pack("{s:i, s:I, s:i, s:i, s:I, s:I, s:i, s:I}", "port",
		(int)worker->port, "rooms", (json_int_t)worker->rooms.count, "participants",
		(int)worker->participant_count, "streams", (int)worker->stream_count, "queue_ms",
		(json_int_t)worst_queue_ms(worker), "events_dropped",
		(json_int_t)worker->events_dropped, "pid", (int)getpid(), "uptime_s",
		(json_int_t)((worker->now_ms - worker->started_ms) / 1000));

	if (item == NULL || stats_put(item, &worker->stats) != 0) {
		json_decref(item);
		return NULL;
	}
	return json_pack("{s:s, s:[o]}", "type", "report", "workers", item);
}

void stats_report(struct worker *worker, bool force)
{
	if (!force && !changed(worker) &&
		worker->now_ms - worker->reported_ms < REPORT_AT_LEAST_MS) {
		return;
	}
	json_t *msg = report_json(worker);
	/* A report that cannot be sent is followed by another one. */
	if (worker->gate == NULL || msg == NULL || chan_send(worker->gate, msg) != 0) {
		json_decref(msg);
		return;
	}
	json_decref(msg);
	worker->reported = worker->stats;
	worker->reported_ms = worker->now_ms;
	worker->reported_rooms = (unsigned)worker->rooms.count;
	worker->reported_participants = worker->participant_count;
	worker->reported_streams = worker->stream_count;
}
