/*
 * call_play: the sound device, where there is one. Mono at 48 kHz; the device's own thread meets
 * ours at a ring buffer without locks.
 */
#ifndef CALL_PLAY_H
#define CALL_PLAY_H

#include <stdint.h>

struct call_play;
struct call_mic;

/* Each returns NULL after an error that was printed. */
struct call_play *call_play_open(void);
struct call_mic *call_mic_open(void);
/* NULL is fine. */
void call_play_close(struct call_play *p);
void call_mic_close(struct call_mic *m);

/* Hands samples to the device; what it cannot take is left out. Never waits. */
void call_play_write(struct call_play *p, const int16_t *pcm, unsigned samples);

/* Takes what the microphone has; what is missing is silence. Never waits. */
void call_mic_read(struct call_mic *m, int16_t *pcm, unsigned samples);

#endif
