/*
 * completion: the scripts for bash, zsh and fish, made from the command table. Names come from the
 * server when they are asked for; nothing of a server is ever evaluated by the shell.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/nouns.h"

/* Each distinct noun once, in the table's order; NULL for a row that repeats one. */
static const char *noun_at(size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (strcmp(commands[j].noun, commands[i].noun) == 0) {
			return NULL;
		}
	}
	return commands[i].noun;
}

static void print_nouns(const char *separator)
{
	for (size_t i = 0; i < command_count; i++) {
		if (noun_at(i) != NULL) {
			printf("%s%s", i > 0 ? separator : "", commands[i].noun);
		}
	}
}

/* ---------------------------------------------------------------- bash */

static void bash_verbs(void)
{
	for (size_t i = 0; i < command_count; i++) {
		const char *noun = noun_at(i);

		if (noun == NULL || commands[i].verb[0] == '\0') {
			continue;
		}
		printf("\t%s) words=\"", noun);
		for (size_t j = i; j < command_count; j++) {
			if (strcmp(commands[j].noun, noun) == 0) {
				printf("%s%s", j > i ? " " : "", commands[j].verb);
			}
		}
		fputs("\" ;;\n", stdout);
	}
}

/* "room show" or "top": options, and what the operands are. */
static void bash_commands(void)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		uint64_t bits = command->options | OPTIONS_GLOBAL;

		printf("\t\"%s%s%s\"%s) options=\"", command->noun,
			command->verb[0] != '\0' ? " " : "", command->verb,
			command->verb[0] == '\0' ? "*" : "");
		for (size_t j = 0; j < OPT_COUNT; j++) {
			if ((bits & OPTION_BIT(j)) != 0) {
				printf("%s ", option_defs[j].name);
			}
		}
		fputs("\"", stdout);
		if (strcmp(command->noun, "completion") == 0) {
			fputs("; words='bash zsh fish'", stdout);
		} else if (command->completes != NULL) {
			printf("; operands=(%s)", command->completes);
		}
		fputs(" ;;\n", stdout);
	}
}

static void bash_values(void)
{
	for (size_t i = 0; i < OPT_COUNT; i++) {
		const struct option_def *def = &option_defs[i];

		if (def->value == NULL) {
			continue;
		}
		printf("\t%s%s%s) ", def->name, def->shorthand != NULL ? "|" : "",
			def->shorthand != NULL ? def->shorthand : "");
		if (def->completes == NULL) {
			fputs("return ;;\n", stdout);
		} else if (strcmp(def->completes, "file") == 0) {
			fputs("mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n",
				stdout);
		} else if (strchr(def->completes, ' ') != NULL) {
			printf("mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\"); return ;;\n",
				def->completes);
		} else {
			printf("names=%s ;;\n", def->completes);
		}
	}
}

static void print_bash(void)
{
	fputs("# bash completion for helioctl, made by `helioctl completion bash`\n"
	      "_helioctl()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words='' options=''\n"
	      "\tlocal names='' operands=() at=0 i\n"
	      "\tCOMPREPLY=()\n"
	      "\tcase $prev in\n",
		stdout);
	bash_values();
	fputs("\tesac\n"
	      "\tif [ -n \"$names\" ]; then :\n"
	      "\telif [ \"$COMP_CWORD\" -eq 1 ]; then words='",
		stdout);
	print_nouns(" ");
	fputs(" --help --version'\n"
	      "\telse\n"
	      "\tif [ \"$COMP_CWORD\" -eq 2 ]; then case ${COMP_WORDS[1]} in\n",
		stdout);
	bash_verbs();
	fputs("\tesac; fi\n"
	      "\tcase \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n",
		stdout);
	bash_commands();
	fputs("\tesac\n"
	      "\tfor ((i = 3; i < COMP_CWORD; i++)); do\n"
	      "\t\t[[ ${COMP_WORDS[i]} == -* ]] || at=$((at + 1))\n"
	      "\tdone\n"
	      "\tif [[ $cur == -* ]]; then words=$options\n"
	      "\telif [ \"$COMP_CWORD\" -gt 2 ]; then names=${operands[at]:-}; fi\n"
	      "\tfi\n"
	      "\tif [ -n \"$names\" ] && [ \"$names\" != - ]; then\n"
	      "\t\tlocal known=()\n"
	      "\t\tmapfile -t known < <(helioctl \"$names\" list --quiet --timeout 2 2>/dev/null)\n"
	      "\t\tfor i in \"${known[@]}\"; do [[ $i == \"$cur\"* ]] && COMPREPLY+=(\"$(printf %q \"$i\")\"); done\n"
	      "\telse\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\tfi\n"
	      "}\n"
	      "complete -F _helioctl helioctl\n",
		stdout);
}

