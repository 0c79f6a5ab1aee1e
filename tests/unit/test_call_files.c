/*
 * test_call_files: what helio-call writes and reads: Ogg Opus with gaps, IVF, names of recordings,
 * and the text of strangers made safe. Recordings are read back by opusfile.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <helio.h>
#include <opusfile.h>

#include "client-sdk/examples/call_ivf.h"
#include "client-sdk/examples/call_ogg.h"
#include "client-sdk/examples/call_record.h"
#include "client-sdk/examples/call_roster.h"
#include "client-sdk/examples/call_text.h"
#include "client-sdk/examples/call_video.h"

#define FRAME 960

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/callfiles-test.XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static const char *path_of(char out[128], const char *name)
{
	snprintf(out, 128, "%s/%s", dir, name);
	return out;
}

/* ---------------------------------------------------------------- text */

static void expect_clean(const char *in, size_t length, size_t size, const char *want)
{
	char out[64];

	memset(out, 'x', sizeof(out));
	size_t n = call_text_clean(out, size, in, length);
	assert_string_equal(out, want);
	assert_int_equal(n, strlen(want));
}

static void test_text(void **state)
{
	char out[64];
	(void)state;

	expect_clean("plain", 5, 64, "plain");
	expect_clean("a\033[31mb\r\n\tc\177", 12, 64, "a?[31mb???c?");
	expect_clean("x\0y", 3, 64, "x?y");
	expect_clean("gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x8d", 11, 64,
		"gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x8d");
	expect_clean("\xc2\x9b"
		     "31m",
		5, 64, "?31m"); /* C1: an escape in one character */
	expect_clean("\xe2\x80\xae"
		     "abc",
		6, 64, "?abc"); /* turns the direction round */
	expect_clean("\xff", 1, 64, "\xef\xbf\xbd");
	expect_clean("\xc0\xaf", 2, 64, "\xef\xbf\xbd\xef\xbf\xbd"); /* overlong */
	expect_clean("\xed\xa0\x80", 3, 64, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* surrogate */
	expect_clean("\xf4\x90\x80\x80", 4, 64, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	expect_clean("a\xc3", 2, 64, "a\xef\xbf\xbd"); /* cut off */
	expect_clean("ab\xc3\xbc", 4, 4, "ab"); /* no half characters at the end of the buffer */
	call_text_json(out, sizeof(out), "\"\\\n\033\0\xff", 6);
	assert_string_equal(out, "\\\"\\\\\\u000a\\u001b\\u0000\xef\xbf\xbd");
	call_text_json(out, sizeof(out),
		"\xc2\x9b"
		"31m\xe2\x80\xae",
		8);
	assert_string_equal(out, "\\u009b31m\\u202e");
	assert_int_equal(call_text_width("gr\xc3\xbc\xc3\x9f"), 4);
}

/* ---------------------------------------------------------------- Ogg Opus */

static void make_packet(struct helio_opus_encoder *enc, unsigned at, struct helio_frame *frame)
{
	int16_t pcm[FRAME];

	for (unsigned i = 0; i < FRAME; i++) {
		pcm[i] = (int16_t)lrint(sin((at + i) * 0.05) * 8000);
	}
	frame->size = sizeof(*frame);
	assert_int_equal(helio_opus_encode(enc, pcm, frame), HELIO_OK);
}

static double energy(const int16_t *pcm, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++) {
		sum += (double)pcm[i] * pcm[i];
	}
	return sum / (double)count;
}

static void test_ogg_gap(void **state)
{
	char path[128];
	struct helio_opus_encoder *enc;
	uint32_t ts = 4294967296u - 25 * FRAME; /* wraps in the middle */
	(void)state;

	assert_int_equal(helio_opus_encoder_create(&enc, NULL), HELIO_OK);
	struct call_ogg *ogg = call_ogg_open(fopen(path_of(path, "gap.opus"), "wb"), 1, "title");
	assert_non_null(ogg);
	/* A second of sound, 2 s of nothing (and 2.5 ms, and a sixteenth of that), a second of
	 * sound. */
	for (unsigned i = 0; i < 100; i++) {
		struct helio_frame frame = HELIO_FRAME_INIT;
		make_packet(enc, i * FRAME, &frame);
		ts += i == 50 ? 96000 + 120 + 8 : 0;
		assert_true(call_ogg_write(ogg, frame.payload, frame.length, ts));
		/* Again, and what is no Opus at all: left out. */
		assert_true(call_ogg_write(ogg, frame.payload, frame.length, ts));
		assert_true(call_ogg_write(ogg, frame.payload, frame.length, ts - FRAME));
		assert_true(call_ogg_write(ogg, "\xff", 1, ts + FRAME));
		assert_true(call_ogg_write(ogg, "", 0, ts + FRAME));
		ts += FRAME;
	}
	assert_true(call_ogg_close(ogg));
	helio_opus_encoder_destroy(enc);

	OggOpusFile *f = op_open_file(path, NULL);
	assert_non_null(f);
	assert_int_equal(
		op_pcm_total(f, -1), 2 * 48000 + 96000 + 120 + 8 - 312); /* less the pre-skip */
	int16_t *pcm = calloc(5 * 48000, sizeof(*pcm));
	int total = 0, n;
	while ((n = op_read(f, pcm + total, 5 * 48000 - total, NULL)) > 0) {
		total += n;
	}
	assert_int_equal(n, 0);
	op_free(f);
	assert_in_range(total, 4 * 48000 - 312, 4 * 48000 + 128 - 312);
	assert_true(energy(pcm + 10000, 30000) > 1e6); /* the first second */
	assert_true(energy(pcm + 70000, 60000) < 1e4); /* the gap */
	assert_true(energy(pcm + 3 * 48000 + 4000, 40000) > 1e6); /* the second after it */
	free(pcm);
}

/* A stranger whose timestamps jump by an hour with each packet does not fill our disk. */
static void test_ogg_gaps_of_a_liar(void **state)
{
	char path[128];
	struct helio_opus_encoder *enc;
	struct helio_frame frame = HELIO_FRAME_INIT;
	(void)state;

	assert_int_equal(helio_opus_encoder_create(&enc, NULL), HELIO_OK);
	struct call_ogg *ogg = call_ogg_open(fopen(path_of(path, "liar.opus"), "wb"), 1, "title");
	assert_non_null(ogg);
	for (unsigned i = 0; i < 20; i++) {
		make_packet(enc, i * FRAME, &frame);
		assert_true(call_ogg_write(ogg, frame.payload, frame.length, i * (3599u * 48000u)));
	}
	assert_true(call_ogg_close(ogg));
	helio_opus_encoder_destroy(enc);
	OggOpusFile *f = op_open_file(path, NULL);
	assert_non_null(f);
	assert_int_equal(op_pcm_total(f, -1), 20 * FRAME - 312);
	op_free(f);
}

static void test_ogg_disk_full(void **state)
{
	struct helio_opus_encoder *enc;
	struct helio_frame frame = HELIO_FRAME_INIT;
	bool ok = true;
	(void)state;

	FILE *full = fopen("/dev/full", "wb");
	if (full == NULL) {
		skip();
	}
	assert_int_equal(helio_opus_encoder_create(&enc, NULL), HELIO_OK);
	struct call_ogg *ogg = call_ogg_open(full, 1, "title");
	for (unsigned i = 0; ogg != NULL && i < 500; i++) {
		make_packet(enc, i * FRAME, &frame);
		ok = call_ogg_write(ogg, frame.payload, frame.length, i * FRAME) && ok;
	}
	assert_false(ogg != NULL && call_ogg_close(ogg) && ok);
	helio_opus_encoder_destroy(enc);
}

/* ---------------------------------------------------------------- IVF */

static void test_ivf(void **state)
{
	char path[128];
	struct call_ivf_header header = { "VP80", 320, 240, 30, 1 };
	struct call_picture picture;
	bool broken = true;
	(void)state;

	FILE *f = fopen(path_of(path, "a.ivf"), "wb");
	assert_true(call_ivf_write_header(f, &header, 2));
	assert_true(call_ivf_write_frame(f,
		"\x10"
		"key",
		4, 100));
	assert_true(call_ivf_write_frame(f, "\x11", 1, 103));
	fclose(f);
	struct call_video *v = call_video_open(path, true);
	assert_non_null(v);
	assert_string_equal(call_video_codec(v), "vp8");
	/* It begins at 0, and goes on at the same pace when it begins again. */
	static const uint64_t times[] = { 0, 9000, 18000, 27000, 36000 };
	for (int i = 0; i < 5; i++) {
		assert_true(call_video_next(v, &picture, &broken));
		assert_int_equal(picture.time, times[i]);
		assert_int_equal(picture.keyframe, i % 2 == 0);
		assert_int_equal(picture.length, i % 2 == 0 ? 4 : 1);
	}
	call_video_close(v);
	assert_int_equal(truncate(path, 32 + 12 + 4 + 12), 0);
	v = call_video_open(path, false);
	assert_true(call_video_next(v, &picture, &broken));
	assert_false(call_video_next(v, &picture, &broken));
	assert_true(broken);
	call_video_close(v);
	assert_true(call_ivf_is_keyframe("vp9", (const uint8_t *)"\x82", 1));
	assert_false(call_ivf_is_keyframe("vp9", (const uint8_t *)"\x86", 1));
	assert_false(call_ivf_is_keyframe("vp9", (const uint8_t *)"\x8a", 1)); /* shows another */
	assert_true(call_ivf_is_keyframe("vp9", (const uint8_t *)"\xb1", 1)); /* profile 3 */
	assert_false(call_ivf_is_keyframe("vp8", NULL, 0));
}

/* ---------------------------------------------------------------- recordings */

/* Whoever names himself like a path does not choose where we write. */
static void test_record_names(void **state)
{
	struct call_roster roster;
	struct helio_participant evil = {
		.size = sizeof(evil), .id = "../../etc/x", .name = "\033]0;x", .number = 3
	};
	struct helio_stream stream = { sizeof(stream), HELIO_VIDEO, "vp8", "camera", 9, 3 };
	struct helio_frame frame = HELIO_FRAME_INIT;
	char path[128];
	(void)state;

	struct call_record *record = call_record_open(dir);
	assert_non_null(record);
	assert_int_equal(call_roster_init(&roster), HELIO_OK);
	struct call_person *person = call_roster_add_person(&roster, &evil);
	assert_string_equal(person->name, "?]0;x");
	struct call_stream *s = call_roster_add_stream(&roster, &stream, person);
	frame.payload = "\x10\0\0\x9d\x01\x2a\x40\x01\xf0\0";
	frame.length = 10;
	frame.timestamp = 4294967000u;
	call_record_frame(record, s, &frame);
	frame.timestamp += 3000;
	call_record_frame(record, s, &frame);
	call_record_end(record, s);
	FILE *f = fopen(path_of(path, "_._.._etc_x-9.ivf"), "rb");
	assert_non_null(f);
	struct call_ivf_header header;
	assert_null(call_ivf_read_header(f, &header));
	assert_int_equal(header.width, 320);
	assert_int_equal(header.height, 240);
	assert_int_equal(header.rate, 90000);
	uint8_t *data = NULL;
	size_t size = 0, len = 0;
	uint64_t pts = 1;
	assert_int_equal(call_ivf_read_frame(f, &data, &size, &len, &pts), 1);
	assert_int_equal(pts, 0);
	assert_int_equal(call_ivf_read_frame(f, &data, &size, &len, &pts), 1);
	assert_int_equal(pts, 3000);
	assert_int_equal(call_ivf_read_frame(f, &data, &size, &len, &pts), 0);
	free(data);
	fclose(f);
	/* A codec that nobody knows is not recorded. */
	stream.id = 10;
	stream.codec = "h265";
	s = call_roster_add_stream(&roster, &stream, person);
	call_record_frame(record, s, &frame);
	assert_null(s->track);
	call_roster_finish(&roster);
	assert_true(call_record_close(record));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_ogg_gap),
		cmocka_unit_test(test_ogg_gaps_of_a_liar),
		cmocka_unit_test(test_ogg_disk_full),
		cmocka_unit_test(test_ivf),
		cmocka_unit_test(test_record_names),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
