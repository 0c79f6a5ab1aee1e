/*
 * helio.h: the whole public API of libhelio, the Heliograph client SDK.
 *
 * One handle, struct helio, is one participant's session with one room: it fetches a token from
 * authd over HTTPS, connects to the reflector over TLS, publishes streams and receives those of
 * others. A process may have as many handles as it likes.
 *
 * Event loop. A handle either lives on the application's own loop,
 *
 *	helio_fd()          a descriptor to poll for reading (it never changes)
 *	helio_timeout_ms()  how long that poll may wait at most
 *	helio_dispatch()    to be called when the descriptor is readable or the time is over
 *
 * or on a thread of its own (helio_thread_start()), which does those three. Nothing in this library
 * blocks on the network.
 *
 * Callbacks run inside helio_dispatch() only (that is, on the loop's thread or on the handle's own
 * thread), never inside another API call, and never two at once for one handle. Every function but
 * helio_destroy(), helio_thread_start() and helio_thread_stop() may be called from within a
 * callback. What a callback is given is valid until it returns.
 *
 * Threads. Functions on one handle may be called from any thread at the same time, except
 * helio_destroy(), which must be the last, and helio_dispatch(), which belongs to one thread.
 *
 * Errors. Functions return 0 or a positive number of HELIO_ERR_...; helio_error_name() gives its
 * stable name, helio_error_text() a sentence. Nothing is written to stderr, no signal handler is
 * installed, SIGPIPE is never raised.
 *
 * Compatibility. Structures that applications fill start with their size: set it with the
 * HELIO_..._INIT initialisers. Fields are only ever added at the end, events and error codes only
 * ever added. Unknown event types must be ignored.
 *
 * Strings are UTF-8 and NUL-terminated unless a length stands beside them; a string or buffer given
 * to a function is copied by it.
 */
#ifndef HELIO_H
#define HELIO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

#define HELIO_VERSION_MAJOR 0
#define HELIO_VERSION_MINOR 1
#define HELIO_VERSION_PATCH 0

struct helio;

/* ------------------------------------------------------------------ errors */

enum helio_error {
	HELIO_OK = 0,
	HELIO_ERR_NOMEM = 1,
	HELIO_ERR_SYSTEM = 2,
	HELIO_ERR_INVALID = 3, /* an argument makes no sense */
	HELIO_ERR_STATE = 4, /* not possible in this state, for example not joined */
	HELIO_ERR_FULL = 5, /* the send queue is full; see helio_buffered_ms() */
	HELIO_ERR_CONFIG = 6,
	HELIO_ERR_DNS = 20, /* the path, by stage */
	HELIO_ERR_CONNECT = 21,
	HELIO_ERR_PROXY = 22,
	HELIO_ERR_TLS = 23,
	HELIO_ERR_TLS_CERT = 24,
	HELIO_ERR_TLS_PIN = 25,
	HELIO_ERR_TIMEOUT = 26,
	HELIO_ERR_CLOSED = 27,
	HELIO_ERR_LOST = 28,
	HELIO_ERR_BAD_FRAME = 40, /* the protocol was broken */
	HELIO_ERR_TOO_LARGE = 41,
	HELIO_ERR_BAD_JSON = 42,
	HELIO_ERR_BAD_FIELD = 43,
	HELIO_ERR_UNKNOWN_MESSAGE = 44,
	HELIO_ERR_VERSION = 45,
	HELIO_ERR_HELLO_EXPECTED = 46,
	HELIO_ERR_SECOND_HELLO = 47,
	HELIO_ERR_DEADLINE = 48,
	HELIO_ERR_UNKNOWN_STREAM = 49,
	HELIO_ERR_UNKNOWN_PARTICIPANT = 50,
	HELIO_ERR_TOKEN_INVALID = 60, /* the answer is no */
	HELIO_ERR_TOKEN_EXPIRED = 61,
	HELIO_ERR_TOKEN_EARLY = 62,
	HELIO_ERR_TOKEN_AUDIENCE = 63,
	HELIO_ERR_TOKEN_ROOM = 64,
	HELIO_ERR_TOKEN_PLACE = 65,
	HELIO_ERR_TOKEN_REVOKED = 66,
	HELIO_ERR_NOT_GRANTED = 67,
	HELIO_ERR_LIMIT = 68,
	HELIO_ERR_REPLACED = 69,
	HELIO_ERR_TOO_SLOW = 70,
	HELIO_ERR_AUTHD_AWAY = 71, /* try again later */
	HELIO_ERR_SHUTDOWN = 72, /* try again later */
	HELIO_ERR_TOKEN_NETWORK = 73,
	HELIO_ERR_TOKEN_USED = 74,
	HELIO_ERR_DUPLICATE = 75,
	HELIO_ERR_LOGIN = 80, /* authd's answers */
	HELIO_ERR_RATE = 81, /* too many requests: wait */
	HELIO_ERR_NO_REFLECTOR = 82,
	HELIO_ERR_HTTP = 83,
	HELIO_ERR_NOT_FOUND = 84,
	HELIO_ERR_EXISTS = 85,
	HELIO_ERR_DENIED = 86,
	HELIO_ERR_STORE = 87,
	HELIO_ERR_INTERNAL = 99,
	HELIO_ERR_KICKED = 110,
	HELIO_ERR_BANNED = 111,
	HELIO_ERR_ROOM_LOCKED = 112,
	HELIO_ERR_ROOM_CLOSED = 113,
	HELIO_ERR_E2EE_REQUIRED = 114,
	HELIO_ERR_MOVED = 115,
	HELIO_ERR_SESSION_OVER = 116
};

