/*
 * session: the state machine start → token → connect → TLS → hello → roster → joined → leave → bye
 * → closed. One step function per state; session_io.c holds what happens on an open connection.
 */
#include "client-sdk/session.h"

#include <stdio.h>
#include <string.h>

#include "client-sdk/control_out.h"
#include "client-sdk/session_io.h"

#define LOG_INFO_LEVEL 6
#define LOG_WARNING_LEVEL 4

void session_init(
	struct session *s, struct loop *loop, struct events *events, const struct config *config)
{
	memset(s, 0, sizeof(*s));
	s->loop = loop;
	s->events = events;
	s->config = config;
	s->lane.fd = -1;
	send_init(&s->out, config->queue_audio_ms, config->queue_video_ms);
}

/* Gives back all that a join holds; what has ended cleanly and what is cut look the same from here.
 */
static void release(struct session *s)
{
	token_fetch_finish(&s->token, &s->curl);
	path_finish(&s->path, &s->curl);
	lane_close(&s->lane);
	send_clear(&s->out);
	publication_clear(&s->publications);
	roster_clear(&s->roster);
	roster_clear(&s->waiting);
	endpoint_answer_wipe(&s->answer);
	s->chat.count = 0;
	s->leave_wanted = false;
	s->bye_queued = false;
	s->joined = false;
}

void session_finish(struct session *s)
{
	release(s);
	endpoint_answer_wipe(&s->next);
	s->state = SESSION_IDLE;
}

static void chat_failed(struct session *s, int error)
{
	uint32_t chat_id;

	while ((chat_id = chat_out_take_first(&s->chat)) != 0) {
		events_add_chat_result(s->events, HELIO_EVENT_CHAT_FAILED, chat_id, error);
	}
}

void session_close(struct session *s, int error, const char *text)
{
	if (s->state == SESSION_IDLE || s->state == SESSION_CLOSED) {
		return;
	}
	chat_failed(s, error != 0 ? error : ERR_CLOSED);
	events_add_log(s->events, LOG_INFO_LEVEL, "session closed: %s%s%s", errcode_name(error),
		text != NULL && *text != '\0' ? ": " : "", text != NULL ? text : "");
	events_add_closed(s->events, error, text);
	release(s);
	endpoint_answer_wipe(&s->next);
	s->state = SESSION_CLOSED;
}

void session_closed_told(struct session *s)
{
	s->state = SESSION_IDLE;
	s->events->nomem = false;
}

bool session_is_joined(const struct session *s)
{
	return s->state == SESSION_JOINED && !s->leave_wanted;
}

/* ------------------------------------------------------------------ attempts */

/* Begins with the endpoint s->endpoint, or the first behind it that can be begun with. */
static void attempt_start(struct session *s, int64_t now)
{
	int err = ERR_CONNECT;

	for (; s->endpoint < s->answer.count; s->endpoint++) {
		const struct endpoint *endpoint = &s->answer.endpoints[s->endpoint];
		int64_t share = (s->join_deadline - now) / (int64_t)(s->answer.count - s->endpoint);

		events_add_log(s->events, LOG_INFO_LEVEL, "connecting to %s port %u",
			endpoint->address, (unsigned)endpoint->port);
		s->attempt_deadline =
			now + (share < LIMIT_TLS_HANDSHAKE_MS ? share : LIMIT_TLS_HANDSHAKE_MS);
		err = path_start(&s->path, &s->curl, s->loop, endpoint);
		if (err == 0) {
			s->state = SESSION_CONNECT;
			return;
		}
	}
	session_close(s, err, "no connection could be started");
}

void session_attempt_failed(struct session *s, int64_t now, int error, const char *text)
{
	const struct endpoint *endpoint = &s->answer.endpoints[s->endpoint];
	char told[2 * EVENT_TEXT_MAX]; /* cut where it is told */

	snprintf(told, sizeof(told), "%s port %u: %s%s%s", endpoint->address,
		(unsigned)endpoint->port, errcode_text(error),
		text != NULL && *text != '\0' ? ": " : "", text != NULL ? text : "");
	path_finish(&s->path, &s->curl);
	lane_close(&s->lane);
	send_clear(&s->out);
	if (error == ERR_NOMEM || s->endpoint + 1 >= s->answer.count) {
		session_close(s, error, told);
		return;
	}
	events_add_log(s->events, LOG_WARNING_LEVEL, "%s; trying the next", told);
	s->endpoint++;
	attempt_start(s, now);
}

