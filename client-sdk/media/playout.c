/*
 * playout: gives the PCM of one received stream at the caller's pace. Owns the packet store, the
 * decoder and the place where playing stands (the cursor). Below HRP/1 is TCP, so what is missing
 * is nearly always just late: the cursor then holds, and what was waited for is played when it
 * comes; the delay that costs is taken back by leaving out silence, and by discarding above
 * max_delay_ms.
 *
 * States: IDLE (nothing was ever played) and WAITING (silence of the sender, or it has stalled) →
 * a packet has waited for the target delay → PLAYING → nothing left to play → WAITING.
 */
#include <helio.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client-sdk/media/delay.h"
#include "client-sdk/media/jitter.h"
#include "client-sdk/media/level.h"
#include "client-sdk/media/opus_dec.h"

#define PER_MS 48
#define CHANNELS_MAX 2u
#define CHUNK 480u /* silence and concealment are made 10 ms at a time */
#define CONCEAL_MAX 2880u /* 60 ms, then it would only hum */
#define DEAD_BAND 480 /* a delay 10 ms off the target is left alone */
#define QUIET_LEVEL 50u /* -dBov; audio below it is silence that may be cut or stretched */
#define MIN_DELAY_MS 20u
#define MAX_DELAY_MS 500u
#define MAX_DELAY_LIMIT_MS 5000u
#define LATE_RUN_MAX 100u
#define FIFO_SAMPLES (2u * OPUS_DEC_SAMPLES_MAX) /* a packet, and as much stretched silence */

enum state { IDLE, WAITING, PLAYING };

struct helio_playout {
	unsigned channels;
	int64_t min_delay, max_delay; /* samples, like all that follows */
	enum state state;
	int64_t cursor; /* media time of what is decoded next; not in IDLE */
	uint16_t next_seq;
	bool next_seq_known;
	unsigned concealed_run; /* made up since the last packet */
	unsigned late_run; /* packets in a row that came behind the cursor */
	bool quiet; /* what was played last is silence */
	unsigned packet_samples; /* of the newest packet */
	int64_t pull_us; /* when the last pull was */
	unsigned pull_samples;
	unsigned fifo_at, fifo_left;
	bool fifo_real;
	uint64_t played, concealed, discarded;
	struct opus_dec *dec;
	struct delay delay;
	struct jitter store;
	int16_t fifo[FIFO_SAMPLES * CHANNELS_MAX];
};

/* ---------------------------------------------------------------- life */

int helio_playout_create(struct helio_playout **out, const struct helio_playout_config *config)
{
	struct helio_playout_config c;

	if (out == NULL || (config != NULL && config->size < sizeof(config->size))) {
		return HELIO_ERR_INVALID;
	}
	*out = NULL;
	memset(&c, 0, sizeof(c));
	if (config != NULL) {
		memcpy(&c, config, config->size < sizeof(c) ? config->size : sizeof(c));
	}
	unsigned min = c.min_delay_ms != 0 ? c.min_delay_ms : MIN_DELAY_MS;
	unsigned max = c.max_delay_ms != 0 ? c.max_delay_ms : MAX_DELAY_MS;
	if (c.channels > CHANNELS_MAX || min > max || max > MAX_DELAY_LIMIT_MS) {
		return HELIO_ERR_INVALID;
	}
	struct helio_playout *p = calloc(1, sizeof(*p));
	if (p == NULL) {
		return HELIO_ERR_NOMEM;
	}
	p->channels = c.channels != 0 ? c.channels : 1;
	p->min_delay = (int64_t)min * PER_MS;
	p->max_delay = (int64_t)max * PER_MS;
	delay_init(&p->delay);
	p->dec = opus_dec_create(p->channels);
	if (p->dec == NULL) {
		free(p);
		return HELIO_ERR_NOMEM;
	}
	*out = p;
	return HELIO_OK;
}

void helio_playout_destroy(struct helio_playout *p)
{
	if (p != NULL) {
		jitter_clear(&p->store);
		opus_dec_destroy(p->dec);
		free(p);
	}
}

/* ---------------------------------------------------------------- delay */

