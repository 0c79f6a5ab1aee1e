/*
 * call_session: what happens in a call: the SDK's callbacks on one side, the clock on the other.
 * Decides when to publish, to send and to leave. Everything runs on one thread; nothing here waits.
 */
#include "client-sdk/examples/call.h"

#include <stdlib.h>
#include <string.h>

#include "client-sdk/examples/call_clock.h"
#include "client-sdk/examples/call_moderate.h"
#include "client-sdk/examples/call_ogg.h"

#define LEAVE_WITHIN (3 * CALL_SECOND) /* then we go without a good-bye */

int call_session_exit_code(int error)
{
	switch (error) {
	case HELIO_OK:
		return CALL_EXIT_OK;
	case HELIO_ERR_DNS:
	case HELIO_ERR_CONNECT:
	case HELIO_ERR_PROXY:
	case HELIO_ERR_TLS:
	case HELIO_ERR_TLS_CERT:
	case HELIO_ERR_TLS_PIN:
	case HELIO_ERR_TIMEOUT:
	case HELIO_ERR_CLOSED:
	case HELIO_ERR_LOST:
	case HELIO_ERR_AUTHD_AWAY:
	case HELIO_ERR_SHUTDOWN:
	case HELIO_ERR_NO_REFLECTOR:
		return CALL_EXIT_UNREACHABLE;
	case HELIO_ERR_TOKEN_INVALID:
	case HELIO_ERR_TOKEN_EXPIRED:
	case HELIO_ERR_TOKEN_EARLY:
	case HELIO_ERR_TOKEN_AUDIENCE:
	case HELIO_ERR_TOKEN_ROOM:
	case HELIO_ERR_TOKEN_PLACE:
	case HELIO_ERR_TOKEN_REVOKED:
	case HELIO_ERR_NOT_GRANTED:
	case HELIO_ERR_LOGIN:
	case HELIO_ERR_DENIED:
	case HELIO_ERR_RATE:
	case HELIO_ERR_TOKEN_NETWORK:
	case HELIO_ERR_TOKEN_USED:
	case HELIO_ERR_DUPLICATE:
	case HELIO_ERR_KICKED:
	case HELIO_ERR_BANNED:
	case HELIO_ERR_ROOM_LOCKED:
	case HELIO_ERR_ROOM_CLOSED:
	case HELIO_ERR_E2EE_REQUIRED:
		return CALL_EXIT_DENIED;
	default:
		return CALL_EXIT_FAILED;
	}
}

static void fail(struct call *c, int exit_code)
{
	if (c->exit_code == CALL_EXIT_GO_ON) {
		c->exit_code = exit_code;
	}
}

void call_session_leave(struct call *c, int64_t now_ns)
{
	if (!c->leaving) {
		c->leaving = true;
		c->leave_by_ns = now_ns + LEAVE_WITHIN;
		if (helio_leave(c->helio) != HELIO_OK) {
			c->closed = true;
		}
	}
}

/* ---------------------------------------------------------------- events */

static void on_joined(struct call *c, const struct helio_participant *self)
{
	c->joined = true;
	c->joined_ns = call_clock_now();
	c->last_media_ns = c->joined_ns;
	free(c->self_id);
	c->self_id = strdup(self->id);
	call_trace_self(c->trace, self->id);
	c->view->joined(c, self);
	int err = c->self_id != NULL ? call_send_publish(c->send, c->helio, self->id)
				     : HELIO_ERR_NOMEM;
	if (err != HELIO_OK) {
		c->view->problem(c, "nothing can be sent", err, NULL);
		fail(c, call_session_exit_code(err));
		call_session_leave(c, c->joined_ns);
	}
	if (c->mix != NULL) {
		call_mix_start(c->mix, c->joined_ns);
	}
}

static void remove_stream(struct call *c, struct call_stream *stream)
{
	c->view->stream(c, stream, false);
	if (c->record != NULL) {
		call_record_end(c->record, stream);
	}
	call_roster_remove_stream(&c->roster, stream);
}

