/*
 * command: the one table of helioctl's commands. Help, usage errors and the shell completion are
 * made from it.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stddef.h>

struct ctl;

struct command {
	const char *noun;
	const char *verb; /* "" for commands of one word */
	const char *operand; /* "NAME", or NULL when none is taken */
	const char *completes; /* the noun whose names the operand can be; NULL: anything */
	unsigned options; /* OPTION_BIT()s beside the global ones */
	const char *summary; /* one line */
	const char *details; /* further sentences, or NULL */
	int (*run)(struct ctl *ctl); /* returns enum ctl_exit */
};

extern const struct command commands[];
extern const size_t command_count;

/* NULL when there is none. */
const struct command *command_find(const char *noun, const char *verb);
/* Not zero when some command has this noun. */
int command_has_noun(const char *noun);

/* the commands, one file per noun */
int room_list(struct ctl *ctl);
int room_show(struct ctl *ctl);
int room_create(struct ctl *ctl);
int participant_list(struct ctl *ctl);
int token_list(struct ctl *ctl);
int token_revoke(struct ctl *ctl);
int user_add(struct ctl *ctl);
int user_list(struct ctl *ctl);
int user_disable(struct ctl *ctl);
int user_enable(struct ctl *ctl);
int user_password(struct ctl *ctl);
int reflector_list(struct ctl *ctl);

#endif
