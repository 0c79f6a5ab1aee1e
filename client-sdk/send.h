/*
 * send: the bounded queue of what leaves, in four classes: control, audio, chat, video (with screen
 * and data). It decides the order, cuts pictures into fragments as they leave, and drops media that
 * is too old or too much; what it dropped is counted per source. Control and chat are never
 * dropped.
 *
 * A picture whose first fragment has left is finished. A picture that others depend on takes those
 * with it up to the next keyframe, and the application is asked for one.
 */
#ifndef CLIENT_SDK_SEND_H
#define CLIENT_SDK_SEND_H

#include <helio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"
#include "proto/frame_hdr.h"

enum send_class { SEND_CONTROL, SEND_AUDIO, SEND_CHAT, SEND_VIDEO, SEND_CLASSES };

enum send_reason { SEND_DROP_AGE, SEND_DROP_FULL, SEND_DROP_KEYFRAME, SEND_REASONS };

/* Bounds of a class. Chat is bounded by its unacknowledged messages, see chat_out. */
#define SEND_CONTROL_ITEMS 256u
#define SEND_PONGS 32u
#define SEND_AUDIO_ITEMS 512u
#define SEND_AUDIO_BYTES 524288u
#define SEND_VIDEO_ITEMS 1024u
#define SEND_LAYERS 256u /* values of a header's layer field */
#define SEND_VIDEO_BYTES 8388608u

struct send_drops {
	unsigned count; /* frames */
	uint64_t bytes;
};

/* One published stream, as far as the queue cares. Owned by its publication. */
struct send_source {
	enum helio_kind kind;
	uint16_t stream;
	uint16_t next_seq[SEND_LAYERS]; /* each layer counts its own frames */
	uint16_t gap; /* numbers the next frame that enters skips: frames before it were dropped */
	bool need_keyframe; /* what depends on a dropped picture is refused until a keyframe comes
			     */
	bool ask_keyframe; /* the application is to be asked for one; the reader clears it */
	struct send_drops drops[SEND_REASONS]; /* since the reader last cleared them */
};

struct send_item {
	struct send_item *next;
	struct send_source *source; /* media only, else NULL */
	struct frame_hdr hdr; /* of the whole; seq of media is given when it leaves */
	int64_t queued_at;
	uint16_t gap; /* sequence numbers skipped before it */
	size_t length;
	size_t sent; /* bytes that left in fragments */
	bool started; /* the first fragment has left */
	uint8_t payload[];
};

struct send_list {
	struct send_item *head, *tail;
	size_t items, bytes;
};

struct send_queue {
	struct send_list lists[SEND_CLASSES];
	unsigned audio_ms, video_ms; /* age limits */
	size_t max_fragment; /* bytes of payload in one frame */
	unsigned pongs, pings; /* queued */
	uint64_t frames_sent, bytes_sent; /* of media and chat */
	uint64_t frames_dropped;
};

void send_init(struct send_queue *q, unsigned audio_ms, unsigned video_ms);
/* Frees what is queued; the counters stay. */
void send_clear(struct send_queue *q);

/* Queues a control message. ERR_FULL, ERR_NOMEM. */
int send_control(struct send_queue *q, const char *json, size_t len) MUST_CHECK;
/* The same behind the media of a source, so that it does not overtake them. */
int send_control_behind(
	struct send_queue *q, struct send_source *source, const char *json, size_t len) MUST_CHECK;
/* A pong (one too many is left out) or ping (one is queued at a time). */
int send_pong(struct send_queue *q, const void *payload, size_t len) MUST_CHECK;
int send_ping(struct send_queue *q, const void *payload, size_t len) MUST_CHECK;
/* A chat message to the room (to 0) or one participant. */
int send_chat(
	struct send_queue *q, uint16_t to, uint16_t seq, const void *text, size_t len) MUST_CHECK;
/* In which frames a stream of this kind is sent: a screen is video. */
enum frame_kind send_frame_kind(enum helio_kind kind);
/* A packet or picture. ERR_FULL when it was dropped, ERR_TOO_LARGE for audio over one frame. */
int send_media(struct send_queue *q, struct send_source *source, const struct helio_frame *frame,
	int64_t now) MUST_CHECK;

/* Drops what is too old. */
void send_expire(struct send_queue *q, int64_t now);
/* When the next media gets too old; -1: nothing does. */
int64_t send_next_expiry(const struct send_queue *q);
/* Takes out all media of a source that is going away. */
void send_forget(struct send_queue *q, const struct send_source *source);

/* Writes as many whole frames as fit into out, in order of class; returns the bytes. out must have
 * room for one fragment with its header. */
size_t send_gather(struct send_queue *q, uint8_t *out, size_t size);

bool send_empty(const struct send_queue *q);
/* Age of the oldest media in milliseconds, at least 1; 0 when there is none. */
unsigned send_oldest_ms(const struct send_queue *q, int64_t now);

#endif
