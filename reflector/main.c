/*
 * main: options of helio-reflector. Everything is validated before any resource is taken.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "reflector/supervisor.h"

#define DEFAULT_SETTINGS SYSCONFDIR "/heliograph/reflector.conf"

enum { EXIT_USAGE = 2 };

static void help(void)
{
	(void)printf(
		"Usage: helio-reflector [--settings FILE] [--check]\n"
		"Forwards audio, video and chat between the participants of rooms, over TLS.\n\n"
		"  -s, --settings FILE  settings (default: " DEFAULT_SETTINGS ")\n"
		"  -c, --check          judge settings and certificates, then end\n"
		"      --version        print the version\n"
		"  -h, --help           print this\n\n"
		"Signals: SIGHUP reads settings and certificates again, SIGTERM ends in order.\n"
		"Exit status: 0 ended in order or settings are good, 1 failed, 2 wrong usage.\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "settings", required_argument, NULL, 's' },
		{ "check", no_argument, NULL, 'c' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *file = DEFAULT_SETTINGS;
	bool check = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "s:ch", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			file = optarg;
			break;
		case 'c':
			check = true;
			break;
		case 'V':
			(void)printf("helio-reflector %s\n", PACKAGE_VERSION);
			return 0;
		case 'h':
			help();
			return 0;
		default:
			(void)fprintf(stderr, "Try: helio-reflector --help\n");
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr,
			"helio-reflector: unexpected argument \"%s\": settings are named with --settings FILE\n",
			argv[optind]);
		return EXIT_USAGE;
	}

	struct supervisor_files files;
	char why[SETTINGS_ERROR_SIZE] = "";
	log_setup("supervisor", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	if (supervisor_files_load(&files, file, why) != 0) {
		(void)fprintf(stderr, "helio-reflector: %s\n", why);
		return 1;
	}
	if (check) {
		supervisor_files_finish(&files);
		(void)printf("%s: good\n", file);
		return 0;
	}
	log_setup("supervisor", files.settings->log_level, files.settings->log_format);
	return supervisor_run(&files, file);
}
