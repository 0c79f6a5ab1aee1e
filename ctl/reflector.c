/*
 * reflector: helioctl reflector list, show, enrol, drain, undrain, weight, remove.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/format.h"
#include "ctl/impact.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/show.h"

static void fill_state(const json_t *item, int64_t now, struct listing_cell *cell)
{
	const char *state = json_string_value(json_object_get(item, "state"));

	(void)now;
	if (state != NULL) {
		snprintf(cell->text, cell->size, "%s", state);
		cell->style = strcmp(state, "up") == 0 ? STYLE_GOOD : STYLE_BAD;
	}
	if (json_is_false(json_object_get(item, "linked")) && state != NULL &&
		strcmp(state, "down") != 0) {
		snprintf(cell->text, cell->size, "%s, no link", state);
		cell->style = STYLE_BAD;
	}
}

/* The sum of one number over all workers; the count of workers when key is NULL. */
static void fill_sum(const json_t *item, const char *key, struct listing_cell *cell)
{
	const json_t *workers = json_object_get(item, "workers");
	json_int_t sum = 0;
	size_t i;
	json_t *worker;

	if (!json_is_array(workers)) {
		return;
	}
	json_array_foreach(workers, i, worker) {
		sum += key != NULL ? json_integer_value(json_object_get(worker, key)) : 1;
	}
	snprintf(cell->text, cell->size, "%" JSON_INTEGER_FORMAT, sum);
}

static void fill_workers(const json_t *item, int64_t now, struct listing_cell *cell)
{
	(void)now;
	fill_sum(item, NULL, cell);
}

static void fill_rooms(const json_t *item, int64_t now, struct listing_cell *cell)
{
	(void)now;
	fill_sum(item, "rooms", cell);
}

static void fill_participants(const json_t *item, int64_t now, struct listing_cell *cell)
{
	(void)now;
	fill_sum(item, "participants", cell);
}

/* An alarm (somebody else answers there) before an error (nobody does). */
static void fill_error(const json_t *item, int64_t now, struct listing_cell *cell)
{
	const char *alarm = json_string_value(json_object_get(item, "alarm"));
	const char *error = json_string_value(json_object_get(item, "error"));

	(void)now;
	if (alarm != NULL && alarm[0] != '\0') {
		snprintf(cell->text, cell->size, "ALARM: %s", alarm);
		cell->style = STYLE_BAD;
	} else {
		snprintf(cell->text, cell->size, "%s", error != NULL ? error : "");
	}
}

static const struct listing_column columns[] = {
	{ "REFLECTOR", "name", LISTING_TEXT, NULL, FIT_KEEP },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state, FIT_KEEP },
	{ "SINCE", "since", LISTING_TIME, NULL, FIT_DROP(7) },
	{ "CONTROL", "control", LISTING_TEXT, NULL, FIT_DROP(6) },
	{ "WORKERS", NULL, LISTING_CUSTOM_NUMBER, fill_workers, FIT_DROP(8) },
	{ "ROOMS", NULL, LISTING_CUSTOM_NUMBER, fill_rooms, FIT_KEEP },
	{ "PARTICIPANTS", NULL, LISTING_CUSTOM_NUMBER, fill_participants, FIT_KEEP },
	{ "WEIGHT", "weight", LISTING_NUMBER, NULL, FIT_DROP(9) },
	{ "ERROR", NULL, LISTING_CUSTOM, fill_error, FIT_CUT },
};

int reflector_list(struct ctl *ctl)
{
	return show_whole(ctl, "list the reflectors", "/v1/reflectors", "reflectors", columns,
		sizeof(columns) / sizeof(columns[0]));
}

/* ---------------------------------------------------------------- one of them */

static const struct listing_column fields[] = {
	{ "reflector", "name", LISTING_TEXT, NULL, FIT_KEEP },
	{ "state", NULL, LISTING_CUSTOM, fill_state, FIT_KEEP },
	{ "since", "since", LISTING_TIME, NULL, FIT_KEEP },
	{ "control", "control", LISTING_TEXT, NULL, FIT_KEEP },
	{ "address", "address", LISTING_TEXT, NULL, FIT_KEEP },
	{ "ports", "ports", LISTING_TEXT, NULL, FIT_KEEP },
	{ "fallback", "fallback_ports", LISTING_TEXT, NULL, FIT_KEEP },
	{ "TLS name", "tls_name", LISTING_TEXT, NULL, FIT_KEEP },
	{ "pin", "pin", LISTING_TEXT, NULL, FIT_KEEP },
	{ "allowed", "allowed", LISTING_TEXT, NULL, FIT_KEEP },
	{ "weight", "weight", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "version", "server", LISTING_TEXT, NULL, FIT_KEEP },
	{ "enrolled", "enrolled_at", LISTING_TIME, NULL, FIT_KEEP },
	{ "error", NULL, LISTING_CUSTOM, fill_error, FIT_KEEP },
};

