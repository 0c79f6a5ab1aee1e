/*
 * frame_read: cuts the byte stream of a lane into frames. Every length is checked against the limit
 * before memory is taken for it. Never reads more of one lane than its share of a turn.
 */
#include "reflector/frame_read.h"

#include <string.h>

#include "proto/limits.h"
#include "reflector/conn_join.h"
#include "reflector/frame_route.h"
#include "reflector/lane.h"
#include "reflector/session.h"
#include "reflector/worker.h"

/* Of a lane in one turn: bytes as many as a turn writes to a receiver, so that one sender does not
 * fill the queues of those who keep up; and records, however small. */
#define READ_BUDGET_BYTES WORKER_RECORD
#define READ_BUDGET_RECORDS 64

void frame_reader_finish(struct frame_reader *reader)
{
	frame_unref(reader->frame);
	memset(reader, 0, sizeof(*reader));
}

static size_t copy_some(uint8_t *to, size_t wanted, const uint8_t *from, size_t len)
{
	size_t n = wanted < len ? wanted : len;

	if (n > 0) {
		memcpy(to, from, n);
	}
	return n;
}

enum parse frame_reader_take(struct frame_reader *reader, const uint8_t *bytes, size_t len,
	uint32_t max_payload, uint64_t now_ms, size_t *used, struct frame **out, int *err)
{
	struct frame_hdr hdr;
	size_t at = 0;

	*err = 0;
	*used = 0;
	if (reader->frame == NULL) {
		at = copy_some(
			reader->head + reader->have, FRAME_HDR_LEN - reader->have, bytes, len);
		reader->have += at;
		*used = at;
		enum parse parsed =
			frame_hdr_parse(&hdr, reader->head, reader->have, max_payload, err);
		if (parsed != PARSE_DONE) {
			return parsed;
		}
		reader->frame = frame_create_received(&hdr, reader->head, now_ms);
		if (reader->frame == NULL) {
			*err = ERR_NOMEM;
			return PARSE_BROKEN;
		}
		reader->filled = 0;
	}
	size_t payload = reader->frame->hdr.length;
	size_t n = copy_some(frame_payload(reader->frame) + reader->filled,
		payload - reader->filled, bytes + at, len - at);
	reader->filled += n;
	*used = at + n;
	if (reader->filled < payload) {
		return PARSE_MORE;
	}
	*out = reader->frame;
	(*out)->arrived_ms = now_ms;
	reader->frame = NULL;
	reader->have = 0;
	return PARSE_DONE;
}

static bool reads(const struct lane *lane)
{
	return lane->state == LANE_GREETING || lane->state == LANE_JOINED;
}

static void broken(struct lane *lane, int err)
{
	if (lane->session != NULL) {
		session_fail(lane->session, err);
	} else {
		conn_join_refuse(lane, err);
	}
}

/* All frames in the worker's buffer; stops when one of them ended the lane. */
static void take_frames(struct lane *lane, const uint8_t *bytes, size_t len)
{
	while (len > 0 && reads(lane)) {
		uint32_t limit = lane->session != NULL ? lane->session->max_payload
						       : LIMIT_PRE_HELLO_PAYLOAD;
		struct frame *frame = NULL;
		size_t used;
		int err;

		switch (frame_reader_take(&lane->reader, bytes, len, limit, lane->worker->now_ms,
			&used, &frame, &err)) {
		case PARSE_DONE:
			if (lane->session != NULL) {
				frame_route(lane->session, frame);
			} else {
				conn_join_frame(lane, frame);
			}
			frame_unref(frame);
			break;
		case PARSE_MORE:
			break;
		case PARSE_BROKEN:
			broken(lane, err);
			return;
		}
		bytes += used;
		len -= used;
	}
}

static void ended(struct lane *lane, int err)
{
	if (lane->session != NULL) {
		session_gone(lane->session, err);
	} else {
		conn_join_lost(lane, err);
	}
	if (err == ERR_CLOSED) {
		lane_finish(lane);
	} else {
		lane_kill(lane);
	}
}

void frame_read_lane(struct lane *lane)
{
	struct worker *worker = lane->worker;
	size_t total = 0;

	for (int i = 0; i < READ_BUDGET_RECORDS && total < READ_BUDGET_BYTES && reads(lane); i++) {
		size_t len = 0;
		switch (tls_io_recv(&lane->io, worker->read_buf, sizeof(worker->read_buf), &len)) {
		case TLS_IO_OK:
			lane->heard_ms = worker->now_ms;
			take_frames(lane, worker->read_buf, len);
			total += len;
			break;
		case TLS_IO_WANT_READ:
			return;
		case TLS_IO_WANT_WRITE:
			lane_await_writable(lane, true);
			return;
		case TLS_IO_EOF:
			ended(lane, ERR_CLOSED);
			return;
		case TLS_IO_LOST:
		case TLS_IO_FAILED:
			ended(lane, ERR_LOST);
			return;
		}
	}
	/* What GnuTLS has decrypted already would not wake the loop. */
	if (reads(lane) && tls_io_readable(&lane->io)) {
		list_remove(&lane->reread);
		list_append(&worker->reread, &lane->reread);
	}
}
