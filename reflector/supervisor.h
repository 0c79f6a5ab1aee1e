/*
 * supervisor: the first process of the reflector. It binds every port, gives root away, starts the
 * gate and the workers, starts a dead one anew, and handles signals. No byte from the network
 * reaches it. It keeps both ends of the sockets between its children, so that one that is started
 * anew inherits its predecessor's.
 */
#ifndef REFLECTOR_SUPERVISOR_H
#define REFLECTOR_SUPERVISOR_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/chan.h"
#include "common/file_watch.h"
#include "reflector/settings.h"

struct supervisor;

/* What is read from files at start and at each reload. */
struct supervisor_files {
	struct reflector_settings *settings;
	char *chain, *key, *ca; /* PEM */
};

/* Reads and judges settings and certificates; why (SETTINGS_ERROR_SIZE) says what is wrong. */
int supervisor_files_load(
	struct supervisor_files *out, const char *file, char why[SETTINGS_ERROR_SIZE]) MUST_CHECK;
void supervisor_files_finish(struct supervisor_files *files);

struct supervisor_child {
	struct supervisor *supervisor;
	bool is_gate;
	size_t index; /* of its port; workers only */
	pid_t pid; /* 0: not running */
	bool ready; /* accepts connections */
	struct chan *chan; /* our end */
	int child_fd; /* its end; kept for a successor */
	double backoff_s;
	ev_tstamp started;
	ev_child watcher;
	ev_timer restart;
};

struct supervisor {
	struct ev_loop *loop;
	const char *file;
	struct supervisor_files files;
	int listen_fds[SETTINGS_PORTS_MAX][SETTINGS_LISTEN_MAX];
	int control_fd;
	int gate_fds[SETTINGS_PORTS_MAX]; /* the gate's ends of its pairs with the workers */
	int worker_fds[SETTINGS_PORTS_MAX]; /* the workers' ends */
	struct supervisor_child children[SETTINGS_PORTS_MAX + 1]; /* the last one is the gate */
	size_t child_count;
	ev_signal on_term, on_int, on_hup;
	ev_timer stop_deadline;
	ev_timer look; /* at the certificates' files */
	struct file_watch watch;
	bool stopping;
	bool was_ready;
};

/* Runs with these files (taken over), read from file; returns the exit status. */
int supervisor_run(struct supervisor_files *files, const char *file);

/* supervisor_sockets.c: binds and pairs. ERR_SYSTEM is explained on stderr. */
int supervisor_open_sockets(struct supervisor *supervisor) MUST_CHECK;
void supervisor_close_sockets(struct supervisor *supervisor);

/* supervisor_child.c */
int supervisor_child_init(struct supervisor *supervisor, size_t index, bool is_gate) MUST_CHECK;
void supervisor_child_finish(struct supervisor_child *child);
/* Forks; returns in the supervisor only. */
void supervisor_child_start(struct supervisor_child *child);
void supervisor_child_send(struct supervisor_child *child, const json_t *msg);
/* supervisor.c: told by supervisor_child.c */
void supervisor_child_ready(struct supervisor *supervisor);
void supervisor_child_died(struct supervisor *supervisor);

#endif
