/*
 * call_options: one table of options serves the parser and --help. The password comes from a file
 * or the environment, never from argv, where every user of the machine could read it.
 */
#include "client-sdk/examples/call_options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <helio.h>

#include "client-sdk/examples/call_text.h"

#define PASSWORD_MAX 1024u

enum kind { TEXT, FLAG, NUMBER, SECONDS, IDLE, CHAT };

struct option_row {
	const char *name;
	enum kind kind;
	size_t at; /* offset in struct call_options */
	unsigned min, max; /* NUMBER; SECONDS: of milliseconds */
	const char *value; /* name of the value in --help; NULL: takes none */
	const char *help;
};

#define AT(field) offsetof(struct call_options, field)

static const struct option_row rows[] = {
	{ "authd", TEXT, AT(authd), 0, 0, "URL",
		"where tokens come from: https://host[:port] (required)" },
	{ "authd-ca", TEXT, AT(authd_ca), 0, 0, "FILE",
		"PEM file of the CA of authd; default: the system's" },
	{ "ca", TEXT, AT(ca), 0, 0, "FILE",
		"PEM file of the reflector's CA, checked beside its pin" },
	{ "user", TEXT, AT(user), 0, 0, "NAME", "account at authd (required)" },
	{ "password-file", TEXT, AT(password_file), 0, 0, "FILE",
		"file with the password in its first line; or HELIO_PASSWORD" },
	{ "room", TEXT, AT(room), 0, 0, "NAME", "room to join (required)" },
	{ "invite", TEXT, AT(invite), 0, 0, "LINK",
		"join as a guest: instead of user, password, room and,\n"
		"with a whole link, authd" },
	{ "passcode", TEXT, AT(passcode), 0, 0, "TEXT",
		"where the invite has one; or HELIO_PASSCODE" },
	{ "device", TEXT, AT(device), 0, 0, "NAME", "tells several clients of one user apart" },
	{ "name", TEXT, AT(name), 0, 0, "TEXT", "name shown to the others; default: the user" },
	{ "send-audio", TEXT, AT(send_audio), 0, 0, "SOURCE", "FILE.wav, FILE.opus, tone or mic" },
	{ "audio-ms", NUMBER, AT(audio_ms), 10, 60, "MS",
		"audio per packet: 10, 20, 40 or 60; default 20" },
	{ "bitrate", NUMBER, AT(bitrate), 6000, 510000, "BPS",
		"of the audio; default 32000 per channel" },
	{ "dtx", FLAG, AT(dtx), 0, 0, NULL, "send nothing during silence" },
	{ "send-video", TEXT, AT(send_video), 0, 0, "FILE.ivf",
		"VP8 or VP9, sent as it is at its own pace" },
	{ "loop", FLAG, AT(loop), 0, 0, NULL, "begin the files again at their end" },
	{ "record", TEXT, AT(record), 0, 0, "DIR",
		"write ID-STREAM.opus and .ivf of each stream and mixed.wav" },
	{ "play", FLAG, AT(play), 0, 0, NULL, "play the others on the sound device" },
	{ "chat", CHAT, 0, 0, 0, "TEXT", "send this line once somebody is there; may be repeated" },
	{ "wait-for", NUMBER, AT(wait_for), 0, 2000, "N",
		"send nothing before N others are present" },
	{ "duration", SECONDS, AT(duration_ms), 1, 0, "SECONDS", "leave this long after joining" },
	{ "until-idle", IDLE, AT(idle_ms), 1, 0, "[=SECONDS]",
		"leave when own files ended and then all others left\n"
		"or nothing came for SECONDS; default 2" },
	{ "json", FLAG, AT(json), 0, 0, NULL, "one JSON object per line on stdout" },
	{ "trace", TEXT, AT(trace), 0, 0, "FILE",
		"JSON lines of every frame sent and received, for measuring" },
	{ "verbose", FLAG, AT(verbose), 0, 0, NULL, "diagnosis on stderr" },
	{ "help", FLAG, AT(help), 0, 0, NULL, "this text" },
	{ "version", FLAG, AT(version), 0, 0, NULL, "version of program and library" },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))
#define HELP_COLUMN 24

static void print_help(void)
{
	puts("usage: helio-call --authd URL --user NAME --room NAME [options]\n"
	     "       helio-call --invite LINK --name TEXT [options]\n"
	     "\n"
	     "Joins a room, sends audio, video and chat, shows and records what the others send.\n"
	     "Lines on stdin are sent as chat.\n");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		char left[64];
		const char *gap = rows[i].value != NULL && rows[i].kind != IDLE ? " " : "";
		snprintf(left, sizeof(left), "  --%s%s%s", rows[i].name, gap,
			rows[i].value != NULL ? rows[i].value : "");
		const char *help = rows[i].help;
		const char *end;
		while ((end = strchr(help, '\n')) != NULL) {
			printf("%-*s %.*s\n", HELP_COLUMN, left, (int)(end - help), help);
			left[0] = '\0';
			help = end + 1;
		}
		printf("%-*s %s\n", HELP_COLUMN, left, help);
	}
	puts("\n"
	     "It leaves at --duration, --until-idle, SIGINT or SIGTERM; without the first two, when all\n"
	     "files it sends have ended; sending tone, mic or nothing, not by itself.\n"
	     "Exit codes: 0 ok, 1 failed, 2 usage, 3 server not reachable or lost, 4 denied.");
}

