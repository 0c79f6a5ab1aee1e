/*
 * test_opus_media: the Opus encoder helper, audio levels and mixing, through the public header.
 * What is encoded is decoded by libopus itself.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <helio.h>
#include <opus.h>

#define FRAME_MAX 2880
#define PI 3.14159265358979323846

/* A voice-like sum of harmonics, never silent. */
static void make_tone(
	int16_t *pcm, unsigned samples, unsigned channels, uint32_t from, double amplitude)
{
	for (unsigned i = 0; i < samples; i++) {
		double t = (from + i) / 48000.0;
		double v = sin(2 * PI * 220 * t) * 0.6 + sin(2 * PI * 660 * t) * 0.4;
		for (unsigned c = 0; c < channels; c++) {
			pcm[i * channels + c] = (int16_t)lrint(v * amplitude * 32767.0);
		}
	}
}

static void round_trip(unsigned frame_ms, unsigned channels)
{
	static int16_t in[48000 * 2], out[(48000 + FRAME_MAX) * 2];
	struct helio_opus_config config = HELIO_OPUS_CONFIG_INIT;
	struct helio_opus_encoder *enc;
	int err;

	config.frame_ms = frame_ms;
	config.channels = channels;
	config.bitrate = 64000;
	assert_int_equal(helio_opus_encoder_create(&enc, &config), HELIO_OK);
	unsigned size = helio_opus_encoder_frame_size(enc);
	assert_int_equal(size, frame_ms * 48);
	OpusDecoder *dec = opus_decoder_create(48000, (int)channels, &err);
	make_tone(in, 48000, channels, 0, 0.3);
	for (unsigned at = 0; at + size <= 48000; at += size) {
		struct helio_frame frame = HELIO_FRAME_INIT;
		assert_int_equal(helio_opus_encode(enc, in + at * channels, &frame), HELIO_OK);
		assert_int_equal(frame.timestamp, at);
		assert_int_equal(frame.flags, at == 0 ? HELIO_MARKER : 0);
		assert_true(frame.level > 5 && frame.level < 20);
		assert_true(frame.length > 2 && frame.length < 4000);
		assert_int_equal(opus_decode(dec, frame.payload, (int)frame.length,
					 out + at * channels, FRAME_MAX, 0),
			size);
	}
	/* The same audio, the encoder's 312 samples later; the first 100 ms are the codec's start.
	 */
	double xy = 0, xx = 0, yy = 0;
	for (unsigned i = 4800 * channels; i < 40000 * channels; i++) {
		double x = in[i], y = out[i + 312 * channels];
		xy += x * y;
		xx += x * x;
		yy += y * y;
	}
	assert_true(xy / sqrt(xx * yy) > 0.85); /* speech mode turns low tones in phase */
	opus_decoder_destroy(dec);
	helio_opus_encoder_destroy(enc);
}

static void test_round_trip(void **state)
{
	static const unsigned ms[] = { 10, 20, 40, 60 };
	(void)state;

	for (unsigned i = 0; i < 4; i++) {
		round_trip(ms[i], 1);
		round_trip(ms[i], 2);
	}
}

static void test_defaults_and_bad_config(void **state)
{
	struct helio_opus_encoder *enc;
	struct helio_opus_config config = HELIO_OPUS_CONFIG_INIT;
	struct helio_frame frame = HELIO_FRAME_INIT;
	int16_t pcm[960] = { 0 };
	(void)state;

	assert_int_equal(helio_opus_encoder_create(&enc, NULL), HELIO_OK);
	assert_int_equal(helio_opus_encoder_frame_size(enc), 960);
	assert_int_equal(helio_opus_encode(enc, NULL, &frame), HELIO_ERR_INVALID);
	assert_int_equal(helio_opus_encode(enc, pcm, NULL), HELIO_ERR_INVALID);
	frame.size = 8;
	assert_int_equal(helio_opus_encode(enc, pcm, &frame), HELIO_ERR_INVALID);
	helio_opus_encoder_destroy(enc);
	helio_opus_encoder_destroy(NULL);
	config.frame_ms = 30;
	assert_int_equal(helio_opus_encoder_create(&enc, &config), HELIO_ERR_INVALID);
	assert_null(enc);
	config.frame_ms = 20;
	config.channels = 3;
	assert_int_equal(helio_opus_encoder_create(&enc, &config), HELIO_ERR_INVALID);
	config.channels = 1;
	config.bitrate = 5999;
	assert_int_equal(helio_opus_encoder_create(&enc, &config), HELIO_ERR_INVALID);
	config.bitrate = 510001;
	assert_int_equal(helio_opus_encoder_create(&enc, &config), HELIO_ERR_INVALID);
	config.bitrate = 0;
	config.size = 0;
	assert_int_equal(helio_opus_encoder_create(&enc, &config), HELIO_ERR_INVALID);
	/* An older caller, whose struct ends earlier: what it does not know is the default. */
	config.size = offsetof(struct helio_opus_config, bitrate);
	config.frame_ms = 10;
	config.bitrate = 1;
	assert_int_equal(helio_opus_encoder_create(&enc, &config), HELIO_OK);
	assert_int_equal(helio_opus_encoder_frame_size(enc), 480);
	helio_opus_encoder_destroy(enc);
}