/* Stable name ("token-expired") and one sentence in English. Static; any thread; never NULL. */
const char *helio_error_name(int error);
const char *helio_error_text(int error);

/* "0.1.0", the version of the library that runs. */
const char *helio_version(void);

/* ------------------------------------------------------------------ streams and frames */

enum helio_kind {
	HELIO_AUDIO = 1, /* timestamps at 48 kHz */
	HELIO_VIDEO = 2, /* timestamps at 90 kHz */
	HELIO_SCREEN = 3, /* as video */
	HELIO_DATA = 4 /* as video; only where room and token allow it */
};

enum helio_frame_flag {
	HELIO_KEYFRAME = 0x01, /* can be decoded without other pictures */
	HELIO_DISCARDABLE = 0x08, /* no other picture depends on it */
	HELIO_MARKER = 0x20 /* audio: first frame after silence */
};

/* One encoded audio packet or picture, of any size: the library fragments and reassembles. */
struct helio_frame {
	size_t size; /* of this struct */
	uint16_t stream; /* received: the stream; sent: ignored */
	enum helio_kind kind; /* received: the stream's; sent: ignored */
	unsigned flags; /* enum helio_frame_flag */
	unsigned spatial, temporal; /* layer, 0-15 */
	unsigned level; /* audio level in -dBov, 0 loudest to 127 silence (RFC 6464) */
	uint32_t timestamp; /* media clock */
	uint16_t seq; /* received: sequence number of its last fragment; sent: ignored */
	const void *payload; /* received: valid until the callback returns */
	size_t length; /* bytes; up to HELIO_FRAME_MAX */
};
#define HELIO_FRAME_INIT { .size = sizeof(struct helio_frame), .level = 127 }
#define HELIO_FRAME_MAX 4194304u

struct helio_stream {
	size_t size; /* of this struct */
	enum helio_kind kind;
	const char *codec; /* "opus", "vp8", ...; 1-32 characters */
	const char *label; /* "mic", "camera", ...; up to 64 bytes, may be NULL */
	uint16_t id; /* received: the stream id; in helio_publish(): ignored */
	uint16_t participant; /* received: number of the publisher */
};
#define HELIO_STREAM_INIT { .size = sizeof(struct helio_stream) }

struct helio_participant {
	size_t size; /* of this struct */
	const char *id; /* proved to authd and stamped by the reflector */
	const char *name; /* for people */
	uint16_t number; /* unique in the room while it lives */
	int hidden; /* 1: only those who may moderate know of it */
};

/* ------------------------------------------------------------------ events */

