/*
 * test_callcheck: callcheck must accept a call that went well and refuse everything else. The calls
 * are made up: traces are written line by line, "speech" is a voice-like sound with pauses, and
 * recordings are written with helio-call's own muxer.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <helio.h>
#include <sndfile.h>

#include "client-sdk/examples/call_ivf.h"
#include "client-sdk/examples/call_ogg.h"
#include "client-sdk/examples/call_trace.h"

#define PI 3.14159265358979323846
#define PROGRAM "tests/tools/callcheck"
#define SECONDS 3
#define FRAME 960
#define AUDIO_FRAMES (SECONDS * 50)
#define PICTURES 30

/* What goes wrong in the call that is made up. */
struct fault {
	int drop_audio, swap_audio, drop_picture, change_picture, drop_chat,
		change_chat; /* -1: none */
	int double_audio, swap_pictures, no_recording;
	unsigned shift; /* samples of silence before the recorded speech */
	int wrong_speech, wrong_clip;
	int64_t latency_ns;
};

static const struct fault no_fault = { -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 2000000 };

struct call {
	char dir[64], path[128];
};

static const char *path_of(struct call *c, const char *name)
{
	snprintf(c->path, sizeof(c->path), "%s/%s", c->dir, name);
	return c->path;
}

/* Syllables of harmonics with a pitch of its own, and pauses. */
static void speak(int16_t *pcm, size_t count, double pitch)
{
	double phase = 0;

	for (size_t i = 0; i < count; i++) {
		double t = (double)i / 48000.0;
		double loud = fmax(0, sin(2 * PI * t * (1.3 + pitch / 1000)) + 0.2);
		phase += 2 * PI * pitch * (1 + 0.2 * sin(2 * PI * 0.7 * t)) / 48000.0;
		double v = sin(phase) + 0.6 * sin(2 * phase) + 0.4 * sin(5 * phase);
		pcm[i] = (int16_t)(v * loud * 6000);
	}
}

static void write_wav(const char *path, const int16_t *pcm, size_t count)
{
	SF_INFO info = {
		.samplerate = 48000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16
	};
	SNDFILE *f = sf_open(path, SFM_WRITE, &info);

	assert_non_null(f);
	assert_int_equal(sf_writef_short(f, pcm, (sf_count_t)count), count);
	sf_close(f);
}

static void trace_line(struct call_trace *t, bool sent, const char *kind, const char *who,
	unsigned stream, uint32_t ts, int64_t t_ns, const void *bytes, size_t len, unsigned samples)
{
	struct call_trace_line line = { sent, kind, who, stream, ts, t_ns, bytes, len, samples, 0 };
	call_trace_write(t, &line);
}

/* p1's speech: encoded, traced on both sides, recorded by p2. */
static void make_audio(
	struct call *c, const struct fault *f, struct call_trace *p1, struct call_trace *p2)
{
	static int16_t pcm[SECONDS * 48000 + 96000], other[SECONDS * 48000];
	struct helio_opus_config config = HELIO_OPUS_CONFIG_INIT;
	struct helio_opus_encoder *enc;
	struct call_ogg *ogg = NULL;

	memset(pcm, 0, sizeof(pcm));
	speak(pcm + f->shift, SECONDS * 48000, 120);
	write_wav(path_of(c, "speech.wav"), pcm + f->shift, SECONDS * 48000);
	speak(other, SECONDS * 48000, 190);
	write_wav(path_of(c, "other.wav"), other, SECONDS * 48000);
	if (!f->no_recording) {
		ogg = call_ogg_open(fopen(path_of(c, "p2/alice+p1-7.opus"), "wb"), 1, "p1");
		assert_non_null(ogg);
	}
	config.bitrate = 48000;
	config.music = 1;
	assert_int_equal(helio_opus_encoder_create(&enc, &config), HELIO_OK);
	for (int i = 0; i < AUDIO_FRAMES; i++) {
		struct helio_frame frame = HELIO_FRAME_INIT;
		assert_int_equal(helio_opus_encode(enc, pcm + i * FRAME, &frame), HELIO_OK);
		int64_t t = (int64_t)i * 20000000;
		trace_line(p1, true, "audio", "alice+p1", 7, frame.timestamp, t, frame.payload,
			frame.length, FRAME);
		if (i != f->drop_audio) {
			/* Swapped: the content of one frame where that of another belongs. */
			size_t len = frame.length - (i == f->swap_audio);
			for (int k = 0; k <= (i == f->double_audio); k++) {
				trace_line(p2, false, "audio", "alice+p1", 7, frame.timestamp,
					t + f->latency_ns, frame.payload, len, FRAME);
			}
		}
		if (ogg != NULL) {
			assert_true(
				call_ogg_write(ogg, frame.payload, frame.length, frame.timestamp));
		}
	}
	assert_true(call_ogg_close(ogg));
	helio_opus_encoder_destroy(enc);
}