static int64_t stored_end(const struct helio_playout *p)
{
	const struct jitter_packet *last = jitter_last(&p->store);
	return last != NULL ? last->ts + last->samples : p->cursor;
}

/* Media time of the sample that is heard now: the last pull is played while time goes on. */
static int64_t position(const struct helio_playout *p, int64_t now_us)
{
	int64_t played = (now_us - p->pull_us) * PER_MS / 1000;

	played = played < 0 ? 0 : played > p->pull_samples ? p->pull_samples : played;
	return p->cursor - p->fifo_left - (p->pull_samples - played);
}

/* What the fastest packets should wait: the jitter, and one pull, which takes all its samples at
 * once. */
static int64_t target_delay(const struct helio_playout *p)
{
	int64_t target = delay_jitter(&p->delay) + p->pull_samples;
	int64_t most =
		p->max_delay - p->packet_samples; /* the bound counts the packet itself too */

	target = target < p->min_delay ? p->min_delay : target;
	target = target > most ? most : target;
	return target > 0 ? target : 0;
}

/* Samples of silence to leave out (positive) or to add (negative) now. */
static int64_t delay_excess(const struct helio_playout *p)
{
	int64_t current;

	if (!delay_current(&p->delay, &current)) {
		return 0;
	}
	int64_t excess = current - target_delay(p);
	/* Playing begins with a pull, so up to one pull of delay is nobody's fault. */
	int64_t most = p->pull_samples > DEAD_BAND ? p->pull_samples : DEAD_BAND;
	return excess > most || excess < -DEAD_BAND ? excess : 0;
}

/* ---------------------------------------------------------------- packets in */

static void discard_first(struct helio_playout *p)
{
	struct jitter_packet *packet = jitter_pop(&p->store);

	p->discarded += packet->samples;
	free(packet);
}

/* Moves the cursor to a time at or after to, over packets that are then discarded. */
static void skip_to(struct helio_playout *p, int64_t to)
{
	const struct jitter_packet *first;

	while (p->store.count > 1 && (first = jitter_first(&p->store))->ts < to) {
		if (first->ts + first->samples > to) {
			to = first->ts + first->samples;
		}
		discard_first(p);
	}
	first = jitter_first(&p->store);
	if (first != NULL && first->ts < to) {
		to = first->ts;
	}
	if (p->state != PLAYING || to > p->cursor) {
		delay_shift(&p->delay, p->cursor - to);
		p->cursor = to;
	}
	p->next_seq_known = false; /* what was skipped is no loss to conceal */
}

/* Keeps what waits under the bound, whoever caused it: a burst, a fast clock, a caller that pulls
 * no more. */
static void bound_delay(struct helio_playout *p, int64_t now_us)
{
	const struct jitter_packet *first = jitter_first(&p->store);

	if (first == NULL) {
		return;
	}
	int64_t from = p->state == PLAYING ? position(p, now_us) : first->ts;
	int64_t over = stored_end(p) - from - p->max_delay;
	if (over > 0) {
		skip_to(p, (p->state == PLAYING ? p->cursor : first->ts) + over);
	}
}

/* Forgets everything: the sender has begun a new time line. */
static void restart(struct helio_playout *p)
{
	while (p->store.count > 0) {
		discard_first(p);
	}
	jitter_clear(&p->store);
	delay_init(&p->delay);
	p->state = IDLE;
	p->next_seq_known = false;
	p->late_run = 0;
}

/* Judges a packet that came behind the cursor: false when it is to be discarded. */
static bool is_new_time_line(struct helio_playout *p, const struct helio_frame *frame)
{
	if ((int16_t)(frame->seq - p->store.newest_seq) > 0) {
		return true; /* sent later than all others, but earlier in time */
	}
	return ++p->late_run >= LATE_RUN_MAX;
}

