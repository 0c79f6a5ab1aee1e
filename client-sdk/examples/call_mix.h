/*
 * call_mix: plays out all received audio streams at the pace of the clock, mixes them, and hands
 * the mix to mixed.wav and the sound device.
 */
#ifndef CALL_MIX_H
#define CALL_MIX_H

#include <stdbool.h>
#include <stdint.h>

#include "client-sdk/examples/call_play.h"
#include "client-sdk/examples/call_roster.h"

struct call_mix;

/* wav_path, play: each may be NULL; play is borrowed. NULL after an error that was printed. */
struct call_mix *call_mix_open(const char *wav_path, struct call_play *play);
/* False when the file is not complete. NULL is fine. */
bool call_mix_close(struct call_mix *m);

/* A packet of an audio stream. */
void call_mix_frame(struct call_mix *m, struct call_stream *stream, const struct helio_frame *frame,
	int64_t now_ns);

void call_mix_start(struct call_mix *m, int64_t now_ns);
/* When call_mix_run() is to be called next; CALL_NEVER before the start. */
int64_t call_mix_due(const struct call_mix *m);
void call_mix_run(struct call_mix *m, const struct call_roster *roster, int64_t now_ns);

#endif