static void make_video(
	struct call *c, const struct fault *f, struct call_trace *p1, struct call_trace *p2)
{
	struct call_ivf_header header = { "VP80", 320, 240, 30, 1 };
	FILE *clip = fopen(path_of(c, "clip.ivf"), "wb");

	assert_non_null(clip);
	assert_true(call_ivf_write_header(clip, &header, PICTURES));
	for (int i = 0; i < PICTURES; i++) {
		char bytes[64];
		int len = snprintf(bytes, sizeof(bytes), "picture %d", i);
		assert_true(call_ivf_write_frame(clip, f->wrong_clip ? "no" : bytes,
			f->wrong_clip ? 2 : (size_t)len, (uint64_t)i));
		int64_t t = (int64_t)i * 33000000;
		trace_line(p1, true, "video", "alice+p1", 8, (uint32_t)i * 3000, t, bytes,
			(size_t)len, 0);
	}
	fclose(clip);
	for (int n = 0; n < PICTURES; n++) {
		char bytes[64];
		int i = n == f->swap_pictures ? n + 1 : n == f->swap_pictures + 1 ? n - 1 : n;
		i = f->swap_pictures < 0 ? n : i;
		int len = snprintf(bytes, sizeof(bytes), "picture %d", i);
		bytes[0] = i == f->change_picture ? 'P' : 'p';
		if (i != f->drop_picture) {
			trace_line(p2, false, "video", "alice+p1", 8, (uint32_t)i * 3000,
				(int64_t)i * 33000000 + f->latency_ns, bytes, (size_t)len, 0);
		}
	}
}

static void make_chat(const struct fault *f, struct call_trace *p1, struct call_trace *p2)
{
	static const char *const lines[] = { "one", "two", "three" };

	for (int i = 0; i < 3; i++) {
		trace_line(p1, true, "chat", "alice+p1", 0, (uint32_t)i, i, lines[i],
			strlen(lines[i]), 0);
		if (i != f->drop_chat) {
			const char *text = i == f->change_chat ? "hello" : lines[i];
			trace_line(p2, false, "chat", "alice+p1", 0, (uint32_t)i + 10, i, text,
				strlen(text), 0);
		}
	}
	trace_line(p2, true, "chat", "bob", 0, 0, 5, "four", 4, 0);
	trace_line(p1, false, "chat", "bob", 0, 14, 6, "four", 4, 0);
}

