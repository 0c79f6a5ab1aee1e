/*
 * frame_queue: what waits for one receiver, one first-in-first-out list per class, each bounded in
 * bytes. Only the mechanism: what goes when a list is full or too old is decided in frame_policy.
 *
 * An entry is one reference to a shared frame. Entries come from a pool of the worker, so that
 * queueing a frame allocates nothing.
 */
#ifndef REFLECTOR_FRAME_QUEUE_H
#define REFLECTOR_FRAME_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"
#include "proto/errcode.h"
#include "reflector/frame.h"

/* In the order in which they are sent. */
enum frame_class {
	FRAME_CLASS_CONTROL,
	FRAME_CLASS_AUDIO,
	FRAME_CLASS_CHAT,
	FRAME_CLASS_VIDEO,
	FRAME_CLASS_DATA,
	FRAME_CLASS_COUNT
};

enum frame_drop { FRAME_DROP_AGE, FRAME_DROP_FULL, FRAME_DROP_KEYFRAME, FRAME_DROP_COUNT };

enum frame_feed_state {
	FRAME_FEED_WAITING, /* nothing was sent yet: waits for a frame that can be begun with */
	FRAME_FEED_FLOWING,
	FRAME_FEED_SKIPPING /* something was dropped: as waiting, and what is skipped is counted */
};

/*
 * One stream on its way to one receiver. Lives in the subscription that owns it; entries in the
 * queue point here. A feed whose subscription ended (gone) is put into the queue's spent list when
 * its last entry left, for the owner to free.
 */
struct frame_feed {
	uint16_t stream;
	uint8_t frame_class; /* enum frame_class: audio, video or data */
	uint8_t state; /* enum frame_feed_state */
	bool gone;
	bool walk; /* scratch of frame_policy during one pass over the queue */
	bool wants_keyframe; /* to be asked for by the owner */
	unsigned queued; /* entries in the queue */
	uint64_t cleared_ms; /* when queued frames were last searched for this feed */
	uint64_t reported_ms; /* when the receiver was last told of drops */
	struct {
		uint64_t count, bytes;
	} drops[FRAME_DROP_COUNT]; /* not told to the receiver yet */
	struct list node; /* in queue->dropped or queue->spent */
};

struct frame_entry {
	struct frame_entry *next;
	struct frame *frame;
	struct frame_feed *feed; /* NULL for control and chat */
};

struct frame_pool {
	struct frame_entry *free;
	struct frame_slab *slabs;
};

void frame_pool_init(struct frame_pool *pool);
void frame_pool_finish(struct frame_pool *pool);

struct frame_list {
	struct frame_entry *head;
	struct frame_entry **tail;
	size_t bytes; /* cost of all entries */
	size_t bound;
	unsigned count;
};

struct frame_queue {
	struct frame_pool *pool;
	struct frame_list lists[FRAME_CLASS_COUNT];
	struct frame *current; /* partly handed to TLS; goes on before anything else */
	size_t offset; /* of current, bytes already handed over */
	uint32_t max_payload; /* media frames over it are never queued */
	unsigned pongs; /* waiting in the control list */
	uint64_t dropped; /* frames, ever */
	bool wants_keyframe; /* a feed in the dropped list does */
	struct list dropped_feeds;
	struct list spent_feeds;
};

/* Bounds of all lists are 0 until they are set. */
void frame_queue_init(struct frame_queue *queue, struct frame_pool *pool);
/* Drops everything uncounted. */
void frame_queue_finish(struct frame_queue *queue);
/* As finish, except for a frame already begun and the bounds: a goodbye can still follow. */
void frame_queue_clear(struct frame_queue *queue);

void frame_feed_init(struct frame_feed *feed, uint16_t stream, enum frame_class frame_class);

/* What a frame counts against the bound. */
static inline size_t frame_queue_cost(const struct frame *frame)
{
	return frame->len + sizeof(struct frame_entry);
}

static inline bool frame_queue_fits(
	const struct frame_queue *queue, enum frame_class c, size_t cost)
{
	return queue->lists[c].bytes + cost <= queue->lists[c].bound;
}

/* Appends one reference of its own. ERR_FULL over the bound, ERR_NOMEM. */
int frame_queue_push(struct frame_queue *queue, enum frame_class c, struct frame *frame,
	struct frame_feed *feed) MUST_CHECK;

/* Takes the entry *link points at out of the list and gives its reference back. */
void frame_queue_remove(struct frame_queue *queue, enum frame_class c, struct frame_entry **link);

/* Moves up to size bytes, in the order of the classes, to out; returns how many. */
size_t frame_queue_gather(struct frame_queue *queue, uint8_t *out, size_t size);

bool frame_queue_empty(const struct frame_queue *queue);
size_t frame_queue_bytes(const struct frame_queue *queue);
/* Age of the oldest frame that waits, milliseconds. */
uint64_t frame_queue_age(const struct frame_queue *queue, uint64_t now_ms);

#endif
