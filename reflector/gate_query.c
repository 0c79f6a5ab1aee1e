/*
 * gate_query: one question or order of authd goes to every worker, and the answers go back under
 * its id. A worker that does not answer is named as missing; nothing waits for it longer than its
 * deadline.
 */
#include <stdlib.h>

#include "common/log.h"
#include "proto/msg.h"
#include "reflector/gate.h"

static void destroy(struct gate *gate, struct gate_query *query)
{
	list_remove(&query->node);
	gate->query_count--;
	free(query);
}

static size_t index_of(const struct gate_worker *worker)
{
	return (size_t)(worker - worker->gate->workers);
}

static void send_to(struct gate_link *link, json_t *msg)
{
	int err = msg != NULL ? chan_send(link->chan, msg) : ERR_NOMEM;

	json_decref(msg);
	if (err != 0 && !link->ended) {
		log_event(LOG_LEVEL_WARN, "answer-failed", LOG_ERR(err),
			LOG_STR("addr", link->address));
	}
}

static bool waits(const struct gate *gate, const struct gate_query *query)
{
	for (size_t i = 0; i < gate->worker_count; i++) {
		if (query->pending[i]) {
			return true;
		}
	}
	return false;
}

static void finish_moderate(struct gate *gate, struct gate_query *query, int port, const char *code)
{
	send_to(query->link,
		json_pack("{s:s, s:I, s:i, s:s}", "type", "moderated", "id", (json_int_t)query->id,
			"port", port, "code", code));
	destroy(gate, query);
}

static void finish(struct gate *gate, struct gate_query *query)
{
	if (query->moderate) {
		/* Nobody has said that it was for him; but one who was silent may have been. */
		finish_moderate(gate, query, 0,
			errcode_name(waits(gate, query) ? ERR_TIMEOUT : ERR_NOT_FOUND));
		return;
	}
	json_t *missing = json_array();

	for (size_t i = 0; i < gate->worker_count; i++) {
		if (query->pending[i] &&
			json_array_append_new(missing, json_integer(gate->workers[i].port)) != 0) {
			json_decref(missing);
			missing = NULL;
		}
	}
	send_to(query->link,
		json_pack("{s:s, s:I, s:b, s:b, s:[], s:o}", "type", "answer", "id",
			(json_int_t)query->id, "more", 0, "done", 1, "items", "missing", missing));
	destroy(gate, query);
}

static struct gate_query *find(struct gate *gate, int64_t our_id)
{
	for (LIST_EACH(node, &gate->queries)) {
		struct gate_query *query = LIST_ENTRY(node, struct gate_query, node);
		if (query->our_id == our_id) {
			return query;
		}
	}
	return NULL;
}

static void ask_workers(struct gate *gate, struct gate_query *query, const json_t *msg)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)msg);

	if (copy == NULL || json_object_set_new(copy, "id", json_integer(query->our_id)) != 0) {
		json_decref(copy);
		return;
	}
	for (size_t i = 0; i < gate->worker_count; i++) {
		/* One that cannot be asked stays pending and is missing in the end. */
		query->pending[i] = true;
		if (gate->workers[i].chan != NULL && chan_send(gate->workers[i].chan, copy) != 0) {
			log_event(LOG_LEVEL_WARN, "query-failed",
				LOG_INT("port", gate->workers[i].port));
		}
	}
	json_decref(copy);
}

void gate_query_begin(struct gate_link *link, const json_t *msg, bool moderate)
{
	struct gate *gate = link->gate;
	struct gate_query *query;
	int64_t id;

	if (msg_get_int(msg, "id", 0, INT64_MAX, &id) != 0 ||
		gate->query_count >= GATE_QUERIES_MAX) {
		log_event(LOG_LEVEL_WARN, "query-refused", LOG_STR("addr", link->address),
			LOG_ERR(gate->query_count >= GATE_QUERIES_MAX ? ERR_LIMIT : ERR_BAD_FIELD));
		return;
	}
	query = calloc(1, sizeof(*query));
	if (query == NULL) {
		return;
	}
	query->link = link;
	query->moderate = moderate;
	query->id = id;
	query->our_id = ++gate->last_query_id;
	query->deadline_ms = gate->now_ms + GATE_QUERY_MS;
	list_append(&gate->queries, &query->node);
	gate->query_count++;
	ask_workers(gate, query, msg);
}

void gate_query_answer(struct gate_worker *worker, const json_t *msg)
{
	struct gate *gate = worker->gate;
	struct gate_query *query;
	bool more = false;
	int64_t id;

	if (msg_get_int(msg, "id", 0, INT64_MAX, &id) != 0 ||
		msg_opt_bool(msg, "more", &more) != 0) {
		return;
	}
	query = find(gate, id);
	if (query == NULL || query->moderate || !query->pending[index_of(worker)]) {
		return; /* too late, or of a predecessor's */
	}
	json_t *copy = json_copy((json_t *)(uintptr_t)msg);
	if (json_object_set_new(copy, "id", json_integer(query->id)) != 0) {
		json_decref(copy);
		copy = NULL;
	}
	send_to(query->link, copy);
	if (!more) {
		query->pending[index_of(worker)] = false;
		if (!waits(gate, query)) {
			finish(gate, query);
		}
	}
}

void gate_query_moderated(struct gate_worker *worker, const json_t *msg)
{
	struct gate *gate = worker->gate;
	const char *code;
	int64_t id;

	if (msg_get_int(msg, "id", 0, INT64_MAX, &id) != 0 ||
		msg_get_string(msg, "code", LIMIT_NAME, &code) != 0) {
		return;
	}
	struct gate_query *query = find(gate, id);
	if (query == NULL || !query->moderate || !query->pending[index_of(worker)]) {
		return;
	}
	query->pending[index_of(worker)] = false;
	if (errcode_from_name(code) != ERR_NOT_FOUND) {
		finish_moderate(gate, query, (int)worker->port, code);
	} else if (!waits(gate, query)) {
		finish(gate, query);
	}
}

/* What it left behind is asked for no more; the query's deadline names it as missing. */
void gate_query_worker_gone(struct gate_worker *worker)
{
	struct gate *gate = worker->gate;
	size_t gone = index_of(worker);

	for (LIST_EACH_SAFE(node, next, &gate->queries)) {
		struct gate_query *query = LIST_ENTRY(node, struct gate_query, node);
		bool others = false;
		for (size_t i = 0; i < gate->worker_count; i++) {
			others = others || (i != gone && query->pending[i]);
		}
		if (query->pending[gone] && !others) {
			finish(gate, query);
		}
	}
}

void gate_query_link_gone(struct gate_link *link)
{
	for (LIST_EACH_SAFE(node, next, &link->gate->queries)) {
		struct gate_query *query = LIST_ENTRY(node, struct gate_query, node);
		if (query->link == link) {
			destroy(link->gate, query);
		}
	}
}

void gate_query_sweep(struct gate *gate)
{
	for (LIST_EACH_SAFE(node, next, &gate->queries)) {
		struct gate_query *query = LIST_ENTRY(node, struct gate_query, node);
		if (gate->now_ms >= query->deadline_ms) {
			finish(gate, query);
		}
	}
}
