/*
 * daemon: all parts of helio-authd, put together in order and taken apart in reverse.
 */
#ifndef AUTHD_DAEMON_H
#define AUTHD_DAEMON_H

#include <stdint.h>

#include "authd/settings.h"

struct authd_daemon;

/* Binds, gives root away, opens the state, starts the threads and serves. settings are taken when
 * it succeeds. On failure why says what, why and what to do; nothing is left. */
int daemon_create(
	struct authd_daemon **out, struct authd_settings *settings, char why[512]) MUST_CHECK;
/* Ends in order: no new requests, those that run are answered, then the links. */
void daemon_destroy(struct authd_daemon *d);

/* Takes over what may change while it runs. settings are taken when it succeeds; on failure the old
 * ones stay and why says why. */
int daemon_reload(
	struct authd_daemon *d, struct authd_settings *settings, char why[512]) MUST_CHECK;

/* To be called about once a second: deadlines of connections, and forgetting what has expired. */
void daemon_tick(struct authd_daemon *d);

#endif
