/*
 * options: reads helioctl's argument vector. Options may stand anywhere before "--"; which of them
 * a command takes is said by the bits in the command table.
 */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stddef.h>

#include "proto/errcode.h"

enum option_id {
	OPT_SOCKET,
	OPT_TIMEOUT,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
	OPT_JSON,
	OPT_YES,
	OPT_ROOM,
	OPT_USER,
	OPT_ALL,
	OPT_PASSWORD_FILE,
	OPT_COUNT
};

#define OPTION_BIT(id) (1u << (id))
/* Those that every command takes. */
#define OPTIONS_GLOBAL                                                                             \
	(OPTION_BIT(OPT_SOCKET) | OPTION_BIT(OPT_TIMEOUT) | OPTION_BIT(OPT_QUIET) |                \
		OPTION_BIT(OPT_HELP) | OPTION_BIT(OPT_VERSION))

struct option_def {
	const char *name; /* "--socket" */
	const char *shorthand; /* "-q" or NULL */
	const char *value; /* "PATH"; NULL: a flag */
	const char *help;
};

extern const struct option_def option_defs[OPT_COUNT];

#define OPERANDS_MAX 16

struct options {
	const char *value[OPT_COUNT]; /* NULL: not given; "" for a flag; borrowed from argv */
	const char *operands[OPERANDS_MAX];
	size_t operand_count;
};

/* Fills out from argv[1...]. On failure ERR_INVALID, and error says why, with a suggestion where
 * one comes to mind. */
int options_parse(struct options *out, int argc, char *const *argv, char error[256]) MUST_CHECK;

#endif
