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
#include "reflector/bucket.h"
#include "reflector/frame.h"
#include "reflector/stats.h"
#include "reflector/stream_ids.h"

struct session;
struct worker;

struct room {
	struct worker *worker;
	struct room *next; /* room_table's chain */
	char name[LIMIT_NAME + 1];
	struct list members; /* sessions, in the order of joining */
	unsigned member_count;
	uint16_t last_num; /* participant number given last */
	struct stream_ids streams;
	uint32_t chat_number; /* of the last chat message */
	struct bucket chat_bytes; /* what all members together may say */
	int64_t created_at; /* seconds since the epoch */
	struct stats stats;
	struct list empty; /* in worker->empty_rooms while it has no member */
};

int room_create(struct room **out, struct worker *worker, const char *name) MUST_CHECK;
/* Only without members. */
void room_destroy(struct room *room);

/* Gives the session its number and makes it a member. ERR_LIMIT when the room is full. */
int room_add(struct room *room, struct session *session) MUST_CHECK;
/* Takes the session out and puts the room on the list of empty ones where it was the last. */
void room_remove(struct room *room, struct session *session);

struct session *room_find_id(const struct room *room, const char *id);
struct session *room_find_num(const struct room *room, unsigned num);

/* Queues a control frame for every member but one (NULL: for all). A NULL
 * frame is one that could not be made: who is not told is doomed, for it would believe in a room
 * that is not. */
void room_broadcast(struct room *room, struct frame *frame, const struct session *except);

#endif
