/*
 * test_playout: the playout buffer under simulated arrivals and clocks. Time is a number here: ten
 * minutes of it pass in a moment, and nothing sleeps.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <helio.h>
#include <opus.h>

#define PI 3.14159265358979323846
#define FRAME 960
#define PACKET_MAX 400

struct packet {
	uint8_t data[PACKET_MAX];
	size_t len;
	uint32_t ts;
	uint16_t seq;
	unsigned flags;
	int64_t arrival_us;
};

/* speech: pauses of 400 ms after 1,200 ms of sound; else sound without end. */
static void make_pcm(int16_t *pcm, unsigned index, int speech)
{
	for (unsigned i = 0; i < FRAME; i++) {
		double t = (index * (double)FRAME + i) / 48000.0;
		pcm[i] = (int16_t)lrint(sin(2 * PI * 300 * t) * 9000.0);
	}
	if (speech && index % 80 >= 60) {
		memset(pcm, 0, FRAME * sizeof(*pcm));
	}
}

static struct packet *make_packets(
	unsigned count, int speech, uint32_t first_ts, uint16_t first_seq)
{
	int err;
	OpusEncoder *enc = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &err);
	struct packet *list = calloc(count, sizeof(*list));

	assert_non_null(list);
	opus_encoder_ctl(enc, OPUS_SET_BITRATE(32000));
	opus_encoder_ctl(enc, OPUS_SET_COMPLEXITY(0));
	for (unsigned i = 0; i < count; i++) {
		int16_t pcm[FRAME];
		make_pcm(pcm, i, speech);
		list[i].len = (size_t)opus_encode(enc, pcm, FRAME, list[i].data, PACKET_MAX);
		list[i].ts = first_ts + i * FRAME;
		list[i].seq = (uint16_t)(first_seq + i);
		list[i].arrival_us = (int64_t)i * 20000;
	}
	opus_encoder_destroy(enc);
	return list;
}

static int push(struct helio_playout *p, const struct packet *k, int64_t now_us)
{
	struct helio_frame frame = HELIO_FRAME_INIT;

	frame.timestamp = k->ts;
	frame.seq = k->seq;
	frame.flags = k->flags;
	frame.payload = k->data;
	frame.length = k->len;
	return helio_playout_push(p, &frame, now_us);
}

static struct helio_playout *make_playout(unsigned max_ms)
{
	struct helio_playout_config config = HELIO_PLAYOUT_CONFIG_INIT;
	struct helio_playout *p;

	config.max_delay_ms = max_ms;
	assert_int_equal(helio_playout_create(&p, &config), HELIO_OK);
	return p;
}

static struct helio_playout_stats stats_of(const struct helio_playout *p)
{
	struct helio_playout_stats s = { .size = sizeof(s) };
	helio_playout_get_stats(p, &s);
	return s;
}

/* Where a run through simulated time stands; each test moves it on. */
struct sim {
	struct helio_playout *p;
	const struct packet *list; /* in the order of arrival */
	unsigned count, next;
	int64_t now_us, pull_us; /* time; what one pull of 20 ms takes on this machine's clock */
	unsigned max_delay_ms, silent_pulls;
	int16_t *out; /* may be NULL */
	size_t out_len;
};

static void sim_run(struct sim *s, int64_t until_us)
{
	for (; s->now_us < until_us; s->now_us += s->pull_us) {
		int16_t pcm[FRAME];
		while (s->next < s->count && s->list[s->next].arrival_us <= s->now_us) {
			assert_int_equal(
				push(s->p, &s->list[s->next], s->list[s->next].arrival_us), 0);
			s->next++;
		}
		s->silent_pulls += helio_playout_pull(s->p, pcm, FRAME, s->now_us) == 0;
		unsigned delay = stats_of(s->p).delay_ms;
		s->max_delay_ms = delay > s->max_delay_ms ? delay : s->max_delay_ms;
		if (s->out != NULL) {
			memcpy(s->out + s->out_len, pcm, sizeof(pcm));
			s->out_len += FRAME;
		}
	}
}

