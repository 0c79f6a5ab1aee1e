/*
 * delay: estimates the jitter of arrivals by a fading histogram, and the present delay by the
 * packets that wait longest. A lone stall weighs little in it, jitter that stays is learnt in
 * seconds.
 */
#include "client-sdk/media/delay.h"

#include <string.h>

#define BIN_US 5000
#define SAMPLES_PER_BIN 240
#define SLOT_US 500000
#define LONGEST_US 1000000
#define FADE (1.0f / 512.0f) /* weight of one packet */
#define NEARLY_ALL 0.97f

void delay_init(struct delay *d)
{
	memset(d, 0, sizeof(*d));
	d->share[0] = 1.0f;
}

static void slots_turn(struct delay *d, int64_t now_us)
{
	if (d->slot_end_us == 0 || now_us >= d->slot_end_us + (int64_t)DELAY_SLOTS * SLOT_US) {
		memset(d->fastest_set, 0, sizeof(d->fastest_set)); /* all of it is too old */
		d->slot_end_us = now_us + SLOT_US;
	}
	while (now_us >= d->slot_end_us) {
		d->slot = (d->slot + 1) % DELAY_SLOTS;
		d->fastest_set[d->slot] = false;
		d->slot_end_us += SLOT_US;
	}
}

static int64_t fastest_of_all(const struct delay *d, int64_t transit)
{
	for (unsigned i = 0; i < DELAY_SLOTS; i++) {
		if (d->fastest_set[i] && d->fastest_us[i] < transit) {
			transit = d->fastest_us[i];
		}
	}
	return transit;
}

int64_t delay_arrived(struct delay *d, int64_t ts, int64_t now_us)
{
	int64_t transit = now_us - ts * 1000 / 48;

	slots_turn(d, now_us);
	if (!d->fastest_set[d->slot] || transit < d->fastest_us[d->slot]) {
		d->fastest_us[d->slot] = transit;
		d->fastest_set[d->slot] = true;
	}
	int64_t late_us = transit - fastest_of_all(d, transit);
	int64_t bin = late_us / BIN_US;
	if (bin >= (int64_t)DELAY_BINS) {
		bin = DELAY_BINS - 1;
	}
	for (unsigned i = 0; i < DELAY_BINS; i++) {
		d->share[i] -= d->share[i] * FADE;
	}
	d->share[bin] += FADE;
	return late_us;
}

int64_t delay_jitter(const struct delay *d)
{
	float sum = 0.0f;

	for (unsigned i = 0; i < DELAY_BINS; i++) {
		sum += d->share[i];
		if (sum >= NEARLY_ALL) {
			return i == 0 ? 0 : (int64_t)(i + 1) * SAMPLES_PER_BIN;
		}
	}
	return (int64_t)DELAY_BINS * SAMPLES_PER_BIN;
}

void delay_waits(struct delay *d, int64_t samples, int64_t now_us)
{
	if (now_us >= d->longest_end_us) {
		d->longest_before = d->longest;
		d->longest_before_set = d->longest_set;
		d->longest_set = false;
		d->longest_end_us = now_us + LONGEST_US;
	}
	if (!d->longest_set || samples > d->longest) {
		d->longest = samples;
		d->longest_set = true;
	}
}

bool delay_current(const struct delay *d, int64_t *samples)
{
	/* The running second alone may hold late packets only; the whole second before speaks too.
	 */
	if (!d->longest_before_set) {
		return false;
	}
	*samples = d->longest_before;
	if (d->longest_set && d->longest > *samples) {
		*samples = d->longest;
	}
	return true;
}

void delay_shift(struct delay *d, int64_t samples)
{
	d->longest += samples;
	d->longest_before += samples;
}

void delay_forget_waits(struct delay *d)
{
	d->longest_set = false;
	d->longest_before_set = false;
	d->longest_end_us = 0;
}
