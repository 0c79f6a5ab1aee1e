/*
 * frame_policy: the rules of the egress queue. Walks lists only when something is too old or does
 * not fit; never allocates, never logs, never sends.
 */
#include "reflector/frame_policy.h"

#define SEARCH_INTERVAL_MS 100u /* a full queue is searched for one feed at most this often */

void frame_policy_apply(const struct frame_policy *policy, struct frame_queue *queue)
{
	queue->lists[FRAME_CLASS_CONTROL].bound = FRAME_POLICY_CONTROL_BYTES;
	queue->lists[FRAME_CLASS_CHAT].bound = FRAME_POLICY_CHAT_BYTES;
	queue->lists[FRAME_CLASS_AUDIO].bound = policy->bytes / 4;
	queue->lists[FRAME_CLASS_VIDEO].bound = policy->bytes / 2;
	queue->lists[FRAME_CLASS_DATA].bound = policy->bytes / 4;
}

static void count_drop(struct frame_queue *queue, struct frame_feed *feed,
	const struct frame *frame, enum frame_drop why)
{
	feed->drops[why].count++;
	feed->drops[why].bytes += frame->len;
	queue->dropped++;
	if (!feed->gone) {
		list_remove(&feed->node);
		list_append(&queue->dropped_feeds, &feed->node);
	}
}

static void drop_entry(struct frame_queue *queue, struct frame_entry **link, enum frame_drop why)
{
	struct frame_feed *feed = (*link)->feed;

	count_drop(queue, feed, (*link)->frame, why);
	frame_queue_remove(queue, (enum frame_class)feed->frame_class, link);
}

/* Can a receiver that has nothing begin with this frame? */
static bool begins_anew(const struct frame *frame, enum frame_class c)
{
	unsigned needed = c == FRAME_CLASS_VIDEO ? FRAME_KEYFRAME | FRAME_FIRST : FRAME_FIRST;

	return (frame->hdr.flags & needed) == needed;
}

static bool too_old(const struct frame *frame, uint64_t max_ms, uint64_t now_ms)
{
	return now_ms - frame->arrived_ms > max_ms;
}

static void expire_audio(
	const struct frame_policy *policy, struct frame_queue *queue, uint64_t now_ms)
{
	struct frame_list *list = &queue->lists[FRAME_CLASS_AUDIO];

	while (list->head != NULL && too_old(list->head->frame, policy->audio_ms, now_ms)) {
		drop_entry(queue, &list->head, FRAME_DROP_AGE);
	}
}

static void offer_audio(const struct frame_policy *policy, struct frame_queue *queue,
	struct frame_feed *feed, struct frame *frame, uint64_t now_ms)
{
	struct frame_list *list = &queue->lists[FRAME_CLASS_AUDIO];
	size_t cost = frame_queue_cost(frame);

	expire_audio(policy, queue, now_ms);
	while (list->head != NULL && !frame_queue_fits(queue, FRAME_CLASS_AUDIO, cost)) {
		drop_entry(queue, &list->head, FRAME_DROP_FULL);
	}
	if (frame_queue_push(queue, FRAME_CLASS_AUDIO, frame, feed) != 0) {
		count_drop(queue, feed, frame, FRAME_DROP_FULL);
	}
}

/* Takes whole pictures of this feed out; a picture whose beginning has already left stays. */
static void drop_pictures(struct frame_queue *queue, struct frame_feed *feed)
{
	struct frame_list *list = &queue->lists[feed->frame_class];
	struct frame_entry **link = &list->head;
	bool begun = true;

	while (*link != NULL) {
		if ((*link)->feed != feed) {
			link = &(*link)->next;
			continue;
		}
		if (begun && ((*link)->frame->hdr.flags & FRAME_FIRST) == 0) {
			link = &(*link)->next;
			continue;
		}
		begun = false;
		drop_entry(queue, link, FRAME_DROP_FULL);
	}
}

/* Takes the fragments of one picture out, if its first one is among them. */
static void drop_picture_of(
	struct frame_queue *queue, struct frame_feed *feed, const struct frame *frame)
{
	struct frame_list *list = &queue->lists[feed->frame_class];
	struct frame_entry **link = &list->head;
	bool whole = false;

	while (*link != NULL) {
		const struct frame_hdr *hdr = &(*link)->frame->hdr;
		bool same = (*link)->feed == feed && hdr->timestamp == frame->hdr.timestamp &&
			hdr->layer == frame->hdr.layer;
		whole = whole || (same && (hdr->flags & FRAME_FIRST) != 0);
		if (same && whole) {
			drop_entry(queue, link, FRAME_DROP_FULL);
		} else {
			link = &(*link)->next;
		}
	}
}