static int store_packet(struct helio_playout *p, const struct helio_frame *frame, int64_t ts,
	unsigned samples, int64_t now_us)
{
	bool duplicate;

	while (jitter_is_full(&p->store, frame->length)) {
		skip_to(p, jitter_first(&p->store)->ts + 1);
	}
	struct jitter_packet *packet =
		jitter_push(&p->store, ts, frame->payload, frame->length, &duplicate);
	if (packet == NULL) {
		p->discarded += samples;
		return duplicate ? HELIO_OK : HELIO_ERR_NOMEM;
	}
	packet->samples = samples;
	p->packet_samples = samples;
	packet->seq = frame->seq;
	packet->marker = (frame->flags & HELIO_MARKER) != 0;
	packet->due_us = now_us - delay_arrived(&p->delay, ts, now_us);
	if (!p->store.started || ts > p->store.newest_ts) {
		p->store.newest_ts = ts;
		p->store.newest_seq = frame->seq;
		p->store.started = true;
	}
	p->late_run = 0;
	if (p->state == PLAYING) {
		delay_waits(&p->delay, ts - position(p, now_us), now_us);
	}
	bound_delay(p, now_us);
	return HELIO_OK;
}

int helio_playout_push(struct helio_playout *p, const struct helio_frame *frame, int64_t now_us)
{
	if (p == NULL || frame == NULL || frame->size < sizeof(*frame) || frame->payload == NULL) {
		return HELIO_ERR_INVALID;
	}
	unsigned samples = opus_dec_samples(frame->payload, frame->length);
	if (samples == 0) {
		return HELIO_ERR_INVALID;
	}
	int64_t ts = jitter_widen_ts(&p->store, frame->timestamp);
	if (p->state != IDLE && ts < p->cursor) {
		if (!is_new_time_line(p, frame)) {
			p->discarded += samples;
			return HELIO_OK;
		}
		restart(p);
		ts = jitter_widen_ts(&p->store, frame->timestamp);
	}
	return store_packet(p, frame, ts, samples, now_us);
}

/* ---------------------------------------------------------------- PCM out */

static void fifo_fill(struct helio_playout *p, unsigned samples, bool real)
{
	p->fifo_at = 0;
	p->fifo_left = samples;
	p->fifo_real = real;
}

static void fifo_silence(struct helio_playout *p, unsigned samples)
{
	memset(p->fifo, 0, (size_t)samples * p->channels * sizeof(p->fifo[0]));
	p->quiet = true;
	fifo_fill(p, samples, false);
}

/* Up to samples of concealment; false when there was enough of it, or it cannot be made. */
static bool fifo_conceal(struct helio_playout *p, unsigned samples)
{
	samples = (samples < CHUNK ? samples : CHUNK) / 120 * 120;
	if (p->quiet || samples == 0 || p->concealed_run >= CONCEAL_MAX) {
		return false;
	}
	unsigned n = opus_dec_conceal(p->dec, samples, p->fifo);
	if (n == 0) {
		return false;
	}
	p->concealed_run += n;
	p->concealed += n;
	fifo_fill(p, n, true);
	return true;
}

/* Cuts or stretches the silence just decoded, n samples in the fifo. Returns how many it is now. */
static unsigned stretch(struct helio_playout *p, unsigned n)
{
	int64_t excess = delay_excess(p);

	if (excess > 0) {
		unsigned cut = excess < n ? (unsigned)excess : n;
		delay_shift(&p->delay, -(int64_t)cut);
		return n - cut;
	}
	if (excess < 0) {
		unsigned add = -excess < n ? (unsigned)-excess : n;
		memcpy(p->fifo + (size_t)n * p->channels, p->fifo,
			(size_t)add * p->channels * sizeof(p->fifo[0]));
		delay_shift(&p->delay, add);
		return n + add;
	}
	return n;
}

static void play_first(struct helio_playout *p)
{
	struct jitter_packet *packet = jitter_pop(&p->store);
	unsigned n = opus_dec_decode(p->dec, packet->data, packet->len, p->fifo);

	p->cursor = packet->ts + packet->samples;
	p->next_seq = (uint16_t)(packet->seq + 1);
	p->next_seq_known = true;
	p->concealed_run = 0;
	if (n == 0) {
		/* Opus in form only: as if it had been lost. */
		if (!fifo_conceal(p, packet->samples)) {
			fifo_silence(p, packet->samples);
		}
		free(packet);
		return;
	}
	free(packet);
	p->quiet = level_from_pcm(p->fifo, (size_t)n * p->channels) >= QUIET_LEVEL;
	if (p->quiet) {
		n = stretch(p, n);
	}
	p->played += n;
	fifo_fill(p, n, true);
}

