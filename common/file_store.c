/*
 * file_store: write beside, sync, then rename or link; then sync the folder. Must never leave half
 * a file under its own name, nor a key readable for a moment.
 */
#include "common/file_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const void *bytes, size_t len)
{
	for (const char *at = bytes; len > 0;) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return ERR_SYSTEM;
		}
		at += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? 0 : ERR_SYSTEM;
}

static int sync_folder(const char *file)
{
	char folder[4096];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", file);
	slash = strrchr(folder, '/');
	if (slash == NULL) {
		snprintf(folder, sizeof(folder), ".");
	} else {
		slash[slash == folder ? 1 : 0] = '\0';
	}
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return ERR_SYSTEM;
	}
	int rc = fsync(fd);
	close(fd);
	return rc == 0 ? 0 : ERR_SYSTEM;
}

static int put(const char *file, const void *bytes, size_t len, mode_t mode, bool replace)
{
	char beside[4096];
	int err = ERR_SYSTEM;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", file) >= sizeof(beside)) {
		errno = ENAMETOOLONG;
		return ERR_SYSTEM;
	}
	unlink(beside); /* from one that was cut off */
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0) {
		return ERR_SYSTEM;
	}
	/* whatever the umask */
	err = fchmod(fd, mode) == 0 ? write_all(fd, bytes, len) : ERR_SYSTEM;
	close(fd);
	if (err == 0 && (replace ? rename(beside, file) : link(beside, file)) != 0) {
		err = errno == EEXIST ? ERR_EXISTS : ERR_SYSTEM;
	}
	if (err == 0) {
		err = sync_folder(file);
	}
	int saved = errno;
	unlink(beside);
	errno = saved;
	return err;
}

int file_store_new(const char *file, const void *bytes, size_t len, mode_t mode)
{
	return put(file, bytes, len, mode, false);
}

int file_store_replace(const char *file, const void *bytes, size_t len, mode_t mode)
{
	return put(file, bytes, len, mode, true);
}

int file_store_rename(const char *from, const char *to)
{
	return rename(from, to) == 0 ? sync_folder(to) : ERR_SYSTEM;
}
