/*
 * conn_join: the first frame of a lane, the hello: who is let into which room, and how the others
 * learn of it.
 */
#ifndef REFLECTOR_CONN_JOIN_H
#define REFLECTOR_CONN_JOIN_H

#include "proto/errcode.h"

struct frame;
struct lane;
struct room;
struct session;

/* A frame on a lane that has not joined; borrowed. */
void conn_join_frame(struct lane *lane, struct frame *frame);
/* Tells the peer why it cannot join, logs it and closes. */
void conn_join_refuse(struct lane *lane, int err);
/* Makes a member of a session: welcome, roster, and the others are told. ERR_LIMIT. */
int conn_join_enter(struct room *room, struct session *session) MUST_CHECK;
/* The connection ended before a join. */
void conn_join_lost(struct lane *lane, int err);

#endif
