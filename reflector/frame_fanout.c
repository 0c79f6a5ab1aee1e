/*
 * frame_fanout: the inner loop of the reflector. Per receiver it costs one queue entry: no system
 * call, no allocation, no text, no copy.
 */
#include "reflector/frame_fanout.h"

#include "reflector/frame_policy.h"
#include "reflector/room.h"
#include "reflector/session.h"
#include "reflector/stream.h"
#include "reflector/worker.h"

static bool wanted(const struct subscription *subscription, const struct frame_hdr *hdr)
{
	return frame_hdr_spatial(hdr) <= subscription->max_spatial &&
		frame_hdr_temporal(hdr) <= subscription->max_temporal;
}

static void count(struct stats *stats, const struct frame *frame, uint64_t copies, uint64_t dropped)
{
	stats->frames_out += copies;
	stats->bytes_out += copies * frame->len;
	stats->dropped += dropped;
}

void frame_fanout(struct stream *stream, struct frame *frame)
{
	struct room *room = stream->publisher->room;
	struct worker *worker = room->worker;
	bool keyframe_needed = false;
	uint64_t copies = 0;
	uint64_t dropped = 0;

	for (size_t i = 0; i < stream->count; i++) {
		struct subscription *subscription = stream->subscriptions[i];
		struct session *receiver = subscription->receiver;
		struct frame_feed *feed = &subscription->feed;

		if (!wanted(subscription, &frame->hdr)) {
			continue;
		}
		uint64_t dropped_before = receiver->queue.dropped;
		unsigned queued_before = feed->queued;
		keyframe_needed |= frame_policy_offer(
			&worker->policy, &receiver->queue, feed, frame, worker->now_ms);
		if (feed->queued > queued_before) {
			copies++;
			receiver->stats.frames_out++;
			receiver->stats.bytes_out += frame->len;
		}
		dropped += receiver->queue.dropped - dropped_before;
		session_mark_dirty(receiver);
	}
	count(&room->stats, frame, copies, dropped);
	count(&worker->stats, frame, copies, dropped);
	if (keyframe_needed) {
		stream_ask_keyframe(stream);
	}
}
