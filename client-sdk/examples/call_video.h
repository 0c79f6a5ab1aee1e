/*
 * call_video: pictures of an IVF file, with their times on the 90 kHz clock.
 */
#ifndef CALL_VIDEO_H
#define CALL_VIDEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call_picture {
	const uint8_t *data; /* valid until the next call */
	size_t length;
	uint64_t time; /* 90 kHz, from 0 on; goes on when the file is looped */
	bool keyframe;
};

struct call_video;

/* NULL after an error that was printed. */
struct call_video *call_video_open(const char *path, bool loop);
void call_video_close(struct call_video *v);
const char *call_video_codec(const struct call_video *v); /* "vp8", "vp9" */

/* The next picture; false at the end. A broken file ends where it is broken, and *broken is set. */
bool call_video_next(struct call_video *v, struct call_picture *picture, bool *broken);

#endif
