/*
 * roster: who is in the room, told to one who joins, and a joining told to the others.
 */
#ifndef REFLECTOR_ROSTER_H
#define REFLECTOR_ROSTER_H

#include <jansson.h>
#include <stddef.h>

#include "proto/errcode.h"

struct session;

/*
 * The messages of a roster in order, for a payload limit: pages of participants (more on all but
 * the last), then a published message for each stream of a participant whose entry would not have
 * fitted with all its streams. participants is changed. *messages is a new array. ERR_NOMEM.
 */
int roster_messages(json_t *participants, size_t limit, json_t **messages) MUST_CHECK;

/* Queues a message that belongs to the roster, however many there are. Takes msg over. */
void roster_push(struct session *session, json_t *msg);
/* Queues the roster for a session that has just become a member. */
void roster_send(struct session *session);
/* Tells everyone else that it joined; of a hidden one only those who moderate. */
void roster_tell_joined(struct session *session);

#endif
