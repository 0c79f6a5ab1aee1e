/*
 * chan: JSON messages between our own processes on a libev loop, over one of two carriers:
 *   - the control link: HRP control frames (16-byte header, kind control) over mutual TLS;
 *   - a pair of SOCK_SEQPACKET sockets between a supervisor's children: one message, one packet.
 * Both directions are bounded; a peer that does not read, or sends garbage, ends the channel.
 * Callbacks run from the loop only, never inside a call of this file. One thread, the loop's.
 */
#ifndef COMMON_CHAN_H
#define COMMON_CHAN_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "proto/errcode.h"
#include "proto/tls_io.h"

#define CHAN_MESSAGE_MAX 131072u /* bytes of JSON text; larger answers are paged by their sender */
#define CHAN_QUEUE_MAX 4194304u /* bytes waiting to be sent; over it chan_send() says ERR_FULL */

struct chan;

struct chan_events {
	/* A message came. msg is borrowed for the call; type borrows from it. */
	void (*on_message)(struct chan *ch, const char *type, const json_t *msg, void *user);
	/* The TLS handshake is done (TLS carrier only; may be NULL). */
	void (*on_open)(struct chan *ch, void *user);
	/* The channel ended: err is ERR_CLOSED, ERR_LOST, ERR_TLS*, ERR_BAD_FRAME ... No more callbacks;
	 * the owner may call chan_destroy() here or later. */
	void (*on_end)(struct chan *ch, int err, void *user);
};

/* Takes fd over (non-blocking, connected SOCK_SEQPACKET). */
int chan_create_packet(struct chan **out, struct ev_loop *loop, int fd, const struct chan_events *events,
	void *user) MUST_CHECK;
/* Takes fd over (a connected TCP socket) and io (already initialised for it, moved); starts the
 * handshake, to be done within handshake_ms; then pings every heartbeat_ms and ends with ERR_LOST
 * when two intervals and a second pass without a byte from the peer. */
int chan_create_tls(struct chan **out, struct ev_loop *loop, int fd, struct tls_io *io, unsigned handshake_ms,
	unsigned heartbeat_ms, const struct chan_events *events, void *user) MUST_CHECK;
/* Closes and frees; runs no callback. NULL is fine. Allowed inside a callback of the same channel. */
void chan_destroy(struct chan *ch);

/* Queues a message (the object is borrowed, serialised now). ERR_FULL when the queue is at its bound,
 * ERR_TOO_LARGE over CHAN_MESSAGE_MAX, ERR_STATE after the end. */
int chan_send(struct chan *ch, const json_t *msg) MUST_CHECK;

/* The TLS session, for peer checks; NULL on a packet channel. */
struct tls_io *chan_tls(struct chan *ch);

#endif
