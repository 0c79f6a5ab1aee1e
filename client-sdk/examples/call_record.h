/*
 * call_record: writes what others send into a directory: ID-STREAM.opus for audio, ID-STREAM.ivf
 * for video, as received.
 */
#ifndef CALL_RECORD_H
#define CALL_RECORD_H

#include <stdbool.h>

#include "client-sdk/examples/call_roster.h"

struct call_record;

/* Makes the directory if it is not there; NULL after an error that was printed. */
struct call_record *call_record_open(const char *dir);
/* All tracks must be closed. False when something could not be written. NULL is fine. */
bool call_record_close(struct call_record *r);

/* Writes a frame, opening the stream's track at its first. */
void call_record_frame(
	struct call_record *r, struct call_stream *stream, const struct helio_frame *frame);

/* Completes the stream's track, if it has one. */
void call_record_end(struct call_record *r, struct call_stream *stream);

/* DIR/NAME, in memory of the caller's to free(). */
char *call_record_path(const struct call_record *r, const char *name);

#endif
