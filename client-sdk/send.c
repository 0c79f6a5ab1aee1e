/*
 * send: what is queued, bounded, and the order in which it leaves. send_policy.c decides what is
 * dropped. Nothing here knows TLS or sockets.
 */
#include "client-sdk/send.h"

#include <stdlib.h>
#include <string.h>

#include "client-sdk/send_policy.h"
#include "proto/limits.h"

void send_init(struct send_queue *q, unsigned audio_ms, unsigned video_ms)
{
	memset(q, 0, sizeof(*q));
	q->audio_ms = audio_ms;
	q->video_ms = video_ms;
	q->max_fragment = LIMIT_PRE_HELLO_PAYLOAD;
}

void send_clear(struct send_queue *q)
{
	for (size_t i = 0; i < SEND_CLASSES; i++) {
		while (q->lists[i].head != NULL) {
			send_list_remove(&q->lists[i], NULL, q->lists[i].head);
		}
	}
	q->pongs = 0;
	q->pings = 0;
}

void send_list_remove(struct send_list *list, struct send_item *before, struct send_item *item)
{
	if (before != NULL) {
		before->next = item->next;
	} else {
		list->head = item->next;
	}
	if (list->tail == item) {
		list->tail = before;
	}
	list->items--;
	list->bytes -= item->length;
	free(item);
}

static struct send_item *item_create(enum frame_kind kind, const void *payload, size_t len)
{
	struct send_item *item = malloc(sizeof(*item) + len);

	if (item == NULL) {
		return NULL;
	}
	memset(item, 0, sizeof(*item));
	item->hdr.kind = (uint8_t)kind;
	item->hdr.flags = FRAME_FIRST | FRAME_LAST;
	item->length = len;
	if (len > 0) {
		memcpy(item->payload, payload, len);
	}
	return item;
}

static void list_add(struct send_list *list, struct send_item *item)
{
	if (list->tail != NULL) {
		list->tail->next = item;
	} else {
		list->head = item;
	}
	list->tail = item;
	list->items++;
	list->bytes += item->length;
}

static int add(struct send_queue *q, enum send_class class, enum frame_kind kind,
	const void *payload, size_t len)
{
	struct send_item *item;

	if (q->lists[class].items >= SEND_CONTROL_ITEMS) {
		return ERR_FULL;
	}
	item = item_create(kind, payload, len);
	if (item == NULL) {
		return ERR_NOMEM;
	}
	list_add(&q->lists[class], item);
	return 0;
}

int send_control(struct send_queue *q, const char *json, size_t len)
{
	return add(q, SEND_CONTROL, FRAME_CONTROL, json, len);
}

static enum send_class class_of(const struct send_source *source)
{
	return source->kind == HELIO_AUDIO ? SEND_AUDIO : SEND_VIDEO;
}

int send_control_behind(
	struct send_queue *q, struct send_source *source, const char *json, size_t len)
{
	struct send_item *item = item_create(FRAME_CONTROL, json, len);

	if (item == NULL) {
		return ERR_NOMEM;
	}
	/* At most one for each publication, so the bound of media does not apply. */
	list_add(&q->lists[class_of(source)], item);
	return 0;
}

int send_pong(struct send_queue *q, const void *payload, size_t len)
{
	int err;

	if (q->pongs >= SEND_PONGS) {
		return 0;
	}
	err = add(q, SEND_CONTROL, FRAME_PONG, payload, len);
	if (err == 0) {
		q->pongs++;
	}
	return err == ERR_FULL ? 0 : err;
}

int send_ping(struct send_queue *q, const void *payload, size_t len)
{
	int err;

	if (q->pings > 0) {
		return 0;
	}
	err = add(q, SEND_CONTROL, FRAME_PING, payload, len);
	if (err == 0) {
		q->pings++;
	}
	return err == ERR_FULL ? 0 : err;
}

int send_chat(struct send_queue *q, uint16_t to, uint16_t seq, const void *text, size_t len)
{
	struct send_item *item = item_create(FRAME_CHAT, text, len);

	if (item == NULL) {
		return ERR_NOMEM;
	}
	item->hdr.flags = to != 0 ? FRAME_MARKER : 0;
	item->hdr.stream = to;
	item->hdr.seq = seq;
	list_add(&q->lists[SEND_CHAT], item);
	return 0;
}

