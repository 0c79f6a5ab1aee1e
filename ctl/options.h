/*
 * options: reads helioctl's argument vector. Options may stand anywhere before "--"; which of them
 * a command takes is said by the bits in the command table.
 */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

enum option_id {
	/* those that every command takes */
	OPT_SOCKET,
	OPT_CONTEXT,
	OPT_TIMEOUT,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
	OPT_GLOBAL_COUNT,
	/* the answer */
	OPT_JSON = OPT_GLOBAL_COUNT,
	OPT_WIDE,
	OPT_YES,
	OPT_DRY_RUN,
	/* which ones */
	OPT_ROOM,
	OPT_USER,
	OPT_APIKEY,
	OPT_ALL,
	OPT_ACTOR,
	OPT_ACTION,
	OPT_OBJECT,
	OPT_SINCE,
	OPT_LINES,
	OPT_FOLLOW,
	/* what is set */
	OPT_FILE,
	OPT_PASSWORD_FILE,
	OPT_HASH,
	OPT_EXPIRES,
	OPT_REASON,
	OPT_BAN,
	OPT_KINDS,
	OPT_ADMIN,
	OPT_USES,
	OPT_PASSCODE_FILE,
	OPT_LABEL,
	/* reflectors */
	OPT_CONTROL,
	OPT_ADDRESS,
	OPT_PORTS,
	OPT_FALLBACK_PORTS,
	OPT_TLS_NAME,
	OPT_ALLOWED,
	OPT_WEIGHT,
	/* the terminal */
	OPT_NO_QR,
	OPT_QR_SVG,
	OPT_OUTPUT,
	OPT_ONCE,
	OPT_INTERVAL,
	OPT_VIEW,
	OPT_SORT,
	OPT_FILTER,
	OPT_SETTINGS,
	/* contexts */
	OPT_CA,
	OPT_CERTIFICATE,
	OPT_CERTIFICATE_KEY,
	OPT_KEY_FILE,
	OPT_COUNT
};

#define OPTION_BIT(id) (UINT64_C(1) << (id))
#define OPTIONS_GLOBAL (OPTION_BIT(OPT_GLOBAL_COUNT) - 1)

struct option_def {
	const char *name; /* "--socket" */
	const char *shorthand; /* "-q" or NULL */
	const char *value; /* "PATH"; NULL: a flag */
	const char *completes; /* the noun whose names the value can be, "file", or words; NULL */
	const char *help;
};

extern const struct option_def option_defs[OPT_COUNT];

#define OPERANDS_MAX 64

struct options {
	const char *value[OPT_COUNT]; /* NULL: not given; "" for a flag; borrowed from argv */
	const char *operands[OPERANDS_MAX];
	size_t operand_count;
};

/* Fills out from argv[1...]. On failure ERR_INVALID, and error says why, with a suggestion where
 * one comes to mind. */
int options_parse(struct options *out, int argc, char *const *argv, char error[256]) MUST_CHECK;

#endif
