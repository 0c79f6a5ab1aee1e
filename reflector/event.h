/*
 * event: what happens in rooms, told to authd by way of the gate; so many a second and no more.
 */
#ifndef REFLECTOR_EVENT_H
#define REFLECTOR_EVENT_H

#include <jansson.h>
#include <stdint.h>

struct room;
struct session;

/* "joined", "left" (reason), "waiting". */
void event_session(const struct session *session, const char *what, const char *reason);
/* A moderator's (or administrator's: by NULL) doing. more is taken over and may be NULL; session
 * NULL: it is about the room. */
void event_moderation(const struct room *room, const char *what, const struct session *session,
	const struct session *by, json_t *more);

#endif
