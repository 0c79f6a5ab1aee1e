/*
 * chan_tls: the carrier over TLS: HRP control frames, ping and pong. The queue stands above TLS;
 * GnuTLS is given one piece at a time. The peer is authenticated, and bounded all the same.
 */
#include "common/chan.h"

#include <string.h>

#include "common/chan_impl.h"
#include "proto/limits.h"

#define PIECE_MAX 16384u
/* Bytes taken in one turn of the loop. */
#define TURN_BYTES 262144u

static const char ping_payload[8] = "chanping";

void chan_tls_fill_header(struct chan_item *item, enum frame_kind kind)
{
	const struct frame_hdr hdr = { .kind = (uint8_t)kind,
		.length = (uint32_t)(item->len - FRAME_HDR_LEN) };

	frame_hdr_write(&hdr, item->bytes);
}

static void send_small(struct chan *ch, enum frame_kind kind, const void *bytes, size_t len)
{
	struct chan_item *item = chan_item_create(ch, bytes, len);

	if (item == NULL) {
		chan_end(ch, ERR_NOMEM);
		return;
	}
	item->pong = kind == FRAME_PONG;
	chan_tls_fill_header(item, kind);
	chan_enqueue(ch, item);
}

/* What TLS said instead of OK. */
static void not_ok(struct chan *ch, enum tls_io_result result)
{
	if (result == TLS_IO_EOF) {
		chan_end(ch, ERR_CLOSED);
	} else if (result == TLS_IO_LOST) {
		chan_end(ch, ERR_LOST);
	} else if (result == TLS_IO_FAILED) {
		chan_end(ch, ch->io.err);
	}
}

static void take_frame(struct chan *ch, const struct frame_hdr *hdr, const uint8_t *payload)
{
	switch (hdr->kind) {
	case FRAME_CONTROL:
		chan_deliver(ch, payload, hdr->length);
		break;
	case FRAME_PING:
		if (ch->pongs < CHAN_PONGS_MAX) {
			send_small(ch, FRAME_PONG, payload, hdr->length);
		}
		break;
	case FRAME_PONG:
	default:
		break; /* that bytes came has been noted */
	}
}

/* Which frames a control link may carry, and how large. */
static int judge_header(const struct frame_hdr *hdr)
{
	if (hdr->kind == FRAME_CONTROL) {
		return 0;
	}
	if (hdr->kind != FRAME_PING && hdr->kind != FRAME_PONG) {
		return ERR_BAD_FRAME;
	}
	return hdr->length > LIMIT_PING_PAYLOAD ? ERR_BAD_FRAME : 0;
}

/* Takes all whole frames out of the buffer. */
static void take_frames(struct chan *ch)
{
	size_t at = 0;

	while (!chan_gone(ch)) {
		struct frame_hdr hdr;
		int err = 0;
		enum parse p =
			frame_hdr_parse(&hdr, ch->buf + at, ch->have - at, CHAN_MESSAGE_MAX, &err);

		if (p == PARSE_MORE) {
			break;
		}
		if (err == 0) {
			err = judge_header(&hdr);
		}
		if (err != 0) {
			chan_end(ch, err);
			return;
		}
		if (hdr.length > ch->have - at - FRAME_HDR_LEN) {
			break;
		}
		take_frame(ch, &hdr, ch->buf + at + FRAME_HDR_LEN);
		at += FRAME_HDR_LEN + hdr.length;
	}
	if (!chan_gone(ch) && at > 0) {
		memmove(ch->buf, ch->buf + at, ch->have - at);
		ch->have -= at;
	}
}

static void read_frames(struct chan *ch)
{
	size_t taken = 0;

	ch->read_wants_write = false;
	while (!chan_gone(ch) && taken < TURN_BYTES) {
		size_t n = 0;
		/* never full: a whole frame fits, and whole frames are taken out */
		enum tls_io_result r =
			tls_io_recv(&ch->io, ch->buf + ch->have, sizeof(ch->buf) - ch->have, &n);

		if (r == TLS_IO_WANT_READ) {
			return;
		}
		if (r == TLS_IO_WANT_WRITE) {
			ch->read_wants_write = true;
			ev_io_start(ch->loop, &ch->on_writable);
			return;
		}
		if (r != TLS_IO_OK) {
			not_ok(ch, r);
			return;
		}
		ev_timer_again(ch->loop, &ch->deadline);
		ch->have += n;
		taken += n;
		take_frames(ch);
	}
	/* GnuTLS may hold bytes that poll() does not know of */
	if (!chan_gone(ch)) {
		ev_timer_start(ch->loop, &ch->again);
	}
}

