/*
 * events: the queue between the session, which works under the lock, and the callbacks, which run
 * without it. It must never call the application itself.
 */
#include "client-sdk/events.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/utf8.h"

void events_text_copy(char out[EVENT_TEXT_MAX], const char *text)
{
	size_t left = strlen(text);
	size_t filled = 0;

	while (left > 0) {
		uint32_t character;
		size_t len = utf8_decode(text, left, &character);
		bool shown = len > 0 && !utf8_is_control(character);
		size_t takes = shown ? len : 1;

		if (filled + takes >= EVENT_TEXT_MAX) {
			break;
		}
		if (shown) {
			memcpy(out + filled, text, len);
		} else {
			out[filled] = '?';
		}
		filled += takes;
		len = len > 0 ? len : 1;
		text += len;
		left -= len;
	}
	out[filled] = '\0';
}

void events_item_free(struct event_item *item)
{
	if (item != NULL) {
		free(item->payload);
		free(item);
	}
}

void events_clear(struct events *events)
{
	while (events->head != NULL) {
		struct event_item *item = events->head;

		events->head = item->next;
		events_item_free(item);
	}
	events->tail = NULL;
	events->closed = false;
	events->nomem = false;
}

bool events_pending(const struct events *events)
{
	return events->head != NULL || events->closed;
}

struct event_item *events_take(struct events *events, bool *closed)
{
	struct event_item *item = events->head;

	*closed = item == NULL && events->closed;
	if (*closed) {
		events->closed = false;
	}
	if (item != NULL) {
		events->head = item->next;
		if (events->head == NULL) {
			events->tail = NULL;
		}
	}
	return item;
}

static struct event_item *item_create(struct events *events, enum event_what what, size_t strings)
{
	struct event_item *item = calloc(1, sizeof(*item) + strings);

	if (item == NULL) {
		events->nomem = true;
		return NULL;
	}
	item->what = what;
	item->event.size = sizeof(item->event);
	return item;
}

static void item_add(struct events *events, struct event_item *item)
{
	if (events->tail != NULL) {
		events->tail->next = item;
	} else {
		events->head = item;
	}
	events->tail = item;
}

static size_t string_size(const char *s)
{
	return s != NULL ? strlen(s) + 1 : 0;
}

/* Copies into the room that item_create() was asked for. */
static const char *string_copy(struct event_item *item, const char *s, size_t len)
{
	char *copy = item->strings + item->used;

	if (s == NULL) {
		return NULL;
	}
	memcpy(copy, s, len);
	copy[len] = '\0';
	item->used += len + 1;
	return copy;
}

static void participant_fill(struct event_item *item, const struct event_who *who)
{
	item->participant.size = sizeof(item->participant);
	item->participant.id = string_copy(item, who->id, strlen(who->id));
	item->participant.name = string_copy(item, who->name, strlen(who->name));
	item->participant.number = who->number;
	item->participant.hidden = who->hidden;
	item->event.participant = &item->participant;
}

static void stream_fill(struct event_item *item, const struct helio_stream *stream)
{
	item->stream = *stream;
	item->stream.size = sizeof(item->stream);
	item->stream.codec = string_copy(item, stream->codec, strlen(stream->codec));
	item->stream.label = string_copy(item, stream->label, strlen(stream->label));
	item->event.stream = &item->stream;
}

void events_add_participant(
	struct events *events, enum helio_event_type type, const struct event_who *who, int error)
{
	struct event_item *item = item_create(
		events, EVENT_ITEM_EVENT, string_size(who->id) + string_size(who->name));

	if (item != NULL) {
		item->event.type = type;
		item->event.error = error;
		participant_fill(item, who);
		item_add(events, item);
	}
}

void events_add_stream(struct events *events, enum helio_event_type type,
	const struct event_who *who, const struct helio_stream *stream)
{
	struct event_item *item = item_create(events, EVENT_ITEM_EVENT,
		string_size(who->id) + string_size(who->name) + string_size(stream->codec) +
			string_size(stream->label));

	if (item != NULL) {
		item->event.type = type;
		participant_fill(item, who);
		stream_fill(item, stream);
		item_add(events, item);
	}
}

