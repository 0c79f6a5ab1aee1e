/*
 * doctor_local: what this machine shows: settings files, the kernel's port range, and whether the
 * ports of authd and of the reflectors can be reached from here. Connects, sends nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "ctl/client.h"
#include "ctl/doctor.h"

#define REACH_MS 2000
#define PORTS_MAX 64 /* of one reflector that are tried */

/* ---------------------------------------------------------------- settings */

/* Runs PROGRAM --check --settings FILE; its exit status, and its last words in says. -1: it could
 * not be run. */
static int run_check(const char *program, const char *file, char says[400])
{
	int pipe_fds[2], status = -1;
	ssize_t got;
	size_t used = 0;
	pid_t pid;

	says[0] = '\0';
	if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		dup2(pipe_fds[1], STDOUT_FILENO);
		dup2(pipe_fds[1], STDERR_FILENO);
		execlp(program, program, "--check", "--settings", file, (char *)NULL);
		_exit(127);
	}
	close(pipe_fds[1]);
	while (pid > 0 && (got = read(pipe_fds[0], says + used, 399 - used)) > 0) {
		used += (size_t)got;
	}
	close(pipe_fds[0]); /* one that says more than fits ends by SIGPIPE, and that is no good end
			     */
	says[used] = '\0';
	while (used > 0 && says[used - 1] == '\n') {
		says[--used] = '\0';
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
		return -1;
	}
	return WEXITSTATUS(status);
}

static void check_file(struct doctor *doctor, const char *program, const char *file, bool asked)
{
	char says[400], what[400], todo[400];
	int status;

	if (access(file, F_OK) != 0 && !asked) {
		return; /* the other daemon's host */
	}
	status = run_check(program, file, says);
	snprintf(todo, sizeof(todo), "%s --check --settings %.250s", program, file);
	if (status == 0) {
		snprintf(what, sizeof(what), "the settings in %.300s are good", file);
		doctor_find(doctor, FINDING_OK, "settings", what, NULL, NULL);
	} else if (status < 0 || status == 127) {
		snprintf(what, sizeof(what), "the settings in %.300s could not be checked", file);
		doctor_find(doctor, FINDING_WARNING, "settings", what,
			"the daemon's program could not be run", todo);
	} else {
		snprintf(what, sizeof(what), "the settings in %.300s are wrong", file);
		doctor_find(doctor, FINDING_FAILED, "settings", what, says, todo);
	}
}

void doctor_check_settings(struct doctor *doctor)
{
	const char *file = doctor->ctl->options.value[OPT_SETTINGS];

	if (file != NULL) {
		bool reflector = strstr(file, "reflector") != NULL;

		check_file(doctor, reflector ? "helio-reflector" : "helio-authd", file, true);
		return;
	}
	if (client_is_remote(doctor->ctl->client)) {
		return;
	}
	check_file(doctor, "helio-authd", SYSCONFDIR "/heliograph/authd.conf", false);
	check_file(doctor, "helio-reflector", SYSCONFDIR "/heliograph/reflector.conf", false);
}

/* ---------------------------------------------------------------- reaching ports */

/* Starts a connection to a literal address; -1 with errno. */
static int start_connect(const char *address, unsigned port)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char service[8];
	int fd;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, &found) != 0) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0 &&
		errno != EINPROGRESS) {
		int saved = errno;

		close(fd);
		errno = saved;
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

struct probe {
	unsigned port;
	int fd;
	int error; /* errno; 0: reached; -1: no answer so far */
};

static void wait_for_all(struct probe *probes, size_t count)
{
	int64_t end = (int64_t)clock_now_ms() + REACH_MS;
	struct pollfd fds[PORTS_MAX];

	for (;;) {
		int64_t left = end - (int64_t)clock_now_ms();
		size_t open = 0;

		for (size_t i = 0; i < count; i++) {
			bool waiting = probes[i].error == -1;

			fds[i] = (struct pollfd){ .fd = waiting ? probes[i].fd : -1,
				.events = POLLOUT };
			open += waiting ? 1 : 0;
		}
		if (open == 0 || left <= 0 || poll(fds, count, (int)left) <= 0) {
			return;
		}
		for (size_t i = 0; i < count; i++) {
			socklen_t length = sizeof(probes[i].error);

			if (fds[i].fd >= 0 && fds[i].revents != 0) {
				getsockopt(
					fds[i].fd, SOL_SOCKET, SO_ERROR, &probes[i].error, &length);
			}
		}
	}
}

static void report_probes(struct doctor *doctor, const char *who, const char *address,
	struct probe *probes, size_t count)
{
	char what[300], why[200] = "";
	size_t reached = 0;

	for (size_t i = 0; i < count; i++) {
		if (probes[i].error == 0) {
			reached++;
		} else if (why[0] == '\0') {
			snprintf(why, sizeof(why), "port %u: %s", probes[i].port,
				probes[i].error > 0 ? strerror(probes[i].error)
						    : "no answer within 2 s");
		}
	}
	snprintf(what, sizeof(what),
		"%zu of %zu port%s of %.100s at %.80s can be reached from here", reached, count,
		count == 1 ? "" : "s", who, address);
	doctor_find(doctor, reached == count ? FINDING_OK : FINDING_FAILED, "ports", what, why,
		reached == count ? NULL : "check that it runs, and the firewall on the way");
}

static void probe_ports(struct doctor *doctor, const char *who, const char *address,
	const unsigned *ports, size_t count)
{
	struct probe probes[PORTS_MAX];

	for (size_t i = 0; i < count; i++) {
		probes[i] = (struct probe){ .port = ports[i], .error = -1 };
		probes[i].fd = start_connect(address, ports[i]);
		if (probes[i].fd < 0) {
			probes[i].error = errno;
		}
	}
	wait_for_all(probes, count);
	report_probes(doctor, who, address, probes, count);
	for (size_t i = 0; i < count; i++) {
		if (probes[i].fd >= 0) {
			close(probes[i].fd);
		}
	}
}

/* ---------------------------------------------------------------- the kernel's range */

static bool is_local_address(const char *address)
{
	struct ifaddrs *all, *at;
	char text[INET6_ADDRSTRLEN] = "";
	bool found = false;

	if (getifaddrs(&all) != 0) {
		return false;
	}
	for (at = all; at != NULL && !found; at = at->ifa_next) {
		int family = at->ifa_addr != NULL ? at->ifa_addr->sa_family : AF_UNSPEC;

		if (family == AF_INET) {
			inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)at->ifa_addr)->sin_addr,
				text, sizeof(text));
		} else if (family == AF_INET6) {
			inet_ntop(AF_INET6,
				&((struct sockaddr_in6 *)(void *)at->ifa_addr)->sin6_addr, text,
				sizeof(text));
		}
		found = strcmp(text, address) == 0;
	}
	freeifaddrs(all);
	return found;
}

