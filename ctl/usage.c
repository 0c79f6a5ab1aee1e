/*
 * usage: texts made from the command table and the option table. Nothing is listed here a second
 * time, so help and completion cannot fall behind the commands.
 */
#include "ctl/usage.h"

#include <string.h>

#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/suggest.h"

#define WIDTH 80 /* of the narrowest terminal that help is written for */
#define INDENT 29 /* of what stands beside a command or an option */

/* Text from screen column at on, wrapped at spaces before WIDTH; further lines begin at indent. */
static void print_wrapped(FILE *out, const char *text, size_t at, size_t indent)
{
	bool first = true;

	while (*text != '\0') {
		size_t word = strcspn(text, " \n"); /* help is ASCII */

		if (!first && at + 1 + word > WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		fprintf(out, "%s%.*s", first ? "" : " ", (int)word, text);
		at += word + (first ? 0 : 1);
		first = false;
		text += word;
		if (*text == '\n') {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		text += *text != '\0' ? 1 : 0;
	}
	fputc('\n', out);
}

/* "room show NAME" */
static void command_words(const struct command *command, char line[96])
{
	snprintf(line, 96, "%s%s%s%s%s", command->noun, command->verb[0] != '\0' ? " " : "",
		command->verb, command->operands != NULL ? " " : "",
		command->operands != NULL ? command->operands : "");
}

/* The same, padded to the width that puts the summaries in one column. */
static void print_command_line(FILE *out, const struct command *command)
{
	char line[96];

	command_words(command, line);
	if (strlen(line) > 25) {
		fprintf(out, "  %s\n%*s", line, INDENT, "");
	} else {
		fprintf(out, "  %-*s", INDENT - 2, line);
	}
	print_wrapped(out, command->summary, INDENT, INDENT);
}

static void print_options(FILE *out, uint64_t bits)
{
	for (size_t i = 0; i < OPT_COUNT; i++) {
		const struct option_def *def = &option_defs[i];
		char line[64];

		if ((bits & OPTION_BIT(i)) == 0) {
			continue;
		}
		snprintf(line, sizeof(line), "%s%s%s%s%s",
			def->shorthand != NULL ? def->shorthand : "",
			def->shorthand != NULL ? ", " : "", def->name,
			def->value != NULL ? " " : "", def->value != NULL ? def->value : "");
		fprintf(out, "  %-*s", INDENT - 2, line);
		print_wrapped(out, def->help, INDENT, INDENT);
	}
}

void usage_print(FILE *out)
{
	fputs("usage: helioctl NOUN VERB [NAME] [OPTION...]\n\n"
	      "Looks into a running Heliograph and manages it, through helio-authd.\n\nCommands:\n",
		out);
	for (size_t i = 0; i < command_count; i++) {
		print_command_line(out, &commands[i]);
	}
	fputs("\nOptions of all commands:\n", out);
	print_options(out, OPTIONS_GLOBAL);
	fputc('\n', out);
	print_wrapped(out,
		"Exit status: 0 done, 1 failed, 2 wrong usage, 3 authd does not answer, 4 denied, 5 not "
		"found, 6 done but a reflector did not answer. See helioctl(1).",
		0, 0);
}

void usage_print_noun(FILE *out, const char *noun)
{
	fprintf(out, "usage: helioctl %s VERB [NAME] [OPTION...]\n\nCommands:\n", noun);
	for (size_t i = 0; i < command_count; i++) {
		if (strcmp(commands[i].noun, noun) == 0) {
			print_command_line(out, &commands[i]);
		}
	}
}

void usage_print_command(FILE *out, const struct command *command)
{
	char line[96];

	command_words(command, line);
	fprintf(out, "usage: helioctl %s [OPTION...]\n\n", line);
	print_wrapped(out, command->summary, 0, 0);
	if (command->details != NULL) {
		print_wrapped(out, command->details, 0, 0);
	}
	fputs("\nOptions:\n", out);
	print_options(out, command->options | OPTIONS_GLOBAL);
}

void usage_complain(const struct command *command, const char *message)
{
	fprintf(stderr, "helioctl: %s\n", message);
	if (command != NULL) {
		fprintf(stderr, "  what to do: see helioctl %s%s%s --help\n", command->noun,
			command->verb[0] != '\0' ? " " : "", command->verb);
	} else {
		fputs("  what to do: see helioctl --help\n", stderr);
	}
}

void usage_complain_command(const char *noun, const char *verb)
{
	struct suggest near;
	bool known = command_has_noun(noun);
	const char *typed = known && verb != NULL ? verb : noun;

	if (known && verb == NULL) {
		fprintf(stderr, "helioctl: %s needs a verb\n\n", noun);
		usage_print_noun(stderr, noun);
		return;
	}
	suggest_init(&near, typed, strlen(typed));
	for (size_t i = 0; i < command_count; i++) {
		if (!known) {
			suggest_offer(&near, commands[i].noun);
		} else if (strcmp(commands[i].noun, noun) == 0) {
			suggest_offer(&near, commands[i].verb);
		}
	}
	fprintf(stderr, "helioctl: there is no command \"%.64s%s%.64s\"", noun,
		verb != NULL ? " " : "", verb != NULL ? verb : "");
	if (near.best != NULL) {
		fprintf(stderr, "; did you mean \"%s%s%s\"?", known ? noun : "", known ? " " : "",
			near.best);
	}
	fprintf(stderr, "\n  what to do: see helioctl %s%s--help\n", known ? noun : "",
		known ? " " : "");
}

int usage_run_help(struct ctl *ctl)
{
	const struct options *options = &ctl->options;
	const char *noun = options->operand_count > 0 ? options->operands[0] : NULL;
	const char *verb = options->operand_count > 1 ? options->operands[1] : NULL;
	const struct command *command;

	if (noun == NULL) {
		usage_print(stdout);
		return CTL_OK;
	}
	command = command_find(noun, verb != NULL ? verb : "");
	if (command != NULL) {
		usage_print_command(stdout, command);
	} else if (verb == NULL && command_has_noun(noun)) {
		usage_print_noun(stdout, noun);
	} else {
		usage_complain_command(noun, verb);
		return CTL_USAGE;
	}
	return CTL_OK;
}