/* Fills the time up to the first packet: silence when the sender was silent, concealment for a
 * loss. */
static void play_gap(struct helio_playout *p, const struct jitter_packet *first)
{
	bool lost = p->next_seq_known && first->seq != p->next_seq && !first->marker;
	int64_t gap = first->ts - p->cursor;
	int64_t excess = delay_excess(p);

	if (excess > 0) {
		int64_t cut = excess < gap ? excess : gap;
		delay_shift(&p->delay, -cut);
		p->cursor += cut;
		return;
	}
	unsigned n = gap < CHUNK ? (unsigned)gap : CHUNK;
	if (lost && fifo_conceal(p, n)) {
		p->cursor += p->fifo_left;
		return;
	}
	fifo_silence(p, n);
	int64_t hold = -excess < n ? -excess : n; /* stretched: the cursor stays */
	p->cursor += n - hold;
	delay_shift(&p->delay, hold);
}

/* A packet may begin (again) when it has waited, since the fastest would have come, for the target.
 */
static bool may_begin(const struct helio_playout *p, int64_t now_us)
{
	const struct jitter_packet *first = jitter_first(&p->store);

	if (first == NULL) {
		return false;
	}
	int64_t target = target_delay(p);
	return (now_us - first->due_us) * PER_MS >= target * 1000 ||
		jitter_last(&p->store)->ts - first->ts >= target;
}

/* Puts something into the empty fifo, or moves the cursor; wanted: what the pull still needs. */
static void refill(struct helio_playout *p, unsigned wanted, int64_t now_us)
{
	const struct jitter_packet *first = jitter_first(&p->store);

	if (p->state != PLAYING) {
		if (!may_begin(p, now_us)) {
			fifo_silence(p, wanted);
			return;
		}
		p->state = PLAYING;
		p->cursor = first->ts;
		delay_forget_waits(&p->delay);
	}
	if (first == NULL) {
		if (!fifo_conceal(p, CHUNK)) {
			p->state = WAITING;
			fifo_silence(p, wanted);
		}
		return;
	}
	if (first->ts > p->cursor) {
		play_gap(p, first);
	} else if (first->ts < p->cursor) {
		discard_first(p); /* lies under the packet before it */
	} else {
		play_first(p);
	}
}

int helio_playout_pull(struct helio_playout *p, int16_t *pcm, unsigned samples, int64_t now_us)
{
	bool real = false;

	if (p == NULL || pcm == NULL || samples == 0 || samples > OPUS_DEC_SAMPLES_MAX) {
		return 0;
	}
	p->pull_us = now_us;
	p->pull_samples = samples;
	for (unsigned done = 0; done < samples;) {
		if (p->fifo_left == 0) {
			refill(p, samples - done, now_us);
			continue;
		}
		unsigned n = samples - done < p->fifo_left ? samples - done : p->fifo_left;
		memcpy(pcm + (size_t)done * p->channels, p->fifo + (size_t)p->fifo_at * p->channels,
			(size_t)n * p->channels * sizeof(*pcm));
		real = real || p->fifo_real;
		p->fifo_at += n;
		p->fifo_left -= n;
		done += n;
	}
	return real ? 1 : 0;
}

void helio_playout_get_stats(const struct helio_playout *p, struct helio_playout_stats *stats)
{
	struct helio_playout_stats s;

	if (p == NULL || stats == NULL || stats->size < sizeof(stats->size)) {
		return;
	}
	memset(&s, 0, sizeof(s));
	s.size = stats->size;
	s.played = p->played / PER_MS;
	s.concealed = p->concealed / PER_MS;
	s.discarded = p->discarded / PER_MS;
	const struct jitter_packet *first = jitter_first(&p->store);
	int64_t from = p->state == PLAYING ? p->cursor : first != NULL ? first->ts : p->cursor;
	int64_t stored = stored_end(p) > from ? stored_end(p) - from : 0;
	s.delay_ms = (unsigned)((stored + p->fifo_left) / PER_MS);
	s.jitter_ms = (unsigned)(target_delay(p) / PER_MS);
	memcpy(stats, &s, s.size < sizeof(s) ? s.size : sizeof(s));
}
