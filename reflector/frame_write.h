/*
 * frame_write: from a receiver's queue to its lane. One record of up to 16 KiB is gathered per pass
 * and sent in one call; more follows when the socket says that it can take it, so that little lies
 * unsent in the kernel and stale media can still be dropped. The rate controller will be asked
 * here.
 */
#ifndef REFLECTOR_FRAME_WRITE_H
#define REFLECTOR_FRAME_WRITE_H

struct lane;

/* One record of what its session has queued, unless an earlier one still waits. */
void frame_write_lane(struct lane *lane);

/* The descriptor can be written: sends what TLS held back, then leaves the rest to the flush. */
void frame_write_ready(struct lane *lane);

#endif
