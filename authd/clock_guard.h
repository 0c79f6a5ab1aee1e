/*
 * clock_guard: tells when the clock of the day was set. Until it has stood for a day nothing that
 * seems to have ended is forgotten: what was revoked would come back when the clock goes back.
 */
#ifndef AUTHD_CLOCK_GUARD_H
#define AUTHD_CLOCK_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_GUARD_STEP_S 60 /* less is what a clock is corrected by now and then */
#define CLOCK_GUARD_HOLD_S 86400

struct clock_guard { /* begins as {0} */
	bool known;
	int64_t offset; /* of the day's clock to the monotonic one, at the last look */
	int64_t hold_until; /* monotonic */
};

/* Both in seconds, at least once a minute. Whether what has ended may be forgotten now; *jump: by
 * how much the clock was set since the last look, 0 when it was not. */
bool clock_guard_steady(struct clock_guard *guard, int64_t wall, int64_t monotonic, int64_t *jump);

#endif