enum helio_event_type {
	HELIO_EVENT_JOINED = 1, /* we are in the room: participant is ourselves */
	/* The session is over: error says why, HELIO_OK after helio_leave(). The last event of this
	 * join; helio_join() may be called again. */
	HELIO_EVENT_CLOSED = 2,
	HELIO_EVENT_PARTICIPANT_JOINED = 3, /* participant; also for each one there when we come */
	HELIO_EVENT_PARTICIPANT_LEFT = 4, /* participant; error says how, HELIO_OK: in order */
	HELIO_EVENT_STREAM_ADDED = 5, /* participant, stream */
	HELIO_EVENT_STREAM_REMOVED = 6, /* participant, stream */
	HELIO_EVENT_PUBLISHED = 7, /* our stream may send now: publication, stream */
	HELIO_EVENT_PUBLISH_FAILED = 8, /* publication, error, text; the publication is gone */
	HELIO_EVENT_UNPUBLISHED = 9, /* our stream is gone: publication */
	HELIO_EVENT_KEYFRAME_REQUEST = 10, /* somebody needs a keyframe: publication */
	HELIO_EVENT_CHAT = 11, /* chat */
	HELIO_EVENT_CHAT_DELIVERED = 12, /* chat_id: the reflector has taken our message */
	HELIO_EVENT_CHAT_FAILED = 13, /* chat_id, error */
	HELIO_EVENT_DROPS = 14, /* drops: frames that did not reach us, or did not leave us */
	/* The reflector refused something; the session goes on: error, text */
	HELIO_EVENT_ERROR = 15,
	/* We wait to be let in, as long as it takes (the reflector ends it after 10 minutes):
	 * JOINED or CLOSED follows. helio_leave() gives up. text: the room */
	HELIO_EVENT_LOBBY = 16,
	HELIO_EVENT_WAITING = 17, /* to who may moderate: participant waits; see helio_admit() */
	HELIO_EVENT_WAITING_LEFT = 18, /* participant waits no longer */
	HELIO_EVENT_MUTED = 19, /* participant (also ourselves), moderation */
	HELIO_EVENT_LOCKED = 20, /* moderation: the room lets nobody in, or does again */
	HELIO_EVENT_POLICY = 21, /* policy: the room's has changed */
	/* The media key of moderation's epoch is to be fetched from authd. */
	HELIO_EVENT_REKEY = 22,
	/* We are sent to another room (text); all of the old one is gone, publications included.
	 * JOINED or CLOSED follows. */
	HELIO_EVENT_MOVED = 23
};

struct helio_chat {
	uint16_t from; /* participant number, stamped by the reflector */
	const char *from_id; /* participant id, "" when unknown (left already) */
	const char *from_name;
	int is_private; /* 1: sent to us alone */
	uint32_t number; /* the message's number in the room */
	const char *text; /* NUL-terminated; length below may count NULs inside */
	size_t length; /* bytes */
};

struct helio_drops {
	uint16_t stream;
	const char *reason; /* "age", "full", "keyframe", "bitrate", "muted", "loudest" */
	unsigned count; /* frames */
	uint64_t bytes;
	int outgoing; /* 1: frames of ours, dropped by our queue or the reflector's rules */
};

/* A kind as a bit of a set of kinds. */
#define HELIO_KIND_BIT(kind) (1u << ((kind)-1))

struct helio_moderation {
	size_t size; /* of this struct */
	unsigned kinds; /* MUTED: which, HELIO_KIND_BIT() or-ed */
	int on; /* MUTED, LOCKED: 1 from now on, 0 no longer */
	uint16_t by; /* MUTED, LOCKED: number of who did it; 0: an administrator */
	uint64_t epoch; /* REKEY */
};

struct helio_policy {
	size_t size; /* of this struct */
	unsigned kinds; /* that may be published, HELIO_KIND_BIT() or-ed */
	unsigned capacity; /* participants; 0: no limit of its own */
	int lobby, locked, e2ee;
	unsigned loudest; /* speakers that are forwarded at once; 0: all */
	uint64_t epoch; /* of the media key */
	int64_t expires_at; /* when the room ends, seconds since 1970; 0: never */
};

struct helio_event {
	size_t size; /* of this struct as the library knows it */
	enum helio_event_type type;
	int error; /* enum helio_error */
	const char *text; /* more about the error, for people; may be NULL */
	const struct helio_participant *participant;
	const struct helio_stream *stream;
	int publication;
	const struct helio_chat *chat;
	uint32_t chat_id;
	const struct helio_drops *drops;
	const struct helio_moderation *moderation;
	const struct helio_policy *policy;
};

struct helio_callbacks {
	size_t size; /* of this struct */
	void (*on_event)(struct helio *h, const struct helio_event *event, void *user);
	/* A complete audio packet or picture. Pictures with a missing part, and those that depend
	 * on them, are left out. */
	void (*on_frame)(struct helio *h, const struct helio_frame *frame, void *user);
	/* Optional, for diagnosis: level is a syslog priority (3 error, 4 warning, 6 info, 7
	 * debug). No secrets are in it. */
	void (*on_log)(struct helio *h, int level, const char *text, void *user);
};
#define HELIO_CALLBACKS_INIT { .size = sizeof(struct helio_callbacks) }

/* ------------------------------------------------------------------ a session */

