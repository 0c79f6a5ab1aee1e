/*
 * call_input: lines typed or piped into stdin. On a terminal whose picture we draw, it does the
 * editing of the line itself; else the terminal (or pipe) gives whole lines.
 */
#ifndef CALL_INPUT_H
#define CALL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#define CALL_LINE_MAX 4096u

struct call_input {
	char line[CALL_LINE_MAX + 1]; /* typed so far */
	size_t length;
	bool open, editing, restore;
	struct termios saved;
};

/* edit: stdin is a terminal, and what is typed is drawn by us. */
void call_input_init(struct call_input *in, bool edit);
/* Puts the terminal back as it was. */
void call_input_finish(struct call_input *in);

/* Reads what is there and calls on_line for each whole line. Call it when stdin is readable. */
void call_input_read(struct call_input *in,
	void (*on_line)(const char *line, size_t length, void *user), void *user);

#endif
