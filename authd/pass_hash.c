/*
 * pass_hash: owns the slots in which passwords are hashed, and what a wrong one costs. Must never
 * hash outside a slot, and never shorten a password.
 */
#include "authd/pass_hash.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/hash_threads.h"
#include "authd/pass_crypt.h"

#define QUEUES 2u
#define KNOWN_IN_A_ROW 4u
#define TIMES 64u /* a power of two */

struct pass_hash {
	struct hash_threads *threads; /* as many as slots, so nobody waits there */
	pthread_mutex_t mutex; /* guards everything below */
	pthread_cond_t freed[QUEUES];
	unsigned waiting[QUEUES];
	unsigned at_once, running;
	unsigned known_in_a_row; /* while strangers waited */
	uint64_t memory, passes;
	char nobody[PASS_HASH_SIZE]; /* hash of a password that nobody knows */
	uint64_t took_us[TIMES]; /* what the last ones with today's parameters took */
	unsigned took_count;
};

/* The parameters of one moment. */
struct today {
	uint64_t memory, passes;
	char nobody[PASS_HASH_SIZE];
};

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static int hash_text(const char *password, size_t len, uint64_t memory, uint64_t passes,
	char out[PASS_HASH_SIZE])
{
	_Static_assert(crypto_pwhash_STRBYTES <= PASS_HASH_SIZE, "a hash must fit");
	int rc = crypto_pwhash_str_alg(
		out, password, len, passes, (size_t)memory, crypto_pwhash_ALG_ARGON2ID13);

	return rc == 0 ? 0 : ERR_NOMEM;
}

static int hash_nobody(uint64_t memory, uint64_t passes, char out[PASS_HASH_SIZE])
{
	unsigned char secret[32];

	randombytes_buf(secret, sizeof(secret));
	int err = hash_text((const char *)secret, sizeof(secret), memory, passes, out);
	sodium_memzero(secret, sizeof(secret));
	return err;
}

int pass_hash_create(struct pass_hash **out, unsigned at_once, uint64_t memory, uint64_t passes)
{
	struct pass_hash *ph = calloc(1, sizeof(*ph));

	if (ph == NULL) {
		return ERR_NOMEM;
	}
	pthread_mutex_init(&ph->mutex, NULL);
	for (unsigned i = 0; i < QUEUES; i++) {
		pthread_cond_init(&ph->freed[i], NULL);
	}
	ph->at_once = at_once > 0 ? at_once : hash_threads_cores();
	int err = hash_threads_create(&ph->threads, ph->at_once);
	if (err == 0) {
		err = pass_hash_set_cost(ph, memory, passes);
	}
	if (err != 0) {
		pass_hash_destroy(ph);
		return err;
	}
	*out = ph;
	return 0;
}

void pass_hash_destroy(struct pass_hash *ph)
{
	if (ph == NULL) {
		return;
	}
	hash_threads_destroy(ph->threads);
	for (unsigned i = 0; i < QUEUES; i++) {
		pthread_cond_destroy(&ph->freed[i]);
	}
	pthread_mutex_destroy(&ph->mutex);
	free(ph);
}

int pass_hash_set_cost(struct pass_hash *ph, uint64_t memory, uint64_t passes)
{
	char nobody[PASS_HASH_SIZE];
	uint64_t begin = now_us();
	int err = hash_nobody(memory, passes, nobody);

	if (err != 0) {
		return err;
	}
	pthread_mutex_lock(&ph->mutex);
	ph->memory = memory;
	ph->passes = passes;
	memcpy(ph->nobody, nobody, sizeof(nobody));
	ph->took_us[0] = now_us() - begin;
	ph->took_count = 1;
	pthread_mutex_unlock(&ph->mutex);
	return 0;
}

/* Whose turn it is when both wait: the known ones', but now and then a stranger's, or those who log
 * in all the time would keep out everybody who comes for the first time. */
static enum pass_hash_queue turn(const struct pass_hash *ph)
{
	if (ph->waiting[PASS_HASH_KNOWN] == 0) {
		return PASS_HASH_STRANGER;
	}
	return ph->waiting[PASS_HASH_STRANGER] > 0 && ph->known_in_a_row >= KNOWN_IN_A_ROW
		? PASS_HASH_STRANGER
		: PASS_HASH_KNOWN;
}

void pass_hash_load(struct pass_hash *ph, unsigned *running, unsigned *waiting)
{
	pthread_mutex_lock(&ph->mutex);
	*running = ph->running;
	*waiting = ph->waiting[PASS_HASH_STRANGER] + ph->waiting[PASS_HASH_KNOWN];
	pthread_mutex_unlock(&ph->mutex);
}

static void wake_next(struct pass_hash *ph)
{
	if (ph->running < ph->at_once) {
		pthread_cond_signal(&ph->freed[turn(ph)]);
	}
}

static bool others_first(const struct pass_hash *ph, enum pass_hash_queue queue)
{
	return turn(ph) != queue && ph->waiting[turn(ph)] > 0;
}

static bool must_wait(const struct pass_hash *ph, enum pass_hash_queue queue)
{
	return ph->running >= ph->at_once || others_first(ph, queue);
}

