/*
 * state_dir: the directory with the database and the signing key, for the daemon's user alone. Must
 * never take it away from a daemon that runs.
 */
#include "authd/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_dir(const char *dir, char why[512])
{
	struct stat sb;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		snprintf(why, 512,
			"state-dir %.300s cannot be made: %s: make it and chown it to the daemon's user",
			dir, strerror(errno));
		return ERR_CONFIG;
	}
	if (stat(dir, &sb) != 0 || !S_ISDIR(sb.st_mode)) {
		snprintf(why, 512, "state-dir %.300s is no directory", dir);
		return ERR_CONFIG;
	}
	if (sb.st_uid != geteuid()) {
		snprintf(why, 512,
			"state-dir %.300s belongs to uid %u, not to this daemon's %u: chown it",
			dir, (unsigned)sb.st_uid, (unsigned)geteuid());
		return ERR_CONFIG;
	}
	if ((sb.st_mode & 077) != 0 && chmod(dir, 0700) != 0) {
		snprintf(why, 512, "state-dir %.300s is open to others: chmod 700 it", dir);
		return ERR_CONFIG;
	}
	return 0;
}

int state_dir_open(const char *dir, int *fd, char why[512])
{
	int err = check_dir(dir, why);

	if (err != 0) {
		return err;
	}
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0) {
		snprintf(why, 512, "state-dir %.300s cannot be opened: %s", dir, strerror(errno));
		return ERR_CONFIG;
	}
	if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
		snprintf(why, 512, "state-dir %.300s is in use: another helio-authd runs on it",
			dir);
		close(*fd);
		*fd = -1;
		return ERR_EXISTS;
	}
	return 0;
}
