/*
 * supervisor_sockets: everything that is bound or paired, before privileges are dropped and before
 * the first child.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net.h"
#include "reflector/supervisor.h"

#define BACKLOG 1024

static int explain(const char *address, const char *setting)
{
	const char *advice = errno == EADDRINUSE
		? "another program holds it: stop that one or choose another port"
		: errno == EADDRNOTAVAIL ? "this host has no such address: correct the setting"
		: errno == EACCES        ? "ports below 1024 need root or CAP_NET_BIND_SERVICE"
					 : "see the reason above";

	(void)fprintf(stderr, "helio-reflector: cannot listen on %s (`%s`): %s; %s\n", address,
		setting, strerror(errno), advice);
	return ERR_SYSTEM;
}

static void forget_all(struct supervisor *supervisor)
{
	supervisor->control_fd = -1;
	for (size_t i = 0; i < SETTINGS_PORTS_MAX; i++) {
		supervisor->gate_fds[i] = supervisor->worker_fds[i] = -1;
		for (size_t k = 0; k < SETTINGS_LISTEN_MAX; k++) {
			supervisor->listen_fds[i][k] = -1;
		}
	}
}

static int open_port(struct supervisor *supervisor, size_t i)
{
	const struct reflector_settings *settings = supervisor->files.settings;
	int pair[2];

	for (size_t k = 0; k < settings->listen_count; k++) {
		struct settings_addr addr;
		settings_listen_addr(&settings->listen[k], settings->ports[i], &addr);
		if (net_listen(&addr, BACKLOG, &supervisor->listen_fds[i][k]) != 0) {
			return explain(addr.text, "listen, ports");
		}
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
		return ERR_SYSTEM;
	}
	supervisor->gate_fds[i] = pair[0];
	supervisor->worker_fds[i] = pair[1];
	return 0;
}

int supervisor_open_sockets(struct supervisor *supervisor)
{
	const struct reflector_settings *settings = supervisor->files.settings;

	forget_all(supervisor);
	for (size_t i = 0; i < settings->port_count; i++) {
		int err = open_port(supervisor, i);
		if (err != 0) {
			return err;
		}
	}
	if (net_listen(&settings->control, BACKLOG, &supervisor->control_fd) != 0) {
		return explain(settings->control.text, "control");
	}
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
	}
	*fd = -1;
}

void supervisor_close_sockets(struct supervisor *supervisor)
{
	close_fd(&supervisor->control_fd);
	for (size_t i = 0; i < SETTINGS_PORTS_MAX; i++) {
		close_fd(&supervisor->gate_fds[i]);
		close_fd(&supervisor->worker_fds[i]);
		for (size_t k = 0; k < SETTINGS_LISTEN_MAX; k++) {
			close_fd(&supervisor->listen_fds[i][k]);
		}
	}
}
