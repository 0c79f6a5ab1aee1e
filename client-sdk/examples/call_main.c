/*
 * call_main: helio-call, a terminal meeting client on libhelio. Opens what the options ask for,
 * runs the one loop, and closes everything in order: nothing else owns the process.
 */
#include "client-sdk/examples/call.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client-sdk/examples/call_clock.h"
#include "client-sdk/examples/call_text.h"

/* A caller may have closed 0, 1 or 2: no file of ours must get their place. */
static void hold_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0) {
		close(fd);
	}
}

/* Signals become a descriptor, before any library starts a thread. -1: it failed. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTIN, SIG_IGN); /* in the background stdin is simply at its end */
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Said early, since the SDK could only say that the connection is not trusted. */
static bool check_ca(const char *option, const char *path)
{
	if (path != NULL && access(path, R_OK) != 0) {
		char help[64];
		snprintf(help, sizeof(help), "Check %s", option);
		call_text_errorf(help, strerror(errno), "%s cannot be read", path);
		return false;
	}
	return true;
}

static bool open_outputs(struct call *c)
{
	const struct call_options *o = &c->options;

	if (o->trace != NULL && (c->trace = call_trace_open(o->trace)) == NULL) {
		return false;
	}
	if (o->record != NULL && (c->record = call_record_open(o->record)) == NULL) {
		return false;
	}
	if (o->play && (c->play = call_play_open()) == NULL) {
		return false;
	}
	if (c->record != NULL || c->play != NULL) {
		char *path = c->record != NULL ? call_record_path(c->record, "mixed.wav") : NULL;
		c->mix = call_mix_open(path, c->play);
		free(path);
		return c->mix != NULL;
	}
	return true;
}

static void choose_view(struct call *c)
{
	bool terminal = !c->options.json && isatty(STDOUT_FILENO) && call_screen_open(c);
	bool typing = terminal && isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();

	c->view = c->options.json ? &call_view_json
		: terminal        ? &call_view_terminal
				  : &call_view_lines;
	call_input_init(&c->input, typing);
}

static int create_session(struct call *c)
{
	const struct call_options *o = &c->options;
	struct helio_config config = HELIO_CONFIG_INIT;

	config.authd_url = o->authd;
	config.authd_ca_file = o->authd_ca;
	config.ca_file = o->ca;
	config.user = o->user;
	config.password = o->invite == NULL ? o->password : NULL; /* else it is the passcode */
	config.room = o->room;
	config.device = o->device;
	config.display_name = o->name;
	config.invite = o->invite;
	config.passcode = o->passcode;
	int err = helio_create(&c->helio, &config, &call_session_callbacks, c);
	call_options_finish(&c->options); /* the SDK has its copy of the password */
	if (err == HELIO_OK) {
		err = helio_join(c->helio);
	}
	if (err != HELIO_OK) {
		call_text_error("the call cannot be set up", helio_error_text(err),
			o->invite != NULL ? "Check --invite, --passcode and --name"
					  : "Check --authd, --user, --room, --device and --name");
		return err == HELIO_ERR_INVALID ? CALL_EXIT_USAGE : CALL_EXIT_FAILED;
	}
	return CALL_EXIT_GO_ON;
}

static int open_call(struct call *c)
{
	if (!check_ca("--authd-ca", c->options.authd_ca) || !check_ca("--ca", c->options.ca) ||
		call_roster_init(&c->roster) != HELIO_OK || !open_outputs(c) ||
		(c->send = call_send_open(&c->options, c->trace)) == NULL) {
		return CALL_EXIT_FAILED;
	}
	return create_session(c);
}

static void on_line(const char *line, size_t length, void *user)
{
	call_session_chat(user, line, length);
}

/* Waits until something happens or until is reached, and handles what came. */
static void wait_once(struct call *c, int signals, int64_t until_ns)
{
	struct pollfd fds[3] = {
		{ .fd = helio_fd(c->helio), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		/* What is typed before we can send it waits in the pipe or terminal. */
		{ .fd = c->input.open && c->joined && !c->leaving ? STDIN_FILENO : -1,
			.events = POLLIN },
	};
	int sdk_ms = helio_timeout_ms(c->helio);
	int64_t now_ns = call_clock_now();
	int64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;

	if (sdk_ms >= 0 && sdk_ms * CALL_MS < wait_ns) {
		wait_ns = sdk_ms * CALL_MS;
	}
	struct timespec ts = { wait_ns / CALL_SECOND, wait_ns % CALL_SECOND };
	if (ppoll(fds, 3, &ts, NULL) < 0) {
		return; /* EINTR */
	}
	if (fds[1].revents != 0) {
		struct signalfd_siginfo info;
		if (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
			c->closed =
				c->closed || c->leaving || !c->joined; /* asked twice: at once */
			call_session_leave(c, call_clock_now());
		}
	}
	if (fds[2].revents != 0) {
		call_input_read(&c->input, on_line, c);
	}
	helio_dispatch(c->helio);
}

static void run(struct call *c, int signals)
{
	int64_t tick_ns = call_clock_now();

	while (!c->closed) {
		int64_t now_ns = call_clock_now();
		if (now_ns >= tick_ns) {
			c->view->tick(c, now_ns);
			tick_ns = now_ns + c->view->period_ns;
		}
		int64_t next_ns = call_session_step(c, now_ns);
		if (!c->closed) {
			wait_once(c, signals, next_ns < tick_ns ? next_ns : tick_ns);
		}
	}
}

/* Closes everything, whatever there is; returns whether all that was written is complete. */
static bool close_call(struct call *c)
{
	call_session_finish(c);
	helio_destroy(c->helio);
	call_send_close(c->send);
	bool ok = call_mix_close(c->mix);
	call_play_close(c->play);
	ok = call_record_close(c->record) && ok;
	ok = call_trace_close(c->trace) && ok;
	call_options_finish(&c->options);
	return ok;
}

int main(int argc, char **argv)
{
	struct call c;

	memset(&c, 0, sizeof(c));
	hold_standard_files();
	c.exit_code = CALL_EXIT_GO_ON;
	int rc = call_options_parse(&c.options, argc, argv);
	if (rc != CALL_EXIT_GO_ON) {
		call_options_finish(&c.options);
		return rc;
	}
	int signals = open_signals();
	rc = signals >= 0 ? open_call(&c) : CALL_EXIT_FAILED;
	if (rc == CALL_EXIT_GO_ON) {
		choose_view(&c);
		run(&c, signals);
		if (c.exit_code == CALL_EXIT_GO_ON) {
			c.exit_code =
				call_send_has_failed(c.send) ? CALL_EXIT_FAILED : CALL_EXIT_OK;
		}
		c.view->summary(&c, c.exit_code);
		call_screen_close(&c);
		call_input_finish(&c.input);
		rc = c.exit_code;
	}
	if (!close_call(&c) && rc == CALL_EXIT_OK) {
		rc = CALL_EXIT_FAILED;
	}
	return rc;
}
