/*
 * chat: messages to the room or to one participant, numbered by the room, never dropped.
 */
#ifndef REFLECTOR_CHAT_H
#define REFLECTOR_CHAT_H

struct frame;
struct session;

/* The frame is borrowed. */
void chat_handle(struct session *session, struct frame *frame);

#endif
