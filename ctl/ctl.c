/*
 * ctl: asking authd and reporting failures, the same way for every command. Messages have three
 * parts: what could not be done, why, and what to do about it.
 */
#include "ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/command.h"

void ctl_complain(const char *what, const char *why, const char *todo)
{
	char *safe = columns_escape(why); /* it may quote somebody else's words */

	fprintf(stderr, "helioctl: cannot %s\n  why: %s\n", what,
		safe != NULL ? safe : "out of memory");
	if (todo != NULL) {
		fprintf(stderr, "  what to do: %s\n", todo);
	}
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
		return CTL_UNREACHABLE;
	case ERR_DENIED:
		return CTL_DENIED;
	case ERR_NOT_FOUND:
		return CTL_NOT_FOUND;
	default:
		return CTL_FAILED;
	}
}

static void advise(const struct ctl *ctl, int err, char todo[160])
{
	const char *noun = ctl->command->noun;

	switch (err) {
	case ERR_CONNECT:
		snprintf(todo, 160,
			"start helio-authd, or name its admin-socket with --socket or HELIO_SOCKET");
		break;
	case ERR_TIMEOUT:
	case ERR_LOST:
		snprintf(todo, 160, "look into helio-authd's log; --timeout SECONDS waits longer");
		break;
	case ERR_DENIED:
		snprintf(todo, 160, "run this as root or as the user that helio-authd runs as");
		break;
	case ERR_NOT_FOUND:
		snprintf(todo, 160, "`helioctl %s list` shows what there is", noun);
		break;
	case ERR_EXISTS:
		snprintf(todo, 160, "take another name; `helioctl %s list` shows those in use",
			noun);
		break;
	case ERR_BAD_FIELD:
		snprintf(todo, 160,
			strcmp(noun, "token") == 0 ?
				"`helioctl token list` shows the ids" :
				"names: 1-64 of A-Z a-z 0-9 . _ @ -; passwords: 8 to 1024 bytes");
		break;
	case ERR_HTTP:
		snprintf(todo, 160,
			"check that the socket is helio-authd's and that both are of one version");
		break;
	default:
		snprintf(todo, 160, "look into helio-authd's log");
		break;
	}
}

int ctl_call(struct ctl *ctl, const char *what, const char *method, const char *path, json_t *body,
	json_t **answer)
{
	char todo[160];
	int err = client_request(ctl->client, method, path, body, answer);

	if (err == 0) {
		return CTL_OK;
	}
	advise(ctl, err, todo);
	ctl_complain(what, client_why(ctl->client), todo);
	return exit_for(err);
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