static void fill_uptime(const json_t *item, int64_t now, struct listing_cell *cell)
{
	const json_t *uptime = json_object_get(item, "uptime_s");

	if (json_is_integer(uptime)) {
		char text[32];

		format_relative(text, now - json_integer_value(uptime), now);
		snprintf(cell->text, cell->size, "%s", text);
	}
}

static const struct listing_column worker_columns[] = {
	{ "PORT", "port", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "ROOMS", "rooms", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "PARTICIPANTS", "participants", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "STREAMS", "streams", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "IN", "bytes_in", LISTING_BYTES, NULL, FIT_DROP(8) },
	{ "OUT", "bytes_out", LISTING_BYTES, NULL, FIT_DROP(7) },
	{ "DROPPED", "dropped", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "QUEUE MS", "queue_ms", LISTING_NUMBER, NULL, FIT_KEEP },
	{ "STARTED", NULL, LISTING_CUSTOM, fill_uptime, FIT_DROP(9) },
};

/* The reflector of this name in the answer of the list; NULL. */
static json_t *find(const json_t *answer, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(answer, "reflectors"), i, item) {
		const char *have = json_string_value(json_object_get(item, "name"));

		if (have != NULL && strcmp(have, name) == 0) {
			return item;
		}
	}
	return NULL;
}

int reflector_show(struct ctl *ctl)
{
	json_t *answer = NULL, *item;
	int status = ctl_call(ctl, "show the reflector", "GET", "/v1/reflectors", NULL, &answer);

	item = find(answer, ctl->options.operands[0]);
	if (status == CTL_OK && item == NULL) {
		ctl_complain("show the reflector", "there is none of that name",
			"`helioctl reflector list` shows what there is");
		status = CTL_NOT_FOUND;
	} else if (status == CTL_OK && ctl->json) {
		status = listing_json(item);
	} else if (status == CTL_OK) {
		status = listing_fields(ctl, item, fields, sizeof(fields) / sizeof(fields[0]));
		if (status == CTL_OK && json_array_size(json_object_get(item, "workers")) > 0) {
			putchar('\n');
			status = listing_table(ctl, json_object_get(item, "workers"),
				worker_columns, sizeof(worker_columns) / sizeof(worker_columns[0]));
		}
	}
	json_decref(answer);
	return status;
}

/* ---------------------------------------------------------------- changes */

static int set_weight_in(json_t *body, const char *text)
{
	long weight =
		text[strspn(text, "0123456789")] == '\0' && strlen(text) <= 4 ? atol(text) : 0;

	if (weight < 1 || weight > 1000) {
		ctl_complain(
			"set the weight", "it is no number from 1 to 1000", "100 is the default");
		return CTL_USAGE;
	}
	json_object_set_new(body, "weight", json_integer(weight));
	return CTL_OK;
}

/* The body of an enrolment; NULL after complaining. */
static json_t *enrol_body(const struct ctl *ctl)
{
	const char *const *value = ctl->options.value;
	json_t *body;

	if (value[OPT_CONTROL] == NULL || value[OPT_ADDRESS] == NULL) {
		ctl_complain("enrol the reflector", "--control and --address are needed",
			"helioctl reflector enrol r2 --control 192.0.2.11:49200 --address 192.0.2.11");
		return NULL;
	}
	body = json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*, s:s*}", "name", ctl->options.operands[0],
		"control", value[OPT_CONTROL], "address", value[OPT_ADDRESS], "ports",
		value[OPT_PORTS] != NULL ? value[OPT_PORTS] : "49152-49155", "fallback_ports",
		value[OPT_FALLBACK_PORTS], "tls_name", value[OPT_TLS_NAME], "allowed",
		value[OPT_ALLOWED]);
	if (body == NULL) {
		ctl_complain("enrol the reflector", "what was given is not UTF-8", NULL);
		return NULL;
	}
	if (value[OPT_WEIGHT] != NULL && set_weight_in(body, value[OPT_WEIGHT]) != CTL_OK) {
		json_decref(body);
		return NULL;
	}
	return body;
}

