/*
 * opus_enc: PCM in, one Opus packet out. Owns the Opus encoder and the media clock of one stream;
 * knows nothing of sessions. Silence under DTX produces no packet at all, so Opus's own updates of
 * the comfort noise are left out too.
 */
#include <helio.h>

#include <opus.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client-sdk/media/level.h"

#define RATE 48000
/* 60 ms at 510 kbit/s are 3,825 bytes. */
#define PACKET_MAX 4000
#define BITRATE_MIN 6000u
#define BITRATE_MAX 510000u
#define BITRATE_PER_CHANNEL 32000u

struct helio_opus_encoder {
	OpusEncoder *opus;
	unsigned channels;
	unsigned frame_size; /* samples per channel */
	uint32_t timestamp; /* of the next frame */
	bool dtx;
	bool silent; /* the last frame produced nothing, or there was none */
	unsigned char packet[PACKET_MAX];
};

/* Copies what this caller's version of the struct has and puts the defaults in. */
static int config_read(struct helio_opus_config *c, const struct helio_opus_config *given)
{
	memset(c, 0, sizeof(*c));
	if (given != NULL) {
		if (given->size < sizeof(given->size)) {
			return HELIO_ERR_INVALID;
		}
		memcpy(c, given, given->size < sizeof(*c) ? given->size : sizeof(*c));
	}
	c->channels = c->channels != 0 ? c->channels : 1;
	c->frame_ms = c->frame_ms != 0 ? c->frame_ms : 20;
	if (c->channels > 2) {
		return HELIO_ERR_INVALID;
	}
	if (c->frame_ms != 10 && c->frame_ms != 20 && c->frame_ms != 40 && c->frame_ms != 60) {
		return HELIO_ERR_INVALID;
	}
	c->bitrate = c->bitrate != 0 ? c->bitrate : BITRATE_PER_CHANNEL * c->channels;
	if (c->bitrate < BITRATE_MIN || c->bitrate > BITRATE_MAX) {
		return HELIO_ERR_INVALID;
	}
	return HELIO_OK;
}

static int encoder_setup(OpusEncoder *opus, const struct helio_opus_config *c)
{
	int signal = c->music ? OPUS_SIGNAL_MUSIC : OPUS_SIGNAL_VOICE;

	if (opus_encoder_ctl(opus, OPUS_SET_BITRATE((opus_int32)c->bitrate)) != OPUS_OK ||
		opus_encoder_ctl(opus, OPUS_SET_SIGNAL(signal)) != OPUS_OK ||
		opus_encoder_ctl(opus, OPUS_SET_DTX(c->dtx ? 1 : 0)) != OPUS_OK) {
		return HELIO_ERR_INTERNAL;
	}
	return HELIO_OK;
}

int helio_opus_encoder_create(
	struct helio_opus_encoder **out, const struct helio_opus_config *config)
{
	struct helio_opus_config c;

	if (out == NULL) {
		return HELIO_ERR_INVALID;
	}
	*out = NULL;
	int err = config_read(&c, config);
	if (err != HELIO_OK) {
		return err;
	}
	struct helio_opus_encoder *enc = calloc(1, sizeof(*enc));
	if (enc == NULL) {
		return HELIO_ERR_NOMEM;
	}
	int application = c.music ? OPUS_APPLICATION_AUDIO : OPUS_APPLICATION_VOIP;
	int opus_err = OPUS_OK;
	enc->opus = opus_encoder_create(RATE, (int)c.channels, application, &opus_err);
	err = enc->opus != NULL ? encoder_setup(enc->opus, &c) : HELIO_ERR_NOMEM;
	if (err != HELIO_OK) {
		helio_opus_encoder_destroy(enc);
		return err;
	}
	enc->channels = c.channels;
	enc->frame_size = c.frame_ms * (RATE / 1000);
	enc->dtx = c.dtx != 0;
	enc->silent = true;
	*out = enc;
	return HELIO_OK;
}

void helio_opus_encoder_destroy(struct helio_opus_encoder *enc)
{
	if (enc != NULL) {
		if (enc->opus != NULL) {
			opus_encoder_destroy(enc->opus);
		}
		free(enc);
	}
}

unsigned helio_opus_encoder_frame_size(const struct helio_opus_encoder *enc)
{
	return enc->frame_size;
}

/* Whether what was just encoded is silence that need not be sent. */
static bool is_dtx(const struct helio_opus_encoder *enc, opus_int32 len)
{
	opus_int32 in_dtx = 0;

	if (!enc->dtx) {
		return false;
	}
	if (len <= 2) {
		return true; /* a table of contents without a frame */
	}
	return opus_encoder_ctl(enc->opus, OPUS_GET_IN_DTX(&in_dtx)) == OPUS_OK && in_dtx != 0;
}

int helio_opus_encode(struct helio_opus_encoder *enc, const int16_t *pcm, struct helio_frame *frame)
{
	if (enc == NULL || pcm == NULL || frame == NULL || frame->size < sizeof(*frame)) {
		return HELIO_ERR_INVALID;
	}
	opus_int32 len = opus_encode(enc->opus, pcm, (int)enc->frame_size, enc->packet, PACKET_MAX);
	if (len < 0) {
		return HELIO_ERR_INTERNAL;
	}
	frame->kind = HELIO_AUDIO;
	frame->flags = 0;
	frame->timestamp = enc->timestamp;
	frame->level = level_from_pcm(pcm, (size_t)enc->frame_size * enc->channels);
	frame->payload = enc->packet;
	frame->length = (size_t)len;
	enc->timestamp += enc->frame_size;
	if (is_dtx(enc, len)) {
		frame->length = 0;
		enc->silent = true;
	} else if (enc->silent) {
		frame->flags = HELIO_MARKER;
		enc->silent = false;
	}
	return HELIO_OK;
}
