/*
 * call_input: stdin as lines of chat. Reads only when poll says there is something, so it never
 * waits.
 */
#include "client-sdk/examples/call_input.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define KEY_ERASE 0x7f
#define KEY_BACKSPACE 0x08
#define KEY_KILL 0x15
#define KEY_END 0x04
#define KEY_ESCAPE 0x1b

void call_input_init(struct call_input *in, bool edit)
{
	memset(in, 0, sizeof(*in));
	in->open = true;
	if (edit && tcgetattr(STDIN_FILENO, &in->saved) == 0) {
		struct termios raw = in->saved;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_cc[VMIN] = 0;
		raw.c_cc[VTIME] = 0;
		if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0) {
			in->restore = true;
			in->editing = true;
		}
	}
}

void call_input_finish(struct call_input *in)
{
	if (in->restore) {
		tcsetattr(STDIN_FILENO, TCSANOW, &in->saved);
		in->restore = false;
	}
}

/* Removes the last character, all its bytes. */
static void erase(struct call_input *in)
{
	while (in->length > 0) {
		in->length--;
		if (((uint8_t)in->line[in->length] & 0xc0) != 0x80) {
			return;
		}
	}
}

/* Returns true when the key was a command and not text. */
static bool edit_key(struct call_input *in, char key)
{
	if (key == KEY_ERASE || key == KEY_BACKSPACE) {
		erase(in);
	} else if (key == KEY_KILL) {
		in->length = 0;
	} else if (key == KEY_END && in->length == 0) {
		in->open = false;
	} else if ((uint8_t)key >= 0x20) {
		return false;
	}
	return true;
}

void call_input_read(struct call_input *in,
	void (*on_line)(const char *line, size_t length, void *user), void *user)
{
	char bytes[1024];

	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (n <= 0) {
		in->open = n < 0 && (errno == EINTR || errno == EAGAIN);
		n = 0;
	}
	/* A key that sends an escape sequence (an arrow) comes in one piece: left out whole. */
	if (in->editing && n > 1 && bytes[0] == KEY_ESCAPE) {
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] == '\n') {
			in->line[in->length] = '\0';
			on_line(in->line, in->length, user);
			in->length = 0;
		} else if ((!in->editing || !edit_key(in, bytes[i])) &&
			in->length < CALL_LINE_MAX) {
			in->line[in->length++] = bytes[i];
		}
	}
	if (!in->open && in->length > 0) {
		/* The last line of a pipe may lack its end. */
		on_line(in->line, in->length, user);
		in->length = 0;
	}
}
