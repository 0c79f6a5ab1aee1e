/*
 * login_rate: owns the table of failed logins. Each entry is a time until which its budget is in
 * use (GCRA): one number says how much is left and when the entry may be forgotten. Never grows,
 * and never says whether a user exists: it counts any name alike.
 */
#include "authd/login_rate.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS 16384u
#define WAYS 4u
#define PAIR_KEEP_MS (30ull * 86400u * 1000u)

struct entry {
	uint64_t key; /* 0: free */
	uint64_t until; /* ms: budget used up to here; a free budget's lies in the past */
	uint64_t known_until; /* ms: the pair logged in before */
};

struct login_rate {
	pthread_mutex_t mutex;
	uint8_t hash_key[crypto_shorthash_KEYBYTES]; /* so that nobody can aim at a set */
	struct entry entries[SETS][WAYS];
};

/* What one login is counted under. */
struct keys {
	uint64_t address, user, pair;
};

int login_rate_create(struct login_rate **out)
{
	struct login_rate *rate = calloc(1, sizeof(*rate));

	if (rate == NULL) {
		return ERR_NOMEM;
	}
	pthread_mutex_init(&rate->mutex, NULL);
	randombytes_buf(rate->hash_key, sizeof(rate->hash_key));
	*out = rate;
	return 0;
}

void login_rate_destroy(struct login_rate *rate)
{
	if (rate != NULL) {
		pthread_mutex_destroy(&rate->mutex);
		free(rate);
	}
}

static uint64_t hash(const struct login_rate *rate, const char *kind, const char *a, const char *b)
{
	char text[256];
	uint64_t out = 0;
	int len = snprintf(text, sizeof(text), "%s %s %s", kind, a, b);
	size_t used = len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1;

	crypto_shorthash((unsigned char *)&out, (const unsigned char *)text, used, rate->hash_key);
	return out != 0 ? out : 1;
}

/* An IPv6 client owns at least its /64. */
static void network_of(const char *address, char out[64])
{
	struct in6_addr v6;

	if (inet_pton(AF_INET6, address, &v6) == 1 && !IN6_IS_ADDR_V4MAPPED(&v6)) {
		memset(v6.s6_addr + 8, 0, 8);
		inet_ntop(AF_INET6, &v6, out, 64);
	} else {
		snprintf(out, 64, "%s", address);
	}
}

static struct keys keys_of(const struct login_rate *rate, const char *address, const char *user)
{
	char network[64];

	network_of(address, network);
	return (struct keys){ .address = hash(rate, "address", network, ""),
		.user = hash(rate, "user", user, ""),
		.pair = hash(rate, "pair", network, user) };
}

static uint64_t forget_at(const struct entry *e)
{
	return e->until > e->known_until ? e->until : e->known_until;
}

static struct entry *find(struct login_rate *rate, uint64_t key, bool make)
{
	struct entry *set = rate->entries[key % SETS];
	struct entry *victim = &set[0];

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].key == key) {
			return &set[i];
		}
		if (forget_at(&set[i]) < forget_at(victim)) {
			victim = &set[i];
		}
	}
	if (!make) {
		return NULL;
	}
	*victim = (struct entry){ .key = key };
	return victim;
}

/* ms until one more failure fits into the budget; 0: now. */
static uint64_t wait_of(
	struct login_rate *rate, uint64_t key, unsigned burst, uint64_t step, uint64_t now)
{
	const struct entry *e = find(rate, key, false);
	uint64_t limit = now + (burst - 1) * step;

	return e != NULL && e->until > limit ? e->until - limit : 0;
}

static void add(struct login_rate *rate, uint64_t key, uint64_t step, uint64_t now)
{
	struct entry *e = find(rate, key, true);

	e->until = (e->until > now ? e->until : now) + step;
}

static void sub(struct login_rate *rate, uint64_t key, uint64_t step)
{
	struct entry *e = find(rate, key, false);

	if (e != NULL) {
		e->until = e->until > step ? e->until - step : 0;
	}
}

static bool is_known(struct login_rate *rate, uint64_t pair, uint64_t now)
{
	const struct entry *e = find(rate, pair, false);

	return e != NULL && e->known_until > now;
}

unsigned login_rate_take(struct login_rate *rate, const char *address, const char *user,
	uint64_t now_ms, bool *known)
{
	struct keys k = keys_of(rate, address, user);
	uint64_t wait;

	pthread_mutex_lock(&rate->mutex);
	bool pair_is_known = is_known(rate, k.pair, now_ms);
	if (pair_is_known) {
		wait = wait_of(rate, k.pair, LOGIN_RATE_USER_BURST, LOGIN_RATE_USER_MS, now_ms);
		if (wait == 0) {
			add(rate, k.pair, LOGIN_RATE_USER_MS, now_ms);
		}
	} else {
		uint64_t other =
			wait_of(rate, k.user, LOGIN_RATE_USER_BURST, LOGIN_RATE_USER_MS, now_ms);
		wait = wait_of(
			rate, k.address, LOGIN_RATE_ADDRESS_BURST, LOGIN_RATE_ADDRESS_MS, now_ms);
		wait = wait > other ? wait : other;
		if (wait == 0) {
			add(rate, k.address, LOGIN_RATE_ADDRESS_MS, now_ms);
			add(rate, k.user, LOGIN_RATE_USER_MS, now_ms);
		}
	}
	pthread_mutex_unlock(&rate->mutex);
	if (known != NULL) {
		*known = pair_is_known;
	}
	return (unsigned)((wait + 999) / 1000);
}

/* When the pair became known in between, a little is left on the other two: it is forgiven in time.
 */
static void give_back(struct login_rate *rate, const struct keys *k, uint64_t now_ms)
{
	if (is_known(rate, k->pair, now_ms)) {
		sub(rate, k->pair, LOGIN_RATE_USER_MS);
	} else {
		sub(rate, k->address, LOGIN_RATE_ADDRESS_MS);
		sub(rate, k->user, LOGIN_RATE_USER_MS);
	}
}

void login_rate_return(
	struct login_rate *rate, const char *address, const char *user, uint64_t now_ms)
{
	struct keys k = keys_of(rate, address, user);

	pthread_mutex_lock(&rate->mutex);
	give_back(rate, &k, now_ms);
	pthread_mutex_unlock(&rate->mutex);
}

void login_rate_success(
	struct login_rate *rate, const char *address, const char *user, uint64_t now_ms)
{
	struct keys k = keys_of(rate, address, user);

	pthread_mutex_lock(&rate->mutex);
	give_back(rate, &k, now_ms);
	find(rate, k.pair, true)->known_until = now_ms + PAIR_KEEP_MS;
	pthread_mutex_unlock(&rate->mutex);
}
