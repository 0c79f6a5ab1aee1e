/*
 * day_clock: the time of day for what ends, on a machine whose clock may be set. Told to go back,
 * it goes on from where the process began; what has ended once has ended; and for a day after the
 * clock was set nothing that seems to have ended is forgotten.
 */
#ifndef COMMON_DAY_CLOCK_H
#define COMMON_DAY_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define DAY_CLOCK_STEP_S 60 /* less is what a clock is corrected by now and then */
#define DAY_CLOCK_HOLD_S 86400
#define DAY_CLOCK_LOOK_S 2 /* what begins so shortly before we see it go back belongs behind it */

/* One thread looks; any thread asks for now and over. All times in seconds. */
struct day_clock {
	int64_t base; /* of the day's clock to the monotonic one when it began */
	int64_t offset; /* the same when the clock was last found to be set */
	int64_t hold_until; /* monotonic */
	_Atomic int64_t peak; /* the latest time since it last went back */
	_Atomic int64_t high, back; /* it went from high back to back */
};

void day_clock_init(struct day_clock *clock, int64_t wall, int64_t monotonic);
/* newest: when the last thing that is known was done (0: nothing is). By how much the clock is
 * behind that (negative), or ahead of it by more than a day; 0 when neither. */
int64_t day_clock_seen(struct day_clock *clock, int64_t newest, int64_t wall, int64_t monotonic);
/* Once a second. By how much the clock was set meanwhile; 0 when it was not. */
int64_t day_clock_look(struct day_clock *clock, int64_t wall, int64_t monotonic);
/* Whether what has ended may be forgotten. */
bool day_clock_steady(const struct day_clock *clock, int64_t monotonic);

/* The time: wall, unless it is more than DAY_CLOCK_STEP_S behind what has passed since it began:
 * then that. */
int64_t day_clock_at(const struct day_clock *clock, int64_t wall, int64_t monotonic);
/* day_clock_at() of this moment. */
int64_t day_clock_now(const struct day_clock *clock);
/* Whether what began and was to end then has ended now, or had when the clock went back. */
bool day_clock_over(const struct day_clock *clock, int64_t now, int64_t begin, int64_t end);

#endif