static int usage_error(const char *what, const char *why)
{
	call_text_error(what, why, "See helio-call --help");
	return CALL_EXIT_USAGE;
}

static int number_error(const struct option_row *row, const char *text)
{
	char what[160], why[96];

	snprintf(what, sizeof(what), "--%s %.80s makes no sense", row->name, text);
	if (row->kind == NUMBER) {
		snprintf(why, sizeof(why), "it takes a whole number from %u to %u", row->min,
			row->max);
	} else {
		snprintf(why, sizeof(why), "it takes seconds, from 0.001 to 1000000");
	}
	return usage_error(what, why);
}

static int take_number(struct call_options *o, const struct option_row *row, const char *text)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || n < row->min ||
		n > row->max) {
		return number_error(row, text);
	}
	*(unsigned *)(void *)((char *)o + row->at) = (unsigned)n;
	return CALL_EXIT_GO_ON;
}

static int take_seconds(struct call_options *o, const struct option_row *row, const char *text)
{
	char *end;
	double s = strtod(text, &end);
	/* Written so that NaN fails too. */
	if (end == text || *end != '\0' || !(s >= 0.001 && s <= 1e6)) {
		return number_error(row, text);
	}
	*(unsigned *)(void *)((char *)o + row->at) = (unsigned)(s * 1000.0 + 0.5);
	return CALL_EXIT_GO_ON;
}

static int take_option(struct call_options *o, const struct option_row *row, char *value)
{
	switch (row->kind) {
	case TEXT:
		if (value[0] == '\0') {
			char what[64];
			snprintf(what, sizeof(what), "--%s is empty", row->name);
			return usage_error(what, "it takes a value");
		}
		*(const char **)(void *)((char *)o + row->at) = value;
		return CALL_EXIT_GO_ON;
	case FLAG:
		*(bool *)((char *)o + row->at) = true;
		return CALL_EXIT_GO_ON;
	case NUMBER:
		return take_number(o, row, value);
	case SECONDS:
		return take_seconds(o, row, value);
	case IDLE:
		return take_seconds(o, row, value != NULL ? value : "2");
	case CHAT:
		if (o->chat_count == CALL_CHAT_MAX) {
			return usage_error("too many --chat", "at most 64 lines are taken");
		}
		if (value[0] == '\0' || strlen(value) > 4096) {
			return usage_error("--chat cannot be sent", "a line has 1 to 4096 bytes");
		}
		o->chat[o->chat_count++] = value;
		return CALL_EXIT_GO_ON;
	}
	return CALL_EXIT_USAGE;
}

static int check_invite(const struct call_options *o)
{
	if (o->user != NULL || o->password_file != NULL || o->room != NULL || o->device != NULL) {
		return usage_error("--invite cannot be used",
			"it stands for user, password, room and device: leave them out");
	}
	if (o->name == NULL) {
		return usage_error("--name is missing", "a guest says who comes");
	}
	if (strchr(o->invite, '#') == NULL && o->authd == NULL) {
		return usage_error("--invite is no link", "it must be all of https://.../join#...");
	}
	return CALL_EXIT_GO_ON;
}

static int check_login(const struct call_options *o)
{
	if (o->passcode != NULL) {
		return usage_error("--passcode cannot be used", "it belongs to --invite");
	}
	if (o->authd == NULL || o->user == NULL || o->room == NULL) {
		char what[64];
		snprintf(what, sizeof(what), "--%s is missing",
			o->authd == NULL ? "authd" : (o->user == NULL ? "user" : "room"));
		return usage_error(what, "authd, user and room say where to go and who asks");
	}
	return CALL_EXIT_GO_ON;
}

static int check_options(const struct call_options *o)
{
	int rc = o->invite != NULL ? check_invite(o) : check_login(o);

	if (rc != CALL_EXIT_GO_ON) {
		return rc;
	}
	if (o->authd != NULL && strncmp(o->authd, "https://", 8) != 0) {
		return usage_error("--authd cannot be used", "it must begin with https://");
	}
	if (o->audio_ms != 10 && o->audio_ms != 20 && o->audio_ms != 40 && o->audio_ms != 60) {
		return usage_error(
			"--audio-ms cannot be used", "Opus packets have 10, 20, 40 or 60 ms");
	}
	return CALL_EXIT_GO_ON;
}

