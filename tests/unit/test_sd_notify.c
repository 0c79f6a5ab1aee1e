/*
 * sd_notify: the datagram arrives on a socket with a path and on an abstract one; whatever else
 * NOTIFY_SOCKET says, or nobody listens, its caller is neither stopped nor kept waiting.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/sd_notify.h"

static int manager(const struct sockaddr_un *addr, size_t path_len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)addr,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len)),
		0);
	return fd;
}

static void expect_message(int fd, const char *expected)
{
	char text[128];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, expected);
}

static void expect_nothing(int fd)
{
	char text[128];

	assert_int_equal(recv(fd, text, sizeof(text), 0), -1);
	assert_true(errno == EAGAIN || errno == EWOULDBLOCK);
}

/* The lowest descriptor that is free: the same before and after when none was lost. */
static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

static void test_path(void **state)
{
	char dir[] = "/tmp/sd_notify.XXXXXX";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/s", dir);
	int fd = manager(&addr, strlen(addr.sun_path) + 1);
	int before = next_fd();
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	sd_notify_send("READY=1\nSTATUS=serving");
	expect_message(fd, "READY=1\nSTATUS=serving");
	expect_nothing(fd);
	close(fd);
	sd_notify_send("STOPPING=1"); /* nobody listens */
	unlink(addr.sun_path);
	sd_notify_send("STOPPING=1"); /* nothing is there */
	assert_int_equal(next_fd(), before < fd ? before : fd);
	rmdir(dir);
}

static void test_abstract(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char name[64];

	(void)state;
	int len = snprintf(name, sizeof(name), "@heliograph-test-%d", (int)getpid());
	memcpy(addr.sun_path, name, (size_t)len);
	addr.sun_path[0] = '\0';
	int fd = manager(&addr, (size_t)len);
	setenv("NOTIFY_SOCKET", name, 1);
	sd_notify_send("STOPPING=1");
	expect_message(fd, "STOPPING=1");

	unsetenv("NOTIFY_SOCKET");
	sd_notify_send("READY=1");
	expect_nothing(fd);
	close(fd);
}

/* A manager that reads nothing costs its caller no time: a test that hung here would be killed. */
static void test_full(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char name[64];

	(void)state;
	int len = snprintf(name, sizeof(name), "@heliograph-full-%d", (int)getpid());
	memcpy(addr.sun_path, name, (size_t)len);
	addr.sun_path[0] = '\0';
	int fd = manager(&addr, (size_t)len);
	setenv("NOTIFY_SOCKET", name, 1);
	alarm(120);
	for (int i = 0; i < 5000; i++) {
		sd_notify_send("STATUS=again");
	}
	alarm(0);
	expect_message(fd, "STATUS=again");
	close(fd);
}

static void test_no_socket(void **state)
{
	char text[300];
	int before = next_fd();

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[0] = '/';
	const char *const names[] = { "", "/", "@", "relative", "vsock:2:3", text };
	unsetenv("NOTIFY_SOCKET");
	sd_notify_send("READY=1");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		sd_notify_send("READY=1");
	}
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(next_fd(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_abstract),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
