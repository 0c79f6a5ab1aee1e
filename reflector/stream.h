/*
 * stream: one published stream and the list of who wants it, so that a frame touches only those.
 * The publisher's session owns its streams; a subscription belongs to stream and receiver both and
 * ends with either, but its memory stays until its last frame has left the receiver's queue.
 */
#ifndef REFLECTOR_STREAM_H
#define REFLECTOR_STREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "proto/errcode.h"
#include "proto/limits.h"
#include "reflector/frame_police.h"
#include "reflector/frame_queue.h"

struct session;

struct subscription {
	struct frame_feed feed; /* the receiver's side; first, and on its queue's lists */
	struct stream *stream; /* NULL once it ended */
	struct session *receiver;
	size_t index; /* in stream->subscriptions */
	uint8_t max_spatial, max_temporal;
	struct list node; /* in receiver->subscriptions */
};

struct stream {
	struct session *publisher;
	uint16_t id;
	const char *kind; /* "audio", "video", "screen", "data": static */
	uint8_t kind_index; /* 1 << kind_index is its bit of enum token_publish */
	uint8_t frame_kind; /* enum frame_kind its frames must have */
	uint8_t frame_class; /* enum frame_class */
	char codec[LIMIT_CODEC + 1];
	char label[LIMIT_LABEL + 1];
	struct subscription **subscriptions;
	size_t count, room_for;
	bool keyframe_asked; /* ever */
	uint64_t keyframe_ms; /* when the publisher was asked last */
	struct frame_policed policed;
	struct list node; /* in publisher->streams */
};

/* Publishes: kind is one of the four names. ERR_LIMIT, ERR_NOMEM. */
int stream_create(struct stream **out, struct session *publisher, const char *kind,
	const char *codec, const char *label) MUST_CHECK;
/* Ends all subscriptions and forgets the stream. What was queued is still delivered. */
void stream_destroy(struct stream *stream);

/* {"stream","kind","codec","label"}: a new reference, NULL when out of memory. */
json_t *stream_json(const struct stream *stream);

/* Asks the publisher for a keyframe, at most once in LIMIT_KEYFRAME_REQUEST_MS. */
void stream_ask_keyframe(struct stream *stream);

/* The caller has seen that there is none yet. ERR_NOMEM. */
int subscription_create(struct stream *stream, struct session *receiver) MUST_CHECK;
struct subscription *subscription_find(const struct stream *stream, const struct session *receiver);
void subscription_end(struct subscription *subscription);
/* Frees the subscriptions whose last frame has left the queue. */
void subscription_reap(struct frame_queue *queue);

#endif
