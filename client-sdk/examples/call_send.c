/*
 * call_send: paces and sends our streams. The clock is absolute, so that no error adds up; who fell
 * far behind (the process was stopped) goes on from now instead of sending a flood.
 */
#include "client-sdk/examples/call_send.h"

#include <stdlib.h>
#include <string.h>

#include "client-sdk/examples/call_audio.h"
#include "client-sdk/examples/call_clock.h"
#include "client-sdk/examples/call_text.h"
#include "client-sdk/examples/call_video.h"

#define AUDIO_SAMPLES_MAX 2880u /* 60 ms */
#define BEHIND_MAX CALL_SECOND
#define VIDEO_CLOCK 90000

/* One publication. */
struct outlet {
	bool wanted, ended;
	int publication;
	bool published;
	uint16_t stream;
	int64_t start, due; /* ns; CALL_NEVER before the start and after the end */
};

struct call_send {
	struct call_audio *audio_source;
	struct helio_opus_encoder *encoder;
	struct outlet audio;
	uint64_t audio_sent_until; /* samples since start */
	struct call_video *video_source;
	struct outlet video;
	struct call_picture picture; /* the one that is due next */
	struct call_trace *trace;
	char *participant;
	bool finite, failed, started;
	struct call_send_counts counts;
	int16_t pcm[AUDIO_SAMPLES_MAX * 2];
};

static bool open_audio(struct call_send *s, const struct call_options *o)
{
	struct helio_opus_config config = HELIO_OPUS_CONFIG_INIT;

	s->audio_source = call_audio_open(o->send_audio, o->loop);
	if (s->audio_source == NULL) {
		return false;
	}
	config.channels = call_audio_channels(s->audio_source);
	config.frame_ms = o->audio_ms;
	config.bitrate = o->bitrate;
	config.dtx = o->dtx;
	int err = helio_opus_encoder_create(&s->encoder, &config);
	if (err != HELIO_OK) {
		call_text_error("audio cannot be encoded", helio_error_text(err),
			"Check --bitrate and --audio-ms");
		return false;
	}
	s->audio.wanted = true;
	s->finite = call_audio_is_finite(s->audio_source);
	return true;
}

static void report_broken(struct call_send *s)
{
	s->failed = true;
	call_text_error("the video ends early", "its file is cut off or broken", "Make it again");
}

/* Reads the next picture; the video ends where there is none. */
static void next_picture(struct call_send *s)
{
	bool broken = false;

	if (!call_video_next(s->video_source, &s->picture, &broken)) {
		s->video.ended = true;
		s->video.due = CALL_NEVER;
		if (broken) {
			report_broken(s);
		}
	} else if (s->started) {
		s->video.due = s->video.start +
			(int64_t)(s->picture.time * (CALL_SECOND / 10000) / (VIDEO_CLOCK / 10000));
	}
}

static bool open_video(struct call_send *s, const struct call_options *o)
{
	s->video_source = call_video_open(o->send_video, o->loop);
	if (s->video_source == NULL) {
		return false;
	}
	s->video.wanted = true;
	s->finite = s->finite || !o->loop;
	next_picture(s);
	if (s->video.ended) {
		if (!s->failed) {
			call_text_error("the video cannot be sent", "its file has no pictures",
				"Make it again");
		}
		return false;
	}
	return true;
}

struct call_send *call_send_open(const struct call_options *o, struct call_trace *trace)
{
	struct call_send *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->trace = trace;
	s->audio.due = CALL_NEVER;
	s->video.due = CALL_NEVER;
	if ((o->send_audio != NULL && !open_audio(s, o)) ||
		(o->send_video != NULL && !open_video(s, o))) {
		call_send_close(s);
		return NULL;
	}
	return s;
}

void call_send_close(struct call_send *s)
{
	if (s != NULL) {
		call_audio_close(s->audio_source);
		helio_opus_encoder_destroy(s->encoder);
		call_video_close(s->video_source);
		free(s->participant);
		free(s);
	}
}

int call_send_publish(struct call_send *s, struct helio *h, const char *participant)
{
	struct helio_stream stream = HELIO_STREAM_INIT;
	int err = HELIO_OK;

	free(s->participant);
	s->participant = strdup(participant);
	if (s->participant == NULL) {
		return HELIO_ERR_NOMEM;
	}
	if (s->audio.wanted) {
		stream.kind = HELIO_AUDIO;
		stream.codec = "opus";
		stream.label = "mic";
		err = helio_publish(h, &stream, &s->audio.publication);
	}
	if (err == HELIO_OK && s->video.wanted) {
		stream.kind = HELIO_VIDEO;
		stream.codec = call_video_codec(s->video_source);
		stream.label = "camera";
		err = helio_publish(h, &stream, &s->video.publication);
	}
	return err;
}

