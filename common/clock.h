/*
 * clock: the one clock for deadlines and ages. It never jumps, and means nothing outside this
 * machine; times that leave the process come from time().
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds of the monotonic clock. */
static inline uint64_t clock_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

/* The same in seconds. */
static inline int64_t clock_now_s(void)
{
	return (int64_t)(clock_now_ms() / 1000u);
}

#endif
