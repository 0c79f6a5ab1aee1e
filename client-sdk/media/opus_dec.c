/*
 * opus_dec: the Opus decoder behind playout. Owns nothing but the decoder's state; packets come
 * from the network and are judged here before anything is made of them.
 */
#include "client-sdk/media/opus_dec.h"

#include <opus.h>
#include <stdlib.h>

#define RATE 48000
#define FRAMES_MAX 48

struct opus_dec {
	OpusDecoder *opus;
};

struct opus_dec *opus_dec_create(unsigned channels)
{
	struct opus_dec *dec = calloc(1, sizeof(*dec));
	int err = OPUS_OK;

	if (dec == NULL) {
		return NULL;
	}
	dec->opus = opus_decoder_create(RATE, (int)channels, &err);
	if (dec->opus == NULL) {
		free(dec);
		return NULL;
	}
	return dec;
}

void opus_dec_destroy(struct opus_dec *dec)
{
	if (dec != NULL) {
		opus_decoder_destroy(dec->opus);
		free(dec);
	}
}

unsigned opus_dec_samples(const void *packet, size_t len)
{
	const unsigned char *frames[FRAMES_MAX];
	opus_int16 sizes[FRAMES_MAX];
	unsigned char toc;
	int offset;

	if (len == 0 || len > OPUS_DEC_PACKET_MAX) {
		return 0;
	}
	/* Checks the whole packet's structure, lengths and total duration included. */
	int count = opus_packet_parse(packet, (opus_int32)len, &toc, frames, sizes, &offset);
	if (count <= 0) {
		return 0;
	}
	int samples = opus_packet_get_nb_samples(packet, (opus_int32)len, RATE);
	return samples > 0 && samples <= (int)OPUS_DEC_SAMPLES_MAX ? (unsigned)samples : 0;
}

unsigned opus_dec_decode(struct opus_dec *dec, const void *packet, size_t len, int16_t *pcm)
{
	int n = opus_decode(dec->opus, packet, (opus_int32)len, pcm, (int)OPUS_DEC_SAMPLES_MAX, 0);

	return n > 0 ? (unsigned)n : 0;
}

unsigned opus_dec_conceal(struct opus_dec *dec, unsigned samples, int16_t *pcm)
{
	int n = opus_decode(dec->opus, NULL, 0, pcm, (int)samples, 0);

	return n > 0 ? (unsigned)n : 0;
}
