/*
 * command: the one table of helioctl's commands. Help, usage errors, shell completion and the
 * manual's synopsis are made from it.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl;

enum command_flag {
	COMMAND_LOCAL = 1, /* talks to no server */
	COMMAND_SEVERAL = 2 /* the last operand may be given again and again, or be left out */
};

struct command {
	const char *noun;
	const char *verb; /* "" for commands of one word */
	const char *operands; /* "NAME", "ROOM ID", "NAME [KEY=VALUE...]"; NULL: none */
	const char *completes; /* what each operand can be, in order: the noun whose names it takes,
				  or "-"; NULL: anything */
	unsigned flags;
	uint64_t options; /* OPTION_BIT()s beside the global ones */
	const char *summary; /* one line */
	const char *details; /* further sentences, or NULL */
	int (*run)(struct ctl *ctl); /* returns enum ctl_exit */
};

extern const struct command commands[];
extern const size_t command_count;

/* NULL when there is none. */
const struct command *command_find(const char *noun, const char *verb);
bool command_has_noun(const char *noun);
/* How many operands it needs, and the most it takes (SIZE_MAX: any number). */
void command_operand_range(const struct command *command, size_t *least, size_t *most);

#endif
