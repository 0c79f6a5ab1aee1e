/*
 * ctl: asking authd and reporting failures, the same way for every command. Messages have three
 * parts: what could not be done, why, and what to do about it.
 */
#include "ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/command.h"
#include "ctl/listing.h"
#include "ctl/names.h"

#define PAGES_MAX 10000
#define ITEMS_MAX 2000000

void ctl_complain(const char *what, const char *why, const char *todo)
{
	char *safe_what = columns_escape(what), *safe = columns_escape(why);

	fflush(stdout);
	fprintf(stderr, "helioctl: cannot %s\n  why: %s\n", safe_what != NULL ? safe_what : "do it",
		safe != NULL ? safe : "out of memory"); /* they may quote somebody else's words */
	if (todo != NULL) {
		fprintf(stderr, "  what to do: %s\n", todo);
	}
	free(safe_what);
	free(safe);
}

/* The exit status for an error code. */
static int exit_for(int err)
{
	switch (err) {
	case ERR_OK:
		return CTL_OK;
	case ERR_CONNECT:
	case ERR_TIMEOUT:
	case ERR_LOST:
	case ERR_DNS:
	case ERR_TLS:
	case ERR_TLS_CERT:
	case ERR_PROXY:
		return CTL_UNREACHABLE;
	case ERR_DENIED:
	case ERR_LOGIN:
		return CTL_DENIED;
	case ERR_NOT_FOUND:
	case ERR_UNKNOWN_PARTICIPANT:
		return CTL_NOT_FOUND;
	default:
		return CTL_FAILED;
	}
}

#define TODO_SIZE 200

static void advise_denied(const struct ctl *ctl, char todo[TODO_SIZE])
{
	if (!client_is_remote(ctl->client) && geteuid() == 0) { /* so it is not about who asks */
		snprintf(todo, TODO_SIZE, "the reason says what stands in the way");
		return;
	}
	snprintf(todo, TODO_SIZE, "%s",
		client_is_remote(ctl->client)
			? "the context needs an API key made with --admin, or a client certificate "
			  "that authd's admin-names names: `helioctl context add`"
			: "run this as root or as the user that helio-authd runs as");
}

static void advise_field(const struct ctl *ctl, char todo[TODO_SIZE])
{
	const char *noun = ctl->command->noun;

	if (strcmp(noun, "token") == 0) {
		snprintf(todo, TODO_SIZE, "`helioctl token list` shows the ids");
	} else if (strcmp(noun, "user") == 0 || strcmp(noun, "room") == 0) {
		snprintf(todo, TODO_SIZE,
			"names: 1-64 of A-Z a-z 0-9 . _ @ -; passwords: 8 to 1024 "
			"bytes; see also --help");
	} else {
		snprintf(todo, TODO_SIZE, "`helioctl %s %s --help` says what it takes", noun,
			ctl->command->verb);
	}
}

/* What to do about a path that did not carry. */
static bool advise_path(const struct ctl *ctl, int err, char todo[TODO_SIZE])
{
	bool remote = client_is_remote(ctl->client);

	switch (err) {
	case ERR_CONNECT:
		snprintf(todo, TODO_SIZE, "%s",
			remote ? "check the url of the context and authd's admin-listen"
			       : "start helio-authd, or name its admin-socket with --socket or "
				 "HELIO_SOCKET");
		return true;
	case ERR_DNS:
		snprintf(todo, TODO_SIZE, "check the url: `helioctl context list`");
		return true;
	case ERR_PROXY:
		snprintf(todo, TODO_SIZE, "check https_proxy and no_proxy in the environment");
		return true;
	case ERR_TLS_CERT:
		snprintf(todo, TODO_SIZE,
			"add the context anew with --ca FILE of who signed it, and the name the "
			"certificate has");
		return true;
	case ERR_TLS:
		snprintf(todo, TODO_SIZE,
			"check that the url is authd's admin-listen, and the client certificate");
		return true;
	case ERR_CONFIG:
		snprintf(todo, TODO_SIZE, "correct it, or add the context anew");
		return true;
	case ERR_TIMEOUT:
	case ERR_LOST:
		snprintf(todo, TODO_SIZE,
			"look into helio-authd's log; --timeout SECONDS waits longer");
		return true;
	default:
		return false;
	}
}

static void advise(const struct ctl *ctl, int err, char todo[TODO_SIZE])
{
	const char *noun = ctl->command->noun;
	long seconds = client_retry_after(ctl->client);

	if (advise_path(ctl, err, todo)) {
		return;
	}
	switch (err) {
	case ERR_DENIED:
	case ERR_LOGIN:
		advise_denied(ctl, todo);
		break;
	case ERR_NOT_FOUND:
	case ERR_UNKNOWN_PARTICIPANT:
		snprintf(todo, TODO_SIZE, "`helioctl %s list` shows what there is", noun);
		break;
	case ERR_EXISTS:
		snprintf(todo, TODO_SIZE,
			"take another name; `helioctl %s list` shows those in use", noun);
		break;
	case ERR_BAD_FIELD:
		advise_field(ctl, todo);
		break;
	case ERR_RATE:
		snprintf(todo, TODO_SIZE, "try again in %ld s", seconds > 0 ? seconds : 60);
		break;
	case ERR_HTTP:
	case ERR_UNKNOWN_MESSAGE:
		snprintf(todo, TODO_SIZE,
			"check that %s is helio-authd's and that both are of one version",
			client_is_remote(ctl->client) ? "the url" : "the socket");
		break;
	default:
		snprintf(todo, TODO_SIZE, "look into helio-authd's log");
		if (seconds > 0) {
			snprintf(todo, TODO_SIZE, "try again in %ld s; look into helio-authd's log",
				seconds);
		}
		break;
	}
}

