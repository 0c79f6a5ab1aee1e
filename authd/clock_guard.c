/*
 * clock_guard: compares the two clocks. Must never ask for the time itself.
 */
#include "authd/clock_guard.h"

bool clock_guard_steady(struct clock_guard *guard, int64_t wall, int64_t monotonic, int64_t *jump)
{
	int64_t offset = wall - monotonic;
	int64_t step = guard->known ? offset - guard->offset : 0;

	*jump = 0;
	if (step > CLOCK_GUARD_STEP_S || step < -CLOCK_GUARD_STEP_S) {
		*jump = step;
		guard->hold_until = monotonic + CLOCK_GUARD_HOLD_S;
	}
	guard->known = true;
	guard->offset = offset;
	return monotonic >= guard->hold_until;
}
