/*
 * call_clock: the one clock of helio-call, CLOCK_MONOTONIC in nanoseconds.
 */
#ifndef CALL_CLOCK_H
#define CALL_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CALL_NEVER INT64_MAX
#define CALL_MS 1000000LL
#define CALL_SECOND 1000000000LL

static inline int64_t call_clock_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * CALL_SECOND + ts.tv_nsec;
}

#endif
