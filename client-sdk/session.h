/*
 * session: one participant's session with one room, from the token to the end. It is driven by
 * session_run() under the handle's lock, changes state nowhere else, and tells the application
 * through events. Functions of the API only queue, or leave a wish that the next run fulfils.
 */
#ifndef CLIENT_SDK_SESSION_H
#define CLIENT_SDK_SESSION_H

#include "client-sdk/chat_out.h"
#include "client-sdk/config.h"
#include "client-sdk/events.h"
#include "client-sdk/lane.h"
#include "client-sdk/path.h"
#include "client-sdk/publication.h"
#include "client-sdk/roster.h"
#include "client-sdk/send.h"
#include "client-sdk/token_fetch.h"

enum session_state {
	SESSION_IDLE,
	SESSION_START, /* helio_join() was called */
	SESSION_TOKEN, /* authd is being asked */
	SESSION_CONNECT, /* TCP to an endpoint */
	SESSION_TLS, /* handshake */
	SESSION_HELLO, /* hello was sent; welcome is to come */
	SESSION_LOBBY, /* the reflector lets us wait; welcome is to come */
	SESSION_ROSTER, /* welcome was read; roster pages are to come */
	SESSION_JOINED,
	SESSION_LEAVE, /* sending what is queued, then bye */
	SESSION_BYE, /* all is said; waiting for the peer to close */
	SESSION_CLOSED /* over; the application has not been told yet */
};

struct session {
	struct loop *loop; /* borrowed, all three */
	struct events *events;
	const struct config *config;

	enum session_state state;
	bool leave_wanted;
	bool joined; /* the application was told so, in this join */
	bool bye_queued;
	int64_t join_deadline, attempt_deadline, leave_deadline;

	struct curl_loop curl; /* of the token or the path, never both */
	struct token_fetch token;
	struct path path;
	struct endpoint_answer answer;
	struct endpoint_answer next; /* where we were told to go; count 0: nowhere */
	size_t endpoint; /* index of the one in use */

	struct lane lane;
	bool lane_ready; /* the loop says there is something to read */
	struct send_queue out;
	struct publication_table publications;
	struct chat_out chat;
	struct roster roster;
	struct roster waiting; /* who waits to be let in, if we may moderate */

	/* from the welcome */
	uint16_t number;
	char id[LIMIT_PARTICIPANT_ID + 1];
	char name[LIMIT_DISPLAY_NAME + 1];
	bool can_chat, can_layers; /* capabilities in common */
	int64_t heartbeat_ms;

	int64_t last_heard, last_ping;
	uint64_t ping_number; /* payload of the last ping */
	bool ping_answered;
	unsigned rtt_ms; /* 0: not measured yet */
	int64_t refused_at; /* when an unknown message was last answered */
	int64_t keyframe_asked_at; /* for any stream */
	int64_t next_req;
	uint64_t frames_received, bytes_received;
};

void session_init(
	struct session *s, struct loop *loop, struct events *events, const struct config *config);
/* Ends at once without a word. */
void session_finish(struct session *s);

/* Does all that can be done now without waiting. */
void session_run(struct session *s);
/* Sends what is queued, as far as the connection takes it. */
void session_flush(struct session *s, int64_t now);
/* Milliseconds until session_run() has something to do without the descriptor being ready; -1:
 * never. */
int session_timeout(const struct session *s, int64_t now);

/* Ends the session: CLOSED with that error is the last event. Harmless when it has ended. */
void session_close(struct session *s, int error, const char *text);
/* The current endpoint gave no answer: goes to the next, or closes when there is none. */
void session_attempt_failed(struct session *s, int64_t now, int error, const char *text);
/* The application was told; a new join may begin. */
void session_closed_told(struct session *s);

/* True between JOINED and helio_leave() or the end. */
bool session_is_joined(const struct session *s);

/* For control: the welcome was read; the roster is complete. */
void session_welcomed(struct session *s, uint32_t max_payload);
void session_joined(struct session *s);
/* For control: the hello was answered, but not yet with a welcome. */
void session_waits(struct session *s);
/* We go to the room of s->next: begins anew with its endpoints. */
void session_move(struct session *s, int64_t now);

#endif
