/*
 * ctl: what every command of helioctl is given, and the one way to ask authd and to report
 * failures. A command is a function from struct ctl to an exit status; it prints its result on
 * stdout and nothing else there.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ctl/options.h"
#include "proto/errcode.h"

/* Exit statuses; documented in helioctl(1), so they never change. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_UNREACHABLE = 3, /* authd does not answer */
	CTL_DENIED = 4,
	CTL_NOT_FOUND = 5,
	CTL_PARTIAL = 6 /* done, but a reflector did not answer */
};

struct client;
struct client_path;
struct command;

struct ctl {
	const struct command *command;
	struct options options; /* operands are those behind noun and verb */
	struct client *client; /* NULL for commands that do not talk to authd */
	bool json, quiet;
	bool colour; /* stdout is a terminal that wants it */
	size_t width; /* of the terminal that tables are to fit; 0: as wide as they are */
	unsigned timeout_ms;
	bool silent; /* ctl_call() and ctl_list() say nothing when they fail */
};

/*
 * Sends a request; *answer is the caller's to json_decref() (NULL for an empty answer). what
 * completes "cannot ..." in the message that is printed when it fails. Returns an exit status.
 */
int ctl_call(struct ctl *ctl, const char *what, const char *method, const char *path, json_t *body,
	json_t **answer) MUST_CHECK;

/*
 * All pages of a list: path (a query may be in it) is asked again with after= until next is null;
 * *answer is the first answer with the items of all in answer[list] and no "next".
 */
int ctl_list(struct ctl *ctl, const char *what, const struct client_path *path, const char *list,
	json_t **answer) MUST_CHECK;

/*
 * A change: sends body (taken over; NULL only where there is none and has_body is false) and
 * prints, when it succeeded, the answer with --json, nothing with --quiet, else done.
 */
struct ctl_change {
	const char *what; /* "lock the room" */
	const char *method, *path;
	bool has_body;
	json_t *body;
	const char *done; /* "room demo is locked"; NULL: nothing is printed */
};
int ctl_change(struct ctl *ctl, const struct ctl_change *change) MUST_CHECK;

/* Prints "helioctl: cannot WHAT", why, and what to do (may be NULL), on stderr. */
void ctl_complain(const char *what, const char *why, const char *todo);

/* CTL_PARTIAL and a warning on stderr when the answer says a reflector is missing in it; else
 * CTL_OK. */
int ctl_check_partial(const json_t *answer);

#endif