struct helio_config {
	size_t size; /* of this struct */
	const char *authd_url; /* "https://authd.example" or "https://192.0.2.1:8443" */
	const char *authd_ca_file; /* PEM trust anchors for authd; NULL: the system's */
	const char *ca_file; /* PEM trust anchors for the reflector, checked beside the pin; NULL:
			      * the pin that authd names decides alone */
	const char *user, *password; /* for authd; may be NULL where answer is given */
	const char *room;
	const char *device; /* tells clients of one user apart: [A-Za-z0-9_-]{1,32}; may be NULL */
	const char *display_name; /* shown to others; NULL: the user */
	const char *token_answer; /* instead of authd_url: the JSON answer of POST /v1/token,
				   * fetched by the application's own backend; may be NULL */
	int subscribe_none; /* 1: nothing is received before helio_subscribe() */
	unsigned connect_timeout_ms; /* from helio_join() to JOINED; 0: 15,000 */
	unsigned queue_audio_ms; /* our own audio older than this is not sent; 0: 400 */
	unsigned queue_video_ms; /* likewise video; 0: 1,000 */
	/* For a guest, instead of user, password and room: the link "https://.../join#..." or what
	 * stands behind its #; authd_url may then be NULL with a link. display_name is required. */
	const char *invite;
	const char *passcode; /* where the invite has one; may be NULL */
};
#define HELIO_CONFIG_INIT { .size = sizeof(struct helio_config) }

/* Makes a handle. config and callbacks are copied; user is handed to each callback.
 * HELIO_ERR_INVALID for a missing or malformed field. Nothing is sent yet. */
int helio_create(struct helio **out, const struct helio_config *config,
	const struct helio_callbacks *callbacks, void *user);

/* Ends the session at once, without saying bye (see helio_leave()), stops the thread if there is
 * one, frees the handle. No callback runs any more when it returns. Not from a callback. NULL is
 * fine. */
void helio_destroy(struct helio *h);

/* Starts to join; JOINED or CLOSED tells how it ended. HELIO_ERR_STATE when under way or joined. */
int helio_join(struct helio *h);

/* Says bye after what is queued was sent (at most 1 s); CLOSED follows. Harmless when not joined:
 * HELIO_ERR_STATE. */
int helio_leave(struct helio *h);

/* The loop. helio_timeout_ms(): milliseconds, 0 now, -1 no limit. */
int helio_fd(struct helio *h);
int helio_timeout_ms(struct helio *h);
int helio_dispatch(struct helio *h);

/* A thread that runs the loop; callbacks then come from it. HELIO_ERR_STATE when it runs already.
 * helio_thread_stop() waits for it to end. */
int helio_thread_start(struct helio *h);
int helio_thread_stop(struct helio *h);

/* ------------------------------------------------------------------ sending */

/* Asks to publish; *publication (> 0) names the stream from now on. PUBLISHED or PUBLISH_FAILED
 * follows. Only while joined. Publications end with the session. HELIO_ERR_LIMIT: 16 are there. */
int helio_publish(struct helio *h, const struct helio_stream *stream, int *publication);
int helio_unpublish(struct helio *h, int publication);

/* Queues one packet or picture. HELIO_ERR_STATE before PUBLISHED, HELIO_ERR_TOO_LARGE,
 * HELIO_ERR_FULL when the queue is at its bound (the frame is dropped whole). Never blocks. */
int helio_send(struct helio *h, int publication, const struct helio_frame *frame);

/* Age in milliseconds of the oldest media frame still queued in this process; 0: none. */
unsigned helio_buffered_ms(struct helio *h);

/* Sends text (1-4,096 bytes) to the room (to = 0) or to one participant's number. *chat_id names it
 * in CHAT_DELIVERED and CHAT_FAILED; may be NULL. HELIO_ERR_FULL with 256 unacknowledged messages.
 */
int helio_chat(struct helio *h, uint16_t to, const char *text, size_t length, uint32_t *chat_id);

/* ------------------------------------------------------------------ moderation
 *
 * For those whose token lets them moderate. Each asks the reflector; what comes of it is told to
 * everybody as an event, a refusal as ERROR (not-granted, unknown-participant). HELIO_ERR_STATE
 * when not joined.
 */

/* kinds: HELIO_KIND_BIT() or-ed; their frames are dropped at the reflector. muted 0: no longer. */
int helio_mute(struct helio *h, uint16_t participant, unsigned kinds, int muted);
/* Sends a participant away, also a waiting one; with ban_s (up to 86,400 seconds) its user cannot
 * return till then, without it with a new token only. text tells it why (up to 128 bytes); may be
 * NULL. */
int helio_kick(struct helio *h, uint16_t participant, unsigned ban_s, const char *text);
int helio_lock(struct helio *h, int locked);
/* Lets one in who waits, or sends it away: the token it came with ends. */
int helio_admit(struct helio *h, uint16_t participant);
int helio_deny(struct helio *h, uint16_t participant);

