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
		if (port >= view->conf.port_first && port <= view->conf.port_last &&
			find_worker(view, port) == NULL) {
			view->workers[view->worker_count++] =
				(struct link_worker){ .port = (uint16_t)port };
		}
	}
	if (view->worker_count == 0) {
		return wrong(view, ERR_BAD_FIELD,
			"it has no worker on the ports that the settings name for it");
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
		return wrong(view, ERR_BAD_FIELD, "it has another name than the settings give it");
	}
	if (msg_get_string(msg, "pin", TLS_IO_PIN_SIZE - 1, &pin) != 0 ||
		strlen(pin) != TLS_IO_PIN_SIZE - 1 || strncmp(pin, "sha256/", 7) != 0) {
		return wrong(view, ERR_BAD_FIELD, "its welcome has no pin");
	}
	if (msg_get_array(msg, "workers", LINK_WORKERS_MAX, &workers) != 0) {
		return wrong(view, ERR_BAD_FIELD, "its welcome has no workers");
	}
	snprintf(view->pin, sizeof(view->pin), "%s", pin);
	return parse_ports(view, workers);
}

static int parse_worker(struct link_worker *w, const json_t *item)
{
	const struct {
		const char *key;
		int64_t *to;
	} fields[] = {
		{ "rooms", &w->rooms },
		{ "participants", &w->participants },
		{ "streams", &w->streams },
		{ "frames_in", &w->frames_in },
		{ "frames_out", &w->frames_out },
		{ "bytes_in", &w->bytes_in },
		{ "bytes_out", &w->bytes_out },
		{ "dropped", &w->dropped },
		{ "pid", &w->pid },
		{ "uptime_s", &w->uptime_s },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (msg_opt_int(item, fields[i].key, 0, INT64_MAX, fields[i].to) != 0) {
			return ERR_BAD_FIELD;
		}
	}
	return 0;
}

int link_parse_report(struct link_view *view, const json_t *msg)
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
		}
	}
	return err;
}
