/*
 * command: the table of commands. Nothing here runs; a new command is a line here, a function in
 * its noun's file, and a section in helioctl(1).
 */
#include "ctl/command.h"

#include <string.h>

#include "ctl/nouns.h"
#include "ctl/options.h"
#include "ctl/usage.h"

#define O(id) OPTION_BIT(OPT_##id)
#define JSON O(JSON)
#define TABLE (O(JSON) | O(WIDE))
/* What destroys: it asks on a terminal, needs --yes elsewhere, and can say what it would do. */
#define DESTROYS (O(JSON) | O(YES) | O(DRY_RUN))
#define LOCAL COMMAND_LOCAL
#define SEVERAL COMMAND_SEVERAL

/* A line feed begins a line, usage.c breaks the others. */
#define SECRET_DETAILS                                                                             \
	"The password is the first line of the file given with --password-file (- is "             \
	"stdin), or is asked for on the terminal without being shown. It is never an "             \
	"argument, where others could read it."
#define GRANT_DETAILS                                                                              \
	"KEY is one of: publish, subscribe, chat, moderate, hidden, bitrate.audio, "               \
	"bitrate.video, bitrate.screen, bitrate.data, session, networks, duplicate, "              \
	"hours, zone, rooms. Lists are separated by commas, KEY= is the empty list, "              \
	"KEY=default takes the key away. Example:\n"                                               \
	"publish=audio,video moderate=yes session=4h hours='mon-fri 08:00-18:00' zone=UTC"
#define ROOM_POLICY_DETAILS                                                                        \
	"KEY is one of: users, guests, apikeys, capacity, lobby, kinds, loudest, e2ee, "           \
	"hours, zone. Lists are separated by commas, KEY= is the empty list, "                     \
	"KEY=default takes the key away. Example:\n"                                               \
	"users=alice,team-* guests=no capacity=50 lobby=yes kinds=audio,video,screen"

