/*
 * rate: how many requests may come, by key (an address, an API key, a user): token buckets that
 * fill up with time. A table of fixed size: when it is full, the fullest bucket of those that could
 * stand there gives way, which is whoever asked least.
 */
#ifndef AUTHD_RATE_H
#define AUTHD_RATE_H

#include <stdint.h>

#include "proto/errcode.h"

struct rate;

/* per_minute requests a minute for each key, as many at once. */
int rate_create(struct rate **out, unsigned per_minute) MUST_CHECK;
void rate_destroy(struct rate *rate);

/* Takes one request from the key's bucket. 0, or the seconds to wait; then nothing was taken.
 * now_ms is monotonic. Any thread. */
unsigned rate_take(struct rate *rate, const char *key, uint64_t now_ms);

#endif