static void test_steady_is_exact(void **state)
{
	enum { COUNT = 240 }; /* ends in a pause */
	struct packet *list = make_packets(COUNT, 1, 12345, 65500);
	int16_t *out = calloc((COUNT + 10) * FRAME, sizeof(*out));
	int16_t *plain = calloc(COUNT * FRAME, sizeof(*plain));
	struct sim s = { make_playout(0), list, COUNT, 0, 0, 20000, 0, 0, out, 0 };
	int err;
	(void)state;

	sim_run(&s, (COUNT + 5) * 20000);
	OpusDecoder *dec = opus_decoder_create(48000, 1, &err);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(opus_decode(dec, list[i].data, (int)list[i].len, plain + i * FRAME,
					 FRAME, 0),
			FRAME);
	}
	opus_decoder_destroy(dec);
	/* 20 ms of silence first: the least delay. */
	int16_t zeros[FRAME] = { 0 };
	assert_memory_equal(out, zeros, sizeof(zeros));
	assert_memory_equal(out + FRAME, plain, COUNT * FRAME * sizeof(*plain));
	struct helio_playout_stats st = stats_of(s.p);
	assert_int_equal(st.played, COUNT * 20);
	assert_int_equal(st.concealed, 0);
	assert_int_equal(st.discarded, 0);
	assert_int_equal(st.jitter_ms, 20);
	assert_int_equal(st.delay_ms, 0);
	helio_playout_destroy(s.p);
	free(plain);
	free(out);
	free(list);
}

/* Repeatable numbers 0 to limit-1. */
static uint32_t random_below(uint32_t *seed, uint32_t limit)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)*seed * limit) >> 32);
}

/* Delays each packet by 0 to max_us; as on TCP, none overtakes another. */
static void add_jitter(struct packet *list, unsigned count, uint32_t max_us)
{
	uint32_t seed = 7;
	int64_t before = 0;

	for (unsigned i = 0; i < count; i++) {
		list[i].arrival_us += random_below(&seed, max_us + 1);
		if (list[i].arrival_us < before) {
			list[i].arrival_us = before;
		}
		before = list[i].arrival_us;
	}
}

static void test_jitter(void **state)
{
	enum { COUNT = 3000 };
	struct packet *list = make_packets(COUNT, 1, 0, 0);
	struct sim s = { make_playout(0), list, COUNT, 0, 0, 20000, 0, 0, NULL, 0 };
	(void)state;

	add_jitter(list, COUNT, 60000);
	sim_run(&s, 20 * 1000000);
	struct helio_playout_stats first = stats_of(s.p);
	s.max_delay_ms = 0;
	sim_run(&s, 59 * 1000000);
	struct helio_playout_stats st = stats_of(s.p);
	assert_int_equal(st.discarded, 0);
	assert_true(first.concealed <= 200);
	assert_true(st.concealed - first.concealed <= 20); /* learnt: 1 packet in 39 s */
	assert_true(st.jitter_ms >= 50 && st.jitter_ms <= 90);
	assert_true(s.max_delay_ms <= 140);
	helio_playout_destroy(s.p);
	free(list);
}

static void test_stall_and_burst(void **state)
{
	enum { COUNT = 1500 };
	struct packet *list = make_packets(COUNT, 1, 0, 0);
	struct sim s = { make_playout(200), list, COUNT, 0, 0, 20000, 0, 0, NULL, 0 };
	(void)state;

	for (unsigned i = 500; i < 515; i++) {
		list[i].arrival_us = list[515].arrival_us;
	}
	sim_run(&s, list[515].arrival_us);
	assert_int_equal(stats_of(s.p).concealed, 60); /* then silence */
	sim_run(&s, list[516].arrival_us);
	assert_true(stats_of(s.p).delay_ms <= 200); /* 300 ms came at once */
	assert_in_range(stats_of(s.p).discarded, 80, 160);
	s.max_delay_ms = 0;
	sim_run(&s, list[700].arrival_us);
	assert_true(s.max_delay_ms <= 200);
	sim_run(&s, list[COUNT - 1].arrival_us);
	assert_true(stats_of(s.p).delay_ms <= 100); /* and the pauses took back the rest */
	assert_in_range(stats_of(s.p).discarded, 80, 160);
	helio_playout_destroy(s.p);
	free(list);
}

