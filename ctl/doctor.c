/*
 * doctor: helioctl doctor: runs the checks in order and prints what they found. Changes nothing.
 */
#include "ctl/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"

static const char *const state_names[] = { "ok", "warning", "failed" };

void doctor_find(struct doctor *doctor, enum finding state, const char *check, const char *what,
	const char *why, const char *todo)
{
	doctor->warnings += state == FINDING_WARNING ? 1 : 0;
	doctor->failures += state == FINDING_FAILED ? 1 : 0;
	json_array_append_new(doctor->findings,
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "check", check, "state", state_names[state],
			"what", what, "why", why != NULL ? why : "", "todo",
			todo != NULL ? todo : ""));
}

/* ---------------------------------------------------------------- what authd says */

/* Asks without complaining: that authd does not answer is a finding like others. */
static json_t *ask(struct doctor *doctor, const char *path, int64_t *date)
{
	struct ctl *ctl = doctor->ctl;
	json_t *answer = NULL;
	int err = client_request(ctl->client, "GET", path, NULL, &answer);

	if (err != 0) {
		doctor_find(doctor, FINDING_FAILED, "authd", "authd does not tell how it is",
			client_why(ctl->client),
			"start helio-authd, look into its log; the checks that need it were left "
			"out");
		return NULL;
	}
	if (date != NULL) {
		*date = client_date(ctl->client);
	}
	return answer;
}

static void check_authd(struct doctor *doctor)
{
	const char *version = json_string_value(json_object_get(doctor->status, "version"));
	char what[256];

	snprintf(what, sizeof(what), "authd answers at %.150s, version %.40s",
		client_where(doctor->ctl->client), version != NULL ? version : "unknown");
	doctor_find(doctor, FINDING_OK, "authd", what, NULL, NULL);
}

/* ---------------------------------------------------------------- printing */

static void print_safely(const char *text, const char *start)
{
	char *safe = columns_escape(text);

	printf("%s%s\n", start, safe != NULL ? safe : "?");
	free(safe);
}

static void print_finding(const struct ctl *ctl, const json_t *finding)
{
	const char *state = json_string_value(json_object_get(finding, "state"));
	const char *why = json_string_value(json_object_get(finding, "why"));
	const char *todo = json_string_value(json_object_get(finding, "todo"));
	bool good = strcmp(state, "ok") == 0;
	const char *colour = good              ? "\033[32m"
		: strcmp(state, "failed") == 0 ? "\033[31m"
					       : "\033[33m";

	if (good && ctl->quiet) {
		return;
	}
	printf("%s%-8s%s", ctl->colour ? colour : "", state, ctl->colour ? "\033[0m" : "");
	print_safely(json_string_value(json_object_get(finding, "what")), "");
	if (why[0] != '\0') {
		print_safely(why, "          why: ");
	}
	if (todo[0] != '\0') {
		print_safely(todo, "          what to do: ");
	}
}

static int report(const struct doctor *doctor)
{
	const struct ctl *ctl = doctor->ctl;
	size_t i;
	json_t *finding;
	int status = CTL_OK;

	if (ctl->json) {
		json_t *json = json_pack("{s:b, s:I, s:I, s:O}", "ok", doctor->failures == 0,
			"warnings", (json_int_t)doctor->warnings, "failures",
			(json_int_t)doctor->failures, "findings", doctor->findings);

		status = listing_json(json);
		json_decref(json);
	} else {
		json_array_foreach(doctor->findings, i, finding) {
			print_finding(ctl, finding);
		}
		if (!ctl->quiet) {
			printf("\n%zu checks, %zu warning%s, %zu failed\n",
				json_array_size(doctor->findings), doctor->warnings,
				doctor->warnings == 1 ? "" : "s", doctor->failures);
		}
	}
	return status == CTL_OK && doctor->failures > 0 ? CTL_FAILED : status;
}

int doctor_run(struct ctl *ctl)
{
	struct doctor doctor = { .ctl = ctl, .findings = json_array(), .now = (int64_t)time(NULL) };
	int64_t date = 0;
	json_t *answer = NULL;
	int status;

	doctor_check_settings(&doctor);
	doctor.status = ask(&doctor, "/v1/status", &date);
	doctor.now = (int64_t)time(NULL);
	if (doctor.status != NULL) {
		check_authd(&doctor);
		doctor_check_clock(&doctor, date);
		doctor_check_database(&doctor);
		doctor_check_certificates(&doctor);
		doctor_check_keys(&doctor);
		doctor_check_limits(&doctor);
		answer = ask(&doctor, "/v1/reflectors", NULL);
		doctor.reflectors = json_object_get(answer, "reflectors");
		doctor_check_links(&doctor);
	}
	doctor_check_ports(&doctor);
	status = report(&doctor);
	json_decref(answer);
	json_decref(doctor.status);
	json_decref(doctor.findings);
	return status;
}
