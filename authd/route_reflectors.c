/*
 * route_reflectors: the fleet: as its links see it, without asking anybody; enrolment, which hands
 * out a code once; drain, weight, withdrawal. Reflectors of the settings file are shown and not
 * changed.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "authd/fleet.h"
#include "authd/placement.h"
#include "authd/room_live.h"
#include "authd/route_handlers.h"
#include "authd/store_reflectors.h"
#include "common/clock.h"
#include "common/enrol_code.h"
#include "common/log.h"
#include "proto/msg.h"

#define CODE_LIFE_S 900

/* ---- the list ---- */

static json_t *worker_json(const struct link_worker *w)
{
	return json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "port",
		(int)w->port, "rooms", (json_int_t)w->rooms, "participants",
		(json_int_t)w->participants, "streams", (json_int_t)w->streams, "frames_in",
		(json_int_t)w->frames_in, "frames_out", (json_int_t)w->frames_out, "bytes_in",
		(json_int_t)w->bytes_in, "bytes_out", (json_int_t)w->bytes_out, "dropped",
		(json_int_t)w->dropped, "queue_ms", (json_int_t)w->queue_ms, "events_dropped",
		(json_int_t)w->events_dropped, "pid", (json_int_t)w->pid, "uptime_s",
		(json_int_t)w->uptime_s);
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

static void ports_text(const struct fleet_ports *ports, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ports->count && at < size; i++) {
		unsigned first = ports->ranges[i].first, last = ports->ranges[i].last;
		at += (size_t)(first == last
				? snprintf(out + at, size - at, "%s%u", at > 0 ? "," : "", first)
				: snprintf(out + at, size - at, "%s%u-%u", at > 0 ? "," : "", first,
					  last));
	}
}

/* Linked, but no worker has reported for three intervals. */
static bool is_silent(const struct link_view *view, uint64_t now_ms)
{
	for (size_t i = 0; i < view->worker_count; i++) {
		uint64_t then = view->workers[i].report_ms != 0 ? view->workers[i].report_ms
								: view->since_ms;
		if (then + PLACEMENT_REPORT_MS > now_ms) {
			return false;
		}
	}
	return true;
}

static const char *state_of(const struct link_view *view)
{
	if (!view->up || is_silent(view, clock_now_ms())) {
		return "down";
	}
	return view->conf.state == STORE_REFLECTOR_DRAIN ? "drain" : "up";
}

static int add_linked(const struct link_view *view, void *arg)
{
	const struct fleet_reflector *conf = &view->conf;
	char ports[128], fallback[128];

	ports_text(&conf->ports, ports, sizeof(ports));
	ports_text(&conf->fallback, fallback, sizeof(fallback));
	json_t *item = json_pack("{s:s,s:s,s:s,s:b,s:b,s:I,s:s,s:s,s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s,"
				 "s:I,s:I,s:I,s:b,s:o}",
		"name", conf->name, "control", conf->control.text, "state", state_of(view),
		"linked", view->up ? 1 : 0, "drain", conf->state == STORE_REFLECTOR_DRAIN ? 1 : 0,
		"since", (json_int_t)view->since, "error",
		view->up ? is_silent(view, clock_now_ms()) ? "it does not report" : ""
			 : view->detail,
		"alarm", view->alarm, "alarm_at", (json_int_t)view->alarm_at, "alarms",
		(json_int_t)view->alarms, "address", conf->address, "ports", ports,
		"fallback_ports", fallback, "tls_name", conf->tls_name, "pin", view->pin, "allowed",
		conf->allowed, "weight", (json_int_t)conf->weight, "enrolled_at",
		(json_int_t)conf->enrolled_at, "certificate_until", (json_int_t)view->cert_until,
		"fixed", conf->enrolled ? 0 : 1, "workers", workers_json(view));

	return json_array_append_new(arg, item) == 0 ? 0 : ERR_NOMEM;
}

struct listing {
	json_t *list;
	struct link_dial *link_dial;
};

