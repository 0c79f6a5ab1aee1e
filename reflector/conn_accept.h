/*
 * conn_accept: the listening sockets of a worker. Takes connections until descriptors or the bound
 * on half-open connections run out, and then makes room without spinning.
 */
#ifndef REFLECTOR_CONN_ACCEPT_H
#define REFLECTOR_CONN_ACCEPT_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "proto/errcode.h"
#include "reflector/settings.h"

#define CONN_ACCEPT_HALF_OPEN_MAX 1024u

struct worker;

struct conn_accept {
	struct worker *worker;
	ev_io listeners[SETTINGS_LISTEN_MAX];
	size_t count;
	ev_timer pause; /* no descriptor was left: accept nothing until it fires */
	int reserve; /* a descriptor to give up, so that a connection can be refused at all */
	bool started;
};

/* Takes the descriptors over; nothing is accepted before conn_accept_start(). */
int conn_accept_init(
	struct conn_accept *accept, struct worker *worker, const int *fds, size_t count) MUST_CHECK;
void conn_accept_start(struct conn_accept *accept);
/* Stops for good and closes the sockets: the port refuses from now on (while no one else holds it).
 */
void conn_accept_finish(struct conn_accept *accept);

#endif