/* True when port stands in the kernel's list of reserved ports ("8080,49152-49200"). */
static bool is_reserved(unsigned port)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_reserved_ports", "re");
	char line[4096] = "", *save = NULL;
	bool found = false;

	if (file == NULL) {
		return false;
	}
	if (fgets(line, sizeof(line), file) == NULL) {
		line[0] = '\0';
	}
	fclose(file);
	for (char *part = strtok_r(line, ",\n", &save); part != NULL && !found;
		part = strtok_r(NULL, ",\n", &save)) {
		unsigned from = 0, to = 0;
		int got = sscanf(part, "%u-%u", &from, &to);

		to = got == 2 ? to : from;
		found = got >= 1 && port >= from && port <= to;
	}
	return found;
}

static void check_ephemeral(
	struct doctor *doctor, const char *name, const unsigned *ports, size_t count)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned from = 0, to = 0;
	size_t hit = 0;
	char what[256];

	if (file == NULL || fscanf(file, "%u %u", &from, &to) != 2) {
		from = to = 0;
	}
	if (file != NULL) {
		fclose(file);
	}
	for (size_t i = 0; i < count; i++) {
		hit += ports[i] >= from && ports[i] <= to && !is_reserved(ports[i]) ? 1 : 0;
	}
	if (hit > 0) {
		snprintf(what, sizeof(what),
			"%zu port%s of %.100s lie in the kernel's range %u-%u for outgoing connections",
			hit, hit == 1 ? "" : "s", name, from, to);
		doctor_find(doctor, FINDING_WARNING, "ports", what,
			"another program may get one of them, and the daemon then cannot start",
			"sysctl -w net.ipv4.ip_local_reserved_ports=49152-49200 (see operations.md)");
	}
}

/* ---------------------------------------------------------------- whom to try */

static void check_reflector(struct doctor *doctor, const json_t *reflector)
{
	const char *name = json_string_value(json_object_get(reflector, "name"));
	const char *address = json_string_value(json_object_get(reflector, "address"));
	unsigned ports[PORTS_MAX];
	size_t i, count = 0;
	json_t *worker;
	char who[140];

	json_array_foreach(json_object_get(reflector, "workers"), i, worker) {
		json_int_t port = json_integer_value(json_object_get(worker, "port"));

		if (port > 0 && port < 65536 && count < PORTS_MAX) {
			ports[count++] = (unsigned)port;
		}
	}
	if (name == NULL || address == NULL || count == 0) {
		return;
	}
	snprintf(who, sizeof(who), "the reflector %.100s", name);
	probe_ports(doctor, who, address, ports, count);
	if (is_local_address(address)) {
		check_ephemeral(doctor, who, ports, count);
	}
}

/* "127.0.0.1:8443", "[::1]:8443"; an address of all interfaces is tried on loopback. */
static void check_listener(struct doctor *doctor, const char *listen)
{
	const char *colon = strrchr(listen, ':');
	unsigned long port = colon != NULL ? strtoul(colon + 1, NULL, 10) : 0;
	char address[80] = "";
	unsigned ports[1] = { (unsigned)port };
	size_t length;

	if (port == 0 || port > 65535) {
		return;
	}
	length = (size_t)(colon - listen);
	if (listen[0] == '[' && length > 2) {
		snprintf(address, sizeof(address), "%.*s", (int)(length - 2), listen + 1);
	} else {
		snprintf(address, sizeof(address), "%.*s", (int)length, listen);
	}
	if (strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0) {
		snprintf(address, sizeof(address), "%s", address[0] == ':' ? "::1" : "127.0.0.1");
	}
	probe_ports(doctor, "authd", address, ports, 1);
	check_ephemeral(doctor, "authd", ports, 1);
}

void doctor_check_ports(struct doctor *doctor)
{
	size_t i;
	json_t *item;

	if (!client_is_remote(doctor->ctl->client)) {
		json_array_foreach(json_object_get(doctor->status, "listen"), i, item) {
			if (json_is_string(item)) {
				check_listener(doctor, json_string_value(item));
			}
		}
	}
	json_array_foreach(doctor->reflectors, i, item) {
		check_reflector(doctor, item);
	}
}