/* Encodes ms of speech or silence; returns how many frames were to be sent. */
static unsigned encode_for(struct helio_opus_encoder *enc, unsigned ms, double amplitude,
	unsigned *markers, uint32_t *at)
{
	unsigned sent = 0;
	for (unsigned i = 0; i < ms / 20; i++) {
		int16_t pcm[960] = { 0 };
		struct helio_frame frame = HELIO_FRAME_INIT;
		if (amplitude > 0) {
			make_tone(pcm, 960, 1, *at, amplitude);
		}
		assert_int_equal(helio_opus_encode(enc, pcm, &frame), HELIO_OK);
		assert_int_equal(frame.timestamp, *at);
		*at += 960;
		sent += frame.length != 0;
		*markers += frame.length != 0 && (frame.flags & HELIO_MARKER) != 0;
	}
	return sent;
}

static void test_dtx(void **state)
{
	struct helio_opus_config config = HELIO_OPUS_CONFIG_INIT;
	struct helio_opus_encoder *enc;
	unsigned markers = 0;
	uint32_t at = 0;
	(void)state;

	config.dtx = 1;
	assert_int_equal(helio_opus_encoder_create(&enc, &config), HELIO_OK);
	assert_int_equal(encode_for(enc, 1000, 0.3, &markers, &at), 50);
	assert_int_equal(markers, 1);
	encode_for(enc, 1000, 0, &markers, &at); /* the codec needs a while to believe it */
	assert_int_equal(encode_for(enc, 5000, 0, &markers, &at), 0);
	assert_int_equal(markers, 1);
	assert_true(encode_for(enc, 1000, 0.3, &markers, &at) >= 49);
	assert_int_equal(markers, 2);
	helio_opus_encoder_destroy(enc);
}

static unsigned level_of(const int16_t *pcm)
{
	struct helio_opus_encoder *enc;
	struct helio_frame frame = HELIO_FRAME_INIT;

	assert_int_equal(helio_opus_encoder_create(&enc, NULL), HELIO_OK);
	assert_int_equal(helio_opus_encode(enc, pcm, &frame), HELIO_OK);
	helio_opus_encoder_destroy(enc);
	return frame.level;
}

static void test_level(void **state)
{
	int16_t pcm[960];
	(void)state;

	memset(pcm, 0, sizeof(pcm));
	assert_int_equal(level_of(pcm), 127);
	for (int i = 0; i < 960; i++) {
		pcm[i] = i / 48 % 2 ? 32767 : -32768;
	}
	assert_int_equal(level_of(pcm), 0);
	/* RMS a tenth of full scale: 20 dB below. A sine's RMS is its peak divided by the root of
	 * two. */
	for (int i = 0; i < 960; i++) {
		pcm[i] = (int16_t)lrint(sin(2 * PI * i / 48.0) * 3276.7 * sqrt(2.0));
	}
	assert_int_equal(level_of(pcm), 20);
	/* One bit in one sample of 960 is -120 dB. */
	memset(pcm, 0, sizeof(pcm));
	pcm[7] = 1;
	assert_int_equal(level_of(pcm), 120);
}

static void test_mix(void **state)
{
	int16_t dst[5] = { 1, 32767, -32768, 30000, -5 };
	const int16_t src[5] = { 2, 1, -1, 30000, 5 };
	const int16_t want[5] = { 3, 32767, -32768, 32767, 0 };
	(void)state;

	helio_mix_add(dst, src, 5);
	assert_memory_equal(dst, want, sizeof(want));
	helio_mix_add(dst, src, 0);
	assert_memory_equal(dst, want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_defaults_and_bad_config),
		cmocka_unit_test(test_dtx),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_mix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
