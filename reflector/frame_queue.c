/*
 * frame_queue: lists of references and the pool their entries come from. Never decides what is
 * dropped, never looks into a payload, never makes a system call.
 */
#include "reflector/frame_queue.h"

#include <stdlib.h>
#include <string.h>

#define SLAB_ENTRIES 1024u

struct frame_slab {
	struct frame_slab *next;
	struct frame_entry entries[SLAB_ENTRIES];
};

void frame_pool_init(struct frame_pool *pool)
{
	pool->free = NULL;
	pool->slabs = NULL;
}

void frame_pool_finish(struct frame_pool *pool)
{
	while (pool->slabs != NULL) {
		struct frame_slab *slab = pool->slabs;
		pool->slabs = slab->next;
		free(slab);
	}
	pool->free = NULL;
}

/* Slabs are kept: the pool grows to the worst moment and is bounded by the queues' bounds. */
static struct frame_entry *pool_take(struct frame_pool *pool)
{
	struct frame_entry *entry;

	if (pool->free == NULL) {
		struct frame_slab *slab = malloc(sizeof(*slab));
		if (slab == NULL) {
			return NULL;
		}
		slab->next = pool->slabs;
		pool->slabs = slab;
		for (size_t i = 0; i < SLAB_ENTRIES; i++) {
			slab->entries[i].next = pool->free;
			pool->free = &slab->entries[i];
		}
	}
	entry = pool->free;
	pool->free = entry->next;
	return entry;
}

static void pool_give(struct frame_pool *pool, struct frame_entry *entry)
{
	entry->next = pool->free;
	pool->free = entry;
}

void frame_queue_init(struct frame_queue *queue, struct frame_pool *pool)
{
	memset(queue, 0, sizeof(*queue));
	queue->pool = pool;
	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		queue->lists[c].tail = &queue->lists[c].head;
	}
	list_init(&queue->dropped_feeds);
	list_init(&queue->spent_feeds);
}

void frame_queue_clear(struct frame_queue *queue)
{
	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		while (queue->lists[c].head != NULL) {
			frame_queue_remove(queue, (enum frame_class)c, &queue->lists[c].head);
		}
	}
}

void frame_queue_finish(struct frame_queue *queue)
{
	frame_queue_clear(queue);
	frame_unref(queue->current);
	queue->current = NULL;
	queue->offset = 0;
}

void frame_feed_init(struct frame_feed *feed, uint16_t stream, enum frame_class frame_class)
{
	memset(feed, 0, sizeof(*feed));
	feed->stream = stream;
	feed->frame_class = (uint8_t)frame_class;
	feed->state = frame_class == FRAME_CLASS_AUDIO ? FRAME_FEED_FLOWING : FRAME_FEED_WAITING;
	list_init(&feed->node);
}

int frame_queue_push(
	struct frame_queue *queue, enum frame_class c, struct frame *frame, struct frame_feed *feed)
{
	struct frame_list *list = &queue->lists[c];
	size_t cost = frame_queue_cost(frame);
	struct frame_entry *entry;

	if (!frame_queue_fits(queue, c, cost)) {
		return ERR_FULL;
	}
	entry = pool_take(queue->pool);
	if (entry == NULL) {
		return ERR_NOMEM;
	}
	entry->next = NULL;
	entry->frame = frame_ref(frame);
	entry->feed = feed;
	*list->tail = entry;
	list->tail = &entry->next;
	list->bytes += cost;
	list->count++;
	if (feed != NULL) {
		feed->queued++;
	}
	if (frame->hdr.kind == FRAME_PONG) {
		queue->pongs++;
	}
	return 0;
}

/* Unlinks and returns the frame with the entry's reference. */
static struct frame *entry_detach(
	struct frame_queue *queue, struct frame_list *list, struct frame_entry **link)
{
	struct frame_entry *entry = *link;
	struct frame_feed *feed = entry->feed;
	struct frame *frame = entry->frame;

	*link = entry->next;
	if (list->tail == &entry->next) {
		list->tail = link;
	}
	list->bytes -= frame_queue_cost(frame);
	list->count--;
	if (frame->hdr.kind == FRAME_PONG) {
		queue->pongs--;
	}
	if (feed != NULL && --feed->queued == 0 && feed->gone) {
		list_remove(&feed->node);
		list_append(&queue->spent_feeds, &feed->node);
	}
	pool_give(queue->pool, entry);
	return frame;
}

void frame_queue_remove(struct frame_queue *queue, enum frame_class c, struct frame_entry **link)
{
	frame_unref(entry_detach(queue, &queue->lists[c], link));
}

static struct frame *next_frame(struct frame_queue *queue)
{
	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		struct frame_list *list = &queue->lists[c];
		if (list->head != NULL) {
			return entry_detach(queue, list, &list->head);
		}
	}
	return NULL;
}

size_t frame_queue_gather(struct frame_queue *queue, uint8_t *out, size_t size)
{
	size_t filled = 0;

	while (filled < size) {
		if (queue->current == NULL) {
			queue->current = next_frame(queue);
			queue->offset = 0;
			if (queue->current == NULL) {
				break;
			}
		}
		size_t left = queue->current->len - queue->offset;
		size_t part = left < size - filled ? left : size - filled;
		memcpy(out + filled, queue->current->bytes + queue->offset, part);
		filled += part;
		queue->offset += part;
		if (part == left) {
			frame_unref(queue->current);
			queue->current = NULL;
		}
	}
	return filled;
}

bool frame_queue_empty(const struct frame_queue *queue)
{
	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		if (queue->lists[c].head != NULL) {
			return false;
		}
	}
	return queue->current == NULL;
}

size_t frame_queue_bytes(const struct frame_queue *queue)
{
	size_t bytes = queue->current != NULL ? queue->current->len - queue->offset : 0;

	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		bytes += queue->lists[c].bytes;
	}
	return bytes;
}

uint64_t frame_queue_age(const struct frame_queue *queue, uint64_t now_ms)
{
	uint64_t oldest = queue->current != NULL ? queue->current->arrived_ms : now_ms;

	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		const struct frame_entry *head = queue->lists[c].head;
		if (head != NULL && head->frame->arrived_ms < oldest) {
			oldest = head->frame->arrived_ms;
		}
	}
	return now_ms - oldest;
}
