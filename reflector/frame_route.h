/*
 * frame_route: what to do with a frame of a joined session, by its kind.
 */
#ifndef REFLECTOR_FRAME_ROUTE_H
#define REFLECTOR_FRAME_ROUTE_H

struct frame;
struct session;

/* The frame is borrowed. May end the session; frees nothing. */
void frame_route(struct session *session, struct frame *frame);
/* A ping or a pong. */
void frame_route_ping(struct session *session, struct frame *frame);

#endif
