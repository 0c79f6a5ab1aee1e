/*
 * term: the terminal of a full-screen view: alternate screen, keys one by one, size. Whatever ends
 * the program in order, the terminal is as it was: signals come as readable bytes, not as handlers.
 */
#ifndef CTL_TERM_H
#define CTL_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "proto/errcode.h"

enum term_key {
	TERM_NONE = 0, /* 1-255: that byte */
	TERM_UP = 256,
	TERM_DOWN,
	TERM_PAGE_UP,
	TERM_PAGE_DOWN,
	TERM_HOME,
	TERM_END,
	TERM_RESIZE, /* the size is another */
	TERM_QUIT /* a signal says to end */
};

struct term {
	int tty; /* -1: not open */
	int signals; /* signalfd */
	int epoll; /* readable when a key or a signal is there: for client_set_wake() */
	struct termios before;
	unsigned rows, columns;
	int signal; /* that ended us, 0: none */
};

/* Takes the terminal over. ERR_SYSTEM with errno when there is none. */
int term_open(struct term *term) MUST_CHECK;
/* Gives it back as it was. Harmless when it is not open. */
void term_close(struct term *term);

/* Waits at most ms for a key; TERM_NONE when none came. Stop and continue (Ctrl-Z) are done here.
 */
int term_read(struct term *term, int ms);
/* Writes all of it. */
void term_write(struct term *term, const char *text, size_t length);

#endif