void events_add_publication(struct events *events, enum helio_event_type type, int publication,
	const struct helio_stream *stream, int error, const char *text)
{
	size_t strings = string_size(text);

	if (stream != NULL) {
		strings += string_size(stream->codec) + string_size(stream->label);
	}
	struct event_item *item = item_create(events, EVENT_ITEM_EVENT, strings);
	if (item == NULL) {
		return;
	}
	item->event.type = type;
	item->event.publication = publication;
	item->event.error = error;
	item->event.text = string_copy(item, text, text != NULL ? strlen(text) : 0);
	if (stream != NULL) {
		stream_fill(item, stream);
	}
	item_add(events, item);
}

void events_add_chat(struct events *events, const struct helio_chat *chat)
{
	struct event_item *item = item_create(events, EVENT_ITEM_EVENT,
		string_size(chat->from_id) + string_size(chat->from_name) + chat->length + 1);

	if (item != NULL) {
		item->event.type = HELIO_EVENT_CHAT;
		item->chat = *chat;
		item->chat.from_id = string_copy(item, chat->from_id, strlen(chat->from_id));
		item->chat.from_name = string_copy(item, chat->from_name, strlen(chat->from_name));
		item->chat.text = string_copy(item, chat->text, chat->length);
		item->event.chat = &item->chat;
		item_add(events, item);
	}
}

void events_add_chat_result(
	struct events *events, enum helio_event_type type, uint32_t chat_id, int error)
{
	struct event_item *item = item_create(events, EVENT_ITEM_EVENT, 0);

	if (item != NULL) {
		item->event.type = type;
		item->event.chat_id = chat_id;
		item->event.error = error;
		item_add(events, item);
	}
}

void events_add_drops(struct events *events, const struct helio_drops *drops)
{
	struct event_item *item = item_create(events, EVENT_ITEM_EVENT, string_size(drops->reason));

	if (item != NULL) {
		item->event.type = HELIO_EVENT_DROPS;
		item->drops = *drops;
		item->drops.reason = string_copy(item, drops->reason, strlen(drops->reason));
		item->event.drops = &item->drops;
		item_add(events, item);
	}
}

void events_add_error(struct events *events, int error, const char *text)
{
	events_add_text(events, HELIO_EVENT_ERROR, error, text);
}

void events_add_text(struct events *events, enum helio_event_type type, int error, const char *text)
{
	struct event_item *item = item_create(events, EVENT_ITEM_EVENT, string_size(text));

	if (item != NULL) {
		item->event.type = type;
		item->event.error = error;
		item->event.text = string_copy(item, text, text != NULL ? strlen(text) : 0);
		item_add(events, item);
	}
}

void events_add_moderation(struct events *events, enum helio_event_type type,
	const struct event_who *who, const struct helio_moderation *moderation)
{
	struct event_item *item = item_create(events, EVENT_ITEM_EVENT,
		who != NULL ? string_size(who->id) + string_size(who->name) : 0);

	if (item != NULL) {
		item->event.type = type;
		item->moderation = *moderation;
		item->moderation.size = sizeof(item->moderation);
		item->event.moderation = &item->moderation;
		if (who != NULL) {
			participant_fill(item, who);
		}
		item_add(events, item);
	}
}

void events_add_policy(struct events *events, const struct helio_policy *policy)
{
	struct event_item *item = item_create(events, EVENT_ITEM_EVENT, 0);

	if (item != NULL) {
		item->event.type = HELIO_EVENT_POLICY;
		item->policy = *policy;
		item->policy.size = sizeof(item->policy);
		item->event.policy = &item->policy;
		item_add(events, item);
	}
}

void events_add_frame(struct events *events, const struct helio_frame *frame, void *payload)
{
	struct event_item *item = item_create(events, EVENT_ITEM_FRAME, 0);

	if (item == NULL) {
		free(payload);
		return;
	}
	item->frame = *frame;
	item->frame.size = sizeof(item->frame);
	item->frame.payload = payload;
	item->payload = payload;
	item_add(events, item);
}

void events_add_log(struct events *events, int level, const char *format, ...)
{
	char text[2 * EVENT_TEXT_MAX];
	char told[EVENT_TEXT_MAX];
	va_list args;

	if (!events->want_log) {
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	events_text_copy(told, text);
	size_t len = strlen(told);
	struct event_item *item = item_create(events, EVENT_ITEM_LOG, len + 1);
	if (item != NULL) {
		item->level = level;
		item->event.text = string_copy(item, told, len);
		item_add(events, item);
	}
}

void events_add_closed(struct events *events, int error, const char *text)
{
	events->closed = true;
	events->closed_error = error;
	events_text_copy(events->closed_text, text != NULL ? text : "");
}
