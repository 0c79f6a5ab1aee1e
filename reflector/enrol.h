/*
 * enrol: the reflector's side of enrolment: `helio-reflector --enrol CODE`. Makes the key, waits
 * for authd at the control address, proves the code, and writes certificate, key, CA and settings.
 * A process of its own that serves nobody.
 */
#ifndef REFLECTOR_ENROL_H
#define REFLECTOR_ENROL_H

#include <stdbool.h>

#include "proto/errcode.h"

#define ENROL_LISTEN_MAX 8
#define ENROL_UNIT_SETTINGS SYSCONFDIR "/heliograph/reflector.conf" /* what the unit starts with   \
								     */

struct enrol_options {
	const char *code;
	const char *settings; /* the file: written, or read when it is there */
	/* NULL: what the settings file says */
	const char *name, *ports, *fallback_ports, *control, *user;
	const char *listen[ENROL_LISTEN_MAX];
	unsigned listen_count;
	bool force; /* a key that is there may be replaced */
};

/* Returns the exit status; everything is said on stdout and stderr. */
int enrol_run(const struct enrol_options *options);

#endif
