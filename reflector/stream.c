/*
 * stream: who publishes what to whom. Touches no frame; its lists are what frame_fanout walks.
 */
#include "reflector/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/token_claims.h"
#include "reflector/control.h"
#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/worker.h"

static void set_kind(struct stream *stream, const char *kind)
{
	unsigned bit = token_publish_from_name(kind);

	stream->kind = token_publish_name(bit);
	while ((1u << stream->kind_index) != bit) {
		stream->kind_index++;
	}
	switch (bit) {
	case TOKEN_PUBLISH_AUDIO:
		stream->frame_kind = FRAME_AUDIO;
		stream->frame_class = FRAME_CLASS_AUDIO;
		break;
	case TOKEN_PUBLISH_DATA:
		stream->frame_kind = FRAME_DATA;
		stream->frame_class = FRAME_CLASS_DATA;
		break;
	default:
		stream->frame_kind = FRAME_VIDEO;
		stream->frame_class = FRAME_CLASS_VIDEO;
		break;
	}
}

int stream_create(struct stream **out, struct session *publisher, const char *kind,
	const char *codec, const char *label)
{
	struct stream *stream;

	if (publisher->stream_count >= LIMIT_STREAMS_PER_PARTICIPANT) {
		return ERR_LIMIT;
	}
	stream = calloc(1, sizeof(*stream));
	if (stream == NULL) {
		return ERR_NOMEM;
	}
	int err = stream_ids_add(&publisher->room->streams, stream, &stream->id);
	if (err != 0) {
		free(stream);
		return err;
	}
	stream->publisher = publisher;
	set_kind(stream, kind);
	(void)snprintf(stream->codec, sizeof(stream->codec), "%s", codec);
	(void)snprintf(stream->label, sizeof(stream->label), "%s", label);
	list_append(&publisher->streams, &stream->node);
	publisher->stream_count++;
	publisher->worker->stream_count++;
	*out = stream;
	return 0;
}

void stream_destroy(struct stream *stream)
{
	while (stream->count > 0) {
		subscription_end(stream->subscriptions[stream->count - 1]);
	}
	stream_ids_remove(&stream->publisher->room->streams, stream->id);
	list_remove(&stream->node);
	stream->publisher->stream_count--;
	stream->publisher->worker->stream_count--;
	free(stream->subscriptions);
	free(stream);
}

json_t *stream_json(const struct stream *stream)
{
	return json_pack("{s:i, s:s, s:s, s:s}", "stream", (int)stream->id, "kind", stream->kind,
		"codec", stream->codec, "label", stream->label);
}

void stream_ask_keyframe(struct stream *stream)
{
	uint64_t now = stream->publisher->worker->now_ms;

	if (stream->keyframe_asked && now - stream->keyframe_ms < LIMIT_KEYFRAME_REQUEST_MS) {
		return;
	}
	stream->keyframe_asked = true;
	stream->keyframe_ms = now;
	session_send(stream->publisher,
		json_pack("{s:s, s:i}", "type", "keyframe", "stream", (int)stream->id));
}

static int make_space(struct stream *stream)
{
	size_t room_for = stream->room_for > 0 ? stream->room_for * 2 : 8;
	struct subscription **grown;

	if (stream->count < stream->room_for) {
		return 0;
	}
	grown = realloc(stream->subscriptions, room_for * sizeof(*grown));
	if (grown == NULL) {
		return ERR_NOMEM;
	}
	stream->subscriptions = grown;
	stream->room_for = room_for;
	return 0;
}

int subscription_create(struct stream *stream, struct session *receiver)
{
	struct subscription *subscription;

	subscription = make_space(stream) == 0 ? calloc(1, sizeof(*subscription)) : NULL;
	if (subscription == NULL) {
		return ERR_NOMEM;
	}
	frame_feed_init(&subscription->feed, stream->id, (enum frame_class)stream->frame_class);
	subscription->stream = stream;
	subscription->receiver = receiver;
	subscription->max_spatial = subscription->max_temporal = 15;
	subscription->index = stream->count;
	stream->subscriptions[stream->count++] = subscription;
	list_append(&receiver->subscriptions, &subscription->node);
	return 0;
}

struct subscription *subscription_find(const struct stream *stream, const struct session *receiver)
{
	for (size_t i = 0; i < stream->count; i++) {
		if (stream->subscriptions[i]->receiver == receiver) {
			return stream->subscriptions[i];
		}
	}
	return NULL;
}

void subscription_end(struct subscription *subscription)
{
	struct stream *stream = subscription->stream;
	struct subscription *moved = stream->subscriptions[--stream->count];

	stream->subscriptions[subscription->index] = moved;
	moved->index = subscription->index;
	list_remove(&subscription->node);
	list_remove(&subscription->feed.node);
	subscription->stream = NULL;
	subscription->feed.gone = true;
	if (subscription->feed.queued == 0) {
		free(subscription);
	}
}

void subscription_reap(struct frame_queue *queue)
{
	while (!list_empty(&queue->spent_feeds)) {
		struct frame_feed *feed =
			LIST_ENTRY(queue->spent_feeds.next, struct frame_feed, node);
		list_remove(&feed->node);
		free(LIST_ENTRY(feed, struct subscription, feed));
	}
}
