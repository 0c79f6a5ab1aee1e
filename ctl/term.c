/*
 * term: ANSI sequences and termios. Signals that end or stop the program are blocked and read from
 * a descriptor, so nothing happens at a moment that leaves the terminal in disorder.
 */
#include "ctl/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l\033[H\033[2J"
#define LEAVE "\033[0m\033[?25h\033[?1049l"

static void signal_set(sigset_t *set)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT,
		SIGWINCH };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaddset(set, signals[i]);
	}
}

void term_write(struct term *term, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t wrote = write(term->tty, text, length);

		if (wrote < 0 && errno == EINTR) {
			continue;
		}
		if (wrote <= 0) {
			return; /* the terminal is gone: a signal says so */
		}
		text += wrote;
		length -= (size_t)wrote;
	}
}

static void measure(struct term *term)
{
	struct winsize size;

	term->rows = 24;
	term->columns = 80;
	if (ioctl(term->tty, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
		term->rows = size.ws_row < 1000 ? size.ws_row : 1000;
		term->columns = size.ws_col < 1000 ? size.ws_col : 1000;
	}
}

static int enter(struct term *term)
{
	struct termios raw = term->before;

	/* Signals from keys stay on: Ctrl-C and Ctrl-Z come as signals, which are read. */
	raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(term->tty, TCSAFLUSH, &raw) != 0) {
		return -1;
	}
	term_write(term, ENTER, strlen(ENTER));
	measure(term);
	return 0;
}

static void leave(struct term *term)
{
	term_write(term, LEAVE, strlen(LEAVE));
	tcsetattr(term->tty, TCSAFLUSH, &term->before);
}

static int open_descriptors(struct term *term)
{
	struct epoll_event event = { .events = EPOLLIN };
	sigset_t set;

	signal_set(&set);
	term->tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (term->tty < 0 || tcgetattr(term->tty, &term->before) != 0 ||
		sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
		return -1;
	}
	term->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	term->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (term->signals < 0 || term->epoll < 0) {
		return -1;
	}
	event.data.fd = term->tty;
	if (epoll_ctl(term->epoll, EPOLL_CTL_ADD, term->tty, &event) != 0) {
		return -1;
	}
	event.data.fd = term->signals;
	return epoll_ctl(term->epoll, EPOLL_CTL_ADD, term->signals, &event);
}

static void close_descriptors(struct term *term)
{
	sigset_t set;
	int saved = errno;

	signal_set(&set);
	if (term->epoll >= 0) {
		close(term->epoll);
	}
	if (term->signals >= 0) {
		close(term->signals);
	}
	if (term->tty >= 0) {
		close(term->tty);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	*term = (struct term){ .tty = -1, .signals = -1, .epoll = -1, .signal = term->signal };
	errno = saved;
}

int term_open(struct term *term)
{
	*term = (struct term){ .tty = -1, .signals = -1, .epoll = -1 };
	if (open_descriptors(term) != 0 || enter(term) != 0) {
		close_descriptors(term);
		return ERR_SYSTEM;
	}
	return 0;
}

void term_close(struct term *term)
{
	if (term->tty < 0) {
		return;
	}
	leave(term);
	close_descriptors(term);
}

/* Ctrl-Z: the shell gets its terminal, and we take it again when we go on. */
static void stop(struct term *term)
{
	leave(term);
	raise(SIGSTOP);
	if (enter(term) != 0) {
		term->signal = SIGHUP;
	}
}

static int read_signal(struct term *term)
{
	struct signalfd_siginfo info;

	if (read(term->signals, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
		return TERM_NONE;
	}
	switch (info.ssi_signo) {
	case SIGWINCH:
		measure(term);
		return TERM_RESIZE;
	case SIGTSTP:
		stop(term);
		return term->signal != 0 ? TERM_QUIT : TERM_RESIZE;
	case SIGCONT: /* stopped by somebody else: the screen may be anything */
		return enter(term) == 0 ? TERM_RESIZE : TERM_QUIT;
	default:
		term->signal = (int)info.ssi_signo;
		return TERM_QUIT;
	}
}

/* What the bytes behind ESC [ say. */
static int decode_escape(const char *bytes, size_t length)
{
	static const struct {
		const char *bytes;
		int key;
	} keys[] = { { "[A", TERM_UP }, { "[B", TERM_DOWN }, { "OA", TERM_UP }, { "OB", TERM_DOWN },
		{ "[5~", TERM_PAGE_UP }, { "[6~", TERM_PAGE_DOWN }, { "[H", TERM_HOME },
		{ "[F", TERM_END }, { "[1~", TERM_HOME }, { "[4~", TERM_END } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strlen(keys[i].bytes) == length && memcmp(keys[i].bytes, bytes, length) == 0) {
			return keys[i].key;
		}
	}
	return TERM_NONE;
}

static int read_key(struct term *term)
{
	char bytes[8];
	ssize_t got = read(term->tty, bytes, 1);
	struct pollfd more = { .fd = term->tty, .events = POLLIN };

	if (got <= 0) {
		return got < 0 && errno == EINTR ? TERM_NONE : TERM_QUIT; /* the terminal is gone */
	}
	if (bytes[0] != 27 || poll(&more, 1, 20) != 1) {
		return (unsigned char)bytes[0];
	}
	got = read(term->tty, bytes, sizeof(bytes));
	return got > 0 ? decode_escape(bytes, (size_t)got) : TERM_NONE;
}

int term_read(struct term *term, int ms)
{
	struct pollfd fds[2] = { { .fd = term->signals, .events = POLLIN },
		{ .fd = term->tty, .events = POLLIN } };

	if (poll(fds, 2, ms) <= 0) {
		return TERM_NONE;
	}
	if (fds[0].revents != 0) {
		return read_signal(term);
	}
	return read_key(term);
}
