/*
 * audit: helioctl audit tail, verify, export. Shows records as authd has them; changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/format.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/outfile.h"
#include "ctl/when.h"

#define FOLLOW_EVERY_S 1

/* The filter options as a query; CTL_USAGE for a time that is none. */
static int filter_path(const struct ctl *ctl, struct client_path *path)
{
	const char *since = ctl->options.value[OPT_SINCE];
	char text[32];
	int64_t when;

	client_path_init(path, "/v1/audit");
	client_path_query(path, "actor", ctl->options.value[OPT_ACTOR]);
	client_path_query(path, "action", ctl->options.value[OPT_ACTION]);
	client_path_query(path, "object", ctl->options.value[OPT_OBJECT]);
	if (since != NULL) {
		if (!when_parse(since, (int64_t)time(NULL), true, &when)) {
			ctl_complain("use --since", "it is no time",
				"2h, 7d, 2026-12-01, 2026-12-01T08:00:00Z");
			return CTL_USAGE;
		}
		snprintf(text, sizeof(text), "%lld", (long long)when);
		client_path_query(path, "since", text);
	}
	return CTL_OK;
}

/* The records behind after, limit at most. */
static int get_page(struct ctl *ctl, const struct client_path *filter, json_int_t after,
	unsigned limit, json_t **answer)
{
	struct client_path path = *filter;
	char text[32];
	int status;

	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, after);
	client_path_query(&path, "after", text);
	snprintf(text, sizeof(text), "%u", limit);
	client_path_query(&path, "limit", text);
	status = ctl_call(ctl, "read the audit log", "GET", path.text, NULL, answer);
	if (status == CTL_OK && !json_is_array(json_object_get(*answer, "records"))) {
		ctl_complain("read the audit log", "authd's answer has no records in it",
			"are helioctl and authd of one version?");
		status = CTL_FAILED;
	}
	return status;
}

/* ---------------------------------------------------------------- tail */

static void print_part(const char *text, const char *start, const char *end)
{
	char *safe = columns_escape(text);

	printf("%s%s%s", start, safe != NULL ? safe : "?", end);
	free(safe);
}

/* "12 2026-11-21T10:00:00Z socket:root token.revoke abc {"room":"demo"}" */
static int print_record(const struct ctl *ctl, json_t *record)
{
	const char *dim = ctl->colour ? "\033[2m" : "", *bold = ctl->colour ? "\033[1m" : "";
	const char *plain = ctl->colour ? "\033[0m" : "";
	const json_t *detail = json_object_get(record, "detail");
	char at[32], *text;

	if (ctl->json) {
		return listing_json_line(record);
	}
	format_rfc3339(at, json_integer_value(json_object_get(record, "at")));
	printf("%s%" JSON_INTEGER_FORMAT " %s%s ", dim,
		json_integer_value(json_object_get(record, "seq")), at, plain);
	print_part(listing_text(record, "actor"), "", " ");
	print_part(listing_text(record, "action"), bold, plain);
	print_part(listing_text(record, "object"), " ", "");
	text = json_is_string(detail) ? strdup(json_string_value(detail))
				      : json_dumps(detail, JSON_COMPACT);
	if (text != NULL && text[0] != '\0' && strcmp(text, "{}") != 0) {
		print_part(text, " ", "");
	}
	free(text);
	putchar('\n');
	return CTL_OK;
}

/* Prints a page; *last becomes the number of its last record. */
static int print_page(const struct ctl *ctl, const json_t *answer, json_int_t *last)
{
	size_t i;
	json_t *record;
	int status = CTL_OK;

	json_array_foreach(json_object_get(answer, "records"), i, record) {
		json_int_t seq = json_integer_value(json_object_get(record, "seq"));

		*last = seq > *last ? seq : *last;
		status = status == CTL_OK ? print_record(ctl, record) : status;
	}
	return fflush(stdout) == 0 ? status : CTL_FAILED;
}

static int follow(struct ctl *ctl, const struct client_path *filter, json_int_t last)
{
	int status = CTL_OK;

	while (status == CTL_OK && !ferror(stdout)) {
		json_t *answer = NULL;

		sleep(FOLLOW_EVERY_S);
		status = get_page(ctl, filter, last, 1000, &answer);
		if (status == CTL_OK) {
			status = print_page(ctl, answer, &last);
		}
		json_decref(answer);
	}
	return status;
}

