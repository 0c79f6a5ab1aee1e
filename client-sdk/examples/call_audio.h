/*
 * call_audio: where audio to send comes from: a file, a tone or the microphone. PCM at 48 kHz.
 */
#ifndef CALL_AUDIO_H
#define CALL_AUDIO_H

#include <stdbool.h>
#include <stdint.h>

struct call_audio;

/* Opens FILE.wav, FILE.opus, "tone" or "mic"; NULL after an error that was printed. */
struct call_audio *call_audio_open(const char *source, bool loop);
void call_audio_close(struct call_audio *a);

unsigned call_audio_channels(const struct call_audio *a);
/* Whether it ends by itself. */
bool call_audio_is_finite(const struct call_audio *a);

/*
 * Reads samples (per channel); what a file lacks at its end is filled with silence. Returns how
 * many were there: 0 at the end.
 */
unsigned call_audio_read(struct call_audio *a, int16_t *pcm, unsigned samples);

#endif
