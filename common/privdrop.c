/*
 * privdrop: gives root away. It must never return success while root can still be had back.
 */
#include "common/privdrop.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/log.h"

static int system_failed(const char *call)
{
	log_event(LOG_LEVEL_ERROR, "privdrop", LOG_STR("call", call), LOG_INT("errno", errno));
	return ERR_SYSTEM;
}

static int find_user(const char *user, uid_t *uid, gid_t *gid)
{
	struct passwd pw;
	struct passwd *found = NULL;
	size_t size = 65536;
	char *buf = malloc(size);

	if (buf == NULL) {
		return ERR_NOMEM;
	}
	int rc = getpwnam_r(user, &pw, buf, size, &found);
	if (found != NULL) {
		*uid = found->pw_uid;
		*gid = found->pw_gid;
	}
	free(buf);
	if (rc != 0 && found == NULL) {
		errno = rc;
		return system_failed("getpwnam_r");
	}
	return found == NULL ? ERR_NOT_FOUND : 0;
}

static int become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) != 0) {
		return system_failed("setgroups");
	}
	if (setresgid(gid, gid, gid) != 0) {
		return system_failed("setresgid");
	}
	if (setresuid(uid, uid, uid) != 0) {
		return system_failed("setresuid");
	}
	/* must fail now; where it works the kernel has kept something for us that we do not want */
	if (setuid(0) == 0 || setgid(0) == 0 || getuid() != uid || getgid() != gid) {
		return ERR_DENIED;
	}
	return 0;
}

int privdrop_become(const char *user)
{
	uid_t uid = 0;
	gid_t gid = 0;
	int err = 0;

	if (user != NULL && user[0] != '\0') {
		err = find_user(user, &uid, &gid);
		if (err != 0) {
			return err;
		}
		if (geteuid() != 0) {
			err = uid == geteuid() && uid == getuid() ? 0 : ERR_DENIED;
		} else {
			/* "user = root" would drop nothing */
			err = uid == 0 || gid == 0 ? ERR_INVALID : become(uid, gid);
		}
		if (err != 0) {
			return err;
		}
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return system_failed("prctl");
	}
	return 0;
}
