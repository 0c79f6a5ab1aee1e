/*
 * level: how loud PCM is, as RFC 6464 says it: -dBov of its RMS, 0 for a full-scale square wave,
 * 127 for silence.
 */
#ifndef MEDIA_LEVEL_H
#define MEDIA_LEVEL_H

#include <stddef.h>
#include <stdint.h>

/* count: samples of all channels together. 127 for none. */
unsigned level_from_pcm(const int16_t *pcm, size_t count);

#endif
