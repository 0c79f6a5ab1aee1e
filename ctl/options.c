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
	[OPT_SOCKET] = { "--socket", NULL, "PATH", "file",
		"authd's admin socket (else $HELIO_SOCKET)" },
	[OPT_CONTEXT] = { "--context", NULL, "NAME", "context",
		"which server (else $HELIOCTL_CONTEXT)" },
	[OPT_TIMEOUT] = { "--timeout", NULL, "SECONDS", NULL,
		"how long to wait for authd (default 10)" },
	[OPT_QUIET] = { "--quiet", "-q", NULL, NULL,
		"lists: names only; others: say nothing on success" },
	[OPT_HELP] = { "--help", "-h", NULL, NULL, "show help for the command" },
	[OPT_VERSION] = { "--version", NULL, NULL, NULL, "show the version" },
	[OPT_JSON] = { "--json", NULL, NULL, NULL, "print the answer as JSON" },
	[OPT_WIDE] = { "--wide", "-w", NULL, NULL,
		"whole tables, also where the terminal is narrower" },
	[OPT_YES] = { "--yes", "-y", NULL, NULL, "do not ask; needed where nobody can be asked" },
	[OPT_DRY_RUN] = { "--dry-run", "-n", NULL, NULL,
		"say what would happen and change nothing" },
	[OPT_ROOM] = { "--room", NULL, "NAME", "room", "of this room" },
	[OPT_USER] = { "--user", NULL, "NAME", "user", "of this user" },
	[OPT_APIKEY] = { "--apikey", NULL, "NAME", "apikey", "made with this API key" },
	[OPT_ALL] = { "--all", NULL, NULL, NULL, "expired and revoked ones too" },
	[OPT_ACTOR] = { "--actor", NULL, "WHO", NULL, "what this actor did" },
	[OPT_ACTION] = { "--action", NULL, "WHAT", NULL,
		"this action; \"token\" means all of tokens" },
	[OPT_OBJECT] = { "--object", NULL, "NAME", NULL, "what was done to this object" },
	[OPT_SINCE] = { "--since", NULL, "WHEN", NULL,
		"not before: 2h, 7d (ago), 2026-12-01, RFC 3339" },
	[OPT_LINES] = { "--lines", NULL, "COUNT", NULL, "how many of the last ones (default 20)" },
	[OPT_FOLLOW] = { "--follow", "-f", NULL, NULL, "go on and show new ones as they come" },
	[OPT_FILE] = { "--file", NULL, "FILE", "file", "read it as JSON from FILE; - is stdin" },
	[OPT_PASSWORD_FILE] = { "--password-file", NULL, "FILE", "file",
		"read the password from the first line of FILE; - is stdin" },
	[OPT_HASH] = { "--hash", NULL, "FILE", "file",
		"import the hash ($y$, $6$, $argon2id$) on the first line of FILE" },
	[OPT_EXPIRES] = { "--expires", NULL, "WHEN", NULL,
		"12h, 7d (from now), 2026-12-01, RFC 3339, or never" },
	[OPT_REASON] = { "--reason", NULL, "TEXT", NULL, "why, for those who are concerned" },
	[OPT_BAN] = { "--ban", NULL, "DURATION", NULL,
		"and let nobody come back for 30m, 12h, 7d ..." },
	[OPT_KINDS] = { "--kinds", NULL, "LIST", "audio video screen data",
		"audio,video,screen,data (default audio)" },
	[OPT_ADMIN] = { "--admin", NULL, NULL, NULL, "the key opens the admin API" },
	[OPT_USES] = { "--uses", NULL, "COUNT", NULL,
		"how often it may be used (default: no limit)" },
	[OPT_PASSCODE_FILE] = { "--passcode-file", NULL, "FILE", "file",
		"guests must know the first line of FILE; - is stdin" },
	[OPT_LABEL] = { "--label", NULL, "TEXT", NULL, "whom it is for" },
	[OPT_CONTROL] = { "--control", NULL, "ADDRESS:PORT", NULL,
		"where it accepts the control link" },
	[OPT_ADDRESS] = { "--address", NULL, "ADDRESS", NULL, "what clients connect to" },
	[OPT_PORTS] = { "--ports", NULL, "RANGES", NULL, "one worker each (default 49152-49155)" },
	[OPT_FALLBACK_PORTS] = { "--fallback-ports", NULL, "RANGES", NULL,
		"ports outside 49152-65535, such as 443" },
	[OPT_TLS_NAME] = { "--tls-name", NULL, "NAME", NULL,
		"what its certificate names (default: NAME)" },
	[OPT_ALLOWED] = { "--allowed", NULL, "NETWORKS", NULL,
		"where it may be (default: that of --control)" },
	[OPT_WEIGHT] = { "--weight", NULL, "NUMBER", NULL,
		"its share of new rooms, 1-1000 (default 100)" },
	[OPT_NO_QR] = { "--no-qr", NULL, NULL, NULL, "print no QR code" },
	[OPT_QR_SVG] = { "--qr-svg", NULL, "FILE", "file",
		"write the QR code to FILE as a picture" },
	[OPT_OUTPUT] = { "--output", "-o", "FILE", "file", "write to FILE, whole or not at all" },
	[OPT_ONCE] = { "--once", NULL, NULL, NULL, "print one sample as a table and end" },
	[OPT_INTERVAL] = { "--interval", NULL, "SECONDS", NULL, "between two samples (default 2)" },
	[OPT_VIEW] = { "--view", NULL, "VIEW", "rooms participants reflectors",
		"rooms, participants or reflectors" },
	[OPT_SORT] = { "--sort", NULL, "COLUMN", NULL,
		"the column to sort by; -COLUMN turns it round" },
	[OPT_FILTER] = { "--filter", NULL, "TEXT", NULL, "only what has TEXT in a name" },
	[OPT_SETTINGS] = { "--settings", NULL, "FILE", "file",
		"the daemon's settings file to look at" },
	[OPT_CA] = { "--ca", NULL, "FILE", "file",
		"who signed the server's certificate (default: the system's)" },
	[OPT_CERTIFICATE] = { "--certificate", NULL, "FILE", "file", "client certificate, PEM" },
	[OPT_CERTIFICATE_KEY] = { "--certificate-key", NULL, "FILE", "file",
		"its private key, PEM" },
	[OPT_KEY_FILE] = { "--key-file", NULL, "FILE", "file",
		"read the admin key from the first line of FILE; - is stdin" },
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

	return length >= least && strchr(arg, '=') == NULL && find_option(arg, length) == OPT_COUNT;
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
