/*
 * room: who is in it. Never closes a session: who cannot take a broadcast is doomed by
 * session_push().
 */
#include "reflector/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "reflector/chat.h"
#include "reflector/moderate.h"
#include "reflector/session.h"
#include "reflector/worker.h"

int room_create(struct room **out, struct worker *worker, const char *name)
{
	struct room *room = calloc(1, sizeof(*room));

	if (room == NULL) {
		return ERR_NOMEM;
	}
	room->worker = worker;
	(void)snprintf(room->name, sizeof(room->name), "%s", name);
	list_init(&room->members);
	list_init(&room->waiting);
	room->policy = (struct room_policy)ROOM_POLICY_INIT;
	list_init(&room->empty);
	stream_ids_init(&room->streams);
	bucket_init(&room->chat_bytes, CHAT_ROOM_PER_SECOND, CHAT_ROOM_BURST, worker->now_ms);
	room->created_at = time(NULL);
	room_table_add(&worker->rooms, room);
	/* Until its first member is in, it is a candidate for the end like any empty room. */
	list_append(&worker->empty_rooms, &room->empty);
	log_event(LOG_LEVEL_INFO, "room-open", LOG_STR("room", room->name),
		LOG_INT("port", worker->port));
	*out = room;
	return 0;
}

void room_destroy(struct room *room)
{
	log_event(LOG_LEVEL_INFO, "room-close", LOG_STR("room", room->name),
		LOG_INT("port", room->worker->port),
		LOG_INT("seconds", time(NULL) - room->created_at),
		LOG_INT("frames_in", room->stats.frames_in),
		LOG_INT("frames_out", room->stats.frames_out),
		LOG_INT("dropped", room->stats.dropped));
	room_table_remove(&room->worker->rooms, room);
	list_remove(&room->empty);
	stream_ids_finish(&room->streams);
	moderate_forget(room);
	free(room);
}

/* In a circle, so that joining again and again does not use them up. There are more numbers than
 * a room may have members. */
static uint16_t next_num(struct room *room)
{
	do {
		room->last_num++;
	} while (room->last_num == 0 || room_find_num(room, room->last_num) != NULL ||
		room_find_waiting(room, room->last_num) != NULL);
	return room->last_num;
}

int room_add(struct room *room, struct session *session)
{
	if (room->member_count >= room->worker->limits.max_participants) {
		return ERR_LIMIT;
	}
	if (!session->keeps_num) {
		session->num = next_num(room);
	}
	session->keeps_num = false;
	session->room = room;
	list_append(&room->members, &session->member);
	room->member_count++;
	room->hidden_count += session->hidden ? 1 : 0;
	room->worker->participant_count++;
	list_remove(&room->empty);
	return 0;
}

static void end_if_empty(struct room *room)
{
	if (room->member_count == 0 && room->waiting_count == 0) {
		list_remove(&room->empty);
		list_append(&room->worker->empty_rooms, &room->empty);
	}
}

void room_remove(struct room *room, struct session *session)
{
	list_remove(&session->member);
	session->room = NULL;
	room->member_count--;
	room->hidden_count -= session->hidden ? 1 : 0;
	room->worker->participant_count--;
	end_if_empty(room);
}

void room_add_waiting(struct room *room, struct session *session)
{
	session->num = next_num(room);
	session->room = room;
	session->waiting = session->keeps_num = true;
	list_append(&room->waiting, &session->member);
	room->waiting_count++;
	room->worker->participant_count++;
	list_remove(&room->empty);
}

void room_remove_waiting(struct room *room, struct session *session)
{
	list_remove(&session->member);
	session->room = NULL;
	session->waiting = false;
	room->waiting_count--;
	room->worker->participant_count--;
	end_if_empty(room);
}

struct session *room_find_id(const struct room *room, const char *id)
{
	for (LIST_EACH(node, &room->members)) {
		struct session *session = LIST_ENTRY(node, struct session, member);
		if (strcmp(session->id, id) == 0) {
			return session;
		}
	}
	return NULL;
}

static struct session *find_num(const struct list *sessions, unsigned num)
{
	for (LIST_EACH(node, sessions)) {
		struct session *session = LIST_ENTRY(node, struct session, member);
		if (session->num == num) {
			return session;
		}
	}
	return NULL;
}

struct session *room_find_num(const struct room *room, unsigned num)
{
	return find_num(&room->members, num);
}

struct session *room_find_waiting(const struct room *room, unsigned num)
{
	return find_num(&room->waiting, num);
}

void room_broadcast(struct room *room, struct frame *frame, const struct session *except)
{
	for (LIST_EACH(node, &room->members)) {
		struct session *session = LIST_ENTRY(node, struct session, member);
		if (session != except) {
			session_push(session, FRAME_CLASS_CONTROL, frame);
		}
	}
}

void room_broadcast_moderators(struct room *room, struct frame *frame, const struct session *except)
{
	for (LIST_EACH(node, &room->members)) {
		struct session *session = LIST_ENTRY(node, struct session, member);
		if (session != except && session->may_moderate) {
			session_push(session, FRAME_CLASS_CONTROL, frame);
		}
	}
}

void room_tell_of(struct room *room, struct frame *frame, const struct session *session)
{
	if (session->hidden) {
		room_broadcast_moderators(room, frame, session);
	} else {
		room_broadcast(room, frame, session);
	}
}
