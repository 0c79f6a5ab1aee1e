/*
 * call_send: what we send: one audio and one video publication, each paced by an absolute clock.
 * Media begins at call_send_start(), at media time 0.
 */
#ifndef CALL_SEND_H
#define CALL_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include <helio.h>

#include "client-sdk/examples/call_options.h"
#include "client-sdk/examples/call_trace.h"

struct call_send_counts {
	uint64_t audio_frames, audio_samples, video_frames;
	uint64_t refused; /* frames the SDK did not take: its queue was full */
};

struct call_send;

/* Opens the sources; NULL after an error that was printed. trace is borrowed and may be NULL. */
struct call_send *call_send_open(const struct call_options *o, struct call_trace *trace);
void call_send_close(struct call_send *s);

/* Joined, as this participant: asks to publish. Returns HELIO_OK or why not. */
int call_send_publish(struct call_send *s, struct helio *h, const char *participant);
void call_send_published(struct call_send *s, int publication, uint16_t stream);
/* All publications are gone: nothing is sent until there are others. */
void call_send_unpublished(struct call_send *s);
/* Whether all that was asked for may be sent. */
bool call_send_is_ready(const struct call_send *s);

void call_send_start(struct call_send *s, int64_t now_ns);
bool call_send_is_started(const struct call_send *s);
/* When call_send_run() is to be called next; CALL_NEVER when there is nothing (more) to send. */
int64_t call_send_due(const struct call_send *s);
void call_send_run(struct call_send *s, struct helio *h, int64_t now_ns);

/* There are files to send, and they end by themselves; and: they have. */
bool call_send_is_finite(const struct call_send *s);
bool call_send_is_done(const struct call_send *s);
/* A file was broken in its middle (that was printed). */
bool call_send_has_failed(const struct call_send *s);

const struct call_send_counts *call_send_counts(const struct call_send *s);

#endif
