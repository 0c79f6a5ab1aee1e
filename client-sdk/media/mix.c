/*
 * mix: adds PCM of several sources. Saturates instead of wrapping; no state.
 */
#include <helio.h>

void helio_mix_add(int16_t *dst, const int16_t *src, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int32_t sum = (int32_t)dst[i] + src[i];
		dst[i] = (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
	}
}
