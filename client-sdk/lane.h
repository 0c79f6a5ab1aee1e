/*
 * lane: one TLS connection to a reflector: bytes in, frames out of them, and records out. It knows
 * frames, not what they mean. It owns the descriptor it was opened with.
 */
#ifndef CLIENT_SDK_LANE_H
#define CLIENT_SDK_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client-sdk/config.h"
#include "client-sdk/endpoint.h"
#include "client-sdk/loop.h"
#include "proto/frame_hdr.h"
#include "proto/limits.h"
#include "proto/tls_io.h"

#define LANE_RECORD 16384u /* bytes, the largest TLS record */
#define LANE_IN (LIMIT_PAYLOAD_DEFAULT + FRAME_HDR_LEN + LANE_RECORD)

struct lane {
	bool open;
	int fd;
	struct loop *loop; /* borrowed */
	struct tls_io tls;
	uint32_t max_payload; /* of frames that come in */
	size_t in_at, in_len; /* unread bytes of in */
	unsigned watched; /* enum loop_event */
	bool cut; /* a write found the connection gone; reading may still find why */
	uint8_t in[LANE_IN];
	uint8_t out[LANE_RECORD]; /* the next record; the caller fills it */
};

/* Takes fd, also when it fails. ERR_TLS_CERT when neither pin nor trust anchors are there. */
int lane_open(struct lane *lane, struct loop *loop, int fd, const struct endpoint *endpoint,
	const struct config *config) MUST_CHECK;

/* Goes on with the handshake; TLS_IO_OK when certificate and pin were checked and all is well. */
enum tls_io_result lane_handshake(struct lane *lane) MUST_CHECK;

/* Reads once into the buffer. Only after lane_next() said PARSE_MORE. */
enum tls_io_result lane_read(struct lane *lane) MUST_CHECK;

/* The next frame in the buffer; *payload is valid until lane_read(). PARSE_BROKEN: *err says why.
 */
enum parse lane_next(
	struct lane *lane, struct frame_hdr *hdr, const uint8_t **payload, int *err) MUST_CHECK;

/* True when the kernel would take a record now, and the last one is gone. */
bool lane_writable(struct lane *lane);
/* Sends the first len bytes of lane->out. TLS_IO_WANT_WRITE: they are on their way all the same. */
enum tls_io_result lane_write(struct lane *lane, size_t len) MUST_CHECK;

/* Tells the loop what the lane waits for. */
int lane_watch(struct lane *lane, bool want_write) MUST_CHECK;

/* True when bytes wait that poll() would not tell of. */
bool lane_readable(const struct lane *lane);

/* Says goodbye in TLS and TCP; what comes can still be read. */
void lane_shutdown(struct lane *lane);

/* Closes; sends nothing. Safe on a zeroed struct and twice. */
void lane_close(struct lane *lane);

#endif