/* ------------------------------------------------------------------ receiving */

int helio_subscribe(struct helio *h, uint16_t stream);
int helio_unsubscribe(struct helio *h, uint16_t stream);
/* Asks the publisher of a stream for a keyframe (the library does so itself after a loss). */
int helio_request_keyframe(struct helio *h, uint16_t stream);
/* Highest layers wanted of a stream, 0-15 each. */
int helio_set_layers(struct helio *h, uint16_t stream, unsigned spatial, unsigned temporal);

struct helio_stats {
	size_t size; /* of this struct; set it before the call */
	uint64_t frames_sent, frames_received; /* wire frames of media and chat */
	uint64_t bytes_sent, bytes_received; /* of those, headers included */
	uint64_t frames_dropped_out; /* ours, dropped before they left */
	uint64_t pictures_incomplete; /* received with a part missing */
	unsigned rtt_ms; /* of the last ping; 0: not measured yet */
	unsigned participants; /* others in the room */
	uint16_t endpoint_port; /* of the reflector we are connected to; 0: none */
	char endpoint_address[64]; /* literal, for people */
};
int helio_get_stats(struct helio *h, struct helio_stats *stats);

/* ------------------------------------------------------------------ media helper: Opus
 *
 * Encoder, decoder and playout for 48 kHz audio, independent of a session: an application with its
 * own codec needs none of this. One thread per object. PCM is interleaved native 16-bit.
 */

struct helio_opus_config {
	size_t size; /* of this struct */
	unsigned channels; /* 1 or 2; 0: 1 */
	unsigned frame_ms; /* 10, 20, 40 or 60; 0: 20 */
	unsigned bitrate; /* bit/s, 6,000-510,000; 0: 32,000 per channel */
	int dtx; /* 1: nothing is produced during silence */
	int music; /* 1: tuned for music instead of speech */
};
#define HELIO_OPUS_CONFIG_INIT { .size = sizeof(struct helio_opus_config) }

struct helio_opus_encoder;
int helio_opus_encoder_create(
	struct helio_opus_encoder **out, const struct helio_opus_config *config);
void helio_opus_encoder_destroy(struct helio_opus_encoder *enc);
/* Samples per channel that each call takes: 48 x frame_ms. */
unsigned helio_opus_encoder_frame_size(const struct helio_opus_encoder *enc);
/*
 * Encodes one frame of frame_size x channels samples. Fills frame's payload (valid until the next
 * call), length, level, flags and timestamp (the encoder's own count of samples). With DTX in
 * silence frame->length is 0: send nothing; the next frame with content carries HELIO_MARKER.
 */
int helio_opus_encode(
	struct helio_opus_encoder *enc, const int16_t *pcm, struct helio_frame *frame);

/*
 * Playout of one received stream: takes packets as they come, gives PCM at a steady pace. It
 * buffers just as much as the arrival jitter asks for, conceals what is missing, and speeds up or
 * slows down by leaving out or stretching silence. Latency is bounded by max_delay_ms.
 */
struct helio_playout;
struct helio_playout_config {
	size_t size; /* of this struct */
	unsigned channels; /* of the PCM given out, 1 or 2; 0: 1 */
	unsigned min_delay_ms; /* 0: 20 */
	unsigned max_delay_ms; /* 0: 500 */
};
#define HELIO_PLAYOUT_CONFIG_INIT { .size = sizeof(struct helio_playout_config) }
struct helio_playout_stats {
	size_t size; /* of this struct; set it before the call */
	uint64_t played, concealed, discarded; /* milliseconds of audio */
	unsigned delay_ms; /* buffered now */
	unsigned jitter_ms; /* target of the buffer */
};
int helio_playout_create(struct helio_playout **out, const struct helio_playout_config *config);
void helio_playout_destroy(struct helio_playout *p);
/* Takes a packet; now_us is any monotonic clock in microseconds. HELIO_ERR_INVALID when it is no
 * Opus. */
int helio_playout_push(struct helio_playout *p, const struct helio_frame *frame, int64_t now_us);
/* Fills samples x channels of PCM (silence where there is nothing); samples per channel, 1-5,760.
 * Returns 1 when any of it was real or concealed audio, 0 for silence only. */
int helio_playout_pull(struct helio_playout *p, int16_t *pcm, unsigned samples, int64_t now_us);
void helio_playout_get_stats(const struct helio_playout *p, struct helio_playout_stats *stats);

/* Adds count samples of src to dst with saturation. */
void helio_mix_add(int16_t *dst, const int16_t *src, size_t count);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
