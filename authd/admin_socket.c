/*
 * admin_socket: the administrator's way in, for the daemon's user alone. Must never take the socket
 * away from a daemon that runs.
 */
#include "authd/admin_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

/* Only a refusal says that nobody is there: a full backlog (for which we do not wait), or a socket
 * that we may not use, is somebody's. */
static bool somebody_listens(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool listens = fd < 0 || connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ||
		errno != ECONNREFUSED;

	if (fd >= 0) {
		close(fd);
	}
	return listens;
}

static int clear_path(const struct sockaddr_un *addr, char why[512])
{
	struct stat sb;

	if (lstat(addr->sun_path, &sb) != 0) {
		return 0;
	}
	if (!S_ISSOCK(sb.st_mode)) {
		snprintf(why, 512, "admin-socket %s is there and is no socket: move it away",
			addr->sun_path);
		return ERR_CONFIG;
	}
	if (somebody_listens(addr)) {
		snprintf(why, 512, "admin-socket %s is in use: another helio-authd runs",
			addr->sun_path);
		return ERR_EXISTS;
	}
	unlink(addr->sun_path);
	return 0;
}

int admin_socket_open(const char *path, int *fd, char why[512])
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path)) {
		snprintf(why, 512, "admin-socket is longer than %zu characters",
			sizeof(addr.sun_path) - 1);
		return ERR_CONFIG;
	}
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	int err = clear_path(&addr, why);
	if (err != 0) {
		return err;
	}
	mode_t before = umask(0177);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = *fd >= 0 && bind(*fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
		listen(*fd, BACKLOG) == 0;
	umask(before);
	if (!ok) {
		snprintf(why, 512,
			"admin-socket %s cannot be made: %s: check that its folder exists and is writable",
			path, strerror(errno));
		if (*fd >= 0) {
			close(*fd);
			*fd = -1;
		}
		return ERR_SYSTEM;
	}
	return 0;
}
