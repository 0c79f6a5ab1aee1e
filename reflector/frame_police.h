/*
 * frame_police: which frames of a publisher are let through: not those of a muted kind, not more
 * than the granted bitrate, and of audio the loudest speakers only. Runs for every media frame: it
 * counts and compares, nothing else.
 */
#ifndef REFLECTOR_FRAME_POLICE_H
#define REFLECTOR_FRAME_POLICE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/token_claims.h"
#include "reflector/frame.h"

struct stream;

/*
 * The bitrate of one kind, all its streams together. Credit grows by the granted bitrate; what one
 * second's worth cannot hold is kept for keyframes, up to two seconds' worth more. So the average
 * is never over the grant, and pictures behind a keyframe need not pay for it.
 */
struct frame_police {
	uint64_t bitrate; /* bit/s; 0: no limit */
	uint64_t credit, keyframe_credit; /* bits, in thousandths */
	uint64_t filled_ms;
};

enum frame_police_why {
	FRAME_POLICE_BITRATE,
	FRAME_POLICE_MUTED,
	FRAME_POLICE_LOUDEST, /* others are louder */
	FRAME_POLICE_WHYS
};

/* What was dropped of one stream and not told to its publisher yet. */
struct frame_policed {
	struct {
		uint64_t count, bytes;
	} drops[FRAME_POLICE_WHYS];
	bool skipping; /* up to the next frame that can be begun with */
	uint8_t skipping_why; /* enum frame_police_why */
};

void frame_police_init(struct frame_police *police, uint64_t bitrate, uint64_t now_ms);
/* True when the bits were there, and are gone now. */
bool frame_police_take(struct frame_police *police, uint64_t bits, bool keyframe, uint64_t now_ms);

/* True when the frame goes on to the receivers. */
bool frame_police_admit(struct stream *stream, const struct frame *frame, uint64_t now_ms);

#endif
