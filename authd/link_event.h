/*
 * link_event: what workers report of their rooms ("event" on the control link): judged, passed on
 * to those who watch, and where a moderator banned somebody or locked the room, recorded. Has a
 * thread of its own, since a record waits for its commit and the links' loop may not.
 */
#ifndef AUTHD_LINK_EVENT_H
#define AUTHD_LINK_EVENT_H

#include <jansson.h>

#include "authd/store.h"

#define LINK_EVENT_QUEUE_MAX                                                                       \
	256u /* bans, kicks and locks that wait to be recorded; more are counted and lost */

struct link_event;

struct link_event_conf {
	struct store *store; /* outlives it */
	/* May be NULL. From the loop's thread: takes the reference to object ("what", "reflector"
	 * and what else is known). */
	void (*on_event)(void *user, json_t *object);
	void *user;
};

int link_event_create(struct link_event **out, const struct link_event_conf *conf) MUST_CHECK;
/* Records what waits, then ends. */
void link_event_destroy(struct link_event *le);

/* A message of this reflector's; one that makes no sense is passed over. The loop's thread. */
void link_event_take(struct link_event *le, const char *reflector, const json_t *msg);

/* Says that something is wrong with a reflector. Any thread. */
void link_event_alarm(struct link_event *le, const char *reflector, const char *why);

/* Says "link-up", or "link-down" and why. Any thread. */
void link_event_state(struct link_event *le, const char *reflector, bool up, const char *why);

#endif
