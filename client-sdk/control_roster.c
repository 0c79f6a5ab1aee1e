/*
 * control_roster: what the reflector says about participants and streams, into the roster and out
 * as events. Until the roster is complete nothing is told; then all of it is, behind JOINED.
 */
#include <string.h>

#include "client-sdk/control.h"
#include "client-sdk/control_out.h"
#include "client-sdk/session_io.h"
#include "proto/msg.h"

static struct event_who who(const struct roster_participant *participant)
{
	struct event_who view = {
		participant->number, participant->id, participant->name, participant->hidden
	};

	return view;
}

static void tell_stream(
	struct session *s, enum helio_event_type type, const struct roster_stream *stream)
{
	const struct roster_participant *participant = roster_find(&s->roster, stream->participant);
	struct helio_stream view = roster_stream_view(stream);

	if (s->joined && participant != NULL) {
		struct event_who publisher = who(participant);

		events_add_stream(s->events, type, &publisher, &view);
	}
}

static void tell_participant(struct session *s, enum helio_event_type type,
	const struct roster_participant *participant, int error)
{
	struct event_who view = who(participant);

	if (s->joined) {
		events_add_participant(s->events, type, &view, error);
	}
}

static int stream_parse(struct helio_stream *stream, const json_t *object)
{
	const char *kind;
	int64_t id;

	stream->label = "";
	if (msg_get_int(object, "stream", 1, UINT16_MAX, &id) != 0 ||
		msg_get_string(object, "kind", 16, &kind) != 0 ||
		msg_get_string(object, "codec", LIMIT_CODEC, &stream->codec) != 0 ||
		msg_opt_string(object, "label", LIMIT_LABEL, &stream->label) != 0) {
		return ERR_BAD_FIELD;
	}
	if (!control_kind_from_name(kind, &stream->kind) ||
		!msg_is_codec(stream->codec) || !msg_is_label(stream->label)) {
		return ERR_BAD_FIELD;
	}
	stream->id = (uint16_t)id;
	return 0;
}

static int stream_add(struct session *s, uint16_t participant, const json_t *object)
{
	struct helio_stream stream = HELIO_STREAM_INIT;
	const struct roster_stream *known;
	int err = stream_parse(&stream, object);

	if (err != 0) {
		return err;
	}
	known = roster_find_stream(&s->roster, stream.id);
	if (known != NULL) {
		/* Said twice is no harm; said of somebody else is. */
		return known->participant == participant && known->kind == stream.kind
			? 0
			: ERR_BAD_FIELD;
	}
	if (publication_find_stream(&s->publications, stream.id) != NULL) {
		return ERR_BAD_FIELD;
	}
	stream.participant = participant;
	err = roster_add_stream(&s->roster, &stream);
	if (err == 0) {
		tell_stream(s, HELIO_EVENT_STREAM_ADDED, roster_find_stream(&s->roster, stream.id));
	}
	return err;
}

static int participant_find_or_add(
	struct session *s, uint16_t number, const char *id, const char *name, bool hidden)
{
	const struct roster_participant *known = roster_find(&s->roster, number);

	if (known != NULL) {
		return strcmp(known->id, id) == 0 ? 0 : ERR_BAD_FIELD;
	}
	int err = roster_add(&s->roster, number, id, name);
	if (err == 0) {
		struct roster_participant *participant = roster_find(&s->roster, number);

		participant->hidden = hidden;
		tell_participant(s, HELIO_EVENT_PARTICIPANT_JOINED, participant, 0);
	}
	return err;
}

static int participant_add(struct session *s, const json_t *object)
{
	const char *id, *name;
	const json_t *streams;
	bool hidden = false;
	int64_t number;

	if (msg_get_string(object, "id", LIMIT_PARTICIPANT_ID, &id) != 0 ||
		msg_get_string(object, "name", LIMIT_DISPLAY_NAME, &name) != 0 ||
		msg_get_int(object, "num", 1, UINT16_MAX, &number) != 0 ||
		msg_opt_bool(object, "hidden", &hidden) != 0 ||
		msg_get_array(object, "streams", LIMIT_STREAMS_PER_PARTICIPANT, &streams) != 0) {
		return ERR_BAD_FIELD;
	}
	if (!msg_is_participant_id(id) || !msg_is_display_name(name) || number == s->number) {
		return ERR_BAD_FIELD;
	}
	int err = participant_find_or_add(s, (uint16_t)number, id, name, hidden);
	for (size_t i = 0; err == 0 && i < json_array_size(streams); i++) {
		err = stream_add(s, (uint16_t)number, json_array_get(streams, i));
	}
	return err;
}