int ctl_call(struct ctl *ctl, const char *what, const char *method, const char *path, json_t *body,
	json_t **answer)
{
	char todo[TODO_SIZE], *why, near[160] = "";
	int err = client_request(ctl->client, method, path, body, answer);

	if (err == 0) {
		return CTL_OK;
	}
	if (ctl->silent) {
		return exit_for(err);
	}
	if (asprintf(&why, "%s", client_why(ctl->client)) < 0) {
		return CTL_FAILED;
	}
	advise(ctl, err, todo);
	if (err == ERR_NOT_FOUND || err == ERR_UNKNOWN_PARTICIPANT) {
		names_suggest(ctl, near, sizeof(near));
	}
	if (near[0] != '\0') {
		snprintf(todo, sizeof(todo), "%s", near);
	}
	ctl_complain(what, why, todo);
	free(why);
	return exit_for(err);
}

/* ---------------------------------------------------------------- pages */

/* The next page's "after" as text; false when this was the last page. */
static bool take_next(json_t *answer, char after[256])
{
	const json_t *next = json_object_get(answer, "next");

	if (json_is_string(next)) {
		snprintf(after, 256, "%s", json_string_value(next));
	} else if (json_is_integer(next)) {
		snprintf(after, 256, "%" JSON_INTEGER_FORMAT, json_integer_value(next));
	} else {
		return false;
	}
	return after[0] != '\0';
}

/* Adds the page's items to the whole, and what it says about missing reflectors. */
static int add_page(json_t *whole, json_t *page, const char *list)
{
	json_t *items = json_object_get(page, list);

	if (json_array_size(items) == 0 ||
		json_array_size(json_object_get(whole, list)) > ITEMS_MAX) {
		return -1;
	}
	if (json_is_true(json_object_get(page, "partial"))) {
		json_object_set_new(whole, "partial", json_true());
		json_object_set(whole, "missing", json_object_get(page, "missing"));
	}
	return json_array_extend(json_object_get(whole, list), items);
}

static int bad_pages(const struct ctl *ctl, const char *what)
{
	if (ctl->silent) {
		return CTL_FAILED;
	}
	ctl_complain(what, "authd's pages make no sense: one has no end, or no items",
		"are helioctl and authd of one version?");
	return CTL_FAILED;
}

int ctl_list(struct ctl *ctl, const char *what, const struct client_path *path, const char *list,
	json_t **answer)
{
	struct client_path page_path = *path;
	char after[256], before[256];
	int status;

	client_path_query(&page_path, "limit", "1000");
	status = ctl_call(ctl, what, "GET", page_path.text, NULL, answer);
	before[0] = '\0';
	for (int pages = 1; status == CTL_OK && take_next(*answer, after); pages++) {
		json_t *page = NULL;

		if (pages > PAGES_MAX || strcmp(before, after) == 0) {
			return bad_pages(ctl, what);
		}
		memcpy(before, after, sizeof(before));
		page_path = *path;
		client_path_query(&page_path, "limit", "1000");
		client_path_query(&page_path, "after", after);
		status = ctl_call(ctl, what, "GET", page_path.text, NULL, &page);
		json_object_del(*answer, "next");
		if (status == CTL_OK) {
			if (json_is_array(json_object_get(page, list)) &&
				json_array_size(json_object_get(page, list)) == 0 &&
				json_is_null(json_object_get(page, "next"))) {
				json_decref(page);
				break; /* the last page was full: nothing more */
			}
			if (add_page(*answer, page, list) != 0) {
				status = bad_pages(ctl, what);
			}
			json_object_set(*answer, "next", json_object_get(page, "next"));
		}
		json_decref(page);
	}
	json_object_del(*answer, "next");
	return status;
}

/* ---------------------------------------------------------------- changes */

int ctl_change(struct ctl *ctl, const struct ctl_change *change)
{
	json_t *answer = NULL;
	int status;

	if (change->has_body && change->body == NULL) {
		ctl_complain(change->what, "what was given is not UTF-8",
			"names are 1-64 of A-Z a-z 0-9 . _ @ -; texts are UTF-8");
		return CTL_USAGE;
	}
	status = ctl_call(ctl, change->what, change->method, change->path, change->body, &answer);
	if (status == CTL_OK && ctl->json) {
		status = listing_json(answer);
	} else if (status == CTL_OK && !ctl->quiet && change->done != NULL) {
		char *safe = columns_escape(change->done);

		puts(safe != NULL ? safe : "done");
		free(safe);
	}
	json_decref(answer);
	json_decref(change->body);
	return status;
}

int ctl_check_partial(const json_t *answer)
{
	const json_t *missing = json_object_get(answer, "missing");
	size_t i;
	json_t *name;

	if (!json_is_true(json_object_get(answer, "partial"))) {
		return CTL_OK;
	}
	fflush(stdout);
	fputs("helioctl: this is not everything\n  why: no answer in time from the reflector",
		stderr);
	json_array_foreach(missing, i, name) {
		char *safe = json_is_string(name) ? columns_escape(json_string_value(name)) : NULL;

		fprintf(stderr, "%s %s", i > 0 ? "," : "", safe != NULL ? safe : "?");
		free(safe);
	}
	fputs("\n  what to do: `helioctl reflector list` shows how it is\n", stderr);
	return CTL_PARTIAL;
}