/* A stall that the bound can hold costs no audio at all. */
static void test_stall_within_bound(void **state)
{
	enum { COUNT = 1500 };
	struct packet *list = make_packets(COUNT, 1, 0, 0);
	struct sim s = { make_playout(500), list, COUNT, 0, 0, 20000, 0, 0, NULL, 0 };
	(void)state;

	for (unsigned i = 500; i < 515; i++) {
		list[i].arrival_us = list[515].arrival_us;
	}
	sim_run(&s, list[COUNT - 1].arrival_us + 100000);
	assert_int_equal(stats_of(s.p).discarded, 0);
	assert_true(s.max_delay_ms <= 500);
	helio_playout_destroy(s.p);
	free(list);
}

static void test_duplicates_and_reordering(void **state)
{
	enum { COUNT = 400 };
	struct packet *list = make_packets(COUNT, 0, 4294900000u, 65400);
	struct packet *mixed = calloc(COUNT * 2, sizeof(*mixed));
	(void)state;

	/* Each pair comes the wrong way round, and every packet a second time 200 ms later. */
	for (unsigned i = 0; i < COUNT; i++) {
		mixed[i] = list[i ^ 1];
		mixed[i].arrival_us = list[i].arrival_us;
	}
	unsigned n = COUNT;
	for (unsigned i = 0; i + 10 < COUNT; i++) {
		mixed[n] = list[i];
		mixed[n++].arrival_us = list[i + 10].arrival_us;
	}
	/* Merge the copies in by time of arrival. */
	struct packet *sorted = calloc(n, sizeof(*sorted));
	for (unsigned a = 0, b = COUNT, k = 0; k < n; k++) {
		int first = b == n || (a < COUNT && mixed[a].arrival_us <= mixed[b].arrival_us);
		sorted[k] = mixed[first ? a++ : b++];
	}
	struct sim s = { make_playout(0), sorted, n, 0, 0, 20000, 0, 0, NULL, 0 };
	sim_run(&s, COUNT * 20000 + 200000);
	struct helio_playout_stats st = stats_of(s.p);
	assert_true(st.played >= (COUNT - 2) * 20); /* until the delay was learnt */
	assert_true(st.concealed <= 60 + 40); /* the end of the sound, and the beginning's lesson */
	assert_in_range(st.discarded, (COUNT - 10) * 20, (COUNT - 8) * 20);
	helio_playout_destroy(s.p);
	free(sorted);
	free(mixed);
	free(list);
}

static void test_loss_is_concealed(void **state)
{
	enum { COUNT = 200 };
	struct packet *list = make_packets(COUNT, 0, 0, 0);
	struct helio_playout *p = make_playout(0);
	int16_t pcm[FRAME];
	(void)state;

	for (unsigned i = 0; i < COUNT; i++) {
		if (i != 100 && i != 150) { /* their sequence numbers are missing */
			assert_int_equal(push(p, &list[i], i * 20000), 0);
		}
		helio_playout_pull(p, pcm, FRAME, i * 20000);
	}
	struct helio_playout_stats st = stats_of(p);
	assert_in_range(st.concealed, 40, 60);
	assert_int_equal(st.discarded, 0);
	assert_true(st.delay_ms <= 60);
	helio_playout_destroy(p);
	free(list);
}

