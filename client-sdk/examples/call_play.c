/*
 * call_play: PortAudio behind a ring buffer of 200 ms. Its callback runs on a thread of PortAudio's
 * and touches the ring alone. Without PortAudio opening fails with a sentence that says so.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "client-sdk/examples/call_play.h"

#include "client-sdk/examples/call_text.h"

#ifdef HAVE_PORTAUDIO

#include <portaudio.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define RATE 48000
#define PERIOD 480
#define RING 16384u /* a power of two */
#define RING_LIMIT 9600u /* samples kept at most: 200 ms */

struct ring {
	_Atomic unsigned written, taken; /* counts that wrap; their difference is what is in it */
	int16_t pcm[RING];
};

struct device {
	PaStream *stream;
	struct ring ring;
};

struct call_play {
	struct device device;
};

struct call_mic {
	struct device device;
};

static void ring_write(struct ring *r, const int16_t *pcm, unsigned samples)
{
	unsigned at = atomic_load_explicit(&r->written, memory_order_relaxed);
	unsigned used = at - atomic_load_explicit(&r->taken, memory_order_acquire);
	unsigned room = used < RING_LIMIT ? RING_LIMIT - used : 0;
	unsigned n = samples < room ? samples : room;

	for (unsigned i = 0; i < n; i++) {
		r->pcm[(at + i) % RING] = pcm[i];
	}
	atomic_store_explicit(&r->written, at + n, memory_order_release);
}

static void ring_read(struct ring *r, int16_t *pcm, unsigned samples)
{
	unsigned at = atomic_load_explicit(&r->taken, memory_order_relaxed);
	unsigned used = atomic_load_explicit(&r->written, memory_order_acquire) - at;
	unsigned n = samples < used ? samples : used;

	for (unsigned i = 0; i < n; i++) {
		pcm[i] = r->pcm[(at + i) % RING];
	}
	memset(pcm + n, 0, (samples - n) * sizeof(*pcm));
	atomic_store_explicit(&r->taken, at + n, memory_order_release);
}

static int on_device(const void *in, void *out, unsigned long frames,
	const PaStreamCallbackTimeInfo *times, PaStreamCallbackFlags flags, void *user)
{
	struct ring *r = user;
	(void)times;
	(void)flags;

	if (out != NULL) {
		ring_read(r, out, (unsigned)frames);
	} else if (in != NULL) {
		ring_write(r, in, (unsigned)frames);
	}
	return paContinue;
}

static bool device_open(struct device *d, bool capture)
{
	PaError err = Pa_Initialize();

	if (err == paNoError) {
		err = Pa_OpenDefaultStream(&d->stream, capture ? 1 : 0, capture ? 0 : 1, paInt16,
			RATE, PERIOD, on_device, &d->ring);
		if (err == paNoError) {
			err = Pa_StartStream(d->stream);
			if (err == paNoError) {
				return true;
			}
			Pa_CloseStream(d->stream);
		}
		Pa_Terminate();
	}
	call_text_error(capture ? "the microphone cannot be opened" : "sound cannot be played",
		Pa_GetErrorText(err), "Check the sound device, or use files instead");
	return false;
}

static void device_close(struct device *d)
{
	Pa_AbortStream(d->stream);
	Pa_CloseStream(d->stream);
	Pa_Terminate();
}

struct call_play *call_play_open(void)
{
	struct call_play *p = calloc(1, sizeof(*p));
	if (p != NULL && !device_open(&p->device, false)) {
		free(p);
		return NULL;
	}
	return p;
}

struct call_mic *call_mic_open(void)
{
	struct call_mic *m = calloc(1, sizeof(*m));
	if (m != NULL && !device_open(&m->device, true)) {
		free(m);
		return NULL;
	}
	return m;
}

void call_play_close(struct call_play *p)
{
	if (p != NULL) {
		device_close(&p->device);
		free(p);
	}
}

void call_mic_close(struct call_mic *m)
{
	if (m != NULL) {
		device_close(&m->device);
		free(m);
	}
}

void call_play_write(struct call_play *p, const int16_t *pcm, unsigned samples)
{
	ring_write(&p->device.ring, pcm, samples);
}

void call_mic_read(struct call_mic *m, int16_t *pcm, unsigned samples)
{
	ring_read(&m->device.ring, pcm, samples);
}

#else

#include <stddef.h>
#include <string.h>

static void no_device(const char *what)
{
	call_text_error(what, "helio-call was built without PortAudio",
		"Install portaudio19-dev and build again, or use files instead");
}

struct call_play *call_play_open(void)
{
	no_device("sound cannot be played");
	return NULL;
}

struct call_mic *call_mic_open(void)
{
	no_device("the microphone cannot be opened");
	return NULL;
}

void call_play_close(struct call_play *p)
{
	(void)p;
}

void call_mic_close(struct call_mic *m)
{
	(void)m;
}

void call_play_write(struct call_play *p, const int16_t *pcm, unsigned samples)
{
	(void)p;
	(void)pcm;
	(void)samples;
}

void call_mic_read(struct call_mic *m, int16_t *pcm, unsigned samples)
{
	(void)m;
	memset(pcm, 0, samples * sizeof(*pcm));
}

#endif
