/*
 * pty_run: runs a program on a terminal of its own and does what the steps say, for tests:
 *
 *	pty_run ROWSxCOLUMNS STEP... -- COMMAND...
 *
 * Steps: expect:TEXT (it is printed from here on), send:TEXT (\n, \e, \xNN), resize:ROWSxCOLUMNS,
 * signal:NUMBER, exit:STATUS (128 + signal). All that is printed goes to stdout. Exit status 0 when
 * every step was as said and the terminal's modes are in the end as they were, else 1 and why.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#define DEADLINE_MS 75000
#define OUTPUT_MAX (8u * 1024 * 1024)

struct run {
	int master, slave; /* the slave stays open, so that its modes can be read in the end */
	pid_t child;
	char *output;
	size_t length, seen; /* expect: goes on from seen */
	struct termios before;
};

static long long clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int fail(const char *what, const char *which)
{
	fflush(stdout);
	fprintf(stderr, "pty_run: %s: %s\n", what, which);
	return 1;
}

/* Takes what the program prints, at most until ms from now; false when nothing came. */
static bool take_output(struct run *run, int ms)
{
	struct pollfd fd = { .fd = run->master, .events = POLLIN };
	ssize_t got;

	if (poll(&fd, 1, ms) <= 0 || run->length + 4096 > OUTPUT_MAX) {
		return false;
	}
	got = read(run->master, run->output + run->length, 4096);
	if (got <= 0) {
		return false;
	}
	fwrite(run->output + run->length, 1, (size_t)got, stdout);
	run->length += (size_t)got;
	return true;
}

static bool expect(struct run *run, const char *text)
{
	long long end = clock_ms() + DEADLINE_MS;

	for (;;) {
		char *found = memmem(
			run->output + run->seen, run->length - run->seen, text, strlen(text));

		if (found != NULL) {
			run->seen = (size_t)(found - run->output) + strlen(text);
			return true;
		}
		if (clock_ms() >= end) {
			return false;
		}
		take_output(run, 100);
	}
}

static bool send_text(struct run *run, const char *text)
{
	char bytes[512];
	size_t used = 0;

	for (; *text != '\0' && used < sizeof(bytes); text++) {
		if (text[0] != '\\' || text[1] == '\0') {
			bytes[used++] = *text;
			continue;
		}
		text++;
		if (*text == 'x') {
			char hex[3] = { text[1], text[1] != '\0' ? text[2] : '\0', '\0' };

			bytes[used++] = (char)strtoul(hex, NULL, 16);
			text += strlen(hex);
		} else {
			bytes[used++] = *text == 'n' ? '\n' : *text == 'e' ? 27 : *text;
		}
	}
	return write(run->master, bytes, used) == (ssize_t)used;
}

static bool resize(struct run *run, const char *text)
{
	struct winsize size = { .ws_row = 0 };

	if (sscanf(text, "%hux%hu", &size.ws_row, &size.ws_col) != 2) {
		return false;
	}
	return ioctl(run->master, TIOCSWINSZ, &size) == 0;
}

/* Waits for the end; its status, -1 when it does not end. */
static int wait_end(struct run *run)
{
	long long end = clock_ms() + DEADLINE_MS;
	int status;

	while (clock_ms() < end) {
		if (waitpid(run->child, &status, WNOHANG) == run->child) {
			run->child = -1;
			while (take_output(run, 0)) {
			}
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
		take_output(run, 20);
	}
	return -1;
}

static int do_step(struct run *run, const char *step)
{
	const char *value = strchr(step, ':');

	if (value == NULL) {
		return fail("no such step", step);
	}
	value++;
	if (strncmp(step, "expect:", 7) == 0) {
		return expect(run, value) ? 0 : fail("this did not come", value);
	}
	if (strncmp(step, "send:", 5) == 0) {
		return send_text(run, value) ? 0 : fail("cannot send", value);
	}
	if (strncmp(step, "resize:", 7) == 0) {
		return resize(run, value) ? 0 : fail("cannot resize", value);
	}
	if (strncmp(step, "signal:", 7) == 0) {
		return kill(run->child, atoi(value)) == 0 ? 0 : fail("cannot signal", value);
	}
	if (strncmp(step, "exit:", 5) == 0) {
		int status = wait_end(run);
		char text[64];

		snprintf(text, sizeof(text), "%d, not %.20s", status, value);
		return status == atoi(value) ? 0 : fail("exit status", text);
	}
	return fail("no such step", step);
}

static int start(struct run *run, const char *size, char **command)
{
	if (openpty(&run->master, &run->slave, NULL, NULL, NULL) != 0 || !resize(run, size)) {
		return fail("no terminal", strerror(errno));
	}
	tcgetattr(run->slave, &run->before);
	run->child = fork();
	if (run->child == 0) {
		close(run->master);
		login_tty(run->slave);
		execvp(command[0], command);
		_exit(127);
	}
	return run->child > 0 ? 0 : fail("fork", strerror(errno));
}

static bool modes_as_before(const struct run *run)
{
	struct termios after;

	return tcgetattr(run->slave, &after) == 0 && after.c_lflag == run->before.c_lflag &&
		after.c_iflag == run->before.c_iflag && after.c_oflag == run->before.c_oflag;
}

int main(int argc, char **argv)
{
	struct run run = { .child = -1 };
	int at = 2, command = 2, status = 0;

	while (command < argc && strcmp(argv[command], "--") != 0) {
		command++;
	}
	if (command + 1 >= argc) {
		return fail("usage", "pty_run ROWSxCOLUMNS STEP... -- COMMAND...");
	}
	run.output = malloc(OUTPUT_MAX);
	if (run.output == NULL || start(&run, argv[1], argv + command + 1) != 0) {
		return 1;
	}
	for (; status == 0 && at < command; at++) {
		status = do_step(&run, argv[at]);
	}
	if (status == 0 && run.child > 0) {
		status = fail("no step said exit:", argv[command - 1]);
	}
	if (run.child > 0) {
		kill(run.child, SIGKILL);
		waitpid(run.child, NULL, 0);
	}
	if (status == 0 && !modes_as_before(&run)) {
		status = fail("the terminal's modes", "are not as they were");
	}
	free(run.output);
	return status;
}
