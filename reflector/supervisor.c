/*
 * supervisor: order of start and end, and what the signals mean. Children are in
 * supervisor_child.c, sockets in supervisor_sockets.c, files in supervisor_files.c.
 */
#include "reflector/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/log.h"
#include "common/privdrop.h"
#include "common/sd_notify.h"
#include "reflector/family.h"
#include "reflector/ports_ephemeral.h"

#define STOP_S 4.5

static bool all_ready(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (!supervisor->children[i].ready) {
			return false;
		}
	}
	return true;
}

/* "49152-49153,443" of the settings' list. */
static void ports_text(const struct reflector_settings *settings, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < settings->port_count && at < size; i++) {
		size_t last = i;
		while (last + 1 < settings->port_count &&
			settings->ports[last + 1] == settings->ports[last] + 1) {
			last++;
		}
		int n = last > i ? snprintf(out + at, size - at, "%s%u-%u", at > 0 ? "," : "",
					   settings->ports[i], settings->ports[last])
				 : snprintf(out + at, size - at, "%s%u", at > 0 ? "," : "",
					   settings->ports[i]);
		at += n > 0 ? (size_t)n : 0;
		i = last;
	}
}

void supervisor_child_ready(struct supervisor *supervisor)
{
	const struct reflector_settings *settings = supervisor->files.settings;
	char ports[256];

	if (supervisor->was_ready || !all_ready(supervisor)) {
		return;
	}
	supervisor->was_ready = true;
	ports_text(settings, ports, sizeof(ports));
	log_event(LOG_LEVEL_INFO, "ready", LOG_STR("name", settings->name), LOG_STR("ports", ports),
		LOG_STR("control", settings->control.text),
		LOG_INT("workers", settings->port_count));
	sd_notify_send("READY=1");
}

void supervisor_child_died(struct supervisor *supervisor)
{
	if (!supervisor->stopping) {
		return;
	}
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].pid != 0) {
			return;
		}
	}
	ev_break(supervisor->loop, EVBREAK_ALL);
}

static void signal_children(const struct supervisor *supervisor, int sig)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].pid != 0) {
			(void)kill(supervisor->children[i].pid, sig);
		}
	}
}

static void on_stop(struct ev_loop *loop, ev_signal *sig, int events)
{
	struct supervisor *supervisor = sig->data;

	(void)events;
	if (supervisor->stopping) {
		return;
	}
	supervisor->stopping = true;
	log_event(LOG_LEVEL_INFO, "shutdown", LOG_INT("signal", sig->signum));
	sd_notify_send("STOPPING=1");
	signal_children(supervisor, SIGTERM);
	ev_timer_start(loop, &supervisor->stop_deadline);
	supervisor_child_died(supervisor);
}

static void on_stop_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	signal_children(timer->data, SIGKILL);
}

static void push_files(struct supervisor *supervisor)
{
	const struct supervisor_files *files = &supervisor->files;
	json_t *settings = family_settings_json(files->settings);

	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct supervisor_child *child = &supervisor->children[i];
		json_t *credentials = family_credentials_json(
			files->chain, files->key, child->is_gate ? files->ca : NULL);
		supervisor_child_send(child, settings);
		supervisor_child_send(child, credentials);
		json_decref(credentials);
	}
	json_decref(settings);
}

static void watch_files(struct supervisor *supervisor)
{
	const struct reflector_settings *settings = supervisor->files.settings;
	const char *const files[] = { settings->certificate, settings->key, settings->control_ca };

	file_watch_init(&supervisor->watch, files, 3);
}

/* A good new set of files replaces the old one whole; a bad one changes nothing. */
static void reload(struct supervisor *supervisor)
{
	struct supervisor_files files;
	char why[SETTINGS_ERROR_SIZE] = "";

	sd_notify_send("RELOADING=1");
	int err = supervisor_files_load(&files, supervisor->file, why);
	if (err == 0) {
		const char *fixed =
			settings_needs_restart(supervisor->files.settings, files.settings);
		if (fixed != NULL) {
			(void)snprintf(why, sizeof(why), "%s: `%s` changed, which needs a restart",
				supervisor->file, fixed);
			supervisor_files_finish(&files);
			err = ERR_CONFIG;
		}
	}
	if (err != 0) {
		log_event(LOG_LEVEL_ERROR, "reload-failed", LOG_ERR(err), LOG_STR("reason", why));
		sd_notify_send("READY=1");
		return;
	}
	supervisor_files_finish(&supervisor->files);
	supervisor->files = files;
	log_setup("supervisor", files.settings->log_level, files.settings->log_format);
	push_files(supervisor);
	watch_files(supervisor);
	log_event(LOG_LEVEL_INFO, "reload", LOG_STR("file", supervisor->file));
	sd_notify_send("READY=1");
}

