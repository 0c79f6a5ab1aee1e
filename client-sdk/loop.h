/*
 * loop: one epoll descriptor that holds everything a handle waits for, so that it nests in any
 * event loop. Nothing here waits. All calls but loop_now_ms() are made under the handle's lock.
 */
#ifndef CLIENT_SDK_LOOP_H
#define CLIENT_SDK_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

enum loop_source { LOOP_WAKE, LOOP_CURL, LOOP_LANE };

enum loop_event { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop {
	int epoll_fd;
	int wake_fd; /* eventfd */
	bool woken; /* wake_fd is readable already */
};

struct loop_ready {
	enum loop_source source;
	int fd;
	unsigned events; /* enum loop_event; an error or hang-up sets both */
};

int loop_init(struct loop *loop) MUST_CHECK;
/* Safe on a struct whose descriptors are -1. */
void loop_finish(struct loop *loop);

/* Watches fd for events, changes what is watched, or stops watching with events 0. */
int loop_watch(struct loop *loop, enum loop_source source, int fd, unsigned events) MUST_CHECK;
void loop_unwatch(struct loop *loop, int fd);

/* Makes the descriptor readable until the next loop_collect(). */
void loop_wake(struct loop *loop);

/* What is ready now, up to max entries; wake-ups are taken back and not listed. */
size_t loop_collect(struct loop *loop, struct loop_ready *out, size_t max);

/* Milliseconds of the monotonic clock. */
int64_t loop_now_ms(void);

#endif
