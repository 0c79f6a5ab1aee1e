/*
 * file_watch: tells when files were changed or replaced, by looking at them now and then. Knows
 * nothing of what is in them.
 */
#ifndef COMMON_FILE_WATCH_H
#define COMMON_FILE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define FILE_WATCH_MAX 4u
#define FILE_WATCH_EVERY_S 10

/* What a file looked like; all zero: it was not there. */
struct file_watch_seen {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

struct file_watch {
	const char *files[FILE_WATCH_MAX]; /* borrowed; NULL: none */
	struct file_watch_seen seen[FILE_WATCH_MAX];
};

/* Notes how the files look now. count is FILE_WATCH_MAX at most. */
void file_watch_init(struct file_watch *watch, const char *const files[], size_t count);

/* Whether one of them looks other than at the last call (or at init); notes how they look now. */
bool file_watch_changed(struct file_watch *watch);

#endif
