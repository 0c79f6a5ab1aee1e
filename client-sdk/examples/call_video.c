/*
 * call_video: walks through an IVF file picture by picture. Nothing is decoded; pacing is the
 * sender's business.
 */
#include "client-sdk/examples/call_video.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client-sdk/examples/call_ivf.h"
#include "client-sdk/examples/call_text.h"

#define CLOCK 90000u

struct call_video {
	FILE *file;
	struct call_ivf_header header;
	const char *codec;
	bool loop, read_any;
	long start; /* of the first picture in the file */
	uint64_t first_pts; /* of the file, so that it begins at 0 */
	uint64_t base; /* 90 kHz time at which this round of the file began */
	uint64_t last,
		step; /* time of the picture before, and its distance to the one before that */
	uint8_t *data;
	size_t size;
};

static const char *open_file(struct call_video *v, const char *path)
{
	v->file = fopen(path, "rbe");
	if (v->file == NULL) {
		return strerror(errno);
	}
	const char *why = call_ivf_read_header(v->file, &v->header);
	if (why != NULL) {
		return why;
	}
	v->codec = memcmp(v->header.fourcc, "VP80", 4) == 0 ? "vp8"
		: memcmp(v->header.fourcc, "VP90", 4) == 0  ? "vp9"
							    : NULL;
	v->start = ftell(v->file);
	return v->codec == NULL ? "it is neither VP8 nor VP9" : NULL;
}

struct call_video *call_video_open(const char *path, bool loop)
{
	struct call_video *v = calloc(1, sizeof(*v));
	if (v == NULL) {
		return NULL;
	}
	v->loop = loop;
	v->step = CLOCK / 30;
	const char *why = open_file(v, path);
	if (why != NULL) {
		call_text_errorf("Give an IVF file of VP8 or VP9", why, "%s cannot be sent", path);
		call_video_close(v);
		return NULL;
	}
	return v;
}

void call_video_close(struct call_video *v)
{
	if (v != NULL) {
		if (v->file != NULL) {
			fclose(v->file);
		}
		free(v->data);
		free(v);
	}
}

const char *call_video_codec(const struct call_video *v)
{
	return v->codec;
}

/* pts in ticks of the file to 90 kHz, without overflow for any sane file. */
static uint64_t to_clock(const struct call_video *v, uint64_t pts)
{
	uint64_t ticks = pts - v->first_pts;
	uint64_t unit = (uint64_t)CLOCK * v->header.scale;

	return ticks / v->header.rate * unit + ticks % v->header.rate * unit / v->header.rate;
}

bool call_video_next(struct call_video *v, struct call_picture *picture, bool *broken)
{
	size_t len = 0;
	uint64_t pts = 0;

	int got = call_ivf_read_frame(v->file, &v->data, &v->size, &len, &pts);
	if (got == 0 && v->loop && v->read_any) {
		v->base = v->last + v->step;
		if (fseek(v->file, v->start, SEEK_SET) == 0) {
			got = call_ivf_read_frame(v->file, &v->data, &v->size, &len, &pts);
		}
	}
	*broken = got < 0;
	if (got <= 0) {
		return false;
	}
	if (!v->read_any) {
		v->first_pts = pts;
	}
	picture->time = v->base + (pts >= v->first_pts ? to_clock(v, pts) : 0);
	if (v->read_any && picture->time > v->last) {
		v->step = picture->time - v->last;
	}
	v->last = picture->time;
	v->read_any = true;
	picture->data = v->data;
	picture->length = len;
	picture->keyframe = call_ivf_is_keyframe(v->codec, v->data, len);
	return true;
}