/* ------------------------------------------------------------------ one step per state */

static void answer_taken(struct session *s, int64_t now)
{
	if (s->config->room != NULL && strcmp(s->config->room, s->answer.room) != 0) {
		session_close(s, ERR_TOKEN_ROOM, "the token is for another room than asked for");
		return;
	}
	s->endpoint = 0;
	attempt_start(s, now);
}

static void step_start(struct session *s, int64_t now)
{
	int err;

	if (s->config->token_answer != NULL) {
		err = endpoint_answer_parse(
			&s->answer, s->config->token_answer, strlen(s->config->token_answer));
		if (err != 0) {
			session_close(s, err, "the token answer cannot be used");
			return;
		}
		answer_taken(s, now);
		return;
	}
	err = token_fetch_start(&s->token, &s->curl, s->loop, s->config);
	if (err != 0) {
		session_close(s, err, "the request to authd could not be started");
		return;
	}
	s->state = SESSION_TOKEN;
}

static void step_token(struct session *s, int64_t now)
{
	CURLcode result;
	const char *text;
	int err;

	if (!curl_loop_finished(&s->curl, &result)) {
		return;
	}
	err = token_fetch_result(&s->token, &s->curl, result, &s->answer, &text);
	if (err != 0) {
		session_close(s, err, text);
		return;
	}
	token_fetch_finish(&s->token, &s->curl);
	answer_taken(s, now);
}

static void step_connect(struct session *s, int64_t now)
{
	CURLcode result;
	int fd;
	int err;

	if (!curl_loop_finished(&s->curl, &result)) {
		return;
	}
	err = path_result(&s->path, &s->curl, result, &fd);
	if (err != 0) {
		session_attempt_failed(s, now, err, s->path.error_text);
		return;
	}
	path_finish(&s->path, &s->curl);
	err = lane_open(&s->lane, s->loop, fd, &s->answer.endpoints[s->endpoint], s->config);
	if (err == ERR_TLS_CERT) {
		session_attempt_failed(
			s, now, err, "authd names no pin, and no ca_file is configured");
		return;
	}
	if (err != 0 || lane_watch(&s->lane, false) != 0) {
		session_attempt_failed(s, now, err != 0 ? err : ERR_SYSTEM, NULL);
		return;
	}
	s->state = SESSION_TLS;
}

static void step_tls(struct session *s, int64_t now)
{
	enum tls_io_result result = lane_handshake(&s->lane);
	int err = 0;

	switch (result) {
	case TLS_IO_OK:
		break;
	case TLS_IO_WANT_READ:
	case TLS_IO_WANT_WRITE:
		if (lane_watch(&s->lane, result == TLS_IO_WANT_WRITE) != 0) {
			session_attempt_failed(s, now, ERR_SYSTEM, NULL);
		}
		return;
	case TLS_IO_FAILED:
		session_attempt_failed(s, now, s->lane.tls.err, s->lane.tls.detail);
		return;
	default:
		session_attempt_failed(s, now, ERR_LOST, "during the TLS handshake");
		return;
	}
	err = control_out_hello(s);
	if (err != 0) {
		session_close(s, err, "the hello could not be made");
		return;
	}
	s->last_heard = now;
	s->lane_ready = true; /* what came with the handshake is not told by poll() */
	s->state = SESSION_HELLO;
}

void session_welcomed(struct session *s, uint32_t max_payload)
{
	size_t record = LANE_RECORD - FRAME_HDR_LEN;

	s->lane.max_payload = max_payload;
	/* A fragment fills one TLS record, not one and a bit. */
	s->out.max_fragment = max_payload < record ? max_payload : record;
	s->rtt_ms = 0;
	s->state = SESSION_ROSTER;
}

void session_waits(struct session *s)
{
	s->last_ping = 0;
	s->ping_answered = true;
	s->state = SESSION_LOBBY;
}

void session_move(struct session *s, int64_t now)
{
	bool leave_wanted = s->leave_wanted;

	chat_failed(s, ERR_MOVED);
	events_add_text(s->events, HELIO_EVENT_MOVED, ERR_MOVED, s->next.room);
	release(s);
	s->answer = s->next;
	endpoint_answer_wipe(&s->next);
	s->leave_wanted = leave_wanted;
	s->join_deadline = now + s->config->connect_timeout_ms;
	s->endpoint = 0;
	attempt_start(s, now);
}