const struct command commands[] = {
	{ "room", "list", NULL, NULL, 0, TABLE,
		"list the rooms, those with people in them and those that wait",
		"What is live comes from the reflectors' workers themselves, at this moment.",
		room_list },
	{ "room", "show", "NAME", "room", 0, TABLE, "show a room and who is in it", NULL,
		room_show },
	{ "room", "create", "NAME [KEY=VALUE...]", "-", SEVERAL, JSON | O(FILE) | O(EXPIRES),
		"create a room", ROOM_POLICY_DETAILS, room_create },
	{ "room", "policy", "NAME [KEY=VALUE...]", "room", SEVERAL, JSON | O(FILE) | O(EXPIRES),
		"show a room's policy, or change it", ROOM_POLICY_DETAILS, room_policy },
	{ "room", "lock", "NAME", "room", 0, JSON, "let nobody else in but moderators", NULL,
		room_lock },
	{ "room", "unlock", "NAME", "room", 0, JSON, "let people in again", NULL, room_unlock },
	{ "room", "close", "NAME", "room", 0, DESTROYS | O(REASON),
		"send everybody away and end the room's tokens",
		"The room stays and can be entered with new tokens.", room_close },
	{ "room", "delete", "NAME", "room", 0, DESTROYS, "close a room and forget it", NULL,
		room_delete },
	{ "room", "rekey", "NAME", "room", 0, JSON, "begin a new epoch of the room's media key",
		NULL, room_rekey },

	{ "participant", "list", NULL, NULL, 0, TABLE | O(ROOM),
		"list who is in the rooms and who waits", NULL, participant_list },
	{ "participant", "mute", "ROOM ID", "room participant", 0, JSON | O(KINDS),
		"silence a participant", NULL, participant_mute },
	{ "participant", "unmute", "ROOM ID", "room participant", 0, JSON | O(KINDS),
		"let a participant speak again", NULL, participant_unmute },
	{ "participant", "kick", "ROOM ID", "room participant", 0, DESTROYS | O(BAN) | O(REASON),
		"send a participant away",
		"With --ban the user cannot come back to the room before it ends.",
		participant_kick },
	{ "participant", "move", "ROOM ID TO", "room participant room", 0, JSON,
		"send a participant to another room", NULL, participant_move },
	{ "participant", "admit", "ROOM ID", "room participant", 0, JSON,
		"let somebody in who waits in the lobby", NULL, participant_admit },
	{ "participant", "deny", "ROOM ID", "room participant", 0, JSON | O(REASON),
		"send somebody away who waits in the lobby", NULL, participant_deny },

	{ "token", "list", NULL, NULL, 0, TABLE | O(ROOM) | O(USER) | O(APIKEY) | O(ALL),
		"list the tokens that authd gave out",
		"Without --all only those that can still be used.", token_list },
	{ "token", "revoke", "[JTI]", "token", 0,
		DESTROYS | O(ROOM) | O(USER) | O(APIKEY) | O(REASON),
		"revoke tokens: their sessions end at once",
		"JTI is a token's id, or its first 8 characters or more. Without it all tokens made so far of "
		"--user, --room or --apikey are revoked; --user with --room means that user in that room.",
		token_revoke },

	{ "ban", "list", NULL, NULL, 0, TABLE, "list revocations and bans that have not ended",
		NULL, ban_list },
	{ "ban", "add", "DURATION", "-", 0, DESTROYS | O(ROOM) | O(USER) | O(APIKEY) | O(REASON),
		"ban a user, room or API key for 30m, 12h, 7d ...",
		"--user with --room (or --apikey with --room) bans from that room only.", ban_add },
	{ "ban", "lift", "NUMBER", "ban", 0, JSON, "end a ban before its time", NULL, ban_lift },

	{ "user", "add", "NAME [KEY=VALUE...]", "-", SEVERAL,
		JSON | O(PASSWORD_FILE) | O(HASH) | O(FILE), "add a user",
		SECRET_DETAILS "\n" GRANT_DETAILS, user_add },
	{ "user", "list", NULL, NULL, 0, TABLE, "list the users", NULL, user_list },
	{ "user", "show", "NAME", "user", 0, JSON, "show a user", NULL, user_show },
	{ "user", "disable", "NAME", "user", 0, DESTROYS,
		"lock a user out and revoke all of the user's tokens",
		"Running sessions end at once.", user_disable },
	{ "user", "enable", "NAME", "user", 0, JSON, "let a disabled user in again", NULL,
		user_enable },
	{ "user", "password", "NAME", "user", 0, JSON | O(PASSWORD_FILE),
		"set a user's password; it ends the user's sessions", SECRET_DETAILS,
		user_password },
	{ "user", "policy", "NAME [KEY=VALUE...]", "user", SEVERAL, JSON | O(FILE),
		"show what a user may do, or change it", GRANT_DETAILS, user_policy },
	{ "user", "delete", "NAME", "user", 0, DESTROYS,
		"delete a user; running sessions end at once", NULL, user_delete },

	{ "apikey", "create", "NAME [KEY=VALUE...]", "-", SEVERAL,
		JSON | O(FILE) | O(ADMIN) | O(EXPIRES), "make an API key and show it, this once",
		GRANT_DETAILS, apikey_create },
	{ "apikey", "list", NULL, NULL, 0, TABLE, "list the API keys", NULL, apikey_list },
	{ "apikey", "show", "NAME", "apikey", 0, JSON, "show what an API key may do (not the key)",
		NULL, apikey_show },
	{ "apikey", "revoke", "NAME", "apikey", 0, DESTROYS,
		"revoke an API key and all tokens made with it", NULL, apikey_revoke },

	{ "invite", "create", "ROOM [KEY=VALUE...]", "room", SEVERAL,
		JSON | O(FILE) | O(EXPIRES) | O(USES) | O(PASSCODE_FILE) | O(LABEL) | O(NO_QR) |
			O(QR_SVG),
		"make an invite link for guests and show it, this once", GRANT_DETAILS,
		invite_create },
	{ "invite", "list", NULL, NULL, 0, TABLE | O(ROOM), "list the invites", NULL, invite_list },
	{ "invite", "show", "ID", "invite", 0, JSON, "show an invite (not the link)", NULL,
		invite_show },
	{ "invite", "revoke", "ID", "invite", 0, DESTROYS,
		"revoke an invite and all tokens made with it", NULL, invite_revoke },

	{ "reflector", "list", NULL, NULL, 0, TABLE,
		"list the reflectors and whether authd reaches them", NULL, reflector_list },
	{ "reflector", "show", "NAME", "reflector", 0, TABLE, "show a reflector and its workers",
		NULL, reflector_show },
	{ "reflector", "enrol", "NAME", "-", 0,
		JSON | O(CONTROL) | O(ADDRESS) | O(PORTS) | O(FALLBACK_PORTS) | O(TLS_NAME) |
			O(ALLOWED) | O(WEIGHT),
		"take a reflector in: prints the one command to run on its host",
		"--control and --address are needed; addresses are literal.", reflector_enrol },
	{ "reflector", "drain", "NAME", "reflector", 0, JSON,
		"give it no new rooms; those it has go on", NULL, reflector_drain },
	{ "reflector", "undrain", "NAME", "reflector", 0, JSON, "give it new rooms again", NULL,
		reflector_undrain },
	{ "reflector", "weight", "NAME NUMBER", "reflector", 0, JSON,
		"set its share of new rooms, 1-1000", NULL, reflector_weight },
	{ "reflector", "remove", "NAME", "reflector", 0, DESTROYS,
		"withdraw its enrolment and cut its link", NULL, reflector_remove },

	{ "audit", "tail", NULL, NULL, 0,
		JSON | O(LINES) | O(FOLLOW) | O(ACTOR) | O(ACTION) | O(OBJECT) | O(SINCE),
		"show the last records of the audit log", NULL, audit_tail },
	{ "audit", "verify", NULL, NULL, 0, JSON,
		"check that no record was changed, removed or put in",
		"Exit status 1 and the number of the first bad record when something is wrong.",
		audit_verify },
	{ "audit", "export", NULL, NULL, 0, O(OUTPUT) | O(ACTOR) | O(ACTION) | O(OBJECT) | O(SINCE),
		"write all records, one JSON object a line, the head's hash last", NULL,
		audit_export },

	{ "key", "list", NULL, NULL, 0, TABLE, "list the keys that sign tokens", NULL, key_list },
	{ "key", "rotate", NULL, NULL, 0, DESTROYS,
		"make a new signing key; the old one stays valid for its tokens", NULL,
		key_rotate },

	{ "policy", "show", NULL, NULL, 0, JSON, "show the defaults of grants and rooms", NULL,
		policy_show },
	{ "policy", "set", "[KEY=VALUE...]", "-", SEVERAL, JSON | O(FILE), "change the defaults",
		"Keys are grants.KEY (see user policy) and room.KEY (see room policy).",
		policy_set },

	{ "top", "", NULL, NULL, 0, JSON | O(ONCE) | O(INTERVAL) | O(VIEW) | O(SORT) | O(FILTER),
		"watch rooms, participants, reflectors and workers live",
		"Keys: r p w choose the view, s and S the column to sort by and its direction, / filters, + and - "
		"change the interval, arrows and page keys scroll, h shows help, q ends.",
		top_run },
	{ "events", "", NULL, NULL, 0, JSON | O(FOLLOW), "show what happened lately",
		"With --follow new events are shown as they come; --json prints one object a line.",
		events_run },
	{ "doctor", "", NULL, NULL, 0, JSON | O(SETTINGS),
		"look for what is wrong, and say what to do",
		"Exit status 1 when something failed.", doctor_run },
	{ "status", "", NULL, NULL, 0, JSON, "show how authd is", NULL, status_run },
	{ "context", "add", "NAME URL", "-", LOCAL,
		O(CA) | O(KEY_FILE) | O(CERTIFICATE) | O(CERTIFICATE_KEY),
		"remember a server's https:// address and what opens it",
		"The admin key is asked for on the terminal, or read with --key-file; it is never an argument.",
		context_add },
	{ "context", "list", NULL, NULL, LOCAL, TABLE, "list the servers; * marks the one in use",
		NULL, context_list },
	{ "context", "use", "NAME", "context", LOCAL, 0,
		"use this server from now on; local is the Unix socket", NULL, context_use },
	{ "context", "remove", "NAME", "context", LOCAL, 0, "forget a server and its key", NULL,
		context_remove },
	{ "help", "", "[NOUN] [VERB]", NULL, LOCAL, 0,
		"show help for everything, a noun or a command", NULL, usage_run_help },
	{ "completion", "", "SHELL", "-", LOCAL, 0,
		"print the completion script for bash, zsh or fish", NULL, completion_run },
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

bool command_has_noun(const char *noun)
{
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(commands[i].noun, noun) == 0) {
			return true;
		}
	}
	return false;
}

void command_operand_range(const struct command *command, size_t *least, size_t *most)
{
	*least = 0;
	*most = 0;
	for (const char *at = command->operands; at != NULL; at = strchr(at, ' ')) {
		at += *at == ' ' ? 1 : 0;
		*least += *at != '[' ? 1 : 0;
		*most += 1;
	}
	if ((command->flags & COMMAND_SEVERAL) != 0) {
		*most = SIZE_MAX;
	}
}
