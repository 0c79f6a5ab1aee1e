/*
 * events: what the application is to be told, collected under the handle's lock and handed out one
 * by one, so that callbacks run with the lock released. Items own copies of all they point to.
 *
 * Adding never fails visibly: a missing allocation sets `nomem`, and the session is closed for it.
 * CLOSED needs no memory.
 */
#ifndef CLIENT_SDK_EVENTS_H
#define CLIENT_SDK_EVENTS_H

#include <helio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

enum event_what { EVENT_ITEM_EVENT, EVENT_ITEM_FRAME, EVENT_ITEM_LOG };

#define EVENT_TEXT_MAX 256u

struct event_item {
	struct event_item *next;
	enum event_what what;
	int level; /* of a log line */
	struct helio_event event;
	struct helio_participant participant;
	struct helio_stream stream;
	struct helio_chat chat;
	struct helio_drops drops;
	struct helio_moderation moderation;
	struct helio_policy policy;
	struct helio_frame frame;
	void *payload; /* of the frame; owned */
	size_t used; /* of strings */
	char strings[];
};

struct events {
	struct event_item *head, *tail;
	bool want_log; /* there is an on_log */
	bool nomem;
	bool closed; /* CLOSED is the last item */
	int closed_error;
	char closed_text[EVENT_TEXT_MAX];
};

/* Copies text of a peer for people: what may not be shown as it is becomes '?', and what is too
 * long is cut between characters. */
void events_text_copy(char out[EVENT_TEXT_MAX], const char *text);

/* Frees all that is queued. */
void events_clear(struct events *events);
bool events_pending(const struct events *events);

/*
 * Takes the next item; NULL when there is none. *closed is set when it is time for CLOSED, behind
 * all items: NULL is returned then.
 */
struct event_item *events_take(struct events *events, bool *closed);
void events_item_free(struct event_item *item);

struct event_who {
	uint16_t number;
	const char *id;
	const char *name;
	bool hidden;
};

/* JOINED, PARTICIPANT_JOINED, PARTICIPANT_LEFT, WAITING, WAITING_LEFT. */
void events_add_participant(
	struct events *events, enum helio_event_type type, const struct event_who *who, int error);
/* STREAM_ADDED, STREAM_REMOVED. */
void events_add_stream(struct events *events, enum helio_event_type type,
	const struct event_who *who, const struct helio_stream *stream);
/* PUBLISHED, PUBLISH_FAILED, UNPUBLISHED, KEYFRAME_REQUEST; stream and text may be NULL. */
void events_add_publication(struct events *events, enum helio_event_type type, int publication,
	const struct helio_stream *stream, int error, const char *text);
/* CHAT; strings are copied. */
void events_add_chat(struct events *events, const struct helio_chat *chat);
/* CHAT_DELIVERED, CHAT_FAILED. */
void events_add_chat_result(
	struct events *events, enum helio_event_type type, uint32_t chat_id, int error);
void events_add_drops(struct events *events, const struct helio_drops *drops);
void events_add_error(struct events *events, int error, const char *text);
/* LOBBY, MOVED: with the room's name. */
void events_add_text(
	struct events *events, enum helio_event_type type, int error, const char *text);
/* MUTED (who), LOCKED and REKEY (who NULL). */
void events_add_moderation(struct events *events, enum helio_event_type type,
	const struct event_who *who, const struct helio_moderation *moderation);
void events_add_policy(struct events *events, const struct helio_policy *policy);
/* Takes payload, malloc()ed or NULL, also when it fails. */
void events_add_frame(struct events *events, const struct helio_frame *frame, void *payload);
void events_add_log(struct events *events, int level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Once per join; nothing may be added behind it. text may be NULL. */
void events_add_closed(struct events *events, int error, const char *text);

#endif
