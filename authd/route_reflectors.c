/*
 * route_reflectors: the reflectors as their links see them, without asking them anything.
 */
#include <microhttpd.h>

#include "authd/routes.h"

static json_t *worker_json(const struct link_worker *w)
{
	return json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "port", (int)w->port,
		"rooms", (json_int_t)w->rooms, "participants", (json_int_t)w->participants,
		"streams", (json_int_t)w->streams, "frames_in", (json_int_t)w->frames_in,
		"frames_out", (json_int_t)w->frames_out, "bytes_in", (json_int_t)w->bytes_in,
		"bytes_out", (json_int_t)w->bytes_out, "dropped", (json_int_t)w->dropped, "pid",
		(json_int_t)w->pid, "uptime_s", (json_int_t)w->uptime_s);
}

/* The numbers of a reflector that is down are of the past: it is shown without workers. */
static json_t *workers_json(const struct link_view *view)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && view->up && i < view->worker_count; i++) {
		if (json_array_append_new(list, worker_json(&view->workers[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static int add_reflector(const struct link_view *view, void *arg)
{
	json_t *item = json_pack("{s:s,s:s,s:s,s:I,s:s,s:o}", "name", view->conf.name, "control",
		view->conf.control.text, "state", view->up ? "up" : "down", "since",
		(json_int_t)view->since, "error", view->up ? "" : view->detail, "workers",
		workers_json(view));

	return json_array_append_new(arg, item) == 0 ? 0 : ERR_NOMEM;
}

void route_reflectors_get(const struct route_call *call)
{
	json_t *list = json_array();
	int err = list != NULL ? link_dial_each(call->ctx->link_dial, add_reflector, list)
			       : ERR_NOMEM;

	if (err != 0) {
		json_decref(list);
		http_reply_error(call->reply, err, NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK, json_pack("{s:o}", "reflectors", list));
}