/* The roster is complete: now we are in the room. */
static void tell_all(struct session *s)
{
	struct event_who self = { s->number, s->id, s->name, false };

	session_joined(s);
	events_add_participant(s->events, HELIO_EVENT_JOINED, &self, 0);
	for (size_t i = 0; i < roster_count(&s->roster); i++) {
		const struct roster_participant *participant = roster_at(&s->roster, i);
		const struct roster_stream *stream;
		size_t at = 0;

		tell_participant(s, HELIO_EVENT_PARTICIPANT_JOINED, participant, 0);
		while (participant->streams > 0 &&
			(stream = roster_next_stream(&s->roster, participant->number, &at)) !=
				NULL) {
			tell_stream(s, HELIO_EVENT_STREAM_ADDED, stream);
		}
	}
}

int control_on_roster(struct session *s, const json_t *message, int64_t now)
{
	const json_t *participants;
	bool more = false;
	int err = 0;

	(void)now;
	if (msg_get_array(message, "participants", LIMIT_PARTICIPANTS_PER_ROOM, &participants) !=
			0 ||
		msg_opt_bool(message, "more", &more) != 0) {
		return ERR_BAD_FIELD;
	}
	for (size_t i = 0; err == 0 && i < json_array_size(participants); i++) {
		err = participant_add(s, json_array_get(participants, i));
	}
	if (err == 0 && !more && s->state == SESSION_ROSTER) {
		tell_all(s);
	}
	return err;
}

int control_on_joined(struct session *s, const json_t *message, int64_t now)
{
	const json_t *participant;

	(void)now;
	if (msg_get_object(message, "participant", &participant) != 0) {
		return ERR_BAD_FIELD;
	}
	return participant_add(s, participant);
}

int control_on_left(struct session *s, const json_t *message, int64_t now)
{
	struct roster_participant *participant;
	struct roster_stream *stream;
	int64_t number;
	size_t at = 0;

	(void)now;
	if (msg_get_int(message, "num", 1, UINT16_MAX, &number) != 0) {
		return ERR_BAD_FIELD;
	}
	participant = roster_find(&s->roster, (uint16_t)number);
	if (participant == NULL) {
		return 0;
	}
	while ((stream = roster_next_stream(&s->roster, participant->number, &at)) != NULL) {
		tell_stream(s, HELIO_EVENT_STREAM_REMOVED, stream);
		roster_remove_stream(&s->roster, stream);
		at--; /* those behind it moved up */
	}
	tell_participant(s, HELIO_EVENT_PARTICIPANT_LEFT, participant, control_reason(message));
	roster_remove(&s->roster, participant);
	return 0;
}

/* The answer to our publish. */
static int published_ours(struct session *s, const json_t *message)
{
	struct publication *publication;
	int64_t req, stream;

	if (msg_get_int(message, "req", 0, INT32_MAX, &req) != 0 ||
		msg_get_int(message, "stream", 1, UINT16_MAX, &stream) != 0) {
		return ERR_BAD_FIELD;
	}
	publication = publication_find_req(&s->publications, req);
	if (publication == NULL || roster_find_stream(&s->roster, (uint16_t)stream) != NULL ||
		publication_find_stream(&s->publications, (uint16_t)stream) != NULL) {
		return ERR_BAD_FIELD;
	}
	publication->source.stream = (uint16_t)stream;
	publication->state = PUBLICATION_LIVE;
	struct helio_stream view = publication_view(publication, s->number);
	events_add_publication(s->events, HELIO_EVENT_PUBLISHED, publication->id, &view, 0, NULL);
	if (!publication->unpublish) {
		return 0;
	}
	publication->state = PUBLICATION_ENDING;
	return control_out_unpublish(s, publication);
}

int control_on_published(struct session *s, const json_t *message, int64_t now)
{
	int64_t number;

	(void)now;
	if (json_object_get(message, "num") == NULL) {
		return published_ours(s, message);
	}
	if (msg_get_int(message, "num", 1, UINT16_MAX, &number) != 0) {
		return ERR_BAD_FIELD;
	}
	return stream_add(s, (uint16_t)number, message);
}

int control_on_unpublished(struct session *s, const json_t *message, int64_t now)
{
	struct publication *publication;
	struct roster_stream *stream;
	int64_t id;

	if (msg_get_int(message, "stream", 1, UINT16_MAX, &id) != 0) {
		return ERR_BAD_FIELD;
	}
	stream = roster_find_stream(&s->roster, (uint16_t)id);
	if (stream != NULL) {
		tell_stream(s, HELIO_EVENT_STREAM_REMOVED, stream);
		roster_remove_stream(&s->roster, stream);
		return 0;
	}
	publication = publication_find_stream(&s->publications, (uint16_t)id);
	if (publication != NULL) {
		session_io_tell_drops(s, now, publication);
		events_add_publication(
			s->events, HELIO_EVENT_UNPUBLISHED, publication->id, NULL, 0, NULL);
		send_forget(&s->out, &publication->source);
		publication_remove(publication);
	}
	return 0;
}
