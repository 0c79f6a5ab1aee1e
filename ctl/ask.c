/*
 * ask: reads passwords and confirmations. A password is never an argument, never shown, and wiped
 * from the buffers here; the terminal gets its echo back whatever happens, Ctrl-C included.
 */
#include "ctl/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/columns.h"

#define CTRL_C 3

/* Reads up to a newline, the end, or the bound; -1 for an error, 0 for the end. */
static ssize_t read_line(int fd, char *out, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t got =
			read(fd, out + used, 1); /* one by one: what follows is somebody else's */

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return -1;
		}
		if (got == 0) {
			break;
		}
		used++;
		if (out[used - 1] == '\n' || out[used - 1] == CTRL_C) {
			break;
		}
	}
	return (ssize_t)used;
}

/* Makes a line a password: without its end, not empty, no NUL, within the bound. */
static const char *judge_password(char *line, size_t length)
{
	if (length > 0 && line[length - 1] == '\n') {
		length--;
		if (length > 0 && line[length - 1] == '\r') {
			length--;
		}
	} else if (length >= ASK_PASSWORD_MAX - 1) {
		return "it is longer than 1024 bytes";
	}
	if (length == 0) {
		return "it is empty";
	}
	if (memchr(line, '\0', length) != NULL) {
		return "there is a NUL byte in it";
	}
	line[length] = '\0';
	return NULL;
}

static int secret_from_file(const char *file, const char *option, char out[ASK_PASSWORD_MAX])
{
	int fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	char todo[64], what[64];
	const char *why;
	ssize_t length;

	snprintf(todo, sizeof(todo), "check %s", option);
	snprintf(what, sizeof(what), "read the file of %s", option);
	if (fd < 0) {
		ctl_complain(what, strerror(errno), todo);
		return CTL_FAILED;
	}
	length = read_line(fd, out, ASK_PASSWORD_MAX - 1);
	why = length < 0 ? strerror(errno) : judge_password(out, (size_t)length);
	if (fd != STDIN_FILENO) {
		close(fd);
	}
	if (why != NULL) {
		ctl_complain("use what is in the file", why,
			"it must be the first line of the file, 1 to 1024 bytes");
		return CTL_FAILED;
	}
	return CTL_OK;
}

static int no_terminal(const char *option)
{
	char todo[160];

	snprintf(todo, sizeof(todo), "give %s FILE, or %s - and it on stdin", option, option);
	ctl_complain("ask for it", "there is no terminal", todo);
	return CTL_USAGE;
}

/*
 * One line from the terminal without echo. Ctrl-C must not end us with the echo off: signals from
 * keys are switched off too, and Ctrl-C is made to end the line instead.
 */
static ssize_t read_hidden(int tty, const char *prompt, char out[ASK_PASSWORD_MAX])
{
	struct termios before, hidden;
	ssize_t length;

	if (tcgetattr(tty, &before) != 0) {
		return -1;
	}
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL | ISIG);
	hidden.c_lflag |= ICANON;
	hidden.c_cc[VEOL] = CTRL_C;
	if (tcsetattr(tty, TCSAFLUSH, &hidden) != 0) {
		return -1;
	}
	dprintf(tty, "%s", prompt);
	length = read_line(tty, out, ASK_PASSWORD_MAX - 1);
	tcsetattr(tty, TCSAFLUSH, &before);
	dprintf(tty, "\n");
	if (length > 0 && out[length - 1] == CTRL_C) {
		errno = ECANCELED;
		return -1;
	}
	return length;
}

static const char *ask_twice(int tty, const char *user, char out[ASK_PASSWORD_MAX])
{
	char prompt[160], again[ASK_PASSWORD_MAX];
	const char *why;
	ssize_t length;

	snprintf(prompt, sizeof(prompt), "password for %.97s: ", user);
	length = read_hidden(tty, prompt, out);
	why = length < 0 ? strerror(errno) : judge_password(out, (size_t)length);
	if (why != NULL) {
		return why;
	}
	length = read_hidden(tty, "the same again: ", again);
	why = length < 0 ? strerror(errno) : judge_password(again, (size_t)length);
	if (why == NULL && strcmp(out, again) != 0) {
		why = "the two were not the same";
	}
	explicit_bzero(again, sizeof(again));
	return why;
}

int ask_password(const char *user, const char *file, char out[ASK_PASSWORD_MAX])
{
	const char *why;
	int tty;

	if (file != NULL) {
		return secret_from_file(file, "--password-file", out);
	}
	tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0) {
		return no_terminal("--password-file");
	}
	why = ask_twice(tty, user, out);
	close(tty);
	if (why != NULL) {
		ctl_complain("use the password", why, NULL);
		return CTL_FAILED;
	}
	return CTL_OK;
}

int ask_secret(const char *prompt, const char *file, const char *option, char out[ASK_PASSWORD_MAX])
{
	const char *why;
	ssize_t length;
	int tty;

	if (file != NULL) {
		return secret_from_file(file, option, out);
	}
	tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0) {
		return no_terminal(option);
	}
	length = read_hidden(tty, prompt, out);
	why = length < 0 ? strerror(errno) : judge_password(out, (size_t)length);
	close(tty);
	if (why != NULL) {
		ctl_complain("use what was typed", why, NULL);
		return CTL_FAILED;
	}
	return CTL_OK;
}

int ask_confirm(const struct ctl *ctl, const char *question)
{
	char line[16];
	char *safe;
	ssize_t length;

	if (ctl->options.value[OPT_YES] != NULL) {
		return CTL_OK;
	}
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		ctl_complain("go on without a yes", "there is no terminal to ask on",
			"give --yes; --dry-run says what would happen");
		return CTL_USAGE;
	}
	safe = columns_escape(question);
	fprintf(stderr, "%s [y/N] ", safe != NULL ? safe : "Go on?");
	free(safe);
	length = read_line(STDIN_FILENO, line, sizeof(line));
	if (length > 0 && (line[0] == 'y' || line[0] == 'Y')) {
		return CTL_OK;
	}
	fputs("nothing was changed\n", stderr);
	return CTL_FAILED;
}
