/*
 * cond: condition variables whose deadlines are of the clock of clock.h, so that no change of the
 * machine's time makes anybody wait longer.
 */
#ifndef COMMON_COND_H
#define COMMON_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static inline void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

/* With the mutex held. until_ms is of clock_now_ms(). False: it has passed. */
static inline bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t until_ms)
{
	const struct timespec until = { .tv_sec = (time_t)(until_ms / 1000u),
		.tv_nsec = (long)(until_ms % 1000u) * 1000000 };

	return pthread_cond_timedwait(cond, mutex, &until) == 0;
}

#endif
