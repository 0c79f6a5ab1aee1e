/*
 * room: members and streams of one room. It begins with its first member and ends, at the end of a
 * turn, when it has none; numbers and stream ids begin anew with the next room of that name.
 */
#ifndef REFLECTOR_ROOM_H
#define REFLECTOR_ROOM_H

#include <stdint.h>

#include "common/list.h"
#include "proto/errcode.h"
#include "proto/limits.h"
#include "proto/room_policy.h"
#include "reflector/bucket.h"
#include "reflector/frame.h"
#include "reflector/frame_loudest.h"
#include "reflector/stats.h"
#include "reflector/stream_ids.h"

struct moderate_memory;
struct session;
struct worker;

struct room {
	struct worker *worker;
	struct room *next; /* room_table's chain */
	char name[LIMIT_NAME + 1];
	struct list members; /* sessions, in the order of joining */
	unsigned member_count;
	unsigned hidden_count; /* of the members, those only moderators know of */
	struct list waiting; /* sessions in the lobby, in the order of coming */
	unsigned waiting_count;
	struct room_policy policy; /* the newest the reflector was shown */
	int64_t epoch_told; /* of the media key: what the members know of */
	uint64_t rekeyed_ms; /* when they were told; 0: not yet */
	bool locked; /* by the policy or by who moderates */
	struct moderate_memory *muted; /* who left muted; NULL: nobody */
	uint16_t last_num; /* participant number given last */
	struct stream_ids streams;
	struct frame_loudest loudest; /* speakers that are forwarded */
	uint32_t chat_number; /* of the last chat message */
	struct bucket chat_bytes; /* what all members together may say */
	int64_t created_at; /* seconds since the epoch */
	struct stats stats;
	struct list empty; /* in worker->empty_rooms while it has no member */
};

int room_create(struct room **out, struct worker *worker, const char *name) MUST_CHECK;
/* Only without members. */
void room_destroy(struct room *room);

/* Makes the session a member, with a new number or that of the lobby. ERR_LIMIT at the
 * reflector's own bound. */
int room_add(struct room *room, struct session *session) MUST_CHECK;
/* Takes the session out and puts the room on the list of empty ones where it was the last. */
void room_remove(struct room *room, struct session *session);

/* Into the lobby and out of it; the caller has seen that there is a place. */
void room_add_waiting(struct room *room, struct session *session);
void room_remove_waiting(struct room *room, struct session *session);

/* Members; the first with this id. */
struct session *room_find_id(const struct room *room, const char *id);
struct session *room_find_num(const struct room *room, unsigned num);
/* The one with this number in the lobby. */
struct session *room_find_waiting(const struct room *room, unsigned num);

/* Queues a control frame for every member but one (NULL: for all). A NULL
 * frame is one that could not be made: who is not told is doomed, for it would believe in a room
 * that is not. */
void room_broadcast(struct room *room, struct frame *frame, const struct session *except);
/* As room_broadcast(), to those who moderate. */
void room_broadcast_moderators(
	struct room *room, struct frame *frame, const struct session *except);
/* To everyone else, or if it is hidden to those who moderate. */
void room_tell_of(struct room *room, struct frame *frame, const struct session *session);

#endif