/* The first line of the file. */
static int read_password_file(struct call_options *o)
{
	char line[PASSWORD_MAX + 2];

	FILE *f = fopen(o->password_file, "re");
	char *got = f != NULL ? fgets(line, sizeof(line), f) : NULL;
	int saved = errno;
	if (f != NULL) {
		fclose(f);
	}
	if (f == NULL) {
		call_text_errorf("Check --password-file", strerror(saved), "%s cannot be read",
			o->password_file);
		return CALL_EXIT_FAILED;
	}
	size_t len = got != NULL ? strcspn(line, "\r\n") : 0;
	if (len == 0 || len > PASSWORD_MAX) {
		call_text_errorf("Write the password into its first line",
			len == 0 ? "its first line is empty" : "its first line is over 1024 bytes",
			"%s holds no password", o->password_file);
		return CALL_EXIT_FAILED;
	}
	line[len] = '\0';
	o->password = strdup(line);
	explicit_bzero(line, sizeof(line));
	return o->password != NULL ? CALL_EXIT_GO_ON : CALL_EXIT_FAILED;
}

/* Not to be seen in /proc, nor by programs we might start. NULL: out of memory. */
static char *take_env(const char *name, char *env)
{
	char *copy = strdup(env);

	explicit_bzero(env, strlen(env));
	unsetenv(name);
	return copy;
}

/* A passcode is optional: authd says when it is missing. */
static int find_passcode(struct call_options *o)
{
	char *env = getenv("HELIO_PASSCODE");

	if (o->passcode != NULL || env == NULL || env[0] == '\0') {
		return CALL_EXIT_GO_ON;
	}
	o->password = take_env("HELIO_PASSCODE", env);
	o->passcode = o->password;
	return o->password != NULL ? CALL_EXIT_GO_ON : CALL_EXIT_FAILED;
}

static int find_password(struct call_options *o)
{
	if (o->password_file != NULL) {
		return read_password_file(o);
	}
	char *env = getenv("HELIO_PASSWORD");
	if (env == NULL || env[0] == '\0') {
		return usage_error("there is no password",
			"neither --password-file nor HELIO_PASSWORD is there");
	}
	o->password = take_env("HELIO_PASSWORD", env);
	return o->password != NULL ? CALL_EXIT_GO_ON : CALL_EXIT_FAILED;
}

static int parse_rows(struct call_options *o, int argc, char **argv)
{
	struct option longs[ROW_COUNT + 1];

	memset(longs, 0, sizeof(longs));
	for (size_t i = 0; i < ROW_COUNT; i++) {
		longs[i].name = rows[i].name;
		longs[i].has_arg = rows[i].value == NULL ? no_argument : required_argument;
		longs[i].val = (int)i + 256;
		if (rows[i].kind == IDLE) {
			longs[i].has_arg = optional_argument;
		}
	}
	opterr = 0;
	int c;
	int at = optind; /* the option in hand: "+" keeps the order */
	while ((c = getopt_long(argc, argv, "+:", longs, NULL)) != -1) {
		if (c == '?' || c == ':') {
			char what[128];
			snprintf(what, sizeof(what), "%.80s cannot be used", argv[optind - 1]);
			return usage_error(what,
				c == ':' ? "its value is missing"
					 : "there is no such option, or it takes no value");
		}
		if (strcspn(argv[at] + 2, "=") != strlen(rows[c - 256].name)) {
			/* --password secret must not pass as --password-file. */
			return usage_error(
				"an option cannot be used", "names of options are written out");
		}
		int rc = take_option(o, &rows[c - 256], optarg);
		if (rc != CALL_EXIT_GO_ON) {
			return rc;
		}
		at = optind;
	}
	if (optind < argc) {
		char what[128];
		snprintf(what, sizeof(what), "\"%.80s\" cannot be used", argv[optind]);
		return usage_error(what, "helio-call takes options only");
	}
	return CALL_EXIT_GO_ON;
}

int call_options_parse(struct call_options *o, int argc, char **argv)
{
	memset(o, 0, sizeof(*o));
	o->audio_ms = 20;
	int rc = parse_rows(o, argc, argv);
	if (rc != CALL_EXIT_GO_ON) {
		return rc;
	}
	if (o->help) {
		print_help();
		return CALL_EXIT_OK;
	}
	if (o->version) {
		printf("helio-call %d.%d.%d (libhelio %s)\n", HELIO_VERSION_MAJOR,
			HELIO_VERSION_MINOR, HELIO_VERSION_PATCH, helio_version());
		return CALL_EXIT_OK;
	}
	rc = check_options(o);
	if (rc != CALL_EXIT_GO_ON) {
		return rc;
	}
	return o->invite != NULL ? find_passcode(o) : find_password(o);
}

void call_options_finish(struct call_options *o)
{
	if (o->password != NULL) {
		explicit_bzero(o->password, strlen(o->password));
		free(o->password);
		o->password = NULL;
	}
	o->passcode = NULL; /* may have been the same */
}
