/*
 * rate: owns a hash table of token buckets. A bucket that is full again says nothing, so it may be
 * used for another key at any time. Must never grow.
 */
#include "authd/rate.h"

#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SETS 2048u
#define WAYS 8u
#define MINUTE_MS 60000u

/* Units are requests times MINUTE_MS, so that each millisecond adds a whole number of them. */
struct bucket {
	uint64_t tag; /* of the key; 0: free */
	uint64_t missing; /* units below full, at at_ms */
	uint64_t at_ms;
};

struct rate {
	pthread_mutex_t mutex; /* guards buckets */
	unsigned per_minute;
	unsigned char secret[crypto_shorthash_KEYBYTES]; /* nobody outside can aim at a set */
	struct bucket buckets[SETS][WAYS];
};

int rate_create(struct rate **out, unsigned per_minute)
{
	struct rate *rate = calloc(1, sizeof(*rate));

	if (rate == NULL) {
		return ERR_NOMEM;
	}
	rate->per_minute = per_minute;
	randombytes_buf(rate->secret, sizeof(rate->secret));
	pthread_mutex_init(&rate->mutex, NULL);
	*out = rate;
	return 0;
}

void rate_destroy(struct rate *rate)
{
	if (rate != NULL) {
		pthread_mutex_destroy(&rate->mutex);
		free(rate);
	}
}

static void refill(const struct rate *rate, struct bucket *b, uint64_t now_ms)
{
	uint64_t age = now_ms - b->at_ms;
	uint64_t full_after = b->missing / rate->per_minute + 1;

	b->missing = age >= full_after ? 0 : b->missing - age * rate->per_minute;
	b->at_ms = now_ms;
}

static struct bucket *find(struct rate *rate, const char *key, uint64_t now_ms)
{
	unsigned char hash[crypto_shorthash_BYTES];
	struct bucket *best = NULL;
	uint64_t tag;

	crypto_shorthash(hash, (const unsigned char *)key, strlen(key), rate->secret);
	memcpy(&tag, hash, sizeof(tag));
	tag |= 1; /* never 0 */
	struct bucket *set = rate->buckets[(tag >> 8) % SETS];
	for (unsigned i = 0; i < WAYS; i++) {
		refill(rate, &set[i], now_ms);
		if (set[i].tag == tag) {
			return &set[i];
		}
		if (best == NULL || set[i].missing < best->missing) {
			best = &set[i];
		}
	}
	best->tag = tag;
	best->missing = 0;
	return best;
}

unsigned rate_take(struct rate *rate, const char *key, uint64_t now_ms)
{
	unsigned wait_s = 0;

	pthread_mutex_lock(&rate->mutex);
	struct bucket *b = find(rate, key, now_ms);
	uint64_t room = (uint64_t)rate->per_minute * MINUTE_MS - b->missing;
	if (room >= MINUTE_MS) {
		b->missing += MINUTE_MS;
	} else {
		uint64_t ms = (MINUTE_MS - room + rate->per_minute - 1) / rate->per_minute;
		wait_s = (unsigned)((ms + 999) / 1000);
	}
	pthread_mutex_unlock(&rate->mutex);
	return wait_s;
}
