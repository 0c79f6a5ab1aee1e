/*
 * delay: how long packets should wait before they are played, and how long they do. Numbers in,
 * numbers out: no packets, no clock of its own. Times of arrival in microseconds, media in samples
 * at 48 kHz.
 */
#ifndef MEDIA_DELAY_H
#define MEDIA_DELAY_H

#include <stdbool.h>
#include <stdint.h>

#define DELAY_SLOTS 4u /* the fastest way is remembered for 4 x 0.5 s */
#define DELAY_BINS 200u /* of 5 ms */

struct delay {
	int64_t fastest_us[DELAY_SLOTS]; /* least transit (arrival minus media time) of each slot */
	bool fastest_set[DELAY_SLOTS];
	unsigned slot;
	int64_t slot_end_us;
	float share[DELAY_BINS]; /* of packets that came that much later than the fastest, fading */
	/* Waiting time of the packets that waited longest, now and in the second before. */
	int64_t longest, longest_before; /* samples */
	bool longest_set, longest_before_set;
	int64_t longest_end_us;
};

void delay_init(struct delay *d);

/* Notes an arrival. Returns how much later than the fastest of late it came, in microseconds. */
int64_t delay_arrived(struct delay *d, int64_t ts, int64_t now_us);

/* Samples that nearly all packets (97 %) come late at most, compared with the fastest. */
int64_t delay_jitter(const struct delay *d);

/* Notes that a packet just come will wait that long until it is played. */
void delay_waits(struct delay *d, int64_t samples, int64_t now_us);

/* What the fastest packets wait; false while it is not known. */
bool delay_current(const struct delay *d, int64_t *samples);

/* Playing was moved: packets wait that much longer (or, negative, shorter) from now on. */
void delay_shift(struct delay *d, int64_t samples);

/* The place where playing stands was chosen anew: what packets waited says nothing any more. */
void delay_forget_waits(struct delay *d);

#endif
