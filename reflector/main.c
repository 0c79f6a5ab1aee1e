/*
 * main: options of helio-reflector. Everything is validated before any resource is taken.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "reflector/enrol.h"
#include "reflector/supervisor.h"

#define DEFAULT_SETTINGS ENROL_UNIT_SETTINGS

enum { EXIT_USAGE = 2 };

static void help(void)
{
	(void)printf(
		"Usage: helio-reflector [--settings FILE] [--check]\n"
		"       helio-reflector --enrol CODE [--name NAME --listen ADDRESS ... --ports PORTS\n"
		"                       --control ADDRESS:PORT] [--user USER] [--settings FILE] [--force]\n"
		"Forwards audio, video and chat between the participants of rooms, over TLS.\n\n"
		"  -s, --settings FILE  settings (default: " DEFAULT_SETTINGS ")\n"
		"  -c, --check          judge settings and certificates, then end\n"
		"      --enrol CODE     make a key, have authd sign it, write what is missing, then end\n"
		"      --name NAME, --listen ADDRESS, --ports PORTS, --fallback-ports PORTS,\n"
		"      --control ADDRESS:PORT, --user USER\n"
		"                       for the settings file, when there is none yet\n"
		"      --force          let --enrol replace a key that is there\n"
		"      --version        print the version\n"
		"  -h, --help           print this\n\n"
		"Signals: SIGHUP reads settings and certificates again, SIGTERM ends in order.\n"
		"Exit status: 0 ended in order or settings are good, 1 failed, 2 wrong usage.\n");
}

enum {
	OPT_ENROL = 256,
	OPT_NAME,
	OPT_LISTEN,
	OPT_PORTS,
	OPT_FALLBACK,
	OPT_CONTROL,
	OPT_USER,
	OPT_FORCE
};

static const struct option long_options[] = {
	{ "settings", required_argument, NULL, 's' },
	{ "check", no_argument, NULL, 'c' },
	{ "enrol", required_argument, NULL, OPT_ENROL },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "ports", required_argument, NULL, OPT_PORTS },
	{ "fallback-ports", required_argument, NULL, OPT_FALLBACK },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "user", required_argument, NULL, OPT_USER },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct command {
	const char *file;
	bool check;
	struct enrol_options enrol;
	bool for_enrol; /* an option that goes with --enrol alone */
	int status; /* -1: go on */
};

/* False: not one of these. */
static bool take_enrol_option(struct command *c, int opt)
{
	switch (opt) {
	case OPT_ENROL:
		c->enrol.code = optarg;
		return true;
	case OPT_NAME:
		c->enrol.name = optarg;
		break;
	case OPT_LISTEN:
		if (c->enrol.listen_count < ENROL_LISTEN_MAX) {
			c->enrol.listen[c->enrol.listen_count++] = optarg;
		}
		break;
	case OPT_PORTS:
		c->enrol.ports = optarg;
		break;
	case OPT_FALLBACK:
		c->enrol.fallback_ports = optarg;
		break;
	case OPT_CONTROL:
		c->enrol.control = optarg;
		break;
	case OPT_USER:
		c->enrol.user = optarg;
		break;
	case OPT_FORCE:
		c->enrol.force = true;
		break;
	default:
		return false;
	}
	c->for_enrol = true;
	return true;
}

static int usage_error(const char *what)
{
	(void)fprintf(stderr, "helio-reflector: %s\nTry: helio-reflector --help\n", what);
	return EXIT_USAGE;
}

static void parse(struct command *c, int argc, char **argv)
{
	int opt;

	while (c->status < 0 && (opt = getopt_long(argc, argv, "s:ch", long_options, NULL)) != -1) {
		if (take_enrol_option(c, opt)) {
			continue;
		}
		switch (opt) {
		case 's':
			c->file = optarg;
			break;
		case 'c':
			c->check = true;
			break;
		case 'V':
			(void)printf("helio-reflector %s\n", PACKAGE_VERSION);
			c->status = 0;
			break;
		case 'h':
			help();
			c->status = 0;
			break;
		default:
			(void)fprintf(stderr, "Try: helio-reflector --help\n");
			c->status = EXIT_USAGE;
		}
	}
	if (c->status < 0 && optind < argc) {
		(void)fprintf(stderr,
			"helio-reflector: unexpected argument \"%s\": settings are named with --settings FILE\n",
			argv[optind]);
		c->status = EXIT_USAGE;
	}
	if (c->status < 0 && c->for_enrol && c->enrol.code == NULL) {
		c->status = usage_error(
			"--name, --listen, --ports, --control, --user and --force go with --enrol");
	}
}

int main(int argc, char **argv)
{
	struct command c = { .file = DEFAULT_SETTINGS, .status = -1 };

	parse(&c, argc, argv);
	if (c.status >= 0) {
		return c.status;
	}
	struct supervisor_files files;
	char why[SETTINGS_ERROR_SIZE] = "";
	log_setup("supervisor", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	if (c.enrol.code != NULL) {
		c.enrol.settings = c.file;
		return enrol_run(&c.enrol);
	}
	if (supervisor_files_load(&files, c.file, why) != 0) {
		(void)fprintf(stderr, "helio-reflector: %s\n", why);
		if (access(c.file, F_OK) != 0 && errno == ENOENT) {
			(void)fprintf(stderr,
				"  what to do: `helioctl reflector enrol` on authd's host prints the "
				"helio-reflector --enrol command that writes it\n");
		}
		return 1;
	}
	if (c.check) {
		supervisor_files_finish(&files);
		(void)printf("%s: good\n", c.file);
		return 0;
	}
	log_setup("supervisor", files.settings->log_level, files.settings->log_format);
	return supervisor_run(&files, c.file);
}