static void write_frames(struct chan *ch)
{
	enum tls_io_result r = TLS_IO_OK;

	if (ch->flushing) {
		r = tls_io_flush(&ch->io);
	}
	while (r == TLS_IO_OK && !list_empty(&ch->queue)) {
		struct chan_item *item = LIST_ENTRY(ch->queue.next, struct chan_item, node);
		size_t left = item->len - item->done;
		size_t piece = left < PIECE_MAX ? left : PIECE_MAX;

		r = tls_io_send(&ch->io, item->bytes + item->done, piece);
		/* GnuTLS has a copy even when the kernel has not taken it */
		item->done += piece;
		if (item->done == item->len) {
			chan_item_sent(ch, item);
		}
		ev_timer_again(ch->loop, &ch->ping);
	}
	ch->flushing = r == TLS_IO_WANT_WRITE;
	if (r == TLS_IO_OK) {
		ev_io_stop(ch->loop, &ch->on_writable);
	} else {
		not_ok(ch, r);
	}
}

static void set_timer(struct chan *ch, struct ev_timer *timer, unsigned ms)
{
	timer->repeat = ms / 1000.0;
	ev_timer_again(ch->loop, timer);
}

static void opened(struct chan *ch)
{
	ch->open = true;
	set_timer(ch, &ch->deadline, 2 * ch->heartbeat_ms + 1000);
	set_timer(ch, &ch->ping, ch->heartbeat_ms);
	if (ch->events.on_open != NULL) {
		ch->events.on_open(ch, ch->user);
	}
	if (!chan_gone(ch)) {
		ev_io_start(ch->loop, &ch->on_writable);
		read_frames(ch);
	}
}

static void handshake(struct chan *ch)
{
	enum tls_io_result r = tls_io_handshake(&ch->io);

	if (r == TLS_IO_OK) {
		opened(ch);
	} else if (r == TLS_IO_WANT_WRITE) {
		ev_io_start(ch->loop, &ch->on_writable);
	} else if (r == TLS_IO_WANT_READ) {
		ev_io_stop(ch->loop, &ch->on_writable);
	} else {
		not_ok(ch, r);
	}
}

static void tls_readable(struct chan *ch)
{
	if (ch->open) {
		read_frames(ch);
	} else {
		handshake(ch);
	}
}

static void tls_writable(struct chan *ch)
{
	if (!ch->open) {
		handshake(ch);
		return;
	}
	if (ch->read_wants_write) {
		read_frames(ch);
	}
	if (!chan_gone(ch)) {
		write_frames(ch);
	}
}

static const struct chan_carrier tls_carrier = {
	.overhead = FRAME_HDR_LEN,
	.readable = tls_readable,
	.writable = tls_writable,
};

static void deadline_cb(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct chan *ch = w->data;

	(void)loop;
	(void)revents;
	chan_enter(ch);
	chan_end(ch, ch->open ? ERR_LOST : ERR_DEADLINE);
	chan_leave(ch);
}

static void ping_cb(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct chan *ch = w->data;

	(void)loop;
	(void)revents;
	chan_enter(ch);
	/* a queue that stands still needs no ping behind it */
	if (list_empty(&ch->queue)) {
		send_small(ch, FRAME_PING, ping_payload, sizeof(ping_payload));
	}
	chan_leave(ch);
}

static void again_cb(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct chan *ch = w->data;

	(void)loop;
	(void)revents;
	chan_enter(ch);
	read_frames(ch);
	chan_leave(ch);
}

void chan_tls_stop(struct chan *ch)
{
	if (ch->io.session == NULL) {
		return;
	}
	tls_io_bye(&ch->io);
	ev_timer_stop(ch->loop, &ch->deadline);
	ev_timer_stop(ch->loop, &ch->ping);
	ev_timer_stop(ch->loop, &ch->again);
}

int chan_create_tls(struct chan **out, struct ev_loop *loop, int fd, struct tls_io *io,
	unsigned handshake_ms, unsigned heartbeat_ms, const struct chan_events *events, void *user)
{
	struct chan *ch = NULL;

	if (handshake_ms == 0 || heartbeat_ms == 0 || io->session == NULL) {
		return ERR_INVALID;
	}
	int err = chan_create(&ch, &tls_carrier, loop, fd, events, user);
	if (err != 0) {
		return err;
	}
	ch->io = *io;
	memset(io, 0, sizeof(*io));
	ch->heartbeat_ms = heartbeat_ms;
	ev_init(&ch->deadline, deadline_cb);
	ev_init(&ch->ping, ping_cb);
	ev_timer_init(&ch->again, again_cb, 0., 0.);
	ch->deadline.data = ch;
	ch->ping.data = ch;
	ch->again.data = ch;
	set_timer(ch, &ch->deadline, handshake_ms);
	/* a client speaks first; a server finds nothing to read and waits */
	ev_io_start(loop, &ch->on_writable);
	*out = ch;
	return 0;
}
