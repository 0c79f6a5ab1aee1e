/*
 * doctor_server: what authd's own words say about its health. What it does not tell is not judged.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor.h"
#include "ctl/format.h"
#include "ctl/listing.h"

#define CLOCK_TOLERANCE_S 5
#define EXPIRES_SOON_S (INT64_C(30) * 86400)
#define KEY_OLD_S (INT64_C(365) * 86400)
#define FILES_FEW 1024

void doctor_check_database(struct doctor *doctor)
{
	const json_t *database = json_object_get(doctor->status, "database");
	char what[160];

	if (!json_is_object(database)) {
		return;
	}
	if (json_is_false(json_object_get(database, "ok"))) {
		doctor_find(doctor, FINDING_FAILED, "database", "the database does not work",
			listing_text(database, "error"),
			"look at the disk of state-dir, or at PostgreSQL; authd's log says more");
		return;
	}
	snprintf(what, sizeof(what), "the database works (%.40s)",
		listing_text(database, "kind")[0] != '\0' ? listing_text(database, "kind")
							  : "unknown kind");
	doctor_find(doctor, FINDING_OK, "database", what, NULL, NULL);
}

/* Soon: within the last third of its life, and 30 days at most. */
static bool ends_soon(int64_t begins, int64_t expires, int64_t now)
{
	int64_t third = begins > 0 && expires > begins ? (expires - begins) / 3 : EXPIRES_SOON_S;

	return expires - now < (third < EXPIRES_SOON_S ? third : EXPIRES_SOON_S);
}

static void check_certificate(struct doctor *doctor, const json_t *certificate)
{
	const char *file = listing_text(certificate, "file"),
		   *name = listing_text(certificate, "what");
	const json_t *expires = json_object_get(certificate, "expires_at");
	int64_t left = json_integer_value(expires) - doctor->now;
	char what[400], when[32];

	if (!json_is_integer(expires)) {
		return;
	}
	format_relative(when, json_integer_value(expires), doctor->now);
	snprintf(what, sizeof(what), "certificate %.100s%s%.200s %s %s", name,
		name[0] != '\0' && file[0] != '\0' ? ", " : "", file,
		left <= 0 ? "expired" : "expires", when);
	if (left <= 0) {
		doctor_find(doctor, FINDING_FAILED, "certificate", what,
			"clients and reflectors refuse an expired certificate",
			"put a new one in its place; authd reads it within 10 s");
	} else if (ends_soon(json_integer_value(json_object_get(certificate, "begins_at")),
			   json_integer_value(expires), doctor->now)) {
		doctor_find(doctor, FINDING_WARNING, "certificate", what,
			"less than a third of its life, or than 30 days, is left",
			"put a new one in its place; authd reads it within 10 s");
	} else {
		doctor_find(doctor, FINDING_OK, "certificate", what, NULL, NULL);
	}
}

void doctor_check_certificates(struct doctor *doctor)
{
	size_t i;
	json_t *certificate;

	json_array_foreach(json_object_get(doctor->status, "certificates"), i, certificate) {
		check_certificate(doctor, certificate);
	}
}

void doctor_check_keys(struct doctor *doctor)
{
	const json_t *keys = json_object_get(doctor->status, "keys");
	size_t i, signing = 0;
	int64_t since = 0;
	json_t *key;
	char what[128], when[32] = "";

	if (!json_is_array(keys)) {
		return;
	}
	json_array_foreach(keys, i, key) {
		if (json_is_true(json_object_get(key, "signs"))) {
			signing++;
			since = json_integer_value(json_object_get(key, "active_at"));
		}
	}
	if (signing == 0) {
		doctor_find(doctor, FINDING_FAILED, "keys", "no key signs tokens",
			"all keys are retired or not active yet", "helioctl key rotate");
		return;
	}
	if (since > 0) {
		format_relative(when, since, doctor->now);
	}
	snprintf(what, sizeof(what), "%zu key%s published, %zu of them signs%s%s",
		json_array_size(keys), json_array_size(keys) == 1 ? "" : "s", signing,
		since > 0 ? ", active since " : "", when);
	if (since > 0 && doctor->now - since > KEY_OLD_S) {
		doctor_find(doctor, FINDING_WARNING, "keys", what,
			"the same key has signed for more than a year", "helioctl key rotate");
	} else {
		doctor_find(doctor, FINDING_OK, "keys", what, NULL, NULL);
	}
}

static void judge_clock(struct doctor *doctor, const char *whose, int64_t offset)
{
	char what[200];

	snprintf(what, sizeof(what), "the clock of %.100s %s %" PRId64 " s %s", whose,
		offset == 0 ? "is within" : "is", offset < 0 ? -offset : offset,
		offset == 0          ? "of ours"
			: offset < 0 ? "behind ours"
				     : "ahead of ours");
	if (offset > CLOCK_TOLERANCE_S || offset < -CLOCK_TOLERANCE_S) {
		doctor_find(doctor, FINDING_FAILED, "clock", what,
			"tokens are refused as expired or early when clocks differ",
			"let NTP set the clocks: timedatectl");
	} else {
		doctor_find(doctor, FINDING_OK, "clock", what, NULL, NULL);
	}
}