/* One that has no link because it was not enrolled yet. */
static int add_enrolling(const struct store_reflector *row, void *arg)
{
	const struct listing *listing = arg;
	char refusal[ENROL_REFUSAL_MAX], error[ENROL_REFUSAL_MAX + 96];

	if (row->enrolled_at != 0) {
		return 0;
	}
	bool over = row->code[0] == '\0' || row->code_until <= (int64_t)time(NULL);
	link_dial_refusal(listing->link_dial, row->name, refusal);
	snprintf(error, sizeof(error), "%s%s%s",
		over ? "its code is over: enrol it anew" : "waits for helio-reflector --enrol",
		!over && refusal[0] != '\0' ? "; refused the last one: " : "", over ? "" : refusal);
	json_t *item = json_pack(
		"{s:s,s:s,s:s,s:b,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:b,s:[]}", "name",
		row->name, "control", row->control, "state", "enrolling", "linked", 0, "since",
		(json_int_t)0, "error", error, "alarm", "", "address", row->address, "ports",
		row->ports, "fallback_ports", row->fallback_ports, "tls_name", row->tls_name,
		"allowed", row->allowed, "weight", (json_int_t)row->weight, "code_until",
		(json_int_t)row->code_until, "fixed", 0, "workers");

	return json_array_append_new(listing->list, item) == 0 ? 0 : ERR_NOMEM;
}

void route_reflectors_get(const struct route_call *call)
{
	json_t *list = json_array();
	struct listing listing = { .list = list, .link_dial = call->ctx->link_dial };
	int err = list != NULL ? link_dial_each(call->ctx->link_dial, add_linked, list) : ERR_NOMEM;

	if (err == 0) {
		err = store_reflector_list(call->ctx->store, add_enrolling, &listing);
	}
	if (err != 0) {
		json_decref(list);
		http_reply_error(call->reply, err, NULL);
		return;
	}
	http_reply_json(call->reply, MHD_HTTP_OK, json_pack("{s:o}", "reflectors", list));
}

/* ---- enrolment ---- */

struct known {
	const char *name;
	bool fixed;
	size_t count;
};

static int look(const struct link_view *view, void *arg)
{
	struct known *known = arg;

	known->count++;
	if (!view->conf.enrolled && strcmp(view->conf.name, known->name) == 0) {
		known->fixed = true;
	}
	return 0;
}

/* A host name or a literal address: what a certificate can name. */
static bool is_tls_name(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= AUTHD_TLS_NAME_MAX &&
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:-") ==
		len;
}

static const char *judge(const struct store_reflector *r)
{
	struct fleet_reflector parsed;
	struct settings_addr addr;
	char with_port[80];
	bool v6 = strchr(r->address, ':') != NULL;

	if (!msg_is_name(r->name)) {
		return "name must be 1-64 characters of A-Z a-z 0-9 . _ @ -";
	}
	snprintf(with_port, sizeof(with_port), v6 ? "[%s]:1" : "%s:1", r->address);
	if (settings_parse_addr(with_port, &addr) != 0) {
		return "address must be the literal address that clients connect to";
	}
	if (settings_parse_addr(r->control, &addr) != 0) {
		return "control must be ADDRESS:PORT with a literal address";
	}
	if (fleet_from_store(&parsed, r) != 0 || parsed.ports.count == 0) {
		return "ports and fallback_ports must be ports or ranges like 49152-49155,443";
	}
	if (fleet_allowed_check(r->allowed) != 0) {
		return "allowed must be addresses or networks, separated by commas";
	}
	if (!fleet_allows(&parsed, r->control)) {
		return "control is not at an address of allowed";
	}
	return is_tls_name(r->tls_name) ? NULL : "tls_name must be a host name or an address";
}