/* A search through a full queue costs its length; a publisher must not make us do it per frame. */
static bool may_search(struct frame_feed *feed, uint64_t now_ms)
{
	if (feed->queued == 0 ||
		(feed->cleared_ms != 0 && now_ms - feed->cleared_ms < SEARCH_INTERVAL_MS)) {
		return false;
	}
	feed->cleared_ms = now_ms;
	return true;
}

static bool offer_pictures(
	struct frame_queue *queue, struct frame_feed *feed, struct frame *frame, uint64_t now_ms)
{
	enum frame_class c = (enum frame_class)feed->frame_class;
	bool anew = begins_anew(frame, c);
	size_t cost = frame_queue_cost(frame);

	if (feed->state != FRAME_FEED_FLOWING && !anew) {
		if (feed->state == FRAME_FEED_SKIPPING) {
			count_drop(queue, feed, frame, FRAME_DROP_KEYFRAME);
		}
		return c == FRAME_CLASS_VIDEO;
	}
	if (frame->hdr.length <= queue->max_payload) {
		if (anew && !frame_queue_fits(queue, c, cost) && may_search(feed, now_ms)) {
			drop_pictures(queue, feed);
		}
		if (frame_queue_push(queue, c, frame, feed) == 0) {
			feed->state = FRAME_FEED_FLOWING;
			return false;
		}
	}
	if (!anew && may_search(feed, now_ms)) {
		drop_picture_of(queue, feed, frame);
	}
	count_drop(queue, feed, frame, FRAME_DROP_FULL);
	feed->state = FRAME_FEED_SKIPPING;
	return c == FRAME_CLASS_VIDEO;
}

bool frame_policy_offer(const struct frame_policy *policy, struct frame_queue *queue,
	struct frame_feed *feed, struct frame *frame, uint64_t now_ms)
{
	if (feed->frame_class != FRAME_CLASS_AUDIO) {
		return offer_pictures(queue, feed, frame, now_ms);
	}
	if (frame->hdr.length > queue->max_payload) {
		count_drop(queue, feed, frame, FRAME_DROP_FULL);
	} else {
		offer_audio(policy, queue, feed, frame, now_ms);
	}
	return false;
}

/*
 * One pass over a list whose head is too old. A feed is dropped from its first picture that is too
 * old up to one that it can begin anew with; walk says that it is in between. A fragment that is no
 * first one and comes before that belongs to a picture that has begun to leave: it stays.
 */
static void expire_pictures(
	struct frame_queue *queue, enum frame_class c, uint64_t max_ms, uint64_t now_ms)
{
	struct frame_list *list = &queue->lists[c];
	struct frame_entry **link = &list->head;

	while (*link != NULL) {
		struct frame *frame = (*link)->frame;
		struct frame_feed *feed = (*link)->feed;
		bool old = too_old(frame, max_ms, now_ms);

		if (feed->walk && !old && begins_anew(frame, c)) {
			feed->walk = false;
		} else if (!feed->walk && old && (frame->hdr.flags & FRAME_FIRST) != 0) {
			feed->walk = true;
		}
		if (feed->walk) {
			drop_entry(queue, link, old ? FRAME_DROP_AGE : FRAME_DROP_KEYFRAME);
		} else {
			link = &(*link)->next;
		}
	}
	for (LIST_EACH(node, &queue->dropped_feeds)) {
		struct frame_feed *feed = LIST_ENTRY(node, struct frame_feed, node);
		if (feed->walk) {
			feed->walk = false;
			feed->state = FRAME_FEED_SKIPPING;
			feed->wants_keyframe = c == FRAME_CLASS_VIDEO;
			queue->wants_keyframe = queue->wants_keyframe || feed->wants_keyframe;
		}
	}
}

void frame_policy_expire(
	const struct frame_policy *policy, struct frame_queue *queue, uint64_t now_ms)
{
	static const enum frame_class pictures[] = { FRAME_CLASS_VIDEO, FRAME_CLASS_DATA };

	expire_audio(policy, queue, now_ms);
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		const struct frame_entry *head = queue->lists[pictures[i]].head;
		if (head != NULL && too_old(head->frame, policy->video_ms, now_ms)) {
			expire_pictures(queue, pictures[i], policy->video_ms, now_ms);
		}
	}
}