/* The sender says nothing for 3 s: silence, not concealment, and the delay is what it was. */
static void test_dtx_gap(void **state)
{
	enum { COUNT = 400 };
	struct packet *list = make_packets(COUNT, 1, 0, 0);
	struct sim s = { make_playout(0), list, COUNT, 0, 0, 20000, 0, 0, NULL, 0 };
	(void)state;

	/* Packet 70 lies in a pause. What follows has consecutive numbers but stands 3 s later. */
	for (unsigned i = 70; i < COUNT; i++) {
		list[i].ts += 3 * 48000;
		list[i].arrival_us += 3 * 1000000;
	}
	list[70].flags = HELIO_MARKER;
	sim_run(&s, list[70].arrival_us - 1);
	assert_in_range(s.silent_pulls, 148, 152);
	assert_int_equal(stats_of(s.p).concealed, 0);
	sim_run(&s, list[COUNT - 1].arrival_us + 60000);
	assert_in_range(stats_of(s.p).played, (COUNT - 2) * 20, (COUNT + 2) * 20);
	assert_int_equal(stats_of(s.p).concealed, 0);
	assert_true(s.max_delay_ms <= 60);
	helio_playout_destroy(s.p);
	free(list);
}

/* Ten minutes against a sender whose clock is ppm faster than ours. */
static void drift(int ppm, int speech)
{
	enum { SECOND = 50, MINUTES = 10 };
	unsigned count = MINUTES * 60 * SECOND;
	struct packet *minute = make_packets(60 * SECOND, speech, 0, 0);
	struct packet *list = calloc(count, sizeof(*list));
	struct sim s = { make_playout(300), list, count, 0, 0, 20000, 0, 0, NULL, 0 };

	for (unsigned i = 0; i < count; i++) {
		list[i] = minute[i % (60 * SECOND)];
		list[i].ts = 4294000000u + i * FRAME; /* wraps on the way */
		list[i].seq = (uint16_t)i;
		list[i].arrival_us = (int64_t)i * 20000 - (int64_t)i * 20000 * ppm / 1000000;
	}
	add_jitter(list, count, 4000);
	sim_run(&s, (int64_t)(MINUTES * 60 - 1) * 1000000);
	struct helio_playout_stats st = stats_of(s.p);
	if (speech) {
		assert_true(s.max_delay_ms <= 80);
		assert_int_equal(st.discarded, 0);
		assert_true(st.concealed <= 100);
	} else {
		/* Nothing to cut or stretch: the bound holds, and a packet now and then is the
		 * price. */
		assert_true(s.max_delay_ms <= 300);
		assert_true(st.discarded <= 200);
		assert_true(st.concealed <= 400);
	}
	assert_true(st.played >= (MINUTES * 60 - 1) * 1000 * 99ull / 100);
	helio_playout_destroy(s.p);
	free(list);
	free(minute);
}

static void test_drift(void **state)
{
	(void)state;
	drift(200, 1);
	drift(-200, 1);
	drift(200, 0);
	drift(-200, 0);
}

static void test_garbage(void **state)
{
	struct helio_playout *p = make_playout(0);
	struct helio_frame frame = HELIO_FRAME_INIT;
	uint8_t bytes[9000];
	uint32_t seed = 3;
	int16_t pcm[FRAME];
	(void)state;

	assert_int_equal(helio_playout_push(p, &frame, 0), HELIO_ERR_INVALID); /* no payload */
	frame.payload = bytes;
	assert_int_equal(helio_playout_push(p, &frame, 0), HELIO_ERR_INVALID); /* empty */
	memset(bytes, 0, sizeof(bytes));
	frame.length = sizeof(bytes);
	assert_int_equal(helio_playout_push(p, &frame, 0), HELIO_ERR_INVALID); /* too long */
	bytes[0] = 0xff; /* code 3, with no frame count behind it, and with 0 frames */
	frame.length = 1;
	assert_int_equal(helio_playout_push(p, &frame, 0), HELIO_ERR_INVALID);
	frame.length = 2;
	assert_int_equal(helio_playout_push(p, &frame, 0), HELIO_ERR_INVALID);
	bytes[1] = 63; /* 63 frames of 20 ms are over 120 ms */
	assert_int_equal(helio_playout_push(p, &frame, 0), HELIO_ERR_INVALID);
	/* Noise of all lengths, times and numbers neither crashes nor stops the clock. */
	for (unsigned i = 0; i < 20000; i++) {
		frame.length = 1 + random_below(&seed, i % 100 == 0 ? 2000 : 60);
		for (size_t k = 0; k < frame.length; k++) {
			bytes[k] = (uint8_t)random_below(&seed, 256);
		}
		frame.timestamp = random_below(&seed, i % 2 ? 0xffffffffu : 100000);
		frame.seq = (uint16_t)random_below(&seed, 65536);
		frame.flags = random_below(&seed, 2) ? HELIO_MARKER : 0;
		int err = helio_playout_push(p, &frame, (int64_t)i * 3000);
		assert_true(err == HELIO_OK || err == HELIO_ERR_INVALID);
		if (i % 4 == 0) {
			helio_playout_pull(p, pcm, FRAME, (int64_t)i * 3000);
		}
		assert_true(stats_of(p).delay_ms <= 500 + 120);
	}
	assert_int_equal(helio_playout_pull(p, pcm, 0, 0), 0);
	assert_int_equal(helio_playout_pull(p, pcm, 5761, 0), 0);
	helio_playout_destroy(p);
}

