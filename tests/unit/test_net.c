/*
 * net: listening, connecting and the text of addresses, IPv4 and IPv6.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/net.h"

static void set_port(struct settings_addr *addr, int fd)
{
	addr->len = sizeof(addr->sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr->sa, &addr->len), 0);
}

static void test_listen_connect(void **state)
{
	static const char *const hosts[] = { "127.0.0.1:1", "[::1]:1" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct settings_addr addr;
		struct settings_addr again;
		int fd = -1;
		int other = -1;
		int peer = -1;

		assert_int_equal(settings_parse_addr(hosts[i], &addr), 0);
		((struct sockaddr_in *)&addr.sa)->sin_port =
			0; /* the kernel chooses; same place in v6 */
		assert_int_equal(net_listen(&addr, 8, &fd), 0);
		assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
		assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
		set_port(&addr, fd);
		again = addr;
		assert_int_equal(net_listen(&again, 8, &other), ERR_SYSTEM);
		assert_int_equal(errno, EADDRINUSE);
		assert_int_equal(net_connect_start(&addr, NULL, &peer), 0);
		struct pollfd p = { .fd = peer, .events = POLLOUT };
		assert_int_equal(poll(&p, 1, 60000), 1);
		assert_int_equal(net_connect_result(peer), 0);
		net_tune(peer, 1000);
		close(peer);
		close(fd);
		/* nobody listens any more */
		int err = net_connect_start(&addr, NULL, &peer);
		if (err == 0) {
			p = (struct pollfd){ .fd = peer, .events = POLLOUT };
			assert_int_equal(poll(&p, 1, 60000), 1);
			err = net_connect_result(peer);
			close(peer);
		}
		assert_int_equal(err, ERR_CONNECT);
	}
}

static void test_text(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = { { "192.0.2.1:4711", "192.0.2.1:4711" },
		{ "[2001:db8::1]:4711", "[2001:db8::1]:4711" },
		{ "[::ffff:192.0.2.1]:80", "192.0.2.1:80" } };
	struct sockaddr_storage sa = { .ss_family = AF_UNIX };
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings_addr addr;

		assert_int_equal(settings_parse_addr(cases[i].in, &addr), 0);
		net_addr_text((const struct sockaddr *)&addr.sa, addr.len, text);
		assert_string_equal(text, cases[i].out);
	}
	net_addr_text((const struct sockaddr *)&sa, sizeof(sa), text);
	assert_string_equal(text, "?");
	net_addr_text((const struct sockaddr *)&sa, 0, text);
	assert_string_equal(text, "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen_connect),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
