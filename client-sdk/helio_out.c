/*
 * helio_out: the public functions that send: publishing, media, chat. They check and queue; the
 * loop sends.
 */
#include <helio.h>

#include <string.h>

#include "client-sdk/control_out.h"
#include "client-sdk/handle.h"
#include "proto/msg.h"

#define FRAME_FLAGS (HELIO_KEYFRAME | HELIO_DISCARDABLE | HELIO_MARKER)

static bool stream_is_good(const struct helio_stream *stream)
{
	if (stream == NULL || stream->size < sizeof(*stream) || stream->codec == NULL ||
		control_kind_name(stream->kind) == NULL) {
		return false;
	}
	return msg_is_codec(stream->codec) &&
		(stream->label == NULL || msg_is_label(stream->label));
}

static int publish_locked(struct session *s, const struct helio_stream *stream, int *id)
{
	struct publication *publication;
	int64_t req = s->next_req;
	int err;

	if (!session_is_joined(s)) {
		return HELIO_ERR_STATE;
	}
	publication = publication_add(&s->publications, stream, req);
	if (publication == NULL) {
		return HELIO_ERR_LIMIT;
	}
	err = control_out_publish(s, stream, req);
	if (err != 0) {
		publication_remove(publication);
		return err;
	}
	s->next_req = req < INT32_MAX ? req + 1 : 0;
	*id = publication->id;
	return 0;
}

int helio_publish(struct helio *h, const struct helio_stream *stream, int *publication)
{
	int err;

	if (h == NULL || publication == NULL || !stream_is_good(stream)) {
		return HELIO_ERR_INVALID;
	}
	handle_lock(h);
	err = publish_locked(&h->session, stream, publication);
	if (err == 0) {
		handle_wake(h);
	}
	handle_unlock(h);
	return err;
}

static int unpublish_locked(struct session *s, int id)
{
	struct publication *publication = publication_find(&s->publications, id);

	if (!session_is_joined(s) || publication == NULL || publication->unpublish) {
		return HELIO_ERR_STATE;
	}
	if (publication->state == PUBLICATION_LIVE) {
		int err = control_out_unpublish(s, publication);

		if (err != 0) {
			return err;
		}
		publication->state = PUBLICATION_ENDING;
	}
	publication->unpublish = true; /* REQUESTED: said as soon as published comes */
	return 0;
}

int helio_unpublish(struct helio *h, int publication)
{
	int err;

	if (h == NULL) {
		return HELIO_ERR_INVALID;
	}
	handle_lock(h);
	err = unpublish_locked(&h->session, publication);
	if (err == 0) {
		handle_wake(h);
	}
	handle_unlock(h);
	return err;
}

static bool frame_is_good(const struct helio_frame *frame)
{
	return frame != NULL && frame->size >= sizeof(*frame) &&
		(frame->flags & ~(unsigned)FRAME_FLAGS) == 0 && frame->spatial <= 15 &&
		frame->temporal <= 15 && frame->level <= FRAME_LEVEL_SILENT &&
		(frame->payload != NULL || frame->length == 0);
}

static int send_locked(struct session *s, int id, const struct helio_frame *frame)
{
	struct publication *publication = publication_find(&s->publications, id);

	if (!session_is_joined(s) || publication == NULL ||
		publication->state != PUBLICATION_LIVE || publication->unpublish) {
		return HELIO_ERR_STATE;
	}
	return send_media(&s->out, &publication->source, frame, loop_now_ms());
}

int helio_send(struct helio *h, int publication, const struct helio_frame *frame)
{
	int err;

	if (h == NULL || !frame_is_good(frame)) {
		return HELIO_ERR_INVALID;
	}
	if (frame->length > HELIO_FRAME_MAX) {
		return HELIO_ERR_TOO_LARGE;
	}
	handle_lock(h);
	err = send_locked(&h->session, publication, frame);
	/* Also after a drop: the application is told of it from the loop. */
	handle_wake(h);
	handle_unlock(h);
	return err;
}

unsigned helio_buffered_ms(struct helio *h)
{
	unsigned ms;

	if (h == NULL) {
		return 0;
	}
	handle_lock(h);
	ms = send_oldest_ms(&h->session.out, loop_now_ms());
	handle_unlock(h);
	return ms;
}

static int chat_locked(
	struct session *s, uint16_t to, const char *text, size_t length, uint32_t *chat_id)
{
	uint32_t id = chat_out_next(&s->chat);
	int err;

	if (!session_is_joined(s)) {
		return HELIO_ERR_STATE;
	}
	if (!s->can_chat) {
		return HELIO_ERR_UNKNOWN_MESSAGE; /* the reflector's welcome did not name it */
	}
	if (length > s->lane.max_payload) {
		return HELIO_ERR_TOO_LARGE;
	}
	if (id == 0) {
		return HELIO_ERR_FULL;
	}
	err = send_chat(&s->out, to, (uint16_t)id, text, length);
	if (err == 0) {
		chat_out_add(&s->chat);
		*chat_id = id;
	}
	return err;
}

int helio_chat(struct helio *h, uint16_t to, const char *text, size_t length, uint32_t *chat_id)
{
	uint32_t id = 0;
	int err;

	if (h == NULL || text == NULL || length == 0) {
		return HELIO_ERR_INVALID;
	}
	if (length > LIMIT_CHAT_PAYLOAD) {
		return HELIO_ERR_TOO_LARGE;
	}
	handle_lock(h);
	err = chat_locked(&h->session, to, text, length, &id);
	if (err == 0) {
		handle_wake(h);
	}
	handle_unlock(h);
	if (err == 0 && chat_id != NULL) {
		*chat_id = id;
	}
	return err;
}