static void on_left(struct call *c, uint16_t number, int error)
{
	struct call_person *person = call_roster_person(&c->roster, number);

	if (person == NULL) {
		return;
	}
	for (unsigned i = c->roster.stream_count; i-- > 0;) {
		if (c->roster.streams[i]->person == person) {
			remove_stream(c, c->roster.streams[i]);
		}
	}
	c->view->person(c, person, false, error);
	call_roster_remove_person(&c->roster, person);
}

/* Nobody of the old room is there any more; JOINED publishes anew. */
static void on_moved(struct call *c)
{
	while (c->roster.person_count > 0) {
		on_left(c, c->roster.persons[0]->number, HELIO_OK);
	}
	call_send_unpublished(c->send);
	c->joined = false;
}

static void on_person(struct call *c, const struct helio_participant *p)
{
	struct call_person *person = call_roster_add_person(&c->roster, p);

	if (person != NULL) {
		c->met_others = true;
		c->view->person(c, person, true, HELIO_OK);
	}
}

static void on_stream(struct call *c, const struct helio_event *event)
{
	uint16_t number = event->stream->participant;
	struct call_person *person = call_roster_person(&c->roster, number);

	if (person == NULL && event->participant != NULL) {
		person = call_roster_add_person(&c->roster, event->participant);
	}
	struct call_stream *stream =
		person != NULL ? call_roster_add_stream(&c->roster, event->stream, person) : NULL;
	if (stream != NULL) {
		c->view->stream(c, stream, true);
	}
}

static void on_chat(struct call *c, const struct helio_chat *chat)
{
	struct call_trace_line line = { .kind = "chat",
		.participant = chat->from_id,
		.ts = chat->number,
		.t_ns = call_clock_now(),
		.payload = chat->text,
		.length = chat->length };

	c->counts.chat_received++;
	c->last_media_ns = line.t_ns;
	call_trace_write(c->trace, &line);
	c->view->chat(c, chat);
}

static void on_closed(struct call *c, const struct helio_event *event)
{
	c->closed = true;
	if (event->error != HELIO_OK) {
		c->view->problem(c,
			c->joined ? "the call has ended" : "the room could not be joined",
			event->error, event->text);
		fail(c, call_session_exit_code(event->error));
	}
}

static void on_event(struct helio *h, const struct helio_event *event, void *user)
{
	struct call *c = user;
	(void)h;

	switch (event->type) {
	case HELIO_EVENT_JOINED:
		on_joined(c, event->participant);
		break;
	case HELIO_EVENT_CLOSED:
		on_closed(c, event);
		break;
	case HELIO_EVENT_PARTICIPANT_JOINED:
		on_person(c, event->participant);
		break;
	case HELIO_EVENT_PARTICIPANT_LEFT:
		on_left(c, event->participant->number, event->error);
		break;
	case HELIO_EVENT_STREAM_ADDED:
		on_stream(c, event);
		break;
	case HELIO_EVENT_STREAM_REMOVED: {
		struct call_stream *stream = call_roster_stream(&c->roster, event->stream->id);
		if (stream != NULL) {
			remove_stream(c, stream);
		}
		break;
	}
	case HELIO_EVENT_PUBLISHED:
		call_send_published(c->send, event->publication, event->stream->id);
		break;
	case HELIO_EVENT_PUBLISH_FAILED:
		c->view->problem(c, "a stream cannot be sent", event->error, event->text);
		fail(c, call_session_exit_code(event->error));
		call_session_leave(c, call_clock_now());
		break;
	case HELIO_EVENT_CHAT:
		on_chat(c, event->chat);
		break;
	case HELIO_EVENT_CHAT_DELIVERED:
		c->counts.chat_delivered++;
		break;
	case HELIO_EVENT_CHAT_FAILED:
		c->counts.chat_failed++;
		c->view->problem(c, "a line of chat was not delivered", event->error, event->text);
		break;
	case HELIO_EVENT_DROPS:
		c->counts.dropped += event->drops->outgoing ? 0 : event->drops->count;
		break;
	case HELIO_EVENT_ERROR:
		c->view->problem(c, "the reflector refused something", event->error, event->text);
		break;
	case HELIO_EVENT_MOVED:
		on_moved(c);
		/* fall through */
	case HELIO_EVENT_LOBBY:
	case HELIO_EVENT_WAITING:
	case HELIO_EVENT_WAITING_LEFT:
	case HELIO_EVENT_MUTED:
	case HELIO_EVENT_LOCKED:
	case HELIO_EVENT_POLICY:
	case HELIO_EVENT_REKEY:
		call_moderate_event(c, event);
		break;
	default:
		break; /* a keyframe cannot be made by a file; the rest is news to this program */
	}
}

