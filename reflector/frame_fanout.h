/*
 * frame_fanout: one frame to everybody who wants its stream.
 */
#ifndef REFLECTOR_FRAME_FANOUT_H
#define REFLECTOR_FRAME_FANOUT_H

struct frame;
struct stream;

/* Queues a reference for each subscriber. Never sends: the flush at the end of the turn does. */
void frame_fanout(struct stream *stream, struct frame *frame);

#endif