void session_joined(struct session *s)
{
	s->state = SESSION_JOINED;
	s->joined = true;
	s->last_ping = 0; /* the first ping goes at once, to measure */
	s->ping_answered = true;
}

static void begin_leave(struct session *s, int64_t now)
{
	s->leave_wanted = false;
	if (s->state < SESSION_HELLO) {
		session_close(s, 0, NULL);
	} else if (s->state <= SESSION_JOINED) {
		s->leave_deadline = now + SESSION_LEAVE_MS;
		s->state = SESSION_LEAVE;
	}
}

static void step(struct session *s, int64_t now)
{
	switch (s->state) {
	case SESSION_START:
		step_start(s, now);
		break;
	case SESSION_TOKEN:
		step_token(s, now);
		break;
	case SESSION_CONNECT:
		step_connect(s, now);
		break;
	case SESSION_TLS:
		step_tls(s, now);
		break;
	case SESSION_HELLO:
	case SESSION_LOBBY:
	case SESSION_ROSTER:
	case SESSION_JOINED:
	case SESSION_LEAVE:
	case SESSION_BYE:
		session_io_step(s, now);
		break;
	case SESSION_IDLE:
	case SESSION_CLOSED:
		break;
	}
}

static const char *stage_text(enum session_state state)
{
	switch (state) {
	case SESSION_START:
	case SESSION_TOKEN:
		return "authd did not answer";
	case SESSION_CONNECT:
		return "the reflector could not be reached";
	case SESSION_TLS:
		return "the TLS handshake did not end";
	default:
		return "the reflector did not answer the hello";
	}
}

/* How long the lobby takes is not ours to say. */
static bool joining(const struct session *s)
{
	return s->state >= SESSION_START && s->state <= SESSION_ROSTER && s->state != SESSION_LOBBY;
}

static void check_deadlines(struct session *s, int64_t now)
{
	if (joining(s) && now >= s->join_deadline) {
		session_close(s, ERR_TIMEOUT, stage_text(s->state));
	} else if (s->state >= SESSION_CONNECT && s->state <= SESSION_HELLO &&
		now >= s->attempt_deadline) {
		session_attempt_failed(s, now, ERR_TIMEOUT, stage_text(s->state));
	}
}

static void collect(struct session *s, int64_t now)
{
	struct loop_ready ready[16];
	size_t count = loop_collect(s->loop, ready, 16);

	for (size_t i = 0; i < count; i++) {
		if (ready[i].source == LOOP_CURL) {
			curl_loop_ready(&s->curl, ready[i].fd, ready[i].events);
		} else {
			s->lane_ready = true;
		}
	}
	curl_loop_tick(&s->curl, now);
}

void session_run(struct session *s)
{
	int64_t now = loop_now_ms();
	enum session_state before;

	collect(s, now);
	if (s->leave_wanted) {
		begin_leave(s, now);
	}
	do {
		before = s->state;
		step(s, now);
	} while (s->state != before);
	check_deadlines(s, now);
	session_io_tick(s, now);
	session_flush(s, now);
	session_io_tell_drops(s, now, NULL);
	if (s->events->nomem) {
		session_close(s, ERR_NOMEM, "an event could not be kept");
	}
}

static void sooner(int64_t *at, int64_t other)
{
	if (other >= 0 && (*at < 0 || other < *at)) {
		*at = other;
	}
}

int session_timeout(const struct session *s, int64_t now)
{
	int64_t at = -1;

	if (s->leave_wanted || s->state == SESSION_START || events_pending(s->events)) {
		return 0;
	}
	if (joining(s)) {
		sooner(&at, s->join_deadline);
	}
	if (s->state >= SESSION_CONNECT && s->state <= SESSION_HELLO) {
		sooner(&at, s->attempt_deadline);
	}
	if (s->curl.multi != NULL) {
		sooner(&at, s->curl.timer_at);
	}
	sooner(&at, session_io_next(s, now));
	if (at < 0) {
		return -1;
	}
	if (at <= now) {
		return 0;
	}
	return at - now > 60000 ? 60000 : (int)(at - now);
}