static int take_fields(const json_t *body, struct store_reflector *r)
{
	const char *name = NULL, *control = NULL, *address = NULL, *ports = NULL, *fallback = "",
		   *tls_name = NULL, *allowed = "";
	int64_t weight = 100;

	if (msg_get_string(body, "name", LIMIT_NAME, &name) != 0 ||
		msg_get_string(body, "control", sizeof(r->control) - 1, &control) != 0 ||
		msg_get_string(body, "address", 48, &address) != 0 ||
		msg_get_string(body, "ports", sizeof(r->ports) - 1, &ports) != 0 ||
		msg_opt_string(body, "fallback_ports", sizeof(r->fallback_ports) - 1, &fallback) !=
			0 ||
		msg_opt_string(body, "tls_name", AUTHD_TLS_NAME_MAX, &tls_name) != 0 ||
		msg_opt_string(body, "allowed", sizeof(r->allowed) - 1, &allowed) != 0 ||
		msg_opt_int(body, "weight", 1, FLEET_WEIGHT_MAX, &weight) != 0) {
		return ERR_BAD_FIELD;
	}
	snprintf(r->name, sizeof(r->name), "%s", name);
	snprintf(r->control, sizeof(r->control), "%s", control);
	snprintf(r->address, sizeof(r->address), "%s", address);
	snprintf(r->ports, sizeof(r->ports), "%s", ports);
	snprintf(r->fallback_ports, sizeof(r->fallback_ports), "%s", fallback);
	snprintf(r->tls_name, sizeof(r->tls_name), "%s", tls_name != NULL ? tls_name : name);
	snprintf(r->allowed, sizeof(r->allowed), "%s", allowed);
	for (char *c = r->tls_name; tls_name == NULL && *c != '\0'; c++) {
		*c = *c == '_' || *c == '@' ? '-' : *c;
	}
	r->weight = weight;
	return 0;
}

/* What the other side is to run. */
static json_t *command_text(const struct store_reflector *r, const char *code)
{
	char text[1024];

	snprintf(text, sizeof(text),
		"helio-reflector --enrol %s --name %s --listen %s --ports %s --control %s%s%s"
		" --user heliograph-dmz",
		code, r->name, strchr(r->address, ':') != NULL ? "::" : "0.0.0.0", r->ports,
		r->control, r->fallback_ports[0] != '\0' ? " --fallback-ports " : "",
		r->fallback_ports);
	return json_string(text);
}

static int give_code(
	const struct route_call *call, struct store_reflector *r, char code[ENROL_CODE_TEXT + 1])
{
	int err = enrol_code_make(code);

	if (err == 0) {
		err = enrol_code_key(code, r->code);
	}
	r->code_until = (int64_t)time(NULL) + CODE_LIFE_S;
	return err == 0 ? store_reflector_put(call->ctx->store, &call->actor, r) : err;
}

void route_reflectors_post(const struct route_call *call)
{
	struct store_reflector r = { .state = STORE_REFLECTOR_ENROLLING };
	char code[ENROL_CODE_TEXT + 1];

	if (!route_body_only(call, "name", "control", "address", "ports", "fallback_ports",
		    "tls_name", "allowed", "weight", NULL)) {
		return;
	}
	const char *why = take_fields(call->body, &r) == 0
		? judge(&r)
		: "name, control, address and ports are strings, weight is 1-1000";
	if (why != NULL) {
		http_reply_error(call->reply, ERR_BAD_FIELD, why);
		return;
	}
	struct known known = { .name = r.name };
	(void)link_dial_each(call->ctx->link_dial, look, &known);
	if (known.fixed) {
		http_reply_error(call->reply, ERR_EXISTS,
			"a reflector of that name is in the settings file");
		return;
	}
	if (known.count >= AUTHD_REFLECTORS_MAX) {
		http_reply_problem(call->reply, MHD_HTTP_CONFLICT, ERR_LIMIT,
			"there are 64 reflectors already");
		return;
	}
	int err = give_code(call, &r, code);
	if (err != 0) {
		http_reply_error(call->reply, err, NULL);
		return;
	}
	log_event(LOG_LEVEL_INFO, "enrol-begin", LOG_STR("reflector", r.name),
		LOG_STR("control", r.control));
	http_reply_json(call->reply, MHD_HTTP_CREATED,
		json_pack("{s:s,s:s,s:I,s:s,s:o}", "name", r.name, "code", code, "expires_at",
			(json_int_t)r.code_until, "tls_name", r.tls_name, "command",
			command_text(&r, code)));
	explicit_bzero(code, sizeof(code));
}

/* ---- changes ---- */

