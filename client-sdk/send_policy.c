/*
 * send_policy: the rules of dropping. Audio goes one by one. A picture that others depend on takes
 * them with it up to the next keyframe, and one is asked for. A started picture is never dropped.
 */
#include "client-sdk/send_policy.h"

static bool is_picture(const struct send_source *source)
{
	return source->kind == HELIO_VIDEO || source->kind == HELIO_SCREEN;
}

static void count_drop(
	struct send_queue *q, struct send_source *source, enum send_reason reason, size_t bytes)
{
	source->drops[reason].count++;
	source->drops[reason].bytes += bytes;
	q->frames_dropped++;
}

/*
 * Something of source was dropped before `next` (NULL: before what comes): audio and data skip
 * sequence numbers there, so that receivers know of it. Of pictures they get a row without a gap
 * that goes on with a keyframe.
 */
static void leave_gap(struct send_source *source, struct send_item *next, uint16_t numbers)
{
	if (is_picture(source)) {
		return;
	}
	while (next != NULL && next->source != source) {
		next = next->next;
	}
	if (next != NULL) {
		next->gap += numbers;
	} else {
		source->gap += numbers;
	}
}

static void keyframe_needed(struct send_source *source)
{
	source->need_keyframe = true;
	source->ask_keyframe = true;
}

bool send_policy_admit(struct send_queue *q, const struct send_list *list,
	struct send_source *source, const struct helio_frame *frame)
{
	bool audio = source->kind == HELIO_AUDIO;
	size_t max_items = audio ? SEND_AUDIO_ITEMS : SEND_VIDEO_ITEMS;
	size_t max_bytes = audio ? SEND_AUDIO_BYTES : SEND_VIDEO_BYTES;
	bool keyframe = (frame->flags & HELIO_KEYFRAME) != 0;

	if (source->need_keyframe && !keyframe) {
		count_drop(q, source, SEND_DROP_KEYFRAME, frame->length);
		return false;
	}
	if (list->items >= max_items || frame->length > max_bytes - list->bytes) {
		count_drop(q, source, SEND_DROP_FULL, frame->length);
		leave_gap(source, NULL, 1);
		if (is_picture(source) && (frame->flags & HELIO_DISCARDABLE) == 0) {
			keyframe_needed(source);
		}
		return false;
	}
	source->need_keyframe = false;
	return true;
}

/* Drops what of source stands behind `before` (NULL: from the head) up to its next keyframe. */
static void skip_to_keyframe(struct send_queue *q, struct send_list *list, struct send_item *before,
	struct send_source *source)
{
	struct send_item *item = before != NULL ? before->next : list->head;

	while (item != NULL) {
		struct send_item *next = item->next;

		if (item->source != source) {
			before = item;
		} else if ((item->hdr.flags & FRAME_KEYFRAME) != 0) {
			return;
		} else {
			count_drop(q, source, SEND_DROP_KEYFRAME, item->length);
			send_list_remove(list, before, item);
		}
		item = next;
	}
	keyframe_needed(source);
}

static void list_expire(struct send_queue *q, struct send_list *list, int64_t queued_before)
{
	struct send_item *before = NULL;
	struct send_item *item = list->head;

	while (item != NULL) {
		struct send_source *source = item->source;
		bool discardable = (item->hdr.flags & FRAME_DISCARDABLE) != 0;

		if (source == NULL || item->started || item->queued_at >= queued_before) {
			before = item;
			item = item->next;
			continue;
		}
		count_drop(q, source, SEND_DROP_AGE, item->length);
		leave_gap(source, item->next, (uint16_t)(item->gap + 1));
		send_list_remove(list, before, item);
		if (is_picture(source) && !discardable) {
			skip_to_keyframe(q, list, before, source);
		}
		item = before != NULL ? before->next : list->head;
	}
}

void send_expire(struct send_queue *q, int64_t now)
{
	list_expire(q, &q->lists[SEND_AUDIO], now - q->audio_ms);
	list_expire(q, &q->lists[SEND_VIDEO], now - q->video_ms);
}

static const struct send_item *oldest_media(const struct send_list *list, bool with_started)
{
	const struct send_item *item = list->head;

	while (item != NULL && (item->source == NULL || (item->started && !with_started))) {
		item = item->next;
	}
	return item;
}

int64_t send_next_expiry(const struct send_queue *q)
{
	const struct send_item *audio = oldest_media(&q->lists[SEND_AUDIO], false);
	const struct send_item *video = oldest_media(&q->lists[SEND_VIDEO], false);
	int64_t at = -1;

	if (audio != NULL) {
		at = audio->queued_at + q->audio_ms + 1;
	}
	if (video != NULL && (at < 0 || video->queued_at + q->video_ms + 1 < at)) {
		at = video->queued_at + q->video_ms + 1;
	}
	return at;
}

unsigned send_oldest_ms(const struct send_queue *q, int64_t now)
{
	const struct send_item *audio = oldest_media(&q->lists[SEND_AUDIO], true);
	const struct send_item *video = oldest_media(&q->lists[SEND_VIDEO], true);
	int64_t since = now;

	if (audio == NULL && video == NULL) {
		return 0;
	}
	if (audio != NULL && audio->queued_at < since) {
		since = audio->queued_at;
	}
	if (video != NULL && video->queued_at < since) {
		since = video->queued_at;
	}
	return now - since < 1 ? 1 : (unsigned)(now - since);
}

void send_forget(struct send_queue *q, const struct send_source *source)
{
	for (size_t i = 0; i < SEND_CLASSES; i++) {
		struct send_item *before = NULL;
		struct send_item *item = q->lists[i].head;

		while (item != NULL) {
			struct send_item *next = item->next;

			if (item->source == source) {
				send_list_remove(&q->lists[i], before, item);
			} else {
				before = item;
			}
			item = next;
		}
	}
}
