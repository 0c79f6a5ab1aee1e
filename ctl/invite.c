/*
 * invite: helioctl invite create, list, show, revoke. The link is shown once, by create; on a
 * terminal as a QR code too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ask.h"
#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/impact.h"
#include "ctl/listing.h"
#include "ctl/nouns.h"
#include "ctl/outfile.h"
#include "ctl/pairs.h"
#include "ctl/qr.h"
#include "ctl/show.h"
#include "ctl/when.h"

static void fill_state(const json_t *item, int64_t now, struct listing_cell *cell)
{
	int64_t revoked = json_integer_value(json_object_get(item, "revoked_at"));
	int64_t expires = json_integer_value(json_object_get(item, "expires_at"));
	int64_t most = json_integer_value(json_object_get(item, "uses_max"));
	int64_t uses = json_integer_value(json_object_get(item, "uses"));

	cell->style = STYLE_DIM;
	if (revoked > 0) {
		snprintf(cell->text, cell->size, "revoked");
		cell->style = STYLE_BAD;
	} else if (expires > 0 && expires <= now) {
		snprintf(cell->text, cell->size, "expired");
	} else if (most > 0 && uses >= most) {
		snprintf(cell->text, cell->size, "used up");
	} else {
		snprintf(cell->text, cell->size, "valid");
		cell->style = STYLE_GOOD;
	}
}

static void fill_uses(const json_t *item, int64_t now, struct listing_cell *cell)
{
	json_int_t most = json_integer_value(json_object_get(item, "uses_max"));
	json_int_t uses = json_integer_value(json_object_get(item, "uses"));

	(void)now;
	if (most > 0) {
		snprintf(cell->text, cell->size, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
			uses, most);
	} else {
		snprintf(cell->text, cell->size, "%" JSON_INTEGER_FORMAT, uses);
	}
}

static const struct listing_column columns[] = {
	{ "INVITE", "id", LISTING_TEXT, NULL, FIT_KEEP },
	{ "ROOM", "room", LISTING_TEXT, NULL, FIT_KEEP },
	{ "LABEL", "label", LISTING_TEXT, NULL, FIT_CUT },
	{ "STATE", NULL, LISTING_CUSTOM, fill_state, FIT_KEEP },
	{ "USES", NULL, LISTING_CUSTOM_NUMBER, fill_uses, FIT_KEEP },
	{ "PASSCODE", "passcode", LISTING_BOOL, NULL, FIT_DROP(8) },
	{ "CREATED", "created_at", LISTING_TIME, NULL, FIT_DROP(9) },
	{ "EXPIRES", "expires_at", LISTING_TIME, NULL, FIT_KEEP },
};
#define COUNT (sizeof(columns) / sizeof(columns[0]))

int invite_list(struct ctl *ctl)
{
	struct client_path path;

	client_path_init(&path, "/v1/invites");
	client_path_query(&path, "room", ctl->options.value[OPT_ROOM]);
	return show_list(ctl, "list the invites", &path, "invites", columns, COUNT);
}

int invite_show(struct ctl *ctl)
{
	struct client_path path;

	client_path_init(&path, "/v1/invites");
	client_path_segment(&path, ctl->options.operands[0]);
	return show_one(ctl, "show the invite", path.text, columns, COUNT, "grants");
}

/* ---------------------------------------------------------------- create */

static int put_passcode(const struct ctl *ctl, json_t *body)
{
	const char *file = ctl->options.value[OPT_PASSCODE_FILE];
	char code[ASK_PASSWORD_MAX];
	int status;

	if (file == NULL) {
		return CTL_OK;
	}
	status = ask_secret("passcode: ", file, "--passcode-file", code);
	if (status == CTL_OK && json_object_set_new(body, "passcode", json_string(code)) != 0) {
		ctl_complain("use the passcode", "it is not UTF-8", "take another");
		status = CTL_USAGE;
	}
	explicit_bzero(code, sizeof(code));
	return status;
}

/* Numbers and times of the options into body. */
static int put_bounds(const struct ctl *ctl, json_t *body)
{
	const char *expires = ctl->options.value[OPT_EXPIRES];
	const char *uses = ctl->options.value[OPT_USES];
	int64_t when = 0;

	if (expires != NULL && !when_parse(expires, (int64_t)time(NULL), false, &when)) {
		ctl_complain("use --expires", "it is no time", "12h, 7d, 2026-12-01 or never");
		return CTL_USAGE;
	}
	if (uses != NULL && (uses[strspn(uses, "0123456789")] != '\0' || strlen(uses) > 9)) {
		ctl_complain("use --uses", "it is no number", "a number; 0: no limit");
		return CTL_USAGE;
	}
	if (when > 0) {
		json_object_set_new(body, "expires_at", json_integer(when));
	}
	if (uses != NULL) {
		json_object_set_new(body, "uses", json_integer(atol(uses)));
	}
	return CTL_OK;
}