static int show_code(const struct ctl *ctl, json_t *answer)
{
	const char *code = json_string_value(json_object_get(answer, "code"));
	const char *command = json_string_value(json_object_get(answer, "command"));
	char *safe = code == NULL ? NULL
				  : columns_escape(ctl->quiet || command == NULL ? code : command);

	if (safe == NULL) {
		ctl_complain("show the code", "authd's answer has none",
			"are helioctl and authd of one version?");
		return CTL_FAILED;
	}
	if (ctl->quiet) {
		puts(safe);
	} else {
		printf("Run this on the reflector's host, within 15 minutes:\n\n"
		       "  %s%s\n\n"
		       "authd calls it at %s and goes on by itself; `helioctl reflector list` shows "
		       "how it is.\n",
			command == NULL ? "helio-reflector --enrol " : "", safe,
			ctl->options.value[OPT_CONTROL]);
	}
	free(safe);
	return CTL_OK;
}

int reflector_enrol(struct ctl *ctl)
{
	json_t *body = enrol_body(ctl), *answer = NULL;
	int status;

	if (body == NULL) {
		return CTL_USAGE;
	}
	status = ctl_call(ctl, "enrol the reflector", "POST", "/v1/reflectors", body, &answer);
	if (status == CTL_OK) {
		status = ctl->json ? listing_json(answer) : show_code(ctl, answer);
	}
	json_decref(answer);
	json_decref(body);
	return status;
}

static int patch(struct ctl *ctl, const char *what, json_t *body, const char *done)
{
	struct client_path path;
	char text[256];

	client_path_init(&path, "/v1/reflectors");
	client_path_segment(&path, ctl->options.operands[0]);
	snprintf(text, sizeof(text), "reflector %s %s", ctl->options.operands[0], done);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = what,
			.method = "PATCH",
			.path = path.text,
			.has_body = true,
			.body = body,
			.done = text });
}

int reflector_drain(struct ctl *ctl)
{
	return patch(ctl, "drain the reflector", json_pack("{s:s}", "state", "drain"),
		"gets no new rooms");
}

int reflector_undrain(struct ctl *ctl)
{
	return patch(ctl, "use the reflector again", json_pack("{s:s}", "state", "up"),
		"gets new rooms again");
}

int reflector_weight(struct ctl *ctl)
{
	json_t *body = json_object();
	int status = set_weight_in(body, ctl->options.operands[1]);

	if (status != CTL_OK) {
		json_decref(body);
		return status;
	}
	return patch(ctl, "set the weight", body, "has a new weight");
}

/* "cut off 3 participants in 2 rooms": what stands on it now. */
static int count_people(struct ctl *ctl, char out[160])
{
	json_t *answer = NULL;
	struct listing_cell people = { .text = (char[32]){ "" }, .size = 32 };
	struct listing_cell rooms = { .text = (char[32]){ "" }, .size = 32 };
	int status = ctl_call(ctl, "look at the reflector", "GET", "/v1/reflectors", NULL, &answer);
	const json_t *item = find(answer, ctl->options.operands[0]);

	if (status == CTL_OK && item == NULL) {
		ctl_complain("remove the reflector", "there is none of that name",
			"`helioctl reflector list` shows what there is");
		status = CTL_NOT_FOUND;
	} else if (status == CTL_OK) {
		fill_sum(item, "participants", &people);
		fill_sum(item, "rooms", &rooms);
		snprintf(out, 160, "cut the link; %s participants in %s rooms are on it now",
			people.text[0] != '\0' ? people.text : "0",
			rooms.text[0] != '\0' ? rooms.text : "0");
	}
	json_decref(answer);
	return status;
}

int reflector_remove(struct ctl *ctl)
{
	char question[256], also[160], done[256];
	struct impact impact = { .question = question, .also = also };
	struct client_path path;
	bool go;
	int status = count_people(ctl, also);

	if (status != CTL_OK) {
		return status;
	}
	snprintf(question, sizeof(question), "Withdraw the enrolment of %.64s (%s)?",
		ctl->options.operands[0], also);
	status = impact_confirm(ctl, &impact, &go);
	if (status != CTL_OK || !go) {
		return status;
	}
	client_path_init(&path, "/v1/reflectors");
	client_path_segment(&path, ctl->options.operands[0]);
	snprintf(done, sizeof(done), "reflector %s removed", ctl->options.operands[0]);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "remove the reflector",
			.method = "DELETE",
			.path = path.text,
			.done = done });
}
