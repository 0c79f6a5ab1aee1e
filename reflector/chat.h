/*
 * chat: messages to the room or to one participant, numbered by the room, never dropped.
 */
#ifndef REFLECTOR_CHAT_H
#define REFLECTOR_CHAT_H

/*
 * Bytes of chat, with what a queue counts for an entry: of one session, and of a room. Half of a
 * receiver's bound may come at once; who takes a megabit a second is never closed for what others
 * write.
 */
#define CHAT_SESSION_PER_SECOND 32768u
#define CHAT_SESSION_BURST 131072u
#define CHAT_ROOM_PER_SECOND 131072u
#define CHAT_ROOM_BURST 524288u

struct frame;
struct session;

/* The frame is borrowed. */
void chat_handle(struct session *session, struct frame *frame);

#endif
