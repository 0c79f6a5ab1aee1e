/*
 * day_clock: compares the clock that may be set with the one that may not. Must never trust the
 * first to go back.
 */
#include "common/day_clock.h"

#include <time.h>

#include "common/clock.h"

void day_clock_init(struct day_clock *clock, int64_t wall, int64_t monotonic)
{
	clock->base = clock->offset = wall - monotonic;
	clock->peak = wall;
	clock->hold_until = monotonic;
	clock->high = clock->back = 0;
}

int64_t day_clock_seen(struct day_clock *clock, int64_t newest, int64_t wall, int64_t monotonic)
{
	int64_t ahead = newest > 0 ? wall - newest : 0;

	if (ahead >= -DAY_CLOCK_STEP_S && ahead <= DAY_CLOCK_HOLD_S) {
		return 0;
	}
	clock->hold_until = monotonic + DAY_CLOCK_HOLD_S;
	if (ahead < 0) {
		clock->high = newest;
		clock->back = wall;
	}
	return ahead;
}

int64_t day_clock_look(struct day_clock *clock, int64_t wall, int64_t monotonic)
{
	int64_t now = day_clock_at(clock, wall, monotonic), peak = clock->peak;
	int64_t step = wall - monotonic - clock->offset;

	if (now < peak - DAY_CLOCK_STEP_S) {
		clock->back = now - DAY_CLOCK_LOOK_S;
		clock->high = peak > clock->high ? peak : clock->high;
		clock->peak = now;
	} else if (now > peak) {
		clock->peak = now;
	}
	if (step >= -DAY_CLOCK_STEP_S && step <= DAY_CLOCK_STEP_S) {
		return 0;
	}
	clock->offset += step;
	clock->hold_until = monotonic + DAY_CLOCK_HOLD_S;
	return step;
}

bool day_clock_steady(const struct day_clock *clock, int64_t monotonic)
{
	return monotonic >= clock->hold_until;
}

int64_t day_clock_at(const struct day_clock *clock, int64_t wall, int64_t monotonic)
{
	int64_t passed = clock->base + monotonic;

	return wall >= passed - DAY_CLOCK_STEP_S ? wall : passed;
}

int64_t day_clock_now(const struct day_clock *clock)
{
	return day_clock_at(clock, (int64_t)time(NULL), clock_now_s());
}

bool day_clock_over(const struct day_clock *clock, int64_t now, int64_t begin, int64_t end)
{
	int64_t peak = clock->peak;
	bool went_back = now < peak - DAY_CLOCK_STEP_S; /* nobody has looked since */

	return end <= now || (end <= clock->high && begin < clock->back) ||
		(went_back && end <= peak && begin < now - DAY_CLOCK_LOOK_S);
}
