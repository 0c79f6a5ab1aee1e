/*
 * link_parse: reads welcome and report of a reflector into its view. Never touches a link.
 */
#include "authd/link_parse.h"

#include <stdio.h>
#include <string.h>

#include "proto/msg.h"

static struct link_worker *find_worker(struct link_view *view, int64_t port)
{
	for (size_t i = 0; i < view->worker_count; i++) {
		if (view->workers[i].port == port) {
			return &view->workers[i];
		}
	}
	return NULL;
}

static int wrong(struct link_view *view, int err, const char *why)
{
	snprintf(view->detail, sizeof(view->detail), "%s", why);
	return err;
}

static int parse_ports(struct link_view *view, const json_t *workers)
{
	view->worker_count = 0;
	for (size_t i = 0; i < json_array_size(workers); i++) {
		int64_t port = 0;

		if (msg_get_int(json_array_get(workers, i), "port", 1, 65535, &port) != 0) {
			return wrong(view, ERR_BAD_FIELD, "a worker without a port in its welcome");
		}
		if ((fleet_ports_have(&view->conf.ports, port) ||
			    fleet_ports_have(&view->conf.fallback, port)) &&
			find_worker(view, port) == NULL) {
			view->workers[view->worker_count++] =
				(struct link_worker){ .port = (uint16_t)port };
		}
	}
	if (view->worker_count == 0) {
		return wrong(
			view, ERR_BAD_FIELD, "it has no worker on the ports that are named for it");
	}
	return 0;
}

int link_parse_welcome(struct link_view *view, const json_t *msg)
{
	const json_t *workers = NULL;
	const char *name = NULL, *pin = NULL;
	int64_t version = 0;

	if (msg_get_int(msg, "version", 0, INT32_MAX, &version) != 0 || version != 1) {
		return wrong(view, ERR_VERSION, "it speaks another version of the control link");
	}
	if (msg_get_string(msg, "reflector", LIMIT_NAME, &name) != 0 ||
		strcmp(name, view->conf.name) != 0) {
		return wrong(view, ERR_DENIED, "it has another name than it is known by");
	}
	if (msg_get_string(msg, "pin", TLS_PEER_PIN_SIZE - 1, &pin) != 0 ||
		strlen(pin) != TLS_PEER_PIN_SIZE - 1 || strncmp(pin, "sha256/", 7) != 0) {
		return wrong(view, ERR_BAD_FIELD, "its welcome has no pin");
	}
	if (msg_get_array(msg, "workers", LINK_WORKERS_MAX, &workers) != 0) {
		return wrong(view, ERR_BAD_FIELD, "its welcome has no workers");
	}
	view->max_participants = 0;
	if (msg_opt_int(msg, "max_participants", 1, INT32_MAX, &view->max_participants) != 0) {
		return wrong(view, ERR_BAD_FIELD, "its welcome has a number that cannot be");
	}
	snprintf(view->pin, sizeof(view->pin), "%s", pin);
	return parse_ports(view, workers);
}

static int parse_worker(struct link_worker *w, const json_t *item)
{
	/* Sums over all workers must fit, and a load that cannot be may not draw or drive rooms. */
	const int64_t some = 1000000, many = INT64_MAX / 65536;
	const struct {
		const char *key;
		int64_t *to;
		int64_t max;
	} fields[] = {
		{ "rooms", &w->rooms, some },
		{ "participants", &w->participants, some },
		{ "streams", &w->streams, some },
		{ "frames_in", &w->frames_in, many },
		{ "frames_out", &w->frames_out, many },
		{ "bytes_in", &w->bytes_in, many },
		{ "bytes_out", &w->bytes_out, many },
		{ "dropped", &w->dropped, many },
		{ "queue_ms", &w->queue_ms, many },
		{ "events_dropped", &w->events_dropped, many },
		{ "pid", &w->pid, many },
		{ "uptime_s", &w->uptime_s, many },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (msg_opt_int(item, fields[i].key, 0, fields[i].max, fields[i].to) != 0) {
			return ERR_BAD_FIELD;
		}
	}
	return 0;
}

int link_parse_report(struct link_view *view, const json_t *msg, uint64_t now_ms)
{
	const json_t *workers = NULL;
	int err = msg_get_array(msg, "workers", LINK_WORKERS_MAX, &workers);

	for (size_t i = 0; err == 0 && i < json_array_size(workers); i++) {
		const json_t *item = json_array_get(workers, i);
		int64_t port = 0;

		err = msg_get_int(item, "port", 1, 65535, &port);
		struct link_worker *w = err == 0 ? find_worker(view, port) : NULL;
		if (w != NULL) {
			err = parse_worker(w, item);
			w->report_ms = now_ms;
		}
	}
	return err;
}