/* ---------------------------------------------------------------- zsh */

/* Text inside single quotes of zsh or fish, where ' [ ] : would end something. */
static void print_quoted(const char *text, bool zsh)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'') {
			fputs(zsh ? "'\\''" : "\\'", stdout);
		} else if (zsh && strchr("[]:\\", *text) != NULL) {
			printf("\\%c", *text);
		} else if (!zsh && *text == '\\') {
			fputs("\\\\", stdout);
		} else {
			putchar(*text);
		}
	}
}

static void zsh_option(const struct option_def *def)
{
	for (int form = 0; form < 2; form++) {
		const char *name = form == 0 ? def->name : def->shorthand;

		if (name == NULL) {
			continue;
		}
		printf(" '%s%s[", name, def->value != NULL && form == 0 ? "=" : "");
		print_quoted(def->help, true);
		putchar(']');
		if (def->value != NULL) {
			printf(":%s:", def->value);
			if (def->completes != NULL && strcmp(def->completes, "file") == 0) {
				fputs("_files", stdout);
			} else if (def->completes != NULL && strchr(def->completes, ' ') != NULL) {
				printf("(%s)", def->completes);
			} else if (def->completes != NULL) {
				printf("{_helioctl_names %s}", def->completes);
			}
		}
		putchar('\'');
	}
}

static void zsh_operands(const struct command *command)
{
	const char *names = command->completes;
	size_t length;

	if (strcmp(command->noun, "completion") == 0) {
		fputs(" '1:shell:(bash zsh fish)'", stdout);
		return;
	}
	for (int at = 1; names != NULL && *names != '\0'; at++) {
		length = strcspn(names, " ");
		if (*names == '-') {
			printf(" '%d: :'", at);
		} else {
			printf(" '%d: :{_helioctl_names %.*s}'", at, (int)length, names);
		}
		names += length + (names[length] == ' ' ? 1 : 0);
	}
}

static void zsh_commands(void)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];

		printf("\t'%s %s') _arguments -S", command->noun, command->verb);
		for (size_t j = 0; j < OPT_COUNT; j++) {
			if (((command->options | OPTIONS_GLOBAL) & OPTION_BIT(j)) != 0) {
				zsh_option(&option_defs[j]);
			}
		}
		zsh_operands(command);
		fputs(" ;;\n", stdout);
	}
}

static void print_zsh(void)
{
	fputs("#compdef helioctl\n# zsh completion for helioctl, made by `helioctl completion zsh`\n"
	      "_helioctl_names()\n{\n"
	      "\tlocal -a known\n"
	      "\tknown=(\"${(@f)$(helioctl $1 list --quiet --timeout 2 2>/dev/null)}\")\n"
	      "\tcompadd -a known\n}\n"
	      "_helioctl()\n{\n"
	      "\tlocal -a verbs\n"
	      "\tif (( CURRENT == 2 )); then compadd ",
		stdout);
	print_nouns(" ");
	fputs("; return; fi\n\tcase $words[2] in\n", stdout);
	for (size_t i = 0; i < command_count; i++) {
		if (noun_at(i) == NULL || commands[i].verb[0] == '\0') {
			continue;
		}
		printf("\t%s) verbs=(", commands[i].noun);
		for (size_t j = i; j < command_count; j++) {
			if (strcmp(commands[j].noun, commands[i].noun) == 0) {
				printf("'%s:", commands[j].verb);
				print_quoted(commands[j].summary, true);
				fputs("' ", stdout);
			}
		}
		fputs(") ;;\n", stdout);
	}
	fputs("\tesac\n"
	      "\tif (( $#verbs && CURRENT == 3 )); then _describe verb verbs; return; fi\n"
	      "\tlocal which=\"$words[2] \"\n"
	      "\tif (( $#verbs )); then which+=$words[3]; shift 2 words; (( CURRENT -= 2 ))\n"
	      "\telse shift words; (( CURRENT -= 1 )); fi\n"
	      "\tcase $which in\n",
		stdout);
	zsh_commands();
	fputs("\tesac\n}\n_helioctl \"$@\"\n", stdout);
}