/* Waits for a slot; ERR_RATE when too many wait already. */
static int enter(struct pass_hash *ph, enum pass_hash_queue queue, struct today *today)
{
	int err = 0;

	pthread_mutex_lock(&ph->mutex);
	if (must_wait(ph, queue) && ph->waiting[queue] >= PASS_HASH_WAITING) {
		err = ERR_RATE;
	} else {
		ph->waiting[queue]++;
		while (must_wait(ph, queue)) {
			pthread_cond_wait(&ph->freed[queue], &ph->mutex);
		}
		ph->waiting[queue]--;
		ph->running++;
		bool strangers_wait = ph->waiting[PASS_HASH_STRANGER] > 0;
		ph->known_in_a_row =
			queue == PASS_HASH_KNOWN && strangers_wait ? ph->known_in_a_row + 1 : 0;
		today->memory = ph->memory;
		today->passes = ph->passes;
		memcpy(today->nobody, ph->nobody, sizeof(today->nobody));
		wake_next(ph); /* two slots may have become free for one signal */
	}
	pthread_mutex_unlock(&ph->mutex);
	return err;
}

static void leave(struct pass_hash *ph)
{
	pthread_mutex_lock(&ph->mutex);
	ph->running--;
	wake_next(ph);
	pthread_mutex_unlock(&ph->mutex);
}

/* What a thread of low priority does. */
struct hashing {
	const struct today *today;
	const char *password;
	char *out; /* to make one */
	const char *hash; /* to verify; NULL: there is no such user */
	int err;
};

static void make(void *arg)
{
	struct hashing *h = arg;

	h->err = hash_text(
		h->password, strlen(h->password), h->today->memory, h->today->passes, h->out);
}

int pass_hash_make(struct pass_hash *ph, enum pass_hash_queue queue, const char *password,
	char out[PASS_HASH_SIZE])
{
	struct today today;
	int err = enter(ph, queue, &today);

	if (err != 0) {
		return err;
	}
	struct hashing h = { .today = &today, .password = password, .out = out };
	hash_threads_run(ph->threads, make, &h);
	leave(ph);
	return h.err;
}

static void remember(struct pass_hash *ph, const struct today *today, uint64_t us)
{
	pthread_mutex_lock(&ph->mutex);
	if (today->memory == ph->memory && today->passes == ph->passes) {
		ph->took_us[ph->took_count++ % TIMES] = us;
	}
	pthread_mutex_unlock(&ph->mutex);
}

/* Sleeps until a wrong password has taken as long as one of the last with today's parameters. */
static void fill_up(struct pass_hash *ph, uint64_t begin)
{
	pthread_mutex_lock(&ph->mutex);
	unsigned known = ph->took_count < TIMES ? ph->took_count : TIMES;
	uint64_t took = ph->took_us[randombytes_uniform(known)];
	pthread_mutex_unlock(&ph->mutex);
	uint64_t until = begin + took;
	struct timespec ts = { .tv_sec = (time_t)(until / 1000000u),
		.tv_nsec = (long)(until % 1000000u) * 1000 };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR) {
	}
}

static int verify_argon2(const char *hash, const char *password)
{
	char text[PASS_HASH_SIZE] = { 0 }; /* libsodium reads all of crypto_pwhash_STRBYTES */

	strncpy(text, hash, sizeof(text) - 1);
	errno = 0;
	if (crypto_pwhash_str_verify(text, password, strlen(password)) == 0) {
		return 0;
	}
	/* without memory nothing was found out about the password */
	return errno == ENOMEM ? ERR_NOMEM : ERR_LOGIN;
}

static bool is_today(const char *hash, const struct today *today)
{
	char text[PASS_HASH_SIZE] = { 0 };

	strncpy(text, hash, sizeof(text) - 1);
	return !pass_crypt_is(hash) &&
		crypto_pwhash_str_needs_rehash(text, today->passes, (size_t)today->memory) == 0;
}

static void verify(void *arg)
{
	struct hashing *h = arg;

	if (h->hash == NULL) {
		h->err = verify_argon2(h->today->nobody, h->password);
		h->err = h->err == 0 ? ERR_LOGIN : h->err;
	} else if (pass_crypt_is(h->hash)) {
		h->err = pass_crypt_verify(h->hash, h->password);
	} else {
		h->err = verify_argon2(h->hash, h->password);
	}
}

int pass_hash_verify(struct pass_hash *ph, enum pass_hash_queue queue, const char *hash,
	const char *password, bool *old)
{
	struct today today;
	int err = enter(ph, queue, &today);

	if (err != 0) {
		return err;
	}
	uint64_t begin = now_us();
	bool usual = hash == NULL || is_today(hash, &today);
	struct hashing h = { .today = &today, .password = password, .hash = hash };
	hash_threads_run(ph->threads, verify, &h);
	err = h.err;
	if (usual && err != ERR_NOMEM) {
		remember(ph, &today, now_us() - begin);
	} else if (err == ERR_LOGIN) {
		fill_up(ph, begin);
	}
	leave(ph);
	if (old != NULL) {
		*old = !usual;
	}
	return err;
}
