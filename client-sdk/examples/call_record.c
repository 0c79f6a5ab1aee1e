/*
 * call_record: one track per stream. A file that cannot be written is said once, the call goes on,
 * and helio-call ends with a failure. Names of files are made of the participant's id with
 * everything but [A-Za-z0-9._@+-] replaced, so nobody else chooses where we write.
 */
#include "client-sdk/examples/call_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client-sdk/examples/call_ivf.h"
#include "client-sdk/examples/call_ogg.h"
#include "client-sdk/examples/call_text.h"

#define CLOCK 90000u

struct call_record {
	char *dir;
	bool failed;
};

struct call_track {
	struct call_ogg *ogg; /* audio */
	FILE *ivf; /* video */
	struct call_ivf_header header;
	uint32_t pictures;
	int64_t time; /* 90 kHz, since the first picture */
	uint32_t last; /* timestamp of the picture before */
};

struct call_record *call_record_open(const char *dir)
{
	struct call_record *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->dir = strdup(dir)) == NULL) {
		free(r);
		return NULL;
	}
	struct stat st;
	if (mkdir(dir, 0777) != 0 &&
		(errno != EEXIST || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))) {
		call_text_errorf(
			"Check --record", strerror(errno), "the directory %s cannot be made", dir);
		free(r->dir);
		free(r);
		return NULL;
	}
	return r;
}

bool call_record_close(struct call_record *r)
{
	if (r == NULL) {
		return true;
	}
	bool ok = !r->failed;
	free(r->dir);
	free(r);
	return ok;
}

char *call_record_path(const struct call_record *r, const char *name)
{
	char *path = NULL;
	return asprintf(&path, "%s/%s", r->dir, name) >= 0 ? path : NULL;
}

static void report(struct call_record *r, const struct call_stream *stream, const char *why)
{
	r->failed = true;
	call_text_errorf("Is the disk full, or are too many files open?", why,
		"stream %u of %s is not recorded (completely)", stream->id, stream->person->id);
}

static FILE *open_file(
	const struct call_record *r, const struct call_stream *stream, const char *end)
{
	static const char good[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-";
	char name[160];

	snprintf(name, sizeof(name), "%.120s-%u.%s", stream->person->id, stream->id, end);
	for (char *p = name; *p != '\0'; p++) {
		if (strchr(good, *p) == NULL || (p == name && *p == '.')) {
			*p = '_';
		}
	}
	char *path = call_record_path(r, name);
	FILE *f = path != NULL ? fopen(path, "wbe") : NULL;
	free(path);
	return f;
}

static bool open_audio(struct call_record *r, struct call_track *t,
	const struct call_stream *stream, const struct helio_frame *frame)
{
	FILE *f = open_file(r, stream, "opus");

	if (f == NULL) {
		return false;
	}
	/* The stereo bit of the first packet; decoders adapt to packets that differ. */
	unsigned channels = *(const uint8_t *)frame->payload & 0x04 ? 2 : 1;
	t->ogg = call_ogg_open(f, channels, stream->person->name);
	return t->ogg != NULL;
}

static bool open_video(struct call_record *r, struct call_track *t,
	const struct call_stream *stream, const struct helio_frame *frame)
{
	const uint8_t *b = frame->payload;

	t->ivf = open_file(r, stream, "ivf");
	if (t->ivf == NULL) {
		return false;
	}
	memcpy(t->header.fourcc, strcmp(stream->codec, "vp9") == 0 ? "VP90" : "VP80", 4);
	t->header.rate = CLOCK;
	t->header.scale = 1;
	/* RFC 6386, 9.1: a keyframe has its size behind the start code. */
	if (strcmp(stream->codec, "vp8") == 0 && frame->length >= 10 &&
		call_ivf_is_keyframe("vp8", b, frame->length)) {
		t->header.width = (b[6] | (unsigned)b[7] << 8) & 0x3fff;
		t->header.height = (b[8] | (unsigned)b[9] << 8) & 0x3fff;
	}
	t->last = frame->timestamp;
	return call_ivf_write_header(t->ivf, &t->header, 0);
}

static void open_track(
	struct call_record *r, struct call_stream *stream, const struct helio_frame *frame)
{
	struct call_track *t = calloc(1, sizeof(*t));

	errno = 0;
	stream->track = t;
	bool ok = t != NULL &&
		(stream->kind == HELIO_AUDIO ? open_audio(r, t, stream, frame)
					     : open_video(r, t, stream, frame));
	if (!ok) {
		report(r, stream, errno != 0 ? strerror(errno) : "its file cannot be opened");
		call_record_end(r, stream);
		stream->track_failed = 1;
	}
}

void call_record_frame(
	struct call_record *r, struct call_stream *stream, const struct helio_frame *frame)
{
	bool video = stream->kind == HELIO_VIDEO || stream->kind == HELIO_SCREEN;
	bool known = video ? strcmp(stream->codec, "vp8") == 0 || strcmp(stream->codec, "vp9") == 0
			   : stream->kind == HELIO_AUDIO && strcmp(stream->codec, "opus") == 0;

	if (!known || frame->length == 0 || stream->track_failed) {
		return;
	}
	if (stream->track == NULL) {
		open_track(r, stream, frame);
	}
	struct call_track *t = stream->track;
	if (t == NULL) {
		return;
	}
	bool ok;
	if (video) {
		int32_t step = (int32_t)(frame->timestamp - t->last);
		t->time += step > 0 ? step : 0;
		t->last = frame->timestamp;
		t->pictures++;
		ok = call_ivf_write_frame(t->ivf, frame->payload, frame->length, (uint64_t)t->time);
	} else {
		ok = call_ogg_write(t->ogg, frame->payload, frame->length, frame->timestamp);
	}
	if (!ok) {
		report(r, stream, strerror(errno));
		call_record_end(r, stream);
		stream->track_failed = 1;
	}
}

void call_record_end(struct call_record *r, struct call_stream *stream)
{
	struct call_track *t = stream->track;

	if (t == NULL) {
		return;
	}
	bool ok = call_ogg_close(t->ogg);
	if (t->ivf != NULL) {
		ok = call_ivf_write_header(t->ivf, &t->header, t->pictures) && ok;
		ok = fclose(t->ivf) == 0 && ok;
	}
	if (!ok && !r->failed) {
		report(r, stream, "the end of its file could not be written");
	}
	free(t);
	stream->track = NULL;
}
