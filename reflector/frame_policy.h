/*
 * frame_policy: what a receiver's queue takes and what it gives up. Control and chat are never
 * dropped: their push fails and the session is closed. Audio goes oldest first. Video goes from a
 * frame on up to the next keyframe, data up to the next first fragment; the rest of a picture whose
 * beginning has left is still sent where the bound allows, and every drop is counted on its feed so
 * that the receiver is told.
 */
#ifndef REFLECTOR_FRAME_POLICY_H
#define REFLECTOR_FRAME_POLICY_H

#include "reflector/frame_queue.h"

#define FRAME_POLICY_CONTROL_BYTES 1048576u
#define FRAME_POLICY_CHAT_BYTES 1048576u

struct frame_policy {
	uint64_t audio_ms; /* oldest audio that is still sent */
	uint64_t video_ms; /* the same for video and data */
	size_t bytes; /* media per receiver: a quarter audio, half video, a quarter data */
};

/* Sets the queue's bounds; for a new queue and after new settings. */
void frame_policy_apply(const struct frame_policy *policy, struct frame_queue *queue);

/*
 * Queues a media frame or drops it, and what has to go for it. True when the feed now waits for a
 * keyframe, to be asked of the publisher.
 */
bool frame_policy_offer(const struct frame_policy *policy, struct frame_queue *queue,
	struct frame_feed *feed, struct frame *frame, uint64_t now_ms);

/* Gives up what is too old, before the queue is written. Sets queue->wants_keyframe (and that of
 * the feeds) where a stream must be begun again. */
void frame_policy_expire(
	const struct frame_policy *policy, struct frame_queue *queue, uint64_t now_ms);

#endif
