/*
 * opus_dec: what playout needs of Opus: judging a packet, decoding it, and making up what is
 * missing. PCM is interleaved 48 kHz.
 */
#ifndef MEDIA_OPUS_DEC_H
#define MEDIA_OPUS_DEC_H

#include <stddef.h>
#include <stdint.h>

#define OPUS_DEC_SAMPLES_MAX 5760u /* per channel: 120 ms, the longest packet */
#define OPUS_DEC_PACKET_MAX 7680u /* bytes; 120 ms at 510 kbit/s are 7,650 */

struct opus_dec;

/* NULL without memory. channels: 1 or 2. */
struct opus_dec *opus_dec_create(unsigned channels);
void opus_dec_destroy(struct opus_dec *dec);

/* Samples per channel that the packet holds; 0: it is no Opus packet. */
unsigned opus_dec_samples(const void *packet, size_t len);

/*
 * Decodes a packet into pcm, which has room for OPUS_DEC_SAMPLES_MAX per channel. Returns samples
 * per channel, 0 when the packet cannot be decoded.
 */
unsigned opus_dec_decode(struct opus_dec *dec, const void *packet, size_t len, int16_t *pcm);

/* Makes up samples (a multiple of 120, at most 5,760). Returns 0 when nothing came of it. */
unsigned opus_dec_conceal(struct opus_dec *dec, unsigned samples, int16_t *pcm);

#endif