static void make_call(struct call *c, const struct fault *f)
{
	strcpy(c->dir, "/tmp/callcheck-test.XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	assert_int_equal(mkdir(path_of(c, "p1"), 0700), 0);
	assert_int_equal(mkdir(path_of(c, "p2"), 0700), 0);
	struct call_trace *p1 = call_trace_open(path_of(c, "p1/trace.jsonl"));
	struct call_trace *p2 = call_trace_open(path_of(c, "p2/trace.jsonl"));
	call_trace_self(p1, "alice+p1");
	call_trace_self(p2, "bob");
	make_audio(c, f, p1, p2);
	make_video(c, f, p1, p2);
	make_chat(f, p1, p2);
	assert_true(call_trace_close(p1));
	assert_true(call_trace_close(p2));
}

static void remove_call(struct call *c)
{
	static const char *const names[] = { "p1/trace.jsonl", "p2/trace.jsonl",
		"p2/alice+p1-7.opus", "speech.wav", "other.wav", "clip.ivf", "out", "p1", "p2" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		remove(path_of(c, names[i]));
	}
	rmdir(c->dir);
}

/* Runs callcheck on the call; its exit status, and its output in out. */
static int run_check(
	struct call *c, const struct fault *f, const char *more, char *out, size_t size)
{
	char command[1024];

	snprintf(command, sizeof(command),
		"d=%s; " PROGRAM " --json --run $d/p1 --speech $d/%s --clip $d/clip.ivf --chat 3 "
		"--run $d/p2 --chat 1 %s >$d/out 2>&1",
		c->dir, f->wrong_speech ? "other.wav" : "speech.wav", more);
	int status = system(command);
	FILE *file = fopen(path_of(c, "out"), "r");
	if (file == NULL) {
		fail_msg("callcheck could not be started in %s: status %d", c->dir, status);
	}
	size_t n = fread(out, 1, size - 1, file);
	out[n] = '\0';
	fclose(file);
	return WEXITSTATUS(status);
}

/* The fault must be found and said with these words. */
static void expect(const struct fault *f, const char *words, int line)
{
	struct call c;
	char out[8192];

	make_call(&c, f);
	int status = run_check(&c, f, "", out, sizeof(out));
	remove_call(&c);
	if (status != 1 || strstr(out, words) == NULL || strstr(out, "\"ok\":false") == NULL) {
		fail_msg(
			"line %d: status %d, expected 1 and \"%s\":\n%s", line, status, words, out);
	}
}

static void test_good_call(void **state)
{
	struct call c;
	char out[8192];
	(void)state;

	make_call(&c, &no_fault);
	int status = run_check(&c, &no_fault, "", out, sizeof(out));
	if (status != 0) {
		fail_msg("%s", out);
	}
	assert_non_null(strstr(out, "\"ok\":true,\"failed\":[]"));
	assert_non_null(strstr(out,
		"\"from\":\"alice+p1\",\"to\":\"bob\",\"sent_s\":3.0,"
		"\"received_s\":3.0,\"lost\":0,\"altered\":0"));
	assert_non_null(
		strstr(out, "\"sent\":30,\"received\":30,\"bit_exact\":true,\"p50_ms\":2.0"));
	assert_non_null(strstr(out, "\"chat\":{\"sent\":4,\"received\":4}"));
	/* Two milliseconds are too much where one is allowed. */
	assert_int_equal(run_check(&c, &no_fault, "--max-p99-ms 1", out, sizeof(out)), 1);
	assert_non_null(strstr(out, "latency"));
	remove_call(&c);
}

#define EXPECT(words, ...)                                                                         \
	do {                                                                                       \
		struct fault f_ = no_fault;                                                        \
		__VA_ARGS__;                                                                       \
		expect(&f_, words, __LINE__);                                                      \
	} while (0)

static void test_faults(void **state)
{
	(void)state;
	EXPECT("audio alice+p1 -> bob: 1 of 150 frames are missing", f_.drop_audio = 75);
	EXPECT("1 of 150 frames are missing", f_.drop_audio = AUDIO_FRAMES - 1);
	EXPECT("1 frames are not what was sent", f_.swap_audio = 20);
	EXPECT("1 frames came twice", f_.double_audio = 20);
	EXPECT("correlation with the speech", f_.wrong_speech = 1);
	EXPECT("correlation with the speech", f_.shift = 40000);
	EXPECT("no recording", f_.no_recording = 1);
	EXPECT("video alice+p1 -> bob: 1 of 30 frames are missing", f_.drop_picture = 3);
	EXPECT("\"bit_exact\":false", f_.change_picture = 3);
	EXPECT("1 out of order", f_.swap_pictures = 10);
	EXPECT("30 of them not of the clip", f_.wrong_clip = 1);
	EXPECT("chat alice+p1 -> bob", f_.drop_chat = 2);
	EXPECT("chat alice+p1 -> bob", f_.change_chat = 0);
	EXPECT("latency p99 is 21.0 ms", f_.latency_ns = 21000000);
}

/* A shift within the window is the delay of the codec and the path: aligned, and no fault. */
static void test_small_shift(void **state)
{
	struct fault f = no_fault;
	struct call c;
	char out[8192];
	(void)state;

	f.shift = 2000;
	make_call(&c, &f);
	assert_int_equal(run_check(&c, &f, "", out, sizeof(out)), 0);
	remove_call(&c);
}

static void test_missing_and_broken_input(void **state)
{
	struct call c;
	char out[8192];
	(void)state;

	make_call(&c, &no_fault);
	assert_int_equal(run_check(&c, &no_fault, "--nonsense", out, sizeof(out)), 2);
	assert_int_equal(run_check(&c, &no_fault, "--run /nonexistent", out, sizeof(out)), 2);
	/* Promised, but not sent. */
	assert_int_equal(run_check(&c, &no_fault, "--chat 2", out, sizeof(out)), 1);
	assert_int_equal(
		run_check(&c, &no_fault, "--speech /nonexistent.wav", out, sizeof(out)), 1);
	FILE *f = fopen(path_of(&c, "p2/trace.jsonl"), "a");
	fputs("{\"dir\":\"rx\",\"kind\":\"audio\"}\n", f);
	fclose(f);
	assert_int_equal(run_check(&c, &no_fault, "", out, sizeof(out)), 2);
	assert_non_null(strstr(out, "is no trace"));
	remove(path_of(&c, "p2/trace.jsonl"));
	assert_int_equal(run_check(&c, &no_fault, "", out, sizeof(out)), 2);
	remove_call(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_call),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_small_shift),
		cmocka_unit_test(test_missing_and_broken_input),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
