/*
 * loop: epoll, an eventfd for wake-ups from other threads, and the clock. It must never wait: the
 * application's loop, or the handle's own thread, does that on the epoll descriptor.
 */
#include "client-sdk/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int loop_init(struct loop *loop)
{
	loop->woken = false;
	loop->wake_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		return ERR_SYSTEM;
	}
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0 || loop_watch(loop, LOOP_WAKE, loop->wake_fd, LOOP_READ) != 0) {
		loop_finish(loop);
		return ERR_SYSTEM;
	}
	return 0;
}

void loop_finish(struct loop *loop)
{
	if (loop->wake_fd >= 0) {
		close(loop->wake_fd);
	}
	if (loop->epoll_fd >= 0) {
		close(loop->epoll_fd);
	}
	loop->wake_fd = -1;
	loop->epoll_fd = -1;
}

int loop_watch(struct loop *loop, enum loop_source source, int fd, unsigned events)
{
	struct epoll_event ev = { .data.u64 = (uint64_t)source << 32 | (uint32_t)fd };

	if (events == 0) {
		loop_unwatch(loop, fd);
		return 0;
	}
	if ((events & LOOP_READ) != 0) {
		ev.events |= EPOLLIN;
	}
	if ((events & LOOP_WRITE) != 0) {
		ev.events |= EPOLLOUT;
	}
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &ev) == 0) {
		return 0;
	}
	if (errno == ENOENT && epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0) {
		return 0;
	}
	return errno == ENOMEM ? ERR_NOMEM : ERR_SYSTEM;
}

void loop_unwatch(struct loop *loop, int fd)
{
	/* It may be closed or gone already: then there is nothing to take out. */
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void loop_wake(struct loop *loop)
{
	const uint64_t one = 1;

	if (!loop->woken) {
		loop->woken = write(loop->wake_fd, &one, sizeof(one)) == (ssize_t)sizeof(one);
	}
}

static void wake_take_back(struct loop *loop)
{
	uint64_t count;

	if (read(loop->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR) {
		return; /* still readable: the next turn reads it */
	}
	loop->woken = false;
}

static unsigned events_of(uint32_t epoll_events)
{
	unsigned events = 0;

	if ((epoll_events & EPOLLIN) != 0) {
		events |= LOOP_READ;
	}
	if ((epoll_events & EPOLLOUT) != 0) {
		events |= LOOP_WRITE;
	}
	if ((epoll_events & (EPOLLERR | EPOLLHUP)) != 0) {
		events |= LOOP_READ | LOOP_WRITE;
	}
	return events;
}

size_t loop_collect(struct loop *loop, struct loop_ready *out, size_t max)
{
	struct epoll_event ready[16];
	size_t count = 0;
	int n = epoll_wait(loop->epoll_fd, ready, 16, 0);

	for (int i = 0; i < n && count < max; i++) {
		enum loop_source source = (enum loop_source)(ready[i].data.u64 >> 32);

		if (source == LOOP_WAKE) {
			wake_take_back(loop);
			continue;
		}
		out[count].source = source;
		out[count].fd = (int)(uint32_t)ready[i].data.u64;
		out[count].events = events_of(ready[i].events);
		count++;
	}
	return count;
}

int64_t loop_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
