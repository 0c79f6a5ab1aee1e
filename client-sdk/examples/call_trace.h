/*
 * call_trace: a file of JSON lines, one per media frame and chat line that was handed to the SDK or
 * came from it, for measuring. What is in a line:
 *
 *	{"dir":"tx","kind":"audio","participant":"alice","stream":7,"ts":960,"t_ns":123,"len":80,
 *	 "samples":960,"hash":"0123456789abcdef"}
 *
 * dir: "tx", "rx"; "self" once, naming who wrote the trace. kind: "audio", "video", "data", "chat".
 * participant: who sent it. ts: media clock; of chat the sender's count (tx) or the room's number
 *(rx). t_ns: CLOCK_MONOTONIC. hash: 64-bit FNV-1a of the payload. error: name of why it was not
 *sent.
 */
#ifndef CALL_TRACE_H
#define CALL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct call_trace_line {
	bool sent;
	const char *kind, *participant;
	unsigned stream;
	uint32_t ts;
	int64_t t_ns;
	const void *payload;
	size_t length;
	unsigned samples; /* 0: not audio */
	int error; /* of sending */
};

struct call_trace;

/* NULL after an error that was printed. */
struct call_trace *call_trace_open(const char *path);
/* Flushes and closes; false after an error that was printed. NULL is fine. */
bool call_trace_close(struct call_trace *t);

/* t may be NULL: then nothing happens. */
void call_trace_self(struct call_trace *t, const char *participant);
void call_trace_write(struct call_trace *t, const struct call_trace_line *line);

#endif
