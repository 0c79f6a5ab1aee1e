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

#define CHAN_MESSAGE_MAX 131072u /* bytes of JSON text; larger answers are paged by their sender   \
				  */
#define CHAN_PONGS_MAX 32u /* answers waiting for a peer that pings and does not read */
#define CHAN_QUEUE_MAX 8388608u /* bytes waiting to be sent; over it chan_send() says ERR_FULL */

struct chan;

struct chan_events {
	/* A message came. msg is borrowed for the call; type borrows from it. */
	void (*on_message)(struct chan *ch, const char *type, const json_t *msg, void *user);
	/* The TLS handshake is done (TLS carrier only; may be NULL). */
	void (*on_open)(struct chan *ch, void *user);
	/* The channel ended: err is ERR_CLOSED, ERR_LOST, ERR_TLS*, ERR_BAD_FRAME ... No more
	 * callbacks; the owner may call chan_destroy() here or later. */
	void (*on_end)(struct chan *ch, int err, void *user);
};

/* Both take fd over when they succeed; after an error it is still the caller's (and so is io).
 * ERR_NOMEM, ERR_INVALID for a time of 0. */
/* fd: a connected SOCK_SEQPACKET socket. */
int chan_create_packet(struct chan **out, struct ev_loop *loop, int fd,
	const struct chan_events *events, void *user) MUST_CHECK;
/* fd: a connected TCP socket; io: already initialised for it, moved, finished by chan_destroy().
 * Starts the handshake, to be done within handshake_ms, else ERR_DEADLINE; then pings every
 * heartbeat_ms and ends with ERR_LOST when two intervals and a second pass without a byte from the
 * peer. */
int chan_create_tls(struct chan **out, struct ev_loop *loop, int fd, struct tls_io *io,
	unsigned handshake_ms, unsigned heartbeat_ms, const struct chan_events *events,
	void *user) MUST_CHECK;
/* Closes and frees; runs no callback. NULL is fine. Allowed inside a callback of the same channel.
 */
void chan_destroy(struct chan *ch);

/* Before on_open() too: it is sent when the handshake is done.
 * Queues a message (the object is borrowed, serialised now). ERR_FULL when the queue is at its
 * bound, ERR_TOO_LARGE over CHAN_MESSAGE_MAX, ERR_STATE after the end. */
int chan_send(struct chan *ch, const json_t *msg) MUST_CHECK;

/* Bytes queued and not yet given to the kernel or to TLS. */
size_t chan_queued(const struct chan *ch);

/* The TLS session, for peer checks; NULL on a packet channel. */
struct tls_io *chan_tls(struct chan *ch);

#endif