/* ---------------------------------------------------------------- media */

static void count_frame(struct call *c, struct call_stream *stream, const struct helio_frame *frame,
	unsigned samples, int64_t now_ns)
{
	stream->frames++;
	stream->bytes += frame->length;
	stream->samples += samples;
	c->counts.bytes_received += frame->length;
	if (stream->kind == HELIO_AUDIO) {
		c->counts.audio_received++;
		c->counts.audio_samples += samples;
		stream->person->audio_frames++;
		stream->person->level = frame->level;
		stream->person->level_ns = now_ns;
	} else {
		c->counts.video_received++;
		stream->person->video_frames++;
	}
}

static void on_frame(struct helio *h, const struct helio_frame *frame, void *user)
{
	struct call *c = user;
	int64_t now_ns = call_clock_now();
	struct call_stream *stream = call_roster_stream(&c->roster, frame->stream);
	(void)h;

	if (stream == NULL) {
		return;
	}
	unsigned samples =
		stream->kind == HELIO_AUDIO ? call_ogg_samples(frame->payload, frame->length) : 0;
	struct call_trace_line line = { .kind = stream->kind == HELIO_AUDIO ? "audio"
			: stream->kind == HELIO_DATA                        ? "data"
									    : "video",
		.participant = stream->person->id,
		.stream = frame->stream,
		.ts = frame->timestamp,
		.t_ns = now_ns,
		.payload = frame->payload,
		.length = frame->length,
		.samples = samples };
	call_trace_write(c->trace, &line);
	c->last_media_ns = now_ns;
	count_frame(c, stream, frame, samples, now_ns);
	if (c->record != NULL) {
		call_record_frame(c->record, stream, frame);
	}
	if (c->mix != NULL) {
		call_mix_frame(c->mix, stream, frame, now_ns);
	}
}

static void on_log(struct helio *h, int level, const char *text, void *user)
{
	const struct call *c = user;
	(void)h;
	(void)level;

	if (c->options.verbose) {
		fprintf(stderr, "libhelio: %s\n", text);
	}
}

const struct helio_callbacks call_session_callbacks = {
	.size = sizeof(struct helio_callbacks),
	.on_event = on_event,
	.on_frame = on_frame,
	.on_log = on_log,
};

/* ---------------------------------------------------------------- chat */

static int send_chat(struct call *c, const char *text, size_t length)
{
	struct call_trace_line line = { .sent = true,
		.kind = "chat",
		.participant = c->self_id,
		.ts = (uint32_t)c->counts.chat_sent,
		.payload = text,
		.length = length };

	line.t_ns = call_clock_now();
	int err = helio_chat(c->helio, 0, text, length, NULL);
	if (err == HELIO_OK) {
		call_trace_write(c->trace, &line);
		c->counts.chat_sent++;
		c->view->chat_sent(c, text, length);
	}
	return err;
}