void call_send_published(struct call_send *s, int publication, uint16_t stream)
{
	struct outlet *o = publication == s->audio.publication ? &s->audio : &s->video;

	if (publication == o->publication) {
		o->published = true;
		o->stream = stream;
	}
}

void call_send_unpublished(struct call_send *s)
{
	s->audio.published = s->video.published = false;
	s->audio.publication = s->video.publication = 0;
}

bool call_send_is_ready(const struct call_send *s)
{
	return (!s->audio.wanted || s->audio.published) && (!s->video.wanted || s->video.published);
}

void call_send_start(struct call_send *s, int64_t now_ns)
{
	s->started = true;
	if (s->audio.wanted) {
		s->audio.start = s->audio.due = now_ns;
	}
	if (s->video.wanted) {
		s->video.start = s->video.due = now_ns;
	}
}

bool call_send_is_started(const struct call_send *s)
{
	return s->started;
}

int64_t call_send_due(const struct call_send *s)
{
	return s->audio.due < s->video.due ? s->audio.due : s->video.due;
}

/* Hands a frame to the SDK and to the trace; true when it was taken. */
static bool send_frame(struct call_send *s, struct helio *h, const struct outlet *o,
	const struct helio_frame *frame, const char *kind, unsigned samples)
{
	struct call_trace_line line = { .sent = true,
		.kind = kind,
		.participant = s->participant,
		.stream = o->stream,
		.ts = frame->timestamp,
		.payload = frame->payload,
		.length = frame->length,
		.samples = samples };

	line.t_ns = call_clock_now();
	line.error = helio_send(h, o->publication, frame);
	call_trace_write(s->trace, &line);
	s->counts.refused += line.error != HELIO_OK;
	return line.error == HELIO_OK;
}

static void send_audio(struct call_send *s, struct helio *h)
{
	struct helio_frame frame = HELIO_FRAME_INIT;
	unsigned samples = helio_opus_encoder_frame_size(s->encoder);

	if (call_audio_read(s->audio_source, s->pcm, samples) == 0) {
		s->audio.ended = true;
		s->audio.due = CALL_NEVER;
		return;
	}
	if (helio_opus_encode(s->encoder, s->pcm, &frame) != HELIO_OK) {
		s->counts.refused++;
	} else if (frame.length > 0 && send_frame(s, h, &s->audio, &frame, "audio", samples)) {
		s->counts.audio_frames++;
		s->counts.audio_samples += samples;
	}
	s->audio_sent_until += samples;
	s->audio.due = s->audio.start + (int64_t)(s->audio_sent_until * (CALL_SECOND / 1000) / 48);
}

static void send_picture(struct call_send *s, struct helio *h)
{
	struct helio_frame frame = HELIO_FRAME_INIT;

	frame.flags = s->picture.keyframe ? HELIO_KEYFRAME : 0;
	frame.timestamp = (uint32_t)s->picture.time;
	frame.payload = s->picture.data;
	frame.length = s->picture.length;
	s->counts.video_frames += send_frame(s, h, &s->video, &frame, "video", 0);
	next_picture(s);
}

static void catch_up(struct outlet *o, int64_t now_ns)
{
	if (o->due != CALL_NEVER && now_ns - o->due > BEHIND_MAX) {
		o->start += now_ns - o->due;
		o->due = now_ns;
	}
}

void call_send_run(struct call_send *s, struct helio *h, int64_t now_ns)
{
	catch_up(&s->audio, now_ns);
	catch_up(&s->video, now_ns);
	while (s->audio.due <= now_ns) {
		send_audio(s, h);
	}
	while (s->video.due <= now_ns) {
		send_picture(s, h);
	}
}

bool call_send_is_finite(const struct call_send *s)
{
	return s->finite;
}

bool call_send_is_done(const struct call_send *s)
{
	bool audio = !s->audio.wanted || s->audio.ended || !call_audio_is_finite(s->audio_source);
	bool video = !s->video.wanted || s->video.ended;

	return audio && video;
}

bool call_send_has_failed(const struct call_send *s)
{
	return s->failed;
}

const struct call_send_counts *call_send_counts(const struct call_send *s)
{
	return &s->counts;
}
