/*
 * level: the audio level of PCM. Pure arithmetic, no state.
 */
#include "client-sdk/media/level.h"

#include <math.h>

#define FULL_SCALE 32767.0
#define LEVEL_SILENCE 127u

unsigned level_from_pcm(const int16_t *pcm, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		sum += (uint64_t)((int32_t)pcm[i] * (int32_t)pcm[i]);
	}
	if (sum == 0) {
		return LEVEL_SILENCE;
	}
	double level = -10.0 * log10((double)sum / (double)count / (FULL_SCALE * FULL_SCALE));
	if (level <= 0.0) {
		return 0;
	}
	return level >= LEVEL_SILENCE ? LEVEL_SILENCE : (unsigned)(level + 0.5);
}
