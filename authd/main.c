/*
 * main: helio-authd's options and signals. Everything is judged before any resource is taken.
 * Signals are blocked in all threads and taken here alone, between ticks of one second.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "authd/daemon.h"
#include "authd/routes.h"
#include "authd/settings.h"
#include "authd/setup.h"
#include "common/log.h"
#include "common/sd_notify.h"

#define DEFAULT_SETTINGS SYSCONFDIR "/heliograph/authd.conf"

#define FILES 4096u /* at once */

enum exit_code { EXIT_USAGE = 2, EXIT_SETTINGS = 3 };

static const char usage[] =
	"Usage: helio-authd [--settings FILE] [--check]\n"
	"       helio-authd --setup NAME [--cluster NAME] [--listen ADDRESS:PORT]... [--user NAME]\n"
	"                   [--state-dir DIR] [--settings FILE] [--force]\n"
	"Says who may join: gives out tokens over HTTPS and keeps the reflectors informed.\n"
	"\n"
	"  -s, --settings FILE  read settings from FILE (" DEFAULT_SETTINGS ")\n"
	"  -c, --check          read and judge the settings, then end\n"
	"  -r, --routes         print the requests that it knows, then end\n"
	"      --setup NAME     write first settings, with a CA and a certificate for this host name\n"
	"                       or address, then end\n"
	"      --cluster NAME   setup: the cluster (the host name)\n"
	"      --listen A:P     setup: where clients ask for tokens (0.0.0.0:443 and [::]:443)\n"
	"      --user NAME      setup: who helio-authd will run as, and to whom its secrets belong\n"
	"      --state-dir DIR  setup: where database and keys will be (/var/lib/heliograph)\n"
	"      --force          setup: write over settings and certificate that are there\n"
	"  -V, --version        print the version\n"
	"  -h, --help           print this\n"
	"\n"
	"SIGHUP reads settings and certificates again, SIGTERM ends in order.\n"
	"Exit status: 0 ended in order, 1 failed, 2 bad option, 3 bad settings.\n";

struct options {
	const char *settings;
	bool check;
	struct setup_order setup; /* name NULL: none */
	bool setup_only; /* an option was given that only --setup takes */
	int exit_code; /* -1: go on */
};

enum { OPT_SETUP = 256, OPT_CLUSTER, OPT_LISTEN, OPT_USER, OPT_STATE_DIR, OPT_FORCE };

/* The options that belong to --setup. false: not one of them, or one too many. */
static bool parse_setup_option(struct options *o, int c)
{
	struct setup_order *setup = &o->setup;

	o->setup_only = o->setup_only || c != OPT_SETUP;
	switch (c) {
	case OPT_SETUP:
		setup->name = optarg;
		return true;
	case OPT_CLUSTER:
		setup->cluster = optarg;
		return true;
	case OPT_LISTEN:
		if (setup->listen_count == SETUP_LISTEN_MAX) {
			return false;
		}
		setup->listen[setup->listen_count++] = optarg;
		return true;
	case OPT_USER:
		setup->user = optarg;
		return true;
	case OPT_STATE_DIR:
		setup->state_dir = optarg;
		return true;
	case OPT_FORCE:
		setup->force = true;
		return true;
	default:
		return false;
	}
}

static struct options parse_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "settings", required_argument, NULL, 's' },
		{ "check", no_argument, NULL, 'c' },
		{ "routes", no_argument, NULL, 'r' },
		{ "setup", required_argument, NULL, OPT_SETUP },
		{ "cluster", required_argument, NULL, OPT_CLUSTER },
		{ "listen", required_argument, NULL, OPT_LISTEN },
		{ "user", required_argument, NULL, OPT_USER },
		{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .settings = DEFAULT_SETTINGS,
		.setup.state_dir = "/var/lib/heliograph",
		.exit_code = -1 };
	int c;

	while (o.exit_code < 0 && (c = getopt_long(argc, argv, "s:crVh", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o.settings = optarg;
			break;
		case 'c':
			o.check = true;
			break;
		case 'r':
			routes_print();
			o.exit_code = EXIT_SUCCESS;
			break;
		case 'V':
			puts("helio-authd " PACKAGE_VERSION);
			o.exit_code = EXIT_SUCCESS;
			break;
		case 'h':
			fputs(usage, stdout);
			o.exit_code = EXIT_SUCCESS;
			break;
		default:
			if (!parse_setup_option(&o, c)) {
				fputs("Try helio-authd --help.\n", stderr);
				o.exit_code = EXIT_USAGE;
			}
		}
	}
	if (o.exit_code < 0 && o.setup_only && o.setup.name == NULL) {
		fputs("helio-authd: that option goes with --setup NAME\nTry helio-authd --help.\n",
			stderr);
		o.exit_code = EXIT_USAGE;
	}
	if (o.exit_code < 0 && optind < argc) {
		fprintf(stderr,
			"helio-authd: unexpected argument \"%s\"\nTry helio-authd --help.\n",
			argv[optind]);
		o.exit_code = EXIT_USAGE;
	}
	return o;
}

