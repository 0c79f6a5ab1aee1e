/*
 * call: one call as the modules of helio-call see it. call_main owns it; call_session moves it
 * along on what the SDK tells; views read it.
 */
#ifndef CALL_H
#define CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <helio.h>

#include "client-sdk/examples/call_input.h"
#include "client-sdk/examples/call_mix.h"
#include "client-sdk/examples/call_options.h"
#include "client-sdk/examples/call_play.h"
#include "client-sdk/examples/call_record.h"
#include "client-sdk/examples/call_roster.h"
#include "client-sdk/examples/call_send.h"
#include "client-sdk/examples/call_trace.h"

struct call_counts {
	uint64_t audio_received, audio_samples, video_received, bytes_received;
	uint64_t chat_sent, chat_delivered, chat_failed, chat_received;
	uint64_t dropped; /* frames that did not reach us */
};

struct call {
	struct call_options options;
	struct helio *helio;
	struct call_roster roster;
	struct call_send *send;
	struct call_record *record; /* NULL: not asked for; likewise: */
	struct call_mix *mix;
	struct call_play *play;
	struct call_trace *trace;
	struct call_input input;
	const struct call_view *view;
	struct call_screen *screen; /* of the view on a terminal */
	struct call_counts counts;

	char *self_id; /* once joined */
	bool joined, leaving, closed;
	int exit_code; /* CALL_EXIT_GO_ON while nothing went wrong */
	unsigned chat_next; /* of options.chat */
	bool met_others; /* somebody was here */
	int64_t joined_ns, leave_by_ns, last_media_ns, done_ns;
};

/* What shows a call: a terminal, lines of text, or JSON. All strings from others are raw here. */
struct call_view {
	void (*joined)(struct call *c, const struct helio_participant *self);
	void (*person)(struct call *c, const struct call_person *person, bool here, int error);
	void (*stream)(struct call *c, const struct call_stream *stream, bool there);
	void (*chat)(struct call *c, const struct helio_chat *chat);
	void (*chat_sent)(struct call *c, const char *text, size_t length);
	/* Something about the room, text made safe; who may be NULL. */
	void (*notice)(struct call *c, const char *what, const struct helio_participant *who,
		const char *text);
	void (*problem)(struct call *c, const char *what, int error, const char *text);
	void (*tick)(struct call *c, int64_t now_ns); /* each period */
	void (*summary)(struct call *c, int exit_code);
	int64_t period_ns;
};

extern const struct call_view call_view_json;
extern const struct call_view call_view_lines;
extern const struct call_view call_view_terminal;

/* call_screen: opens what the terminal view needs; false without memory. */
bool call_screen_open(struct call *c);
void call_screen_close(struct call *c);

/* call_session */
extern const struct helio_callbacks call_session_callbacks; /* user: struct call */
void call_session_chat(struct call *c, const char *text, size_t length);
/* Does what time and state ask for; returns when it wants to be called again at the latest. */
int64_t call_session_step(struct call *c, int64_t now_ns);
void call_session_leave(struct call *c, int64_t now_ns);
/* Ends tracks and forgets everybody. */
void call_session_finish(struct call *c);
/* The exit code that an error of the SDK stands for. */
int call_session_exit_code(int error);

#endif
