/*
 * session: one participant in one room, over one or more lanes. Created by a join, owned by the
 * worker. It leaves its room at once when it ends; its memory is reaped at the end of a turn, when
 * its last lane is gone.
 */
#ifndef REFLECTOR_SESSION_H
#define REFLECTOR_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "proto/errcode.h"
#include "proto/limits.h"
#include "proto/token_claims.h"
#include "reflector/bucket.h"
#include "reflector/frame_police.h"
#include "reflector/frame_queue.h"
#include "reflector/stats.h"

struct lane;
struct room;
struct worker;

struct session {
	struct worker *worker;
	struct room *room; /* NULL once it has left */
	struct lane *lanes[LIMIT_LANES_PER_SESSION];
	unsigned lane_count;
	bool ended;
	int doom; /* why it is to be closed at the end of the turn; 0: it is not */

	uint16_t num;
	char id[LIMIT_PARTICIPANT_ID + 1];
	char name[LIMIT_DISPLAY_NAME + 1];
	char user[LIMIT_NAME + 1];
	char jti[LIMIT_JTI + 1];
	char source[LIMIT_SOURCE + 1];
	int64_t rev;
	unsigned may_publish; /* enum token_publish, or-ed */
	bool may_subscribe, may_chat, may_moderate;
	bool hidden; /* only those who moderate know of it */
	bool knows_chat, knows_layers, knows_e2ee; /* capabilities in common */
	bool subscribe_all; /* also to streams that come later */
	bool waiting; /* in the room's lobby, no member yet */
	bool keeps_num; /* the lobby's number becomes the member's */
	int64_t joined_at, expires_at; /* seconds since the epoch */
	int64_t session_s; /* the longest it may last; 0: till it expires */
	uint64_t until_ms; /* of the wait in the lobby, or of session_s; 0: none */
	unsigned muted; /* kinds, as in may_publish */
	uint16_t muted_by; /* num of who did it last; 0: an administrator */
	uint32_t max_payload;

	struct frame_queue queue;
	struct list streams; /* published */
	unsigned stream_count;
	struct list subscriptions;
	struct bucket control, chat; /* what the peer may ask of us */
	struct bucket chat_bytes;
	bool stream_error_sent;
	uint64_t stream_error_ms;
	struct frame_police police[TOKEN_KINDS];
	bool policed; /* a stream has drops to be told of */
	uint64_t policed_told_ms;
	struct stats stats;

	struct list all, member, dirty, doomed;
};

/* Takes over what the token says. The lane is its first one. Not in a room yet. */
int session_create(
	struct session **out, struct lane *lane, const struct token_claims *claims) MUST_CHECK;
/* The worker's, at the end of a turn, after the end and without lanes; also for one that never got
 * into a room. */
void session_destroy(struct session *session);

/* Queues a frame of control or chat (one reference of the queue's own). A session that cannot take
 * it is doomed: ERR_TOO_SLOW or ERR_NOMEM. */
void session_push(struct session *session, enum frame_class c, struct frame *frame);
/* Queues a control message; takes the reference, NULL counts as out of memory. */
void session_send(struct session *session, json_t *msg);
void session_mark_dirty(struct session *session);

/* To be closed with err at the end of the turn: for use while lists of the room are walked. */
void session_doom(struct session *session, int err);

/* Each leaves the room at once and tells the others; does nothing for one that has ended. */
void session_bye(struct session *session, int err); /* says bye with this reason */
/* As session_bye(): before says something first (borrowed, may be NULL), text tells a person why
 * (may be NULL). */
void session_bye_with(struct session *session, int err, struct frame *before, const char *text);
void session_fail(struct session *session, int err); /* sends a fatal error */
void session_gone(
	struct session *session, int err); /* the connection is no more, or said bye (0) */

/* Sends what is queued, once, and asks for the keyframes that dropping made necessary. */
void session_flush(struct session *session);

/* {"id","num","name","streams"}, and "hidden" of a hidden one: a new reference, NULL when out of
 * memory. */
json_t *session_json(const struct session *session);

#endif