static int run_setup(struct options *o)
{
	char why[SETTINGS_ERROR_SIZE] = "";

	o->setup.settings = o->settings;
	if (setup_run(&o->setup, why) != 0) {
		fprintf(stderr, "helio-authd: %s\n", why);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGPIPE); /* never taken: a write to a closed connection says EPIPE */
	pthread_sigmask(SIG_BLOCK, set, NULL);
	sigdelset(set, SIGPIPE);
}

/* Enough files for all connections that are allowed; a core file never: passwords and the key are
 * in memory. The limit alone would not keep the kernel from piping one to a program. Best effort.
 */
static void set_limits(void)
{
	const struct rlimit no_core = { 0, 0 };
	struct rlimit files;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES) {
		files.rlim_cur = files.rlim_max < FILES ? files.rlim_max : FILES;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void reload(struct authd_daemon *d, const char *file)
{
	struct authd_settings *settings = NULL;
	char why[SETTINGS_ERROR_SIZE] = "";

	sd_notify_send("RELOADING=1");
	int err = authd_settings_load(&settings, file, why);
	if (err == 0) {
		enum log_level level = settings->log_level;
		enum log_format format = settings->log_format;
		err = daemon_reload(d, settings, why);
		if (err == 0) {
			log_setup("authd", level, format);
		} else {
			authd_settings_destroy(settings);
		}
	}
	if (err == 0) {
		log_event(LOG_LEVEL_INFO, "reload", LOG_STR("settings", file));
	} else {
		log_event(LOG_LEVEL_ERROR, "reload-failed", LOG_ERR(err), LOG_STR("why", why),
			LOG_STR("do", "the old settings stay; correct this and send SIGHUP again"));
	}
	sd_notify_send("READY=1");
}

static void run(struct authd_daemon *d, const sigset_t *set, const char *file)
{
	const struct timespec second = { .tv_sec = 1 };

	for (;;) {
		int sig = sigtimedwait(set, NULL, &second);
		if (sig == SIGHUP) {
			reload(d, file);
		} else if (sig == SIGTERM || sig == SIGINT) {
			return;
		}
		daemon_tick(d);
	}
}

int main(int argc, char **argv)
{
	struct options o = parse_options(argc, argv);
	struct authd_settings *settings = NULL;
	struct authd_daemon *d = NULL;
	char why[SETTINGS_ERROR_SIZE] = "";
	sigset_t set;

	if (o.exit_code >= 0) {
		return o.exit_code;
	}
	log_setup("authd", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	if (o.setup.name != NULL) {
		return run_setup(&o);
	}
	if (authd_settings_load(&settings, o.settings, why) != 0) {
		fprintf(stderr, "helio-authd: %s\n", why);
		if (access(o.settings, F_OK) != 0 && errno == ENOENT) {
			fprintf(stderr,
				"  what to do: helio-authd --setup NAME writes first settings\n");
		}
		return EXIT_SETTINGS;
	}
	if (o.check) {
		printf("%s: good\n", o.settings);
		authd_settings_destroy(settings);
		return EXIT_SUCCESS;
	}
	log_setup("authd", settings->log_level, settings->log_format);
	block_signals(&set);
	set_limits();
	json_object_seed(0);
	int err = sodium_init() < 0 ? ERR_INTERNAL : daemon_create(&d, settings, why);
	if (err != 0) {
		log_event(LOG_LEVEL_ERROR, "start-failed", LOG_ERR(err), LOG_STR("why", why));
		authd_settings_destroy(settings);
		return EXIT_FAILURE;
	}
	sd_notify_send("READY=1");
	run(d, &set, o.settings);
	sd_notify_send("STOPPING=1");
	log_event(LOG_LEVEL_INFO, "shutdown", LOG_STR("reason", "signal"));
	daemon_destroy(d);
	return EXIT_SUCCESS;
}
