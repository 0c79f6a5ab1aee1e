/*
 * options: the table of all options and the parser of the argument vector. It knows no commands:
 * whether a command takes an option is checked where the command is known.
 */
#include "ctl/options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ctl/suggest.h"

const struct option_def option_defs[OPT_COUNT] = {
	[OPT_SOCKET] = { "--socket", NULL, "PATH", "authd's admin socket (else $HELIO_SOCKET)" },
	[OPT_TIMEOUT] = { "--timeout", NULL, "SECONDS", "how long to wait for authd (default 10)" },
	[OPT_QUIET] = { "--quiet", "-q", NULL,
		"lists: names only; others: say nothing on success" },
	[OPT_HELP] = { "--help", "-h", NULL, "show help for the command" },
	[OPT_VERSION] = { "--version", NULL, NULL, "show the version" },
	[OPT_JSON] = { "--json", NULL, NULL, "print the answer as one JSON object" },
	[OPT_YES] = { "--yes", "-y", NULL, "do not ask" },
	[OPT_ROOM] = { "--room", NULL, "NAME", "only of this room" },
	[OPT_USER] = { "--user", NULL, "NAME", "only of this user" },
	[OPT_ALL] = { "--all", NULL, NULL, "expired and revoked ones too" },
	[OPT_PASSWORD_FILE] = { "--password-file", NULL, "FILE",
		"read the password from the first line of FILE; - is stdin" },
};

/* Finds an option by "--name" (length given) or "-x"; OPT_COUNT when there is none. */
static enum option_id find_option(const char *name, size_t length)
{
	for (size_t i = 0; i < OPT_COUNT; i++) {
		const struct option_def *def = &option_defs[i];

		if (strlen(def->name) == length && memcmp(def->name, name, length) == 0) {
			return (enum option_id)i;
		}
		if (def->shorthand != NULL && length == 2 && memcmp(def->shorthand, name, 2) == 0) {
			return (enum option_id)i;
		}
	}
	return OPT_COUNT;
}

static void unknown_option(const char *arg, size_t length, char error[256])
{
	struct suggest near;

	suggest_init(&near, arg, length);
	for (size_t i = 0; i < OPT_COUNT; i++) {
		suggest_offer(&near, option_defs[i].name);
	}
	if (near.best != NULL) {
		snprintf(error, 256, "there is no option %.*s; did you mean %s?",
			(int)(length < 64 ? length : 64), arg, near.best);
	} else {
		snprintf(error, 256, "there is no option %.*s", (int)(length < 64 ? length : 64),
			arg);
	}
}

/* One option at argv[*at]; *at moves on when the value is the next argument. */
static int parse_option(struct options *out, int argc, char *const *argv, int *at, char error[256])
{
	const char *arg = argv[*at];
	const char *equals = strchr(arg, '=');
	size_t length = equals != NULL ? (size_t)(equals - arg) : strlen(arg);
	enum option_id id = find_option(arg, length);

	if (id == OPT_COUNT) {
		unknown_option(arg, length, error);
		return ERR_INVALID;
	}
	if (option_defs[id].value == NULL) {
		if (equals != NULL) {
			snprintf(error, 256, "%s takes no value", option_defs[id].name);
			return ERR_INVALID;
		}
		out->value[id] = "";
		return 0;
	}
	if (equals != NULL) {
		out->value[id] = equals + 1;
	} else if (*at + 1 < argc) {
		out->value[id] = argv[++*at];
	}
	if (out->value[id] == NULL || out->value[id][0] == '\0') {
		snprintf(error, 256, "%s needs a value: %s %s", option_defs[id].name,
			option_defs[id].name, option_defs[id].value);
		return ERR_INVALID;
	}
	return 0;
}

/*
 * Token ids are base64url and may begin with a dash; helioctl takes them as they come. So what is
 * no option but long enough for an id is an operand; no option is that long, and none has one dash
 * only.
 */
static bool looks_like_id(const char *arg)
{
	size_t length = strlen(arg), least = arg[1] == '-' ? 20 : 8;

	return length >= least && strchr(arg, '=') == NULL &&
		find_option(arg, length) == OPT_COUNT;
}

int options_parse(struct options *out, int argc, char *const *argv, char error[256])
{
	bool only_operands = false;

	*out = (struct options){ .operand_count = 0 };
	for (int at = 1; at < argc; at++) {
		const char *arg = argv[at];

		if (!only_operands && strcmp(arg, "--") == 0) {
			only_operands = true;
		} else if (!only_operands && arg[0] == '-' && arg[1] != '\0' &&
			!looks_like_id(arg)) {
			if (parse_option(out, argc, argv, &at, error) != 0) {
				return ERR_INVALID;
			}
		} else if (out->operand_count == OPERANDS_MAX) {
			snprintf(error, 256, "more than %d arguments", OPERANDS_MAX);
			return ERR_INVALID;
		} else {
			out->operands[out->operand_count++] = arg;
		}
	}
	return 0;
}
