/*
 * client_path: request paths from names. Whatever a name holds, it cannot leave its place in the
 * path.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"

static void path_append(struct client_path *path, const char *text)
{
	size_t used = strlen(path->text), length = strlen(text);

	if (length < sizeof(path->text) - used) {
		memcpy(path->text + used, text, length + 1);
	}
}

/* Everything but RFC 3986's unreserved characters as %XX. */
static void path_append_encoded(struct client_path *path, const char *text)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text != '\0'; text++) {
		char piece[4] = { *text };

		if (strchr(plain, *text) == NULL) {
			snprintf(piece, sizeof(piece), "%%%02X", (unsigned char)*text);
		}
		path_append(path, piece);
	}
}

void client_path_init(struct client_path *path, const char *base)
{
	*path = (struct client_path){ .text = "" };
	path_append(path, base);
}

void client_path_segment(struct client_path *path, const char *name)
{
	path_append(path, "/");
	/* "." and ".." would be resolved on the way; no name of ours consists of dots alone. */
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		path_append(path, name[1] == '\0' ? "%2E" : "%2E%2E");
		return;
	}
	path_append_encoded(path, name);
}

void client_path_query(struct client_path *path, const char *key, const char *value)
{
	if (value == NULL) {
		return;
	}
	path_append(path, path->has_query ? "&" : "?");
	path->has_query = true;
	path_append(path, key);
	path_append(path, "=");
	path_append_encoded(path, value);
}