static void on_reload(struct ev_loop *loop, ev_signal *sig, int events)
{
	struct supervisor *supervisor = sig->data;

	(void)loop;
	(void)events;
	if (!supervisor->stopping) {
		reload(supervisor);
	}
}

/* Certificates that were renewed are taken without a signal. Half a pair is refused, and looked at
 * again when the other half has come. */
static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct supervisor *supervisor = timer->data;

	(void)loop;
	(void)events;
	if (!supervisor->stopping && file_watch_changed(&supervisor->watch)) {
		reload(supervisor);
	}
}

/* Connections are descriptors; a core of a worker would hold the private key. */
static void set_resource_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	limit = (struct rlimit){ 0, 0 };
	(void)setrlimit(RLIMIT_CORE, &limit);
}

static void watch_signals(struct supervisor *supervisor)
{
	ev_signal_init(&supervisor->on_term, on_stop, SIGTERM);
	ev_signal_init(&supervisor->on_int, on_stop, SIGINT);
	ev_signal_init(&supervisor->on_hup, on_reload, SIGHUP);
	ev_timer_init(&supervisor->stop_deadline, on_stop_deadline, STOP_S, 0.);
	supervisor->on_term.data = supervisor->on_int.data = supervisor->on_hup.data =
		supervisor->stop_deadline.data = supervisor;
	ev_timer_init(&supervisor->look, on_look, FILE_WATCH_EVERY_S, FILE_WATCH_EVERY_S);
	supervisor->look.data = supervisor;
	ev_timer_start(supervisor->loop, &supervisor->look);
	watch_files(supervisor);
	ev_signal_start(supervisor->loop, &supervisor->on_term);
	ev_signal_start(supervisor->loop, &supervisor->on_int);
	ev_signal_start(supervisor->loop, &supervisor->on_hup);
}

static void warn_overlap(const struct reflector_settings *settings)
{
	unsigned first, last;

	if (ports_ephemeral(settings->ports, settings->port_count,
		    "/proc/sys/net/ipv4/ip_local_port_range",
		    "/proc/sys/net/ipv4/ip_local_reserved_ports", &first, &last)) {
		char range[32];
		(void)snprintf(range, sizeof(range), "%u-%u", first, last);
		log_event(LOG_LEVEL_WARN, "ports-ephemeral", LOG_STR("range", range),
			LOG_STR("advice",
				"outgoing connections may take a port of ours while we are down: "
				"name them in net.ipv4.ip_local_reserved_ports"));
	}
}

static int start_all(struct supervisor *supervisor)
{
	const struct reflector_settings *settings = supervisor->files.settings;

	int err = supervisor_open_sockets(supervisor);
	if (err != 0) {
		return err;
	}
	err = privdrop_become(settings->user);
	if (err != 0) {
		(void)fprintf(stderr,
			"helio-reflector: cannot become user \"%s\" (`user`): %s; name an existing user, "
			"or start as root\n",
			settings->user, errcode_text(err));
		return err;
	}
	for (size_t i = 0; err == 0 && i < settings->port_count; i++) {
		err = supervisor_child_init(supervisor, i, false);
	}
	if (err == 0) {
		err = supervisor_child_init(supervisor, 0, true);
	}
	if (err != 0) {
		(void)fprintf(stderr,
			"helio-reflector: cannot make the sockets between its processes: %s; raise the "
			"limit of open files\n",
			strerror(errno));
		return err;
	}
	watch_signals(supervisor);
	warn_overlap(settings);
	for (size_t i = 0; i < supervisor->child_count; i++) {
		supervisor_child_start(&supervisor->children[i]);
	}
	return 0;
}

int supervisor_run(struct supervisor_files *files, const char *file)
{
	struct supervisor *supervisor = calloc(1, sizeof(*supervisor));

	if (supervisor == NULL) {
		return 1;
	}
	supervisor->files = *files;
	supervisor->file = file;
	supervisor->loop = ev_default_loop(EVFLAG_AUTO);
	(void)signal(SIGPIPE, SIG_IGN);
	set_resource_limits();
	int err = supervisor->loop != NULL ? start_all(supervisor) : ERR_SYSTEM;
	if (err == 0) {
		ev_run(supervisor->loop, 0);
	}
	for (size_t i = 0; i < supervisor->child_count; i++) {
		supervisor_child_finish(&supervisor->children[i]);
	}
	supervisor_close_sockets(supervisor);
	supervisor_files_finish(&supervisor->files);
	if (supervisor->loop != NULL) {
		ev_loop_destroy(supervisor->loop);
	}
	free(supervisor);
	return err == 0 ? 0 : 1;
}
