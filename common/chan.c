/*
 * chan: the carrier-independent part: queue, messages, end and lifetime. Callbacks come from the
 * loop only; a channel destroyed inside its own callback is freed when the outermost one has
 * returned.
 */
#include "common/chan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/chan_impl.h"
#include "proto/msg.h"

static void readable_cb(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct chan *ch = w->data;

	(void)loop;
	(void)revents;
	chan_enter(ch);
	ch->carrier->readable(ch);
	chan_leave(ch);
}

static void writable_cb(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct chan *ch = w->data;

	(void)loop;
	(void)revents;
	chan_enter(ch);
	ch->carrier->writable(ch);
	chan_leave(ch);
}

int chan_create(struct chan **out, const struct chan_carrier *carrier, struct ev_loop *loop, int fd,
	const struct chan_events *events, void *user)
{
	struct chan *ch = malloc(sizeof(*ch));

	if (ch == NULL) {
		return ERR_NOMEM;
	}
	/* the buffer need not be cleared */
	memset(ch, 0, offsetof(struct chan, buf));
	ch->carrier = carrier;
	ch->loop = loop;
	ch->fd = fd;
	ch->events = *events;
	ch->user = user;
	list_init(&ch->queue);
	ev_io_init(&ch->on_readable, readable_cb, fd, EV_READ);
	ev_io_init(&ch->on_writable, writable_cb, fd, EV_WRITE);
	ch->on_readable.data = ch;
	ch->on_writable.data = ch;
	ev_io_start(loop, &ch->on_readable);
	*out = ch;
	return 0;
}

void chan_enter(struct chan *ch)
{
	ch->busy++;
}

/* Stops everything and closes. What the owner may still ask for (the TLS session) stays. */
static void shut(struct chan *ch)
{
	if (ch->fd < 0) {
		return;
	}
	ev_io_stop(ch->loop, &ch->on_readable);
	ev_io_stop(ch->loop, &ch->on_writable);
	chan_tls_stop(ch);
	close(ch->fd);
	ch->fd = -1;
	while (!list_empty(&ch->queue)) {
		chan_item_sent(ch, LIST_ENTRY(ch->queue.next, struct chan_item, node));
	}
}

static void free_chan(struct chan *ch)
{
	tls_io_finish(&ch->io);
	free(ch);
}

void chan_leave(struct chan *ch)
{
	if (--ch->busy == 0 && ch->destroyed) {
		free_chan(ch);
	}
}

void chan_destroy(struct chan *ch)
{
	if (ch == NULL || ch->destroyed) {
		return;
	}
	shut(ch);
	ch->destroyed = true;
	if (ch->busy == 0) {
		free_chan(ch);
	}
}

void chan_end(struct chan *ch, int err)
{
	if (chan_gone(ch)) {
		return;
	}
	ch->ended = true;
	shut(ch);
	if (ch->events.on_end != NULL) {
		ch->events.on_end(ch, err, ch->user);
	}
}

void chan_deliver(struct chan *ch, const void *text, size_t len)
{
	json_t *msg = NULL;
	const char *type = NULL;
	int err = msg_parse_max(text, len, CHAN_MESSAGE_MAX, &msg, &type);

	if (err != 0) {
		chan_end(ch, err);
		return;
	}
	ch->events.on_message(ch, type, msg, ch->user);
	json_decref(msg);
}

struct chan_item *chan_item_create(struct chan *ch, const void *bytes, size_t len)
{
	size_t overhead = ch->carrier->overhead;
	struct chan_item *item = malloc(sizeof(*item) + overhead + len);

	if (item == NULL) {
		return NULL;
	}
	item->pong = false;
	item->done = 0;
	item->len = overhead + len;
	memcpy(item->bytes + overhead, bytes, len);
	return item;
}

void chan_enqueue(struct chan *ch, struct chan_item *item)
{
	list_append(&ch->queue, &item->node);
	ch->queued += item->len;
	ch->pongs += item->pong ? 1 : 0;
	ev_io_start(ch->loop, &ch->on_writable);
}

void chan_item_sent(struct chan *ch, struct chan_item *item)
{
	list_remove(&item->node);
	ch->queued -= item->len;
	ch->pongs -= item->pong ? 1 : 0;
	free(item);
}

int chan_send(struct chan *ch, const json_t *msg)
{
	size_t len = 0;
	int err = 0;

	if (chan_gone(ch)) {
		return ERR_STATE;
	}
	char *text = msg_dump(msg, &len);
	if (text == NULL) {
		return ERR_NOMEM;
	}
	struct chan_item *item = NULL;
	if (len > CHAN_MESSAGE_MAX) {
		err = ERR_TOO_LARGE;
	} else if (ch->queued + ch->carrier->overhead + len > CHAN_QUEUE_MAX) {
		err = ERR_FULL;
	} else {
		item = chan_item_create(ch, text, len);
		err = item == NULL ? ERR_NOMEM : 0;
	}
	free(text);
	if (err != 0) {
		return err;
	}
	if (ch->carrier->overhead > 0) {
		chan_tls_fill_header(item, FRAME_CONTROL);
	}
	chan_enqueue(ch, item);
	return 0;
}

size_t chan_queued(const struct chan *ch)
{
	return ch->queued;
}

struct tls_io *chan_tls(struct chan *ch)
{
	return ch->io.session == NULL ? NULL : &ch->io;
}
