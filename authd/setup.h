/*
 * setup: the first settings of an authd, with certificates of its own CA, so that it can be started
 * at once: helio-authd --setup.
 */
#ifndef AUTHD_SETUP_H
#define AUTHD_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/errcode.h"

#define SETUP_LISTEN_MAX 8u

struct setup_order {
	const char *name; /* of the host, or an address: what clients connect to */
	const char *cluster; /* NULL: the name */
	const char
		*listen[SETUP_LISTEN_MAX]; /* "198.51.100.5:443"; none: 0.0.0.0:443 and [::]:443 */
	size_t listen_count;
	const char *settings; /* the file to write; certificate and key go beside it */
	const char *state_dir;
	const char
		*user; /* who the daemon will run as, and to whom secrets belong; NULL: who calls */
	bool force; /* write over settings and certificate that are there; the CA always stays */
};

/*
 * Makes state_dir with the CA, then certificate and key for name, a copy of the CA's certificate,
 * and the settings file, which is judged by authd's own rules before it takes its place. Says on
 * stdout what it has made and what to do next. On failure why says what, why and what to do; the
 * settings file is the last thing written. ERR_EXISTS, ERR_CONFIG, ERR_SYSTEM.
 */
int setup_run(const struct setup_order *order, char why[512]) MUST_CHECK;

#endif