int audit_tail(struct ctl *ctl)
{
	const char *lines = ctl->options.value[OPT_LINES];
	unsigned long count = lines != NULL ? strtoul(lines, NULL, 10) : 20;
	struct client_path filter;
	json_t *answer = NULL;
	json_int_t last = 0;
	int status;

	if (count < 1 || count > 1000 ||
		(lines != NULL && lines[strspn(lines, "0123456789")] != '\0')) {
		ctl_complain("use --lines", "it is no number from 1 to 1000",
			"`helioctl audit export` writes all of them");
		return CTL_USAGE;
	}
	status = filter_path(ctl, &filter);
	if (status == CTL_OK) {
		status = get_page(ctl, &filter, -1, (unsigned)count, &answer);
	}
	if (status == CTL_OK) {
		status = print_page(ctl, answer, &last);
	}
	json_decref(answer);
	if (status == CTL_OK && ctl->options.value[OPT_FOLLOW] != NULL) {
		status = follow(ctl, &filter, last);
	}
	return status;
}

/* ---------------------------------------------------------------- verify */

int audit_verify(struct ctl *ctl)
{
	json_t *answer = NULL;
	int status =
		ctl_call(ctl, "verify the audit log", "GET", "/v1/audit/verify", NULL, &answer);
	bool good = json_is_true(json_object_get(answer, "ok"));

	if (status == CTL_OK && ctl->json) {
		status = listing_json(answer);
	} else if (status == CTL_OK && good && !ctl->quiet) {
		printf("the audit log is whole: %" JSON_INTEGER_FORMAT " records",
			json_integer_value(json_object_get(answer, "records")));
		print_part(listing_text(answer, "head"), ", head ", "\n");
		puts("Note the head elsewhere: it proves later that nothing before it was changed.");
	} else if (status == CTL_OK && !good) {
		char what[96];

		snprintf(what, sizeof(what),
			"trust the audit log from record %" JSON_INTEGER_FORMAT " on",
			json_integer_value(json_object_get(answer, "bad_seq")));
		ctl_complain(what, listing_text(answer, "why"),
			"compare with an export or backup, and with the heads in authd's log");
	}
	json_decref(answer);
	return status == CTL_OK && !good ? CTL_FAILED : status;
}

/* ---------------------------------------------------------------- export */

struct export
{
	FILE *out;
	json_int_t records, last;
	char head[80];
};

/* Only what looks like a hash: it is printed as it is. */
static void take_head(struct export *export, const char *hash)
{
	bool hex = strlen(hash) == 64 && hash[strspn(hash, "0123456789abcdef")] == '\0';

	snprintf(export->head, sizeof(export->head), "%s", hex ? hash : "");
}

static int write_page(struct export *export, const json_t *answer)
{
	size_t i;
	json_t *record;

	json_array_foreach(json_object_get(answer, "records"), i, record) {
		json_int_t seq = json_integer_value(json_object_get(record, "seq"));

		if (seq <= export->last) {
			ctl_complain("export the audit log", "its pages make no sense",
				"are helioctl and authd of one version?");
			return CTL_FAILED;
		}
		export->last = seq;
		export->records++;
		take_head(export, listing_text(record, "hash"));
		if (json_dumpf(record, export->out, JSON_COMPACT | JSON_ENSURE_ASCII) != 0 ||
			fputc('\n', export->out) == EOF) {
			ctl_complain("write the audit log", strerror(errno), NULL);
			return CTL_FAILED;
		}
	}
	return CTL_OK;
}

static int write_all(struct ctl *ctl, struct export *export)
{
	struct client_path filter;
	bool more = true;
	int status = filter_path(ctl, &filter);

	while (status == CTL_OK && more) {
		json_t *answer = NULL;
		const json_t *next;

		status = get_page(ctl, &filter, export->last, 1000, &answer);
		if (status == CTL_OK) {
			status = write_page(export, answer);
		}
		next = json_object_get(answer, "next");
		more = json_array_size(json_object_get(answer, "records")) > 0 && next != NULL &&
			!json_is_null(next);
		json_decref(answer);
	}
	if (status == CTL_OK) {
		fprintf(export->out,
			"{\"head\":\"%s\",\"seq\":%" JSON_INTEGER_FORMAT
			",\"records\":%" JSON_INTEGER_FORMAT "}\n",
			export->head, export->last, export->records);
	}
	return status;
}

int audit_export(struct ctl *ctl)
{
	const char *name = ctl->options.value[OPT_OUTPUT];
	struct export export = { .out = stdout };
	struct outfile file;
	int status;

	if (name == NULL || strcmp(name, "-") == 0) {
		return write_all(ctl, &export);
	}
	if (outfile_open(&file, name) != 0) {
		ctl_complain("write the export", strerror(errno), "check --output");
		return CTL_FAILED;
	}
	export.out = file.out;
	status = write_all(ctl, &export);
	if (status != CTL_OK) {
		outfile_cancel(&file);
		return status;
	}
	if (outfile_commit(&file) != 0) {
		ctl_complain("write the export", strerror(errno), "check --output and the disk");
		return CTL_FAILED;
	}
	if (!ctl->quiet) {
		printf("%" JSON_INTEGER_FORMAT " records written to %s, head %.64s\n",
			export.records, name, export.head);
	}
	return CTL_OK;
}
