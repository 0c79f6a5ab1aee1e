/*
 * session_io: the session on an open connection: frames in, the queue out, heartbeats, the goodbye.
 */
#ifndef CLIENT_SDK_SESSION_IO_H
#define CLIENT_SDK_SESSION_IO_H

#include "client-sdk/session.h"

#define SESSION_LEAVE_MS 1000

/* Reads what there is, as far as a bound that keeps one run short. */
void session_io_step(struct session *s, int64_t now);
/* Heartbeat and the deadline of leaving. */
void session_io_tick(struct session *s, int64_t now);
/* When session_io_tick() or a flush has something to do; -1: never. */
int64_t session_io_next(const struct session *s, int64_t now);
/* Tells the application what its own queue dropped: at most once a second for each publication, or
 * at once for `all_of`, which may be NULL. */
void session_io_tell_drops(struct session *s, int64_t now, struct publication *all_of);

#endif
