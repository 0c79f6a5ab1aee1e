/*
 * lobby: who waits to be let into a room. Bounded in number and in time; a waiting session may only
 * ping and leave.
 */
#ifndef REFLECTOR_LOBBY_H
#define REFLECTOR_LOBBY_H

#include "proto/errcode.h"

struct frame;
struct room;
struct session;

/* Lets it wait, tells it so, and tells those who moderate. ERR_LIMIT. */
int lobby_enter(struct room *room, struct session *session) MUST_CHECK;
/* A waiting session has ended: those who moderate are told. */
void lobby_leave(struct session *session);
/* Makes a member of it, with all that belongs to that. ERR_LIMIT: it goes on waiting. */
int lobby_admit(struct session *session) MUST_CHECK;
/* by NULL: an administrator. */
void lobby_deny(struct session *session, const struct session *by);
/* Everybody whom the room has a place for: it has no lobby any more. */
void lobby_admit_all(struct room *room);

/* One who moderates has come: he is told who waits. */
void lobby_tell(struct session *moderator);

/* What a waiting session sent. */
void lobby_frame(struct session *session, struct frame *frame);

#endif
