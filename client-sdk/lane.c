/*
 * lane: the TLS connection of a session. Nothing is sent before the handshake has checked the
 * certificate; nothing waits.
 */
#include "client-sdk/lane.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALPN "helio/1"

int lane_open(struct lane *lane, struct loop *loop, int fd, const struct endpoint *endpoint,
	const struct config *config)
{
	struct tls_io_client conf = {
		.creds = config->creds,
		.alpn = ALPN,
		.tls_name = endpoint->tls_name,
		.spki_pin = endpoint->pin[0] != '\0' ? endpoint->pin : NULL,
		.require_ca = config->have_ca,
	};
	int err = 0;

	memset(&lane->tls, 0, sizeof(lane->tls));
	if (conf.spki_pin == NULL && !conf.require_ca) {
		err = ERR_TLS_CERT;
	}
	err = err != 0 ? err : tls_io_init_client(&lane->tls, fd, &conf);
	if (err != 0) {
		close(fd);
		return err;
	}
	lane->open = true;
	lane->fd = fd;
	lane->loop = loop;
	lane->max_payload = LIMIT_PRE_HELLO_PAYLOAD;
	lane->in_at = 0;
	lane->in_len = 0;
	lane->watched = 0;
	lane->cut = false;
	return 0;
}

enum tls_io_result lane_handshake(struct lane *lane)
{
	return tls_io_handshake(&lane->tls);
}

enum tls_io_result lane_read(struct lane *lane)
{
	size_t moved = 0;
	enum tls_io_result result;

	memmove(lane->in, lane->in + lane->in_at, lane->in_len);
	lane->in_at = 0;
	/* There is room: a frame that fills the buffer is complete, and was taken before. */
	result = tls_io_recv(
		&lane->tls, lane->in + lane->in_len, sizeof(lane->in) - lane->in_len, &moved);
	lane->in_len += moved;
	return result;
}

enum parse lane_next(struct lane *lane, struct frame_hdr *hdr, const uint8_t **payload, int *err)
{
	const uint8_t *at = lane->in + lane->in_at;
	enum parse result = frame_hdr_parse(hdr, at, lane->in_len, lane->max_payload, err);

	if (result != PARSE_DONE) {
		return result;
	}
	size_t whole = FRAME_HDR_LEN + (size_t)hdr->length;
	if (lane->in_len < whole) {
		return PARSE_MORE;
	}
	*payload = at + FRAME_HDR_LEN;
	lane->in_at += whole;
	lane->in_len -= whole;
	return PARSE_DONE;
}

bool lane_writable(struct lane *lane)
{
	struct pollfd pfd = { .fd = lane->fd, .events = POLLOUT };

	/* The kernel's answer follows the limit on unsent bytes; send() alone would not. */
	if (lane->cut || poll(&pfd, 1, 0) != 1) {
		return false;
	}
	if (lane->tls.pending == 0) {
		return true;
	}
	switch (tls_io_flush(&lane->tls)) {
	case TLS_IO_OK:
		return true;
	case TLS_IO_WANT_READ:
	case TLS_IO_WANT_WRITE:
		return false;
	default:
		lane->cut = true;
		return false;
	}
}

enum tls_io_result lane_write(struct lane *lane, size_t len)
{
	enum tls_io_result result = tls_io_send(&lane->tls, lane->out, len);

	if (result != TLS_IO_OK && result != TLS_IO_WANT_WRITE && result != TLS_IO_WANT_READ) {
		lane->cut = true;
	}
	return result;
}

int lane_watch(struct lane *lane, bool want_write)
{
	unsigned events = LOOP_READ | (want_write ? LOOP_WRITE : 0u);

	if (events == lane->watched) {
		return 0;
	}
	lane->watched = events;
	return loop_watch(lane->loop, LOOP_LANE, lane->fd, events);
}

bool lane_readable(const struct lane *lane)
{
	return lane->open && tls_io_readable(&lane->tls);
}

void lane_shutdown(struct lane *lane)
{
	tls_io_bye(&lane->tls);
	(void)shutdown(lane->fd, SHUT_WR);
}

void lane_close(struct lane *lane)
{
	if (!lane->open) {
		return;
	}
	loop_unwatch(lane->loop, lane->fd);
	tls_io_finish(&lane->tls);
	close(lane->fd);
	lane->open = false;
	lane->fd = -1;
}
