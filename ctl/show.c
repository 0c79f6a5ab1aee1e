/*
 * show: one request and one answer on the screen. Changes nothing.
 */
#include "ctl/show.h"

#include <stdio.h>

#include "ctl/pairs.h"

/* Takes answer over. */
static int show(struct ctl *ctl, int status, json_t *answer, const char *list,
	const struct listing_column *columns, size_t count)
{
	if (status == CTL_OK) {
		status = listing_show(ctl, answer, list, columns, count);
	}
	json_decref(answer);
	return status;
}

int show_list(struct ctl *ctl, const char *what, const struct client_path *path, const char *list,
	const struct listing_column *columns, size_t count)
{
	json_t *answer = NULL;
	int status = ctl_list(ctl, what, path, list, &answer);

	return show(ctl, status, answer, list, columns, count);
}

int show_whole(struct ctl *ctl, const char *what, const char *path, const char *list,
	const struct listing_column *columns, size_t count)
{
	json_t *answer = NULL;
	int status = ctl_call(ctl, what, "GET", path, NULL, &answer);

	return show(ctl, status, answer, list, columns, count);
}

int show_one(struct ctl *ctl, const char *what, const char *path,
	const struct listing_column *fields, size_t count, const char *policy)
{
	json_t *answer = NULL;
	int status = ctl_call(ctl, what, "GET", path, NULL, &answer);

	if (status == CTL_OK && ctl->json) {
		status = listing_json(answer);
	} else if (status == CTL_OK) {
		status = listing_fields(ctl, answer, fields, count);
		printf("\n%s:\n", policy);
		pairs_print(json_object_get(answer, policy), "  ",
			"  the defaults: `helioctl policy show`");
	}
	json_decref(answer);
	return status;
}
