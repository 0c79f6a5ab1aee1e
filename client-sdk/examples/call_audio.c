/*
 * call_audio: reads audio sources as 48 kHz PCM. Files are read as they are needed, so their length
 * does not matter. Pacing is the sender's business.
 */
#include "client-sdk/examples/call_audio.h"

#include <math.h>
#include <opusfile.h>
#include <sndfile.h>
#include <speex/speex_resampler.h>
#include <stdlib.h>
#include <string.h>

#include "client-sdk/examples/call_play.h"
#include "client-sdk/examples/call_text.h"

#define RATE 48000
#define BLOCK 2880 /* samples per channel read from a file at once */
#define RESAMPLER_QUALITY 7
#define TONE_HZ 440.0
#define TONE_PEAK 8000.0
#define PI 3.14159265358979323846

struct call_audio {
	SNDFILE *wav;
	OggOpusFile *opus;
	struct call_mic *mic;
	SpeexResamplerState *resampler; /* NULL at 48 kHz */
	unsigned channels;
	bool loop;
	uint64_t tone_at;
	unsigned in_at, in_left; /* samples per channel of the block not used yet */
	int16_t in[BLOCK * 2];
};

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n > m && strcasecmp(text + n - m, end) == 0;
}

static bool open_wav(struct call_audio *a, const char *path)
{
	SF_INFO info;
	int err = 0;

	memset(&info, 0, sizeof(info));
	a->wav = sf_open(path, SFM_READ, &info);
	if (a->wav == NULL) {
		call_text_errorf("Give a file in a format that libsndfile reads", sf_strerror(NULL),
			"%s cannot be read", path);
		return false;
	}
	if (info.channels < 1 || info.channels > 2 || info.samplerate < 8000 ||
		info.samplerate > 192000 || info.frames == 0) {
		call_text_errorf("Convert it, for example to 48 kHz mono",
			"only 1 or 2 channels at 8 to 192 kHz, and not empty, can be sent",
			"%s cannot be sent", path);
		return false;
	}
	a->channels = (unsigned)info.channels;
	if (info.samplerate == RATE) {
		return true;
	}
	a->resampler = speex_resampler_init(
		a->channels, (spx_uint32_t)info.samplerate, RATE, RESAMPLER_QUALITY, &err);
	if (a->resampler == NULL) {
		call_text_error("the resampler failed", speex_resampler_strerror(err),
			"Convert the file to 48 kHz");
		return false;
	}
	speex_resampler_skip_zeros(a->resampler);
	return true;
}

static bool open_opus(struct call_audio *a, const char *path)
{
	int err = 0;

	a->opus = op_open_file(path, &err);
	if (a->opus == NULL) {
		call_text_errorf("Give an Ogg Opus file", "it is not there, or is no Ogg Opus file",
			"%s cannot be read", path);
		return false;
	}
	a->channels = op_channel_count(a->opus, -1) == 1 ? 1 : 2;
	return true;
}

struct call_audio *call_audio_open(const char *source, bool loop)
{
	bool ok = true;

	struct call_audio *a = calloc(1, sizeof(*a));
	if (a == NULL) {
		return NULL;
	}
	a->channels = 1;
	a->loop = loop;
	if (strcmp(source, "mic") == 0) {
		a->mic = call_mic_open();
		ok = a->mic != NULL;
	} else if (ends_with(source, ".opus")) {
		ok = open_opus(a, source);
	} else if (strcmp(source, "tone") != 0) {
		ok = open_wav(a, source);
	}
	if (!ok) {
		call_audio_close(a);
		return NULL;
	}
	return a;
}

void call_audio_close(struct call_audio *a)
{
	if (a == NULL) {
		return;
	}
	if (a->wav != NULL) {
		sf_close(a->wav);
	}
	if (a->opus != NULL) {
		op_free(a->opus);
	}
	if (a->resampler != NULL) {
		speex_resampler_destroy(a->resampler);
	}
	call_mic_close(a->mic);
	free(a);
}

unsigned call_audio_channels(const struct call_audio *a)
{
	return a->channels;
}

bool call_audio_is_finite(const struct call_audio *a)
{
	return (a->wav != NULL || a->opus != NULL) && !a->loop;
}

/* Two channels of a mono file are the same. */
static int read_opus(struct call_audio *a)
{
	int n;

	do {
		n = op_read_stereo(a->opus, a->in, BLOCK * 2);
	} while (n == OP_HOLE);
	for (int i = 0; a->channels == 1 && i < n; i++) {
		a->in[i] = (int16_t)((a->in[2 * i] + a->in[2 * i + 1]) / 2);
	}
	return n;
}

/* Reads the next block of the file; false at its end, or where it is broken. */
static bool read_block(struct call_audio *a)
{
	for (int try = 0; try < 2; try++) {
		int n = a->opus != NULL ? read_opus(a) : (int)sf_readf_short(a->wav, a->in, BLOCK);
		if (n > 0) {
			a->in_at = 0;
			a->in_left = (unsigned)n;
			return true;
		}
		if (!a->loop) {
			return false;
		}
		if (a->opus != NULL ? op_pcm_seek(a->opus, 0) != 0
				    : sf_seek(a->wav, 0, SEEK_SET) != 0) {
			return false;
		}
	}
	return false;
}

/* Moves what it can from the block to pcm; returns samples per channel written. */
static unsigned take_block(struct call_audio *a, int16_t *pcm, unsigned room)
{
	const int16_t *from = a->in + (size_t)a->in_at * a->channels;
	spx_uint32_t used = a->in_left, made = room;

	if (a->resampler != NULL) {
		speex_resampler_process_interleaved_int(a->resampler, from, &used, pcm, &made);
	} else {
		used = made = used < room ? used : room;
		memcpy(pcm, from, (size_t)made * a->channels * sizeof(*pcm));
	}
	a->in_at += used;
	a->in_left -= used;
	return made;
}

static unsigned read_file(struct call_audio *a, int16_t *pcm, unsigned samples)
{
	unsigned got = 0;

	while (got < samples && (a->in_left > 0 || read_block(a))) {
		got += take_block(a, pcm + (size_t)got * a->channels, samples - got);
	}
	memset(pcm + (size_t)got * a->channels, 0,
		(size_t)(samples - got) * a->channels * sizeof(*pcm));
	return got;
}

static unsigned read_tone(struct call_audio *a, int16_t *pcm, unsigned samples)
{
	for (unsigned i = 0; i < samples; i++) {
		double t = (double)(a->tone_at++ % RATE) / RATE; /* 440 Hz repeat each second */
		pcm[i] = (int16_t)lrint(sin(2.0 * PI * TONE_HZ * t) * TONE_PEAK);
	}
	return samples;
}

unsigned call_audio_read(struct call_audio *a, int16_t *pcm, unsigned samples)
{
	if (a->mic != NULL) {
		call_mic_read(a->mic, pcm, samples);
		return samples;
	}
	return a->wav != NULL || a->opus != NULL ? read_file(a, pcm, samples)
						 : read_tone(a, pcm, samples);
}
