/*
 * chan_packet: the carrier over SOCK_SEQPACKET: one message, one packet. The kernel keeps packets
 * whole, so a process that takes a predecessor's socket over never starts within a message.
 */
#include "common/chan.h"

#include <errno.h>
#include <sys/socket.h>

#include "common/chan_impl.h"

/* Messages taken in one turn of the loop, so that one busy peer does not starve the others. */
#define TURN_MESSAGES 64
/* The kernel's own overhead counts against a socket's buffer. */
#define SOCKET_BUFFER (4 * (int)CHAN_MESSAGE_MAX)

static void packet_readable(struct chan *ch)
{
	for (int i = 0; i < TURN_MESSAGES && !chan_gone(ch); i++) {
		ssize_t n = recv(ch->fd, ch->buf, CHAN_MESSAGE_MAX, MSG_DONTWAIT | MSG_TRUNC);

		if (n > 0 && (size_t)n > CHAN_MESSAGE_MAX) {
			chan_end(ch, ERR_TOO_LARGE);
		} else if (n > 0) {
			chan_deliver(ch, ch->buf, (size_t)n);
		} else if (n == 0) {
			chan_end(ch, ERR_CLOSED);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		} else if (errno != EINTR) {
			chan_end(ch, ERR_LOST);
		}
	}
}

static void packet_writable(struct chan *ch)
{
	while (!list_empty(&ch->queue)) {
		struct chan_item *item = LIST_ENTRY(ch->queue.next, struct chan_item, node);
		ssize_t n = send(ch->fd, item->bytes, item->len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0) {
			chan_item_sent(ch, item);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		} else if (errno != EINTR) {
			/* what the peer said before it went still counts */
			packet_readable(ch);
			chan_end(ch, ERR_LOST);
			return;
		}
	}
	ev_io_stop(ch->loop, &ch->on_writable);
}

static const struct chan_carrier packet_carrier = {
	.overhead = 0,
	.readable = packet_readable,
	.writable = packet_writable,
};

int chan_create_packet(struct chan **out, struct ev_loop *loop, int fd,
	const struct chan_events *events, void *user)
{
	const int size = SOCKET_BUFFER;

	/* best effort: the usual default takes one full message too */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return chan_create(out, &packet_carrier, loop, fd, events, user);
}