enum frame_kind send_frame_kind(enum helio_kind kind)
{
	switch (kind) {
	case HELIO_AUDIO:
		return FRAME_AUDIO;
	case HELIO_DATA:
		return FRAME_DATA;
	default:
		return FRAME_VIDEO;
	}
}

static void media_fill(
	struct send_item *item, const struct send_source *source, const struct helio_frame *frame)
{
	unsigned allowed =
		source->kind == HELIO_AUDIO ? FRAME_MARKER : FRAME_KEYFRAME | FRAME_DISCARDABLE;

	item->hdr.flags = (uint8_t)(frame->flags & allowed);
	item->hdr.stream = source->stream;
	item->hdr.timestamp = frame->timestamp;
	if (source->kind == HELIO_AUDIO) {
		item->hdr.level = (uint8_t)frame->level;
	} else if (source->kind != HELIO_DATA) {
		item->hdr.layer = (uint8_t)(frame->spatial << 4 | frame->temporal);
	}
}

int send_media(struct send_queue *q, struct send_source *source, const struct helio_frame *frame,
	int64_t now)
{
	enum send_class class = class_of(source);
	struct send_item *item;

	if (class == SEND_AUDIO && frame->length > q->max_fragment) {
		return ERR_TOO_LARGE;
	}
	send_expire(q, now);
	if (!send_policy_admit(q, &q->lists[class], source, frame)) {
		return ERR_FULL;
	}
	item = item_create(send_frame_kind(source->kind), frame->payload, frame->length);
	if (item == NULL) {
		return ERR_NOMEM;
	}
	media_fill(item, source, frame);
	item->source = source;
	item->gap = source->gap;
	source->gap = 0;
	item->queued_at = now;
	list_add(&q->lists[class], item);
	return 0;
}

/* Writes the next frame of item; returns its bytes, 0 when it does not fit. */
static size_t fragment_write(
	struct send_queue *q, struct send_item *item, uint8_t *out, size_t size)
{
	size_t left = item->length - item->sent;
	size_t len = left;
	struct frame_hdr hdr = item->hdr;

	if (item->source != NULL) {
		len = left < q->max_fragment ? left : q->max_fragment;
	}
	if (FRAME_HDR_LEN + len > size) {
		return 0;
	}
	if (item->source != NULL) {
		hdr.flags |= (uint8_t)(item->started ? 0 : FRAME_FIRST);
		uint16_t *next_seq = &item->source->next_seq[hdr.layer];

		*next_seq += (uint16_t)(item->started ? 0 : item->gap);
		hdr.flags |= (uint8_t)(len == left ? FRAME_LAST : 0);
		hdr.seq = (*next_seq)++;
	}
	hdr.length = (uint32_t)len;
	frame_hdr_write(&hdr, out);
	if (len > 0) {
		memcpy(out + FRAME_HDR_LEN, item->payload + item->sent, len);
	}
	item->sent += len;
	item->started = true;
	return FRAME_HDR_LEN + len;
}

static void count_sent(struct send_queue *q, const struct send_item *item, size_t bytes)
{
	switch (item->hdr.kind) {
	case FRAME_CONTROL:
		break;
	case FRAME_PING:
		q->pings--;
		break;
	case FRAME_PONG:
		q->pongs--;
		break;
	default:
		q->frames_sent++;
		q->bytes_sent += bytes;
		break;
	}
}

size_t send_gather(struct send_queue *q, uint8_t *out, size_t size)
{
	size_t filled = 0;

	for (size_t i = 0; i < SEND_CLASSES; i++) {
		struct send_list *list = &q->lists[i];

		while (list->head != NULL) {
			struct send_item *item = list->head;
			size_t len = fragment_write(q, item, out + filled, size - filled);

			if (len == 0) {
				return filled;
			}
			filled += len;
			count_sent(q, item, len);
			if (item->sent == item->length) {
				send_list_remove(list, NULL, item);
			}
		}
	}
	return filled;
}

bool send_empty(const struct send_queue *q)
{
	for (size_t i = 0; i < SEND_CLASSES; i++) {
		if (q->lists[i].head != NULL) {
			return false;
		}
	}
	return true;
}
