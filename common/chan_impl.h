/*
 * chan_impl: what chan.c and its two carriers share. For these three files only.
 */
#ifndef COMMON_CHAN_IMPL_H
#define COMMON_CHAN_IMPL_H

#include <stdint.h>

#include "common/chan.h"
#include "common/list.h"
#include "proto/frame_hdr.h"

/* One frame or packet that waits to be sent. Owned by the queue. */
struct chan_item {
	struct list node;
	bool pong;
	size_t len;
	size_t done; /* bytes that are the kernel's or GnuTLS's */
	uint8_t bytes[];
};

/* A carrier moves bytes. Its functions run from the loop and may end the channel. */
struct chan_carrier {
	size_t overhead; /* bytes before each message */
	void (*readable)(struct chan *ch);
	void (*writable)(struct chan *ch);
};

struct chan {
	const struct chan_carrier *carrier;
	struct ev_loop *loop;
	int fd; /* -1 after the end */
	struct ev_io on_readable;
	struct ev_io on_writable;
	struct chan_events events;
	void *user;
	unsigned busy; /* depth of callbacks from the loop; freed at 0 */
	bool ended;
	bool destroyed;

	struct list queue; /* struct chan_item */
	size_t queued; /* bytes in it */
	unsigned pongs;

	/* TLS carrier only */
	struct tls_io io;
	bool open;
	bool flushing; /* GnuTLS holds the last piece */
	bool read_wants_write;
	unsigned heartbeat_ms;
	struct ev_timer deadline; /* handshake, then silence of the peer */
	struct ev_timer ping; /* our own silence */
	struct ev_timer again; /* more to read than one turn takes */

	size_t have; /* bytes in buf */
	uint8_t buf[FRAME_HDR_LEN + CHAN_MESSAGE_MAX];
};

int chan_create(struct chan **out, const struct chan_carrier *carrier, struct ev_loop *loop, int fd,
	const struct chan_events *events, void *user) MUST_CHECK;

/* Work from the loop stands between these two; leave frees a channel destroyed meanwhile. */
void chan_enter(struct chan *ch);
void chan_leave(struct chan *ch);

/* True when no more may be done with the channel: ended, or destroyed by a callback. */
static inline bool chan_gone(const struct chan *ch)
{
	return ch->ended || ch->destroyed;
}

/* Ends the channel, once, and calls on_end. From the loop only. */
void chan_end(struct chan *ch, int err);

/* Parses the text of one message and hands it to the owner, or ends the channel. */
void chan_deliver(struct chan *ch, const void *text, size_t len);

/* An item with len bytes behind the carrier's overhead, not yet in the queue. NULL: no memory. */
struct chan_item *chan_item_create(struct chan *ch, const void *bytes, size_t len);
void chan_enqueue(struct chan *ch, struct chan_item *item);
/* Takes the first item out and frees it. */
void chan_item_sent(struct chan *ch, struct chan_item *item);

/* TLS carrier: writes the frame header into the item's overhead. */
void chan_tls_fill_header(struct chan_item *item, enum frame_kind kind);
void chan_tls_stop(struct chan *ch);

#endif