void doctor_check_clock(struct doctor *doctor, int64_t server_date)
{
	const json_t *now = json_object_get(doctor->status, "now");
	const json_t *database =
		json_object_get(json_object_get(doctor->status, "database"), "clock");

	if (json_is_integer(now)) {
		server_date = json_integer_value(now);
	}
	if (server_date > 0) {
		judge_clock(doctor, "authd", server_date - doctor->now);
	}
	if (json_is_integer(database)) {
		judge_clock(doctor, "the database", json_integer_value(database) - doctor->now);
	}
}

void doctor_check_limits(struct doctor *doctor)
{
	const json_t *limits = json_object_get(doctor->status, "limits");
	const json_t *most = json_object_get(limits, "open_files");
	json_int_t used = json_integer_value(json_object_get(limits, "open_files_used"));
	json_int_t limit = json_integer_value(most);
	char what[160];

	if (!json_is_integer(most)) {
		return;
	}
	snprintf(what, sizeof(what),
		"authd may open %" JSON_INTEGER_FORMAT " files and has %" JSON_INTEGER_FORMAT
		" open",
		limit, used);
	if (used > limit / 10 * 9) {
		doctor_find(doctor, FINDING_FAILED, "limits", what, "nearly all are in use",
			"raise LimitNOFILE of helio-authd.service");
	} else if (limit < FILES_FEW) {
		doctor_find(doctor, FINDING_WARNING, "limits", what,
			"each connection needs one, and they may run out",
			"raise LimitNOFILE of helio-authd.service");
	} else {
		doctor_find(doctor, FINDING_OK, "limits", what, NULL, NULL);
	}
}

/* ---------------------------------------------------------------- links */

/* The certificate that it showed on its link. */
static void check_link_certificate(struct doctor *doctor, const char *name, const json_t *reflector)
{
	int64_t until = json_integer_value(json_object_get(reflector, "certificate_until"));
	char what[256], when[32], todo[256];

	if (until <= 0) {
		return;
	}
	format_relative(when, until, doctor->now);
	snprintf(what, sizeof(what), "certificate of the reflector %.100s %s %s", name,
		until <= doctor->now ? "expired" : "expires", when);
	snprintf(todo, sizeof(todo),
		"enrol it once more: helioctl reflector enrol %.100s; one of the settings file "
		"gets new files",
		name);
	if (until <= doctor->now) {
		doctor_find(doctor, FINDING_FAILED, "certificate", what,
			"its link is refused when it is made the next time", todo);
	} else if (ends_soon(0, until, doctor->now)) {
		doctor_find(doctor, FINDING_WARNING, "certificate", what,
			"less than 30 days are left", todo);
	} else {
		doctor_find(doctor, FINDING_OK, "certificate", what, NULL, NULL);
	}
}

static void check_link(struct doctor *doctor, const json_t *reflector)
{
	const char *name = listing_text(reflector, "name"),
		   *state = listing_text(reflector, "state");
	const char *alarm = listing_text(reflector, "alarm"),
		   *error = listing_text(reflector, "error");
	const json_t *linked = json_object_get(reflector, "linked");
	bool up = json_is_boolean(linked) ? json_is_true(linked) : strcmp(state, "down") != 0;
	const json_t *offset = json_object_get(reflector, "clock_offset_s");
	char what[256];

	if (alarm[0] != '\0') {
		snprintf(
			what, sizeof(what), "somebody else answers for the reflector %.100s", name);
		doctor_find(doctor, FINDING_FAILED, "link", what, alarm,
			"find out who it is; enrol the reflector anew when it is the right one");
	} else if (strcmp(state, "enrolling") == 0) {
		snprintf(what, sizeof(what), "the reflector %.100s is not enrolled yet", name);
		doctor_find(doctor, FINDING_WARNING, "link", what,
			error[0] != '\0' ? error : "its code was not used so far",
			"run helio-reflector --enrol CODE on its host; "
			"`helioctl reflector enrol` gives a new code");
	} else if (!up) {
		snprintf(what, sizeof(what), "the link to the reflector %.100s is down", name);
		doctor_find(doctor, FINDING_FAILED, "link", what,
			error[0] != '\0' ? error : "authd gave no reason",
			"check that it runs, its `control`, the firewall and the certificates");
	} else {
		snprintf(what, sizeof(what), "the link to the reflector %.100s is up%s", name,
			strcmp(state, "drain") == 0 ? " (it drains)" : "");
		doctor_find(doctor, FINDING_OK, "link", what, NULL, NULL);
	}
	check_link_certificate(doctor, name, reflector);
	if (json_is_integer(offset)) {
		snprintf(what, sizeof(what), "the reflector %.80s", name);
		judge_clock(doctor, what, json_integer_value(offset));
	}
}

void doctor_check_links(struct doctor *doctor)
{
	size_t i;
	json_t *reflector;

	if (json_is_array(doctor->reflectors) && json_array_size(doctor->reflectors) == 0) {
		doctor_find(doctor, FINDING_WARNING, "link", "there is no reflector",
			"none stands in the settings, and none is enrolled",
			"helioctl reflector enrol NAME --control ADDRESS:PORT --address ADDRESS");
	}
	json_array_foreach(doctor->reflectors, i, reflector) {
		check_link(doctor, reflector);
	}
}