static json_t *create_body(const struct ctl *ctl, int *status)
{
	json_t *grants, *body;

	*status = pairs_read(ctl, PAIRS_GRANTS, 1, NULL, &grants);
	if (*status != CTL_OK) {
		return NULL;
	}
	body = json_pack("{s:s, s:o*, s:s*}", "room", ctl->options.operands[0], "grants", grants,
		"label", ctl->options.value[OPT_LABEL]);
	if (body == NULL) {
		ctl_complain("make the invite", "what was given is not UTF-8", NULL);
		*status = CTL_USAGE;
		return NULL;
	}
	*status = put_bounds(ctl, body);
	if (*status == CTL_OK) {
		*status = put_passcode(ctl, body);
	}
	if (*status != CTL_OK) {
		json_decref(body);
		return NULL;
	}
	return body;
}

static int write_svg(const char *name, const struct qr *qr)
{
	struct outfile file;

	if (outfile_open(&file, name) == 0) {
		qr_print_svg(qr, file.out);
		if (outfile_commit(&file) == 0) {
			return CTL_OK;
		}
	}
	ctl_complain("write the QR code", strerror(errno), "check --qr-svg; the link is good");
	return CTL_FAILED;
}

/* COLORFGBG is "15;0" on a dark terminal, "0;15" on a light one, where it is set at all. */
static enum qr_style choose_style(const struct ctl *ctl)
{
	const char *colours = getenv("COLORFGBG");
	const char *back = colours != NULL ? strrchr(colours, ';') : NULL;

	if (ctl->colour) {
		return QR_COLOUR;
	}
	return back != NULL && (strcmp(back, ";15") == 0 || strcmp(back, ";7") == 0) ? QR_LIGHT
										     : QR_DARK;
}

static void show_on_terminal(const struct ctl *ctl, const struct qr *qr)
{
	struct winsize size = { .ws_col = 0 };

	if (!isatty(STDOUT_FILENO) || ctl->options.value[OPT_NO_QR] != NULL || ctl->quiet) {
		return;
	}
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 &&
		qr_width(qr) > size.ws_col) {
		fprintf(stderr,
			"The QR code needs %zu columns and there are %u: make the window wider, or "
			"use --qr-svg FILE.\n",
			qr_width(qr), size.ws_col);
		return;
	}
	qr_print(qr, stdout, choose_style(ctl));
}

static int show_link(const struct ctl *ctl, const char *url)
{
	const char *svg = ctl->options.value[OPT_QR_SVG];
	struct qr *qr = NULL;
	char *safe = columns_escape(url);
	int status = CTL_OK;

	if (!ctl->json) {
		puts(safe != NULL ? safe : "-");
	}
	free(safe);
	if (qr_create(&qr, url) != 0) {
		if (svg != NULL) {
			ctl_complain("make a QR code", "the link is too long for one", NULL);
			return CTL_FAILED;
		}
		return CTL_OK;
	}
	if (svg != NULL) {
		status = write_svg(svg, qr);
	}
	if (!ctl->json) {
		show_on_terminal(ctl, qr);
	}
	qr_destroy(qr);
	return status;
}

int invite_create(struct ctl *ctl)
{
	json_t *answer = NULL, *body;
	const char *url;
	int status;

	body = create_body(ctl, &status);
	if (body == NULL) {
		return status;
	}
	status = ctl_call(ctl, "make the invite", "POST", "/v1/invites", body, &answer);
	url = json_string_value(json_object_get(answer, "url"));
	if (status == CTL_OK && url == NULL) {
		ctl_complain("show the link", "authd's answer has none",
			"are helioctl and authd of one version?");
		status = CTL_FAILED;
	} else if (status == CTL_OK) {
		status = show_link(ctl, url);
	}
	if (status == CTL_OK && ctl->json) {
		status = listing_json(answer);
	}
	json_decref(answer);
	json_decref(body);
	return status;
}

int invite_revoke(struct ctl *ctl)
{
	const char *id = ctl->options.operands[0];
	char question[256], source[96], done[256];
	struct impact impact = { .question = question, .source = source, .also = "end the link" };
	struct client_path path;
	bool go;
	int status;

	snprintf(source, sizeof(source), "%.80s", id);
	snprintf(question, sizeof(question),
		"Revoke the invite %.64s and all tokens that were made with it?", id);
	status = impact_confirm(ctl, &impact, &go);
	if (status != CTL_OK || !go) {
		return status;
	}
	client_path_init(&path, "/v1/invites");
	client_path_segment(&path, id);
	snprintf(done, sizeof(done), "invite %s revoked", id);
	return ctl_change(ctl,
		&(struct ctl_change){ .what = "revoke the invite",
			.method = "DELETE",
			.path = path.text,
			.done = done });
}
