/*
 * callcheck: judges a call by what its participants wrote down. Each participant was one
 *helio-call,
 *
 *	helio-call --trace DIR/trace.jsonl --record DIR ...
 *
 * and callcheck is given all their directories on the same machine:
 *
 *	callcheck [--json] [--max-p99-ms MS] [--min-correlation R] RUN RUN...
 *	RUN: --run DIR [--speech FILE.wav|FILE.opus] [--loop] [--clip FILE.ivf] [--chat N]
 *
 *	--run DIR            what one participant wrote: trace.jsonl, ID-STREAM.opus, ID-STREAM.ivf
 *	--speech FILE        it sent this audio: must have sent some, and the others' recordings of
 *it are compared with FILE
 *	--loop               it sent FILE over and over
 *	--clip FILE.ivf      it sent this video: each frame sent must be the clip's, in order
 *	--chat N             it sent N lines of chat
 *	--max-p99-ms MS      one-way latency of audio and video frames allowed; default 20
 *	--min-correlation R  likeness of received speech needed; default 0.9
 *	--json               one JSON object on one line instead of the table
 *
 * Every audio and video frame and every line of chat that one run sent must be in every other run's
 * trace: there once, unchanged, in order. Exit: 0 all held, 1 something did not (said on stderr,
 *and in "failed" of the JSON), 2 usage, or a file that cannot be read. The JSON object:
 *
 *	{"ok":true,"failed":[],
 *	 "audio":[{"from":"p1","to":"p2","sent_s":10.0,"received_s":10.0,"lost":0,"altered":0,
 *	           "correlation":0.97,"p50_ms":1.2,"p99_ms":6.0}],
 *	 "video":{"from":"p1","to":"p2","sent":300,"received":300,"bit_exact":true,"p50_ms":1.2,
 *	          "p99_ms":6.0},
 *	 "chat":{"sent":4,"received":4}}
 *
 * from and to are participant ids. correlation is null without --speech. "video" is null when there
 *was none; with several directions it is the worst of them and "videos" lists them all. received of
 *chat counts what reached the others, out of sent times the number of others.
 */
#ifndef TOOLS_CALLCHECK_H
#define TOOLS_CALLCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---------------------------------------------------------------- traces (callcheck_trace.c) */

enum trace_kind { TRACE_AUDIO, TRACE_VIDEO, TRACE_CHAT };

struct trace_frame {
	enum trace_kind kind;
	bool sent;
	unsigned participant; /* of the sender, see trace_participant() */
	unsigned stream;
	uint64_t ts, t_ns, hash;
	unsigned samples; /* audio: at 48 kHz */
	size_t order; /* line in the trace */
};

struct trace {
	char *self; /* participant id of who wrote it */
	struct trace_frame *frames; /* in the order of the trace */
	size_t count;
	char **names; /* participant ids that frames are from; trace_frame.participant counts in
			 here */
	unsigned name_count;
};

/* Reads FILE; false after an error that was printed. */
bool trace_load(struct trace *t, const char *path);
void trace_finish(struct trace *t);

/* What became of one direction of one kind. */
struct direction {
	enum trace_kind kind;
	const char *from, *to;
	unsigned stream; /* the stream at the sender; of the last one when there were several */
	size_t sent, received, lost, altered, doubled, disordered;
	uint64_t sent_samples, received_samples;
	double p50_ms, p99_ms; /* 0 without any received */
};

/* Follows what `from` sent to what `to` got. False without memory. */
bool trace_follow(struct direction *d, enum trace_kind kind, const struct trace *from,
	const struct trace *to);

/* ---------------------------------------------------------------- audio (callcheck_audio.c) */

/*
 * Correlation (0-1) of the recording with the speech, aligned within half a second. False after an
 * error that was printed.
 */
bool audio_compare(const char *speech, bool loop, const char *recording, double *correlation);

/* ---------------------------------------------------------------- video (callcheck_video.c) */

/* The clip's pictures by hash, in order; false after an error that was printed. The caller frees
 * it. */
bool video_load(const char *path, uint64_t **hashes, size_t *count);

#endif