/* ---------------------------------------------------------------- fish */

static void fish_condition(const struct command *command)
{
	printf("complete -c helioctl -n '__fish_seen_subcommand_from %s", command->noun);
	if (command->verb[0] != '\0') {
		printf("; and __fish_seen_subcommand_from %s", command->verb);
	}
	fputs("'", stdout);
}

static void fish_option(const struct option_def *def)
{
	printf(" -l %s", def->name + 2);
	if (def->shorthand != NULL) {
		printf(" -s %s", def->shorthand + 1);
	}
	if (def->value != NULL && def->completes != NULL && strcmp(def->completes, "file") == 0) {
		fputs(" -r -F", stdout);
	} else if (def->value != NULL && def->completes == NULL) {
		fputs(" -x", stdout);
	} else if (def->value != NULL && strchr(def->completes, ' ') != NULL) {
		printf(" -x -a '%s'", def->completes);
	} else if (def->value != NULL) {
		printf(" -x -a '(__helioctl_names %s)'", def->completes);
	}
	fputs(" -d '", stdout);
	print_quoted(def->help, false);
	fputs("'\n", stdout);
}

static void fish_operands(const struct command *command)
{
	const char *names = command->completes;

	for (int at = 0; names != NULL && *names != '\0'; at++) {
		size_t length = strcspn(names, " ");

		if (*names != '-') {
			printf("complete -c helioctl -n '__helioctl_at %s %s %d' -a "
			       "'(__helioctl_names %.*s)'\n",
				command->noun, command->verb, at, (int)length, names);
		}
		names += length + (names[length] == ' ' ? 1 : 0);
	}
}

static void print_fish(void)
{
	fputs("# fish completion for helioctl, made by `helioctl completion fish`\n"
	      "function __helioctl_names\n"
	      "\thelioctl $argv[1] list --quiet --timeout 2 2>/dev/null\nend\n"
	      "function __helioctl_at\n"
	      "\tset -l words (commandline -opc | string match -v -- '-*')\n"
	      "\ttest (count $words) -eq (math 3 + $argv[3]); and test \"$words[2]\" = $argv[1]; "
	      "and test \"$words[3]\" = $argv[2]\nend\n"
	      "complete -c helioctl -f\n"
	      "complete -c helioctl -n __fish_use_subcommand -a '",
		stdout);
	print_nouns(" ");
	fputs("'\n", stdout);
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];

		if (command->verb[0] != '\0') {
			printf("complete -c helioctl -n 'test (count (commandline -opc)) -eq 2; and "
			       "__fish_seen_subcommand_from %s' -a %s -d '",
				command->noun, command->verb);
			print_quoted(command->summary, false);
			fputs("'\n", stdout);
		}
		for (size_t j = 0; j < OPT_COUNT; j++) {
			if ((command->options & OPTION_BIT(j)) != 0) {
				fish_condition(command);
				fish_option(&option_defs[j]);
			}
		}
		fish_operands(command);
	}
	for (size_t j = 0; j < OPT_GLOBAL_COUNT; j++) {
		fputs("complete -c helioctl", stdout);
		fish_option(&option_defs[j]);
	}
	fputs("complete -c helioctl -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n",
		stdout);
}

int completion_run(struct ctl *ctl)
{
	const char *shell = ctl->options.operands[0];

	if (strcmp(shell, "bash") == 0) {
		print_bash();
	} else if (strcmp(shell, "zsh") == 0) {
		print_zsh();
	} else if (strcmp(shell, "fish") == 0) {
		print_fish();
	} else {
		ctl_complain("print a completion script", "it is for bash, zsh and fish",
			"helioctl completion bash");
		return CTL_USAGE;
	}
	return CTL_OK;
}
