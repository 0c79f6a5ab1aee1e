/*
 * show: the commands that only show something: ask authd, print what it answers. All return an exit
 * status; what completes "cannot ..." when it fails.
 */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include "ctl/client.h"
#include "ctl/listing.h"

/* answer[list] as listing_show() does: all pages of it, or (whole) a list that has no pages. */
int show_list(struct ctl *ctl, const char *what, const struct client_path *path, const char *list,
	const struct listing_column *columns, size_t count) MUST_CHECK;
int show_whole(struct ctl *ctl, const char *what, const char *path, const char *list,
	const struct listing_column *columns, size_t count) MUST_CHECK;

/* One object, and below it the grants or the policy that it has under this key. */
int show_one(struct ctl *ctl, const char *what, const char *path,
	const struct listing_column *fields, size_t count, const char *policy) MUST_CHECK;

#endif