/* A sender that starts again at an earlier time is heard again at once. */
static void test_new_time_line(void **state)
{
	enum { COUNT = 200 };
	struct packet *list = make_packets(COUNT, 0, 0, 0);
	struct sim s = { make_playout(0), list, COUNT, 0, 0, 20000, 0, 0, NULL, 0 };
	(void)state;

	for (unsigned i = 0; i < COUNT; i++) {
		list[i].ts += i < 100 ? 48000 * 3600u : 0;
	}
	sim_run(&s, COUNT * 20000);
	assert_true(stats_of(s.p).played >= (COUNT - 4) * 20);
	helio_playout_destroy(s.p);
	free(list);
}

/* Nobody pulls: what waits stays bounded, and it is the newest. */
static void test_bound_without_pulls(void **state)
{
	enum { COUNT = 3000 };
	struct packet *list = make_packets(COUNT, 0, 0, 0);
	struct helio_playout *p = make_playout(100);
	int16_t pcm[FRAME];
	(void)state;

	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(push(p, &list[i], list[i].arrival_us), 0);
		assert_true(stats_of(p).delay_ms <= 100);
	}
	assert_int_equal(stats_of(p).discarded, (COUNT - 5) * 20);
	assert_int_equal(helio_playout_pull(p, pcm, FRAME, COUNT * 20000), 1);
	helio_playout_destroy(p);
	free(list);
}

static void test_config(void **state)
{
	struct helio_playout *p;
	struct helio_playout_config config = HELIO_PLAYOUT_CONFIG_INIT;
	int16_t pcm[2 * 5760];
	(void)state;

	assert_int_equal(helio_playout_create(&p, NULL), HELIO_OK);
	assert_int_equal(helio_playout_pull(p, pcm, 5760, 0), 0); /* silence */
	helio_playout_destroy(p);
	helio_playout_destroy(NULL);
	config.channels = 3;
	assert_int_equal(helio_playout_create(&p, &config), HELIO_ERR_INVALID);
	assert_null(p);
	config.channels = 2;
	config.min_delay_ms = 600;
	assert_int_equal(helio_playout_create(&p, &config), HELIO_ERR_INVALID);
	config.max_delay_ms = 5001;
	assert_int_equal(helio_playout_create(&p, &config), HELIO_ERR_INVALID);
	config.max_delay_ms = 700;
	assert_int_equal(helio_playout_create(&p, &config), HELIO_OK);
	assert_int_equal(helio_playout_pull(p, pcm, 5760, 0), 0);
	helio_playout_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady_is_exact),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_stall_and_burst),
		cmocka_unit_test(test_stall_within_bound),
		cmocka_unit_test(test_duplicates_and_reordering),
		cmocka_unit_test(test_loss_is_concealed),
		cmocka_unit_test(test_dtx_gap),
		cmocka_unit_test(test_drift),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_new_time_line),
		cmocka_unit_test(test_bound_without_pulls),
		cmocka_unit_test(test_config),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