static void answer_missing(const struct route_call *call, int err)
{
	struct known known = { .name = call->arg };

	(void)link_dial_each(call->ctx->link_dial, look, &known);
	if (err == ERR_NOT_FOUND && known.fixed) {
		http_reply_problem(call->reply, MHD_HTTP_CONFLICT, ERR_DENIED,
			"it stands in the settings file: change it there and send SIGHUP");
		return;
	}
	http_reply_error(
		call->reply, err, err == ERR_NOT_FOUND ? "there is no such reflector" : NULL);
}

void route_reflector_patch(const struct route_call *call)
{
	const char *state = NULL;
	int64_t weight = -1;
	struct store_reflector row;

	if (!route_body_only(call, "state", "weight", NULL)) {
		return;
	}
	if (msg_opt_string(call->body, "state", 8, &state) != 0 ||
		msg_opt_int(call->body, "weight", 1, FLEET_WEIGHT_MAX, &weight) != 0 ||
		(state != NULL && strcmp(state, "up") != 0 && strcmp(state, "drain") != 0)) {
		http_reply_error(call->reply, ERR_BAD_FIELD, "state is up or drain, weight 1-1000");
		return;
	}
	int err = store_reflector_get(call->ctx->store, call->arg, &row);
	if (err == 0 && state != NULL && row.enrolled_at == 0) {
		http_reply_problem(
			call->reply, MHD_HTTP_CONFLICT, ERR_DENIED, "it is not enrolled yet");
		return;
	}
	if (err == 0) {
		int to = state == NULL             ? -1
			: strcmp(state, "up") == 0 ? STORE_REFLECTOR_UP
						   : STORE_REFLECTOR_DRAIN;
		err = store_reflector_set(call->ctx->store, &call->actor, call->arg, to, weight);
	}
	if (err != 0) {
		answer_missing(call, err);
		return;
	}
	log_event(LOG_LEVEL_INFO, "reflector-set", LOG_STR("reflector", call->arg),
		LOG_STR("state", state), LOG_INT("weight", weight));
	http_reply_json(call->reply, MHD_HTTP_OK,
		json_pack("{s:s,s:s*,s:o*}", "name", call->arg, "state", state, "weight",
			weight < 0 ? NULL : json_integer(weight)));
}

/* Who is in a room there is sent away while somebody can still tell it to: behind the cut nothing
 * that authd says reaches these sessions. Ends at the first order that was not carried out. */
static void close_rooms(const struct route_call *call, const char *reflector)
{
	struct room_live live = { 0 };
	size_t closed = 0;
	int err = room_live_ask(&live, call->ctx->link_dial, "rooms", NULL);

	for (size_t i = 0; err == 0 && i < json_array_size(live.items); i++) {
		const json_t *item = json_array_get(live.items, i);
		const char *at = json_string_value(json_object_get(item, "reflector"));
		char code[LINK_ORDER_CODE_MAX] = "";
		if (at == NULL || strcmp(at, reflector) != 0) {
			continue;
		}
		json_t *order = json_pack(
			"{s:s,s:O}", "what", "close", "room", json_object_get(item, "name"));
		err = order != NULL
			? link_dial_moderate(call->ctx->link_dial, reflector, order, code)
			: ERR_NOMEM;
		json_decref(order);
		closed += err == 0 && code[0] == '\0' ? 1 : 0;
	}
	room_live_finish(&live);
	log_event(err == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "reflector-emptied",
		LOG_STR("reflector", reflector), LOG_INT("rooms", closed), LOG_ERR(err));
}

void route_reflector_delete(const struct route_call *call)
{
	struct store_reflector row;
	int err = store_reflector_get(call->ctx->store, call->arg, &row);

	if (err == 0) {
		if (row.enrolled_at != 0) {
			close_rooms(call, row.name);
		}
		err = store_reflector_delete(call->ctx->store, &call->actor, call->arg);
	}
	if (err != 0) {
		answer_missing(call, err);
		return;
	}
	log_event(LOG_LEVEL_INFO, "reflector-withdrawn", LOG_STR("reflector", call->arg));
	http_reply_empty(call->reply, MHD_HTTP_NO_CONTENT);
}