void call_session_chat(struct call *c, const char *text, size_t length)
{
	if (length == 0 || (c->joined && call_moderate_command(c, text, length))) {
		return;
	}
	/* "//" stands for a "/" that begins no command. */
	if (length > 1 && text[0] == '/' && text[1] == '/') {
		text++;
		length--;
	}
	int err = c->joined && !c->leaving ? send_chat(c, text, length) : HELIO_ERR_STATE;
	if (err != HELIO_OK) {
		c->counts.chat_failed++;
		c->view->problem(c, "the line was not sent", err, NULL);
	}
}

static void send_option_chat(struct call *c)
{
	unsigned needed = c->options.wait_for > 1 ? c->options.wait_for : 1;

	while (c->chat_next < c->options.chat_count &&
		(c->roster.person_count >= needed || c->chat_next > 0)) {
		const char *text = c->options.chat[c->chat_next];
		int err = send_chat(c, text, strlen(text));
		if (err == HELIO_ERR_FULL) {
			return; /* when some were acknowledged */
		}
		c->chat_next++;
		if (err != HELIO_OK) {
			c->counts.chat_failed++;
			c->view->problem(c, "the line was not sent", err, NULL);
		}
	}
}

/* ---------------------------------------------------------------- time */

static bool chat_is_done(const struct call *c)
{
	return c->chat_next == c->options.chat_count &&
		c->counts.chat_delivered + c->counts.chat_failed >= c->counts.chat_sent;
}

/* Whether there is a reason to leave; *next: when to look again. */
static bool is_over(struct call *c, int64_t now_ns, int64_t *next)
{
	const struct call_options *o = &c->options;

	if (o->duration_ms != 0) {
		int64_t end = c->joined_ns + o->duration_ms * CALL_MS;
		if (now_ns >= end) {
			return true;
		}
		*next = end;
	}
	if (!call_send_is_started(c->send) || !call_send_is_done(c->send)) {
		return false;
	}
	if (o->idle_ms == 0) {
		return o->duration_ms == 0 && call_send_is_finite(c->send) && chat_is_done(c);
	}
	if (c->done_ns == 0) {
		c->done_ns = now_ns;
	}
	if (c->roster.person_count == 0 && c->met_others) {
		return true;
	}
	int64_t quiet_since = c->last_media_ns > c->done_ns ? c->last_media_ns : c->done_ns;
	int64_t idle_end = quiet_since + o->idle_ms * CALL_MS;
	*next = idle_end < *next ? idle_end : *next;
	return now_ns >= idle_end && chat_is_done(c);
}

int64_t call_session_step(struct call *c, int64_t now_ns)
{
	int64_t next = CALL_NEVER, due;

	if (!c->joined || c->closed) {
		return CALL_NEVER;
	}
	if (c->leaving) {
		c->closed = c->closed || now_ns >= c->leave_by_ns;
		return c->leave_by_ns;
	}
	send_option_chat(c);
	if (!call_send_is_started(c->send) && call_send_is_ready(c->send) &&
		c->roster.person_count >= c->options.wait_for) {
		call_send_start(c->send, now_ns);
	}
	if (c->mix != NULL) {
		call_mix_run(c->mix, &c->roster, now_ns);
		due = call_mix_due(c->mix);
		next = due < next ? due : next;
	}
	/* Last, so that the SDK sends it at once when we return. After a move it waits for
	 * PUBLISHED again. */
	bool sends = call_send_is_ready(c->send);
	if (sends) {
		call_send_run(c->send, c->helio, now_ns);
	}
	if (is_over(c, now_ns, &next)) {
		call_session_leave(c, now_ns);
		return now_ns;
	}
	due = sends ? call_send_due(c->send) : CALL_NEVER;
	return due < next ? due : next;
}

void call_session_finish(struct call *c)
{
	for (unsigned i = 0; c->record != NULL && i < c->roster.stream_count; i++) {
		call_record_end(c->record, c->roster.streams[i]);
	}
	call_roster_finish(&c->roster);
	free(c->self_id);
	c->self_id = NULL;
}
