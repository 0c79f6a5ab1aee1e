/*
 * command: the table of commands. Nothing here runs; a new command is a line here, a function in
 * its noun's file, and a section in helioctl(1).
 */
#include "ctl/command.h"

#include <string.h>

#include "ctl/options.h"
#include "ctl/usage.h"

#define JSON OPTION_BIT(OPT_JSON)
#define YES OPTION_BIT(OPT_YES)
#define ROOM OPTION_BIT(OPT_ROOM)
#define USER OPTION_BIT(OPT_USER)
#define ALL OPTION_BIT(OPT_ALL)
#define PASSWORD OPTION_BIT(OPT_PASSWORD_FILE)

static const char password_details[] =
	"The password is the first line of the file given with --password-file (- is stdin), or is asked\n"
	"for on the terminal without being shown. It is never an argument, where others could read it.";

const struct command commands[] = {
	{ "room", "list", NULL, NULL, JSON,
		"list the rooms, those with people in them and those that wait",
		"What is live comes from the reflectors' workers themselves, at this moment.",
		room_list },
	{ "room", "show", "NAME", "room", JSON, "show a room and who is in it", NULL, room_show },
	{ "room", "create", "NAME", NULL, JSON, "create a room", NULL, room_create },
	{ "participant", "list", NULL, NULL, JSON | ROOM, "list who is in the rooms", NULL,
		participant_list },
	{ "token", "list", NULL, NULL, JSON | ROOM | USER | ALL,
		"list the tokens that authd gave out",
		"Without --all only those that can still be used.", token_list },
	{ "token", "revoke", "JTI", "token", JSON | YES, "revoke a token: its session ends at once",
		"JTI is the token's id, or its first 8 characters or more. Asks first on a terminal.",
		token_revoke },
	{ "user", "add", "NAME", NULL, JSON | PASSWORD, "add a user", password_details, user_add },
	{ "user", "list", NULL, NULL, JSON, "list the users", NULL, user_list },
	{ "user", "disable", "NAME", "user", JSON | YES,
		"lock a user out and revoke all of the user's tokens",
		"Running sessions end at once. Asks first on a terminal.", user_disable },
	{ "user", "enable", "NAME", "user", JSON, "let a disabled user in again", NULL,
		user_enable },
	{ "user", "password", "NAME", "user", JSON | PASSWORD, "set a user's password",
		password_details, user_password },
	{ "reflector", "list", NULL, NULL, JSON,
		"list the reflectors and whether authd reaches them", NULL, reflector_list },
	{ "help", "", "[NOUN [VERB]]", NULL, 0, "show help for everything, a noun or a command",
		NULL, usage_run_help },
	{ "completion", "bash", NULL, NULL, 0, "print the completion script for bash", NULL,
		usage_run_completion },
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

const struct command *command_find(const char *noun, const char *verb)
{
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(commands[i].noun, noun) == 0 && strcmp(commands[i].verb, verb) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

int command_has_noun(const char *noun)
{
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(commands[i].noun, noun) == 0) {
			return 1;
		}
	}
	return 0;
}
