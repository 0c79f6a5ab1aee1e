/*
 * file_watch: compares what stat(2) says with what it said before. Never opens a file.
 */
#include "common/file_watch.h"

#include <string.h>

static struct file_watch_seen look(const char *file)
{
	struct file_watch_seen seen;
	struct stat sb;

	memset(&seen, 0, sizeof(seen));
	if (file != NULL && stat(file, &sb) == 0) {
		seen.dev = sb.st_dev;
		seen.ino = sb.st_ino;
		seen.size = sb.st_size;
		seen.mtime = sb.st_mtim;
	}
	return seen;
}

static bool same(const struct file_watch_seen *a, const struct file_watch_seen *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
		a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

void file_watch_init(struct file_watch *watch, const char *const files[], size_t count)
{
	memset(watch, 0, sizeof(*watch));
	for (size_t i = 0; i < count && i < FILE_WATCH_MAX; i++) {
		watch->files[i] = files[i];
		watch->seen[i] = look(files[i]);
	}
}

bool file_watch_changed(struct file_watch *watch)
{
	bool changed = false;

	for (size_t i = 0; i < FILE_WATCH_MAX; i++) {
		struct file_watch_seen now = look(watch->files[i]);
		changed = changed || !same(&now, &watch->seen[i]);
		watch->seen[i] = now;
	}
	return changed;
}
