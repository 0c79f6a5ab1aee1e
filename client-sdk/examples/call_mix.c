/*
 * call_mix: 20 ms of every stream's playout, added up, as often as the clock says. Mono.
 */
#include "client-sdk/examples/call_mix.h"

#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

#include "client-sdk/examples/call_clock.h"
#include "client-sdk/examples/call_text.h"

#define RATE 48000
#define SAMPLES 960
#define STEP (20 * CALL_MS)
#define BEHIND_MAX CALL_SECOND /* further behind (we were stopped): go on from now */

struct call_mix {
	SNDFILE *wav;
	struct call_play *play;
	int64_t due;
	bool failed;
};

struct call_mix *call_mix_open(const char *wav_path, struct call_play *play)
{
	struct call_mix *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		return NULL;
	}
	m->play = play;
	m->due = CALL_NEVER;
	if (wav_path != NULL) {
		SF_INFO info = { .samplerate = RATE,
			.channels = 1,
			.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16 };
		m->wav = sf_open(wav_path, SFM_WRITE, &info);
		if (m->wav == NULL) {
			call_text_errorf("Check --record", sf_strerror(NULL),
				"%s cannot be written", wav_path);
			free(m);
			return NULL;
		}
	}
	return m;
}

bool call_mix_close(struct call_mix *m)
{
	if (m == NULL) {
		return true;
	}
	bool ok = (m->wav == NULL || sf_close(m->wav) == 0) && !m->failed;
	if (!ok) {
		call_text_error("mixed.wav is not complete", "it could not be written",
			"Is the disk full?");
	}
	free(m);
	return ok;
}

void call_mix_frame(struct call_mix *m, struct call_stream *stream, const struct helio_frame *frame,
	int64_t now_ns)
{
	(void)m;
	if (stream->kind != HELIO_AUDIO || strcmp(stream->codec, "opus") != 0) {
		return;
	}
	if (stream->playout == NULL && helio_playout_create(&stream->playout, NULL) != HELIO_OK) {
		return;
	}
	/* What is no Opus is refused there, and silence here. */
	(void)helio_playout_push(stream->playout, frame, now_ns / 1000);
}

void call_mix_start(struct call_mix *m, int64_t now_ns)
{
	if (m->due == CALL_NEVER) {
		m->due = now_ns;
	}
}

int64_t call_mix_due(const struct call_mix *m)
{
	return m->due;
}

static void mix_once(struct call_mix *m, const struct call_roster *roster, int64_t now_ns)
{
	int16_t sum[SAMPLES] = { 0 }, pcm[SAMPLES];

	for (unsigned i = 0; i < roster->stream_count; i++) {
		struct helio_playout *p = roster->streams[i]->playout;
		if (p != NULL && helio_playout_pull(p, pcm, SAMPLES, now_ns / 1000)) {
			helio_mix_add(sum, pcm, SAMPLES);
		}
	}
	if (m->wav != NULL && sf_writef_short(m->wav, sum, SAMPLES) != SAMPLES) {
		m->failed = true;
	}
	if (m->play != NULL) {
		call_play_write(m->play, sum, SAMPLES);
	}
}

void call_mix_run(struct call_mix *m, const struct call_roster *roster, int64_t now_ns)
{
	if (m->due != CALL_NEVER && now_ns - m->due > BEHIND_MAX) {
		m->due = now_ns;
	}
	while (m->due <= now_ns) {
		mix_once(m, roster, m->due);
		m->due += STEP;
	}
}
