/*
 * frame_loudest: the speakers that have a place. One keeps it while it sends and nobody else is
 * clearly louder, so that voices are not cut within a sentence. Never allocates, sends or makes
 * text.
 */
#include "reflector/frame_loudest.h"

#define CLEARLY_DB 6u /* louder than the quietest who has a place */
#define QUIET_MS 400u /* without a frame: the place is free */

static void take_place(
	struct frame_loudest *l, unsigned place, uint16_t stream, uint8_t level, uint64_t now_ms)
{
	l->speakers[place].stream = stream;
	l->speakers[place].level = level;
	l->speakers[place].heard_ms = now_ms;
}

/* Who has a place and sends on. */
static void hear(struct frame_loudest *l, unsigned place, uint8_t level, uint64_t now_ms)
{
	uint8_t *held = &l->speakers[place].level;

	*held = level < *held ? level : level > *held ? (uint8_t)(*held + 1) : *held;
	l->speakers[place].heard_ms = now_ms;
}

bool frame_loudest_admit(struct frame_loudest *loudest, unsigned most, uint16_t stream,
	uint8_t level, uint64_t now_ms)
{
	unsigned quietest = 0;
	bool free_place = false;

	if (most == 0) {
		return true;
	}
	most = most < FRAME_LOUDEST_MAX ? most : FRAME_LOUDEST_MAX;
	if (loudest->count > most) {
		loudest->count = most; /* the policy has changed */
	}
	for (unsigned i = 0; i < loudest->count; i++) {
		if (loudest->speakers[i].stream == stream) {
			hear(loudest, i, level, now_ms);
			return true;
		}
		if (free_place) {
			continue;
		}
		free_place = now_ms - loudest->speakers[i].heard_ms > QUIET_MS;
		if (free_place || loudest->speakers[i].level > loudest->speakers[quietest].level) {
			quietest = i;
		}
	}
	if (loudest->count < most) {
		take_place(loudest, loudest->count++, stream, level, now_ms);
		return true;
	}
	if (!free_place && level + CLEARLY_DB > loudest->speakers[quietest].level) {
		return false;
	}
	take_place(loudest, quietest, stream, level, now_ms);
	return true;
}
