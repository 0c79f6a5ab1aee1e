/*
 * main: from the argument vector to one command of the table. Everything is checked before authd is
 * asked: the command, its operands, its options.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "config.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/contexts.h"
#include "ctl/ctl.h"
#include "ctl/usage.h"

#define TIMEOUT_DEFAULT_MS 10000u
#define TIMEOUT_MAX_S 3600

/* Seconds, decimals allowed, above 0; 0 for anything else. */
static unsigned parse_timeout(const char *text)
{
	char *end = NULL;
	double seconds = strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds >= 0.001) || seconds > TIMEOUT_MAX_S) {
		return 0;
	}
	return (unsigned)(seconds * 1000);
}

static bool wants_colour(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') &&
		(term == NULL || strcmp(term, "dumb") != 0);
}

/* 0 where nothing is to be cut: --wide, a pipe, a terminal that does not say. */
static size_t table_width(const struct options *options)
{
	struct winsize size = { .ws_col = 0 };

	if (options->value[OPT_WIDE] != NULL || !isatty(STDOUT_FILENO) ||
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
		return 0;
	}
	return size.ws_col;
}

/* Finds the command and takes noun and verb off the operands; NULL after saying what is wrong. */
static const struct command *take_command(struct options *options)
{
	const char *noun = options->operand_count > 0 ? options->operands[0] : NULL;
	const char *verb = options->operand_count > 1 ? options->operands[1] : NULL;
	const struct command *command;
	size_t words = 2;

	if (noun == NULL) {
		usage_complain(NULL, "no command given");
		return NULL;
	}
	command = verb != NULL ? command_find(noun, verb) : NULL;
	if (command == NULL) {
		command = command_find(noun, "");
		words = 1;
	}
	if (command == NULL) {
		usage_complain_command(noun, verb);
		return NULL;
	}
	options->operand_count -= words;
	memmove(options->operands, options->operands + words,
		options->operand_count * sizeof(options->operands[0]));
	return command;
}

/* The number of operands fits, and none is empty or endless. */
static int check_operands(const struct command *command, const struct options *options)
{
	char message[256];
	size_t least, most;

	command_operand_range(command, &least, &most);
	if (options->operand_count > most) {
		snprintf(message, sizeof(message), "\"%.64s\" is one argument too many",
			options->operands[most]);
		usage_complain(command, message);
		return CTL_USAGE;
	}
	if (options->operand_count < least) {
		snprintf(message, sizeof(message), "%s%s%s needs %s", command->noun,
			command->verb[0] != '\0' ? " " : "", command->verb, command->operands);
		usage_complain(command, message);
		return CTL_USAGE;
	}
	for (size_t i = 0; i < options->operand_count; i++) {
		size_t length = strlen(options->operands[i]);
		bool pair = strchr(options->operands[i], '=') != NULL;

		if (length == 0 || (length > 128 && !pair && command->noun[0] != 'c')) {
			snprintf(message, sizeof(message), "%s is 1 to 128 bytes long",
				i == 0 ? command->operands : "an argument");
			usage_complain(command, message);
			return CTL_USAGE;
		}
	}
	return CTL_OK;
}

/* The operands and options given are those the command takes. */
static int check_arguments(const struct command *command, const struct options *options)
{
	char message[256];

	if (check_operands(command, options) != CTL_OK) {
		return CTL_USAGE;
	}
	for (size_t i = 0; i < OPT_COUNT; i++) {
		if (options->value[i] != NULL &&
			((command->options | OPTIONS_GLOBAL) & OPTION_BIT(i)) == 0) {
			snprintf(message, sizeof(message), "%s%s%s takes no option %s",
				command->noun, command->verb[0] != '\0' ? " " : "", command->verb,
				option_defs[i].name);
			usage_complain(command, message);
			return CTL_USAGE;
		}
	}
	return CTL_OK;
}

/* Answers --help and --version at any place; -1 when neither was given. */
static int answer_early(const struct options *options)
{
	const char *noun = options->operand_count > 0 ? options->operands[0] : NULL;
	const struct command *command;

	if (options->value[OPT_VERSION] != NULL) {
		puts("helioctl " PACKAGE_VERSION);
		return CTL_OK;
	}
	if (options->value[OPT_HELP] == NULL) {
		return -1;
	}
	if (noun == NULL) {
		usage_print(stdout);
		return CTL_OK;
	}
	command = command_find(noun, options->operand_count > 1 ? options->operands[1] : "");
	if (command != NULL) {
		usage_print_command(stdout, command);
	} else if (command_has_noun(noun)) {
		usage_print_noun(stdout, noun);
	} else {
		usage_complain_command(noun, NULL);
		return CTL_USAGE;
	}
	return CTL_OK;
}

/* Runs the command, with a client for the server that was chosen where it needs one. */
static int run(struct ctl *ctl)
{
	const char *timeout = ctl->options.value[OPT_TIMEOUT];
	struct client_target target;
	json_t *contexts = NULL;
	int status;

	ctl->timeout_ms = timeout != NULL ? parse_timeout(timeout) : TIMEOUT_DEFAULT_MS;
	if (ctl->timeout_ms == 0) {
		usage_complain(ctl->command, "--timeout is a number of seconds, at most 3600");
		return CTL_USAGE;
	}
	if ((ctl->command->flags & COMMAND_LOCAL) != 0) {
		return ctl->command->run(ctl);
	}
	status = contexts_choose(ctl, &target, &contexts);
	if (status == CTL_OK && client_create(&ctl->client, &target, ctl->timeout_ms) != 0) {
		ctl_complain("start", "out of memory", NULL);
		status = CTL_FAILED;
	}
	if (status == CTL_OK) {
		status = ctl->command->run(ctl);
	}
	client_destroy(ctl->client);
	json_decref(contexts);
	return status;
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .client = NULL };
	char error[256];
	int status;

	/* wcwidth() knows characters only in a UTF-8 locale; what is printed is UTF-8 in any case.
	 */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
		setlocale(LC_CTYPE, "");
	}
	signal(SIGPIPE, SIG_IGN);
	if (options_parse(&ctl.options, argc, argv, error) != 0) {
		usage_complain(NULL, error);
		return CTL_USAGE;
	}
	status = answer_early(&ctl.options);
	if (status >= 0) {
		return status;
	}
	ctl.command = take_command(&ctl.options);
	if (ctl.command == NULL || check_arguments(ctl.command, &ctl.options) != CTL_OK) {
		return CTL_USAGE;
	}
	ctl.json = ctl.options.value[OPT_JSON] != NULL;
	ctl.quiet = ctl.options.value[OPT_QUIET] != NULL;
	ctl.colour = wants_colour();
	ctl.width = table_width(&ctl.options);
	status = run(&ctl);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("helioctl: cannot write the answer\n  why: stdout does not take it\n",
			stderr);
		return status != CTL_OK ? status : CTL_FAILED;
	}
	return status;
}
