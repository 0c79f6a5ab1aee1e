/*
 * call_options: what the command line of helio-call asks for. Parsed and judged whole before
 * anything is opened. Strings point into argv, except the password (or the passcode
 * of the environment), which is owned and wiped.
 */
#ifndef CALL_OPTIONS_H
#define CALL_OPTIONS_H

#include <stdbool.h>

#define CALL_CHAT_MAX 64u

/* Exit codes, as the manual and --help state them. */
enum call_exit {
	CALL_EXIT_OK = 0,
	CALL_EXIT_FAILED = 1,
	CALL_EXIT_USAGE = 2,
	CALL_EXIT_UNREACHABLE = 3,
	CALL_EXIT_DENIED = 4,
	CALL_EXIT_GO_ON = -1 /* not over: no exit code yet */
};

struct call_options {
	const char *authd, *authd_ca, *ca;
	const char *user, *password_file, *room, *device, *name;
	const char *invite, *passcode;
	char *password;
	const char *send_audio, *send_video, *record, *trace;
	const char *chat[CALL_CHAT_MAX];
	unsigned chat_count;
	unsigned audio_ms, bitrate, wait_for;
	unsigned duration_ms; /* 0: no limit */
	unsigned idle_ms; /* of --until-idle; 0: not asked for */
	bool dtx, loop, play, json, verbose;
	bool help, version;
};

/*
 * Fills o. Returns CALL_EXIT_GO_ON, or the code to exit with at once: CALL_EXIT_OK after --help and
 * --version, CALL_EXIT_USAGE or CALL_EXIT_FAILED after an error that was printed.
 */
int call_options_parse(struct call_options *o, int argc, char **argv);

/* Wipes and frees the password. */
void call_options_finish(struct call_options *o);

#endif
