/*
 * privdrop: each case runs in a child, since none of it can be undone. What needs root is skipped
 * without it.
 */
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/privdrop.h"

/* Ends the child with the line that is not true. */
#define need(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what);       \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void in_child(void (*scenario)(void))
{
	int status;

	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		scenario();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool no_new_privs(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static void becomes_nobody(void)
{
	const struct passwd *pw = getpwnam("nobody");
	const gid_t groups[] = { 0, 1, 2 };
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	need(pw != NULL);
	uid_t uid = pw->pw_uid;
	gid_t gid = pw->pw_gid;
	need(setgroups(3, groups) == 0);
	need(privdrop_become("nobody") == 0);
	need(getresuid(&ruid, &euid, &suid) == 0);
	need(ruid == uid && euid == uid && suid == uid);
	need(getresgid(&rgid, &egid, &sgid) == 0);
	need(rgid == gid && egid == gid && sgid == gid);
	need(getgroups(0, NULL) == 0);
	need(no_new_privs());
	need(setuid(0) != 0 && seteuid(0) != 0 && setresuid(0, 0, 0) != 0);
	need(setgid(0) != 0 && setegid(0) != 0 && setresgid(0, 0, 0) != 0);
	need(setgroups(3, groups) != 0);
	/* to become him again is nothing; to become somebody else is denied */
	need(privdrop_become("nobody") == 0);
	need(privdrop_become("root") == ERR_DENIED);
	need(getuid() == uid);
}

static void becomes_root(void)
{
	need(privdrop_become("root") == ERR_INVALID);
	need(getuid() == 0 && !no_new_privs());
}

static void becomes_unknown(void)
{
	uid_t uid = getuid();

	need(privdrop_become("no-such-user-here") == ERR_NOT_FOUND);
	need(getuid() == uid && !no_new_privs());
}

static void stays(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();

	need(privdrop_become(NULL) == 0);
	need(no_new_privs());
	need(privdrop_become("") == 0);
	need(getuid() == uid && getgid() == gid);
}

static void as_root(void (*scenario)(void))
{
	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		skip();
	}
	in_child(scenario);
}

static void test_nobody(void **state)
{
	(void)state;
	as_root(becomes_nobody);
}

static void test_root_is_no_user_to_become(void **state)
{
	(void)state;
	as_root(becomes_root);
}

static void test_unknown_user(void **state)
{
	(void)state;
	in_child(becomes_unknown);
}

static void test_no_user(void **state)
{
	(void)state;
	in_child(stays);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_root_is_no_user_to_become),
		cmocka_unit_test(test_unknown_user),
		cmocka_unit_test(test_no_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
