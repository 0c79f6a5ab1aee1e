/*
 * usage: everything that is made from the command table for people and shells: help, usage errors
 * with a suggestion.
 */
#ifndef CTL_USAGE_H
#define CTL_USAGE_H

#include <stdio.h>

struct command;
struct ctl;

/* All nouns and global options. */
void usage_print(FILE *out);
/* The commands of one noun. */
void usage_print_noun(FILE *out, const char *noun);
/* One command with its options. */
void usage_print_command(FILE *out, const struct command *command);

/* "there is no command `rom list`; did you mean room?" on stderr; verb may be NULL. */
void usage_complain_command(const char *noun, const char *verb);
/* "helioctl: MESSAGE" and where help is, on stderr; command may be NULL. */
void usage_complain(const struct command *command, const char *message);

/* a command of the table */
int usage_run_help(struct ctl *ctl);

#endif
