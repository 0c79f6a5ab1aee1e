/*
 * callcheck_audio: how much a recording resembles the speech that was sent. Both become 48 kHz
 * mono; the delay between them is searched on a coarse copy, then refined; the correlation is over
 * the whole, so that what is missing on either side counts against it.
 */
#include "tests/tools/callcheck.h"

#include <math.h>
#include <opusfile.h>
#include <sndfile.h>
#include <speex/speex_resampler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RATE 48000
#define COARSE 8 /* samples added up for the search */
#define WINDOW 24000 /* samples of shift to either side */
#define SEARCHED (20 * RATE) /* the search looks at that much from the start */
#define MAX_SAMPLES (3600u * RATE)

struct pcm {
	float *samples;
	size_t count, room;
};

static bool pcm_append(struct pcm *p, const float *more, size_t count)
{
	if (p->count + count > MAX_SAMPLES) {
		return false;
	}
	if (p->count + count > p->room) {
		size_t room = (p->count + count) * 2;
		float *bigger = realloc(p->samples, room * sizeof(*bigger));
		if (bigger == NULL) {
			return false;
		}
		p->samples = bigger;
		p->room = room;
	}
	memcpy(p->samples + p->count, more, count * sizeof(*more));
	p->count += count;
	return true;
}

static bool load_opus(struct pcm *p, const char *path)
{
	float block[5760 * 2];
	int n = 0;

	OggOpusFile *f = op_open_file(path, NULL);
	if (f == NULL) {
		return false;
	}
	bool ok = true;
	while (ok && ((n = op_read_float_stereo(f, block, 5760 * 2)) > 0 || n == OP_HOLE)) {
		for (int i = 0; i < n; i++) {
			block[i] = (block[2 * i] + block[2 * i + 1]) / 2;
		}
		ok = n < 0 || pcm_append(p, block, (size_t)n);
	}
	op_free(f);
	return ok && n == 0;
}

/* Reads what is left of the file as mono into in. */
static bool read_mono(SNDFILE *f, int channels, struct pcm *in)
{
	float block[4096];
	sf_count_t n;

	while ((n = sf_readf_float(f, block, 4096 / channels)) > 0) {
		for (sf_count_t i = 0; i < n; i++) {
			float sum = 0;
			for (int c = 0; c < channels; c++) {
				sum += block[i * channels + c];
			}
			block[i] = sum / (float)channels;
		}
		if (!pcm_append(in, block, (size_t)n)) {
			return false;
		}
	}
	return true;
}

static bool resample(struct pcm *p, const struct pcm *in, int rate)
{
	int err = 0;
	float block[8192];

	SpeexResamplerState *r = speex_resampler_init(1, (spx_uint32_t)rate, RATE, 8, &err);
	if (r == NULL) {
		return false;
	}
	speex_resampler_skip_zeros(r);
	bool ok = true;
	for (size_t at = 0; ok && at < in->count;) {
		spx_uint32_t used = in->count - at < 4096 ? (spx_uint32_t)(in->count - at) : 4096;
		spx_uint32_t made = 8192;
		ok = speex_resampler_process_float(r, 0, in->samples + at, &used, block, &made) ==
				0 &&
			(used > 0 || made > 0) && pcm_append(p, block, made);
		at += used;
	}
	speex_resampler_destroy(r);
	return ok;
}

static bool load_wav(struct pcm *p, const char *path)
{
	SF_INFO info = { 0 };
	struct pcm in = { 0 };

	SNDFILE *f = sf_open(path, SFM_READ, &info);
	if (f == NULL) {
		return false;
	}
	bool ok = info.channels >= 1 && info.channels <= 64 && read_mono(f, info.channels, &in) &&
		resample(p, &in, info.samplerate);
	sf_close(f);
	free(in.samples);
	return ok;
}

static bool load(struct pcm *p, const char *path)
{
	size_t n = strlen(path);
	bool opus = n > 5 && strcasecmp(path + n - 5, ".opus") == 0;

	if ((opus ? load_opus(p, path) : load_wav(p, path)) && p->count > 0) {
		return true;
	}
	fprintf(stderr, "callcheck: %s cannot be read as audio\n", path);
	return false;
}

/* Speech that is sent over and over, for as long as the recording is. */
static bool repeat_to(struct pcm *p, size_t count)
{
	size_t once = p->count;

	while (p->count < count) {
		float block[4096];
		size_t at = p->count % once;
		size_t n = once - at < 4096 ? once - at : 4096;
		memcpy(block, p->samples + at, n * sizeof(block[0]));
		if (!pcm_append(p, block, n < count - p->count ? n : count - p->count)) {
			return false;
		}
	}
	return true;
}

static double dot_at(const float *x, size_t nx, const float *y, size_t ny, long lag)
{
	size_t from = lag < 0 ? (size_t)-lag : 0; /* x[i] meets y[i + lag] */
	double sum = 0;

	for (size_t i = from; i < nx && (long)i + lag < (long)ny; i++) {
		sum += (double)x[i] * y[(long)i + lag];
	}
	return sum;
}

static long best_lag(const float *x, size_t nx, const float *y, size_t ny, long low, long high)
{
	double best = -1;
	long at = low;

	for (long lag = low; lag <= high; lag++) {
		double sum = dot_at(x, nx, y, ny, lag);
		if (sum > best) {
			best = sum;
			at = lag;
		}
	}
	return at;
}

static float *coarse_copy(const struct pcm *p, size_t *count)
{
	size_t from = p->count < SEARCHED ? p->count : SEARCHED;

	*count = from / COARSE;
	float *out = calloc(*count + 1, sizeof(*out));
	for (size_t i = 0; out != NULL && i < *count * COARSE; i++) {
		out[i / COARSE] += p->samples[i];
	}
	return out;
}

static bool correlate(const struct pcm *x, const struct pcm *y, double *correlation)
{
	size_t nx, ny;
	float *cx = coarse_copy(x, &nx), *cy = coarse_copy(y, &ny);

	if (cx == NULL || cy == NULL) {
		free(cx);
		free(cy);
		return false;
	}
	long lag = best_lag(cx, nx, cy, ny, -WINDOW / COARSE, WINDOW / COARSE) * COARSE;
	free(cx);
	free(cy);
	size_t head = x->count < SEARCHED ? x->count : SEARCHED;
	lag = best_lag(x->samples, head, y->samples, y->count, lag - 2 * COARSE, lag + 2 * COARSE);
	double energy = dot_at(x->samples, x->count, x->samples, x->count, 0) *
		dot_at(y->samples, y->count, y->samples, y->count, 0);
	double sum = dot_at(x->samples, x->count, y->samples, y->count, lag);
	*correlation = energy > 0 && sum > 0 ? sum / sqrt(energy) : 0;
	return true;
}

bool audio_compare(const char *speech, bool loop, const char *recording, double *correlation)
{
	struct pcm x = { 0 }, y = { 0 };

	bool ok = load(&x, speech) && load(&y, recording) && (!loop || repeat_to(&x, y.count)) &&
		correlate(&x, &y, correlation);
	free(x.samples);
	free(y.samples);
	return ok;
}
