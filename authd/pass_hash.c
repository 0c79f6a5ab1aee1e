/*
 * pass_hash: owns the slots in which passwords are hashed. Must never hash outside a slot, and
 * never shorten a password.
 */
#include "authd/pass_hash.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct pass_hash {
	pthread_mutex_t mutex; /* guards everything below */
	pthread_cond_t freed;
	unsigned at_once, running, waiting;
	uint64_t memory, passes;
	char nobody[PASS_HASH_SIZE]; /* hash of a password that nobody knows */
};

static unsigned core_count(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n > 0 ? (unsigned)n : 1;
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
	pthread_cond_init(&ph->freed, NULL);
	ph->at_once = at_once > 0 ? at_once : core_count();
	int err = pass_hash_set_cost(ph, memory, passes);
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
	pthread_cond_destroy(&ph->freed);
	pthread_mutex_destroy(&ph->mutex);
	free(ph);
}

int pass_hash_set_cost(struct pass_hash *ph, uint64_t memory, uint64_t passes)
{
	char nobody[PASS_HASH_SIZE];
	int err = hash_nobody(memory, passes, nobody);

	if (err != 0) {
		return err;
	}
	pthread_mutex_lock(&ph->mutex);
	ph->memory = memory;
	ph->passes = passes;
	memcpy(ph->nobody, nobody, sizeof(nobody));
	pthread_mutex_unlock(&ph->mutex);
	return 0;
}

/* Waits for a slot; ERR_RATE when too many wait already. */
static int enter(struct pass_hash *ph)
{
	int err = 0;

	pthread_mutex_lock(&ph->mutex);
	if (ph->running >= ph->at_once && ph->waiting >= PASS_HASH_WAITING) {
		err = ERR_RATE;
	} else {
		ph->waiting++;
		while (ph->running >= ph->at_once) {
			pthread_cond_wait(&ph->freed, &ph->mutex);
		}
		ph->waiting--;
		ph->running++;
	}
	pthread_mutex_unlock(&ph->mutex);
	return err;
}

static void leave(struct pass_hash *ph)
{
	pthread_mutex_lock(&ph->mutex);
	ph->running--;
	pthread_cond_signal(&ph->freed);
	pthread_mutex_unlock(&ph->mutex);
}

int pass_hash_make(struct pass_hash *ph, const char *password, char out[PASS_HASH_SIZE])
{
	int err = enter(ph);

	if (err != 0) {
		return err;
	}
	pthread_mutex_lock(&ph->mutex);
	uint64_t memory = ph->memory, passes = ph->passes;
	pthread_mutex_unlock(&ph->mutex);
	err = hash_text(password, strlen(password), memory, passes, out);
	leave(ph);
	return err;
}

int pass_hash_verify(struct pass_hash *ph, const char *hash, const char *password)
{
	char text[PASS_HASH_SIZE];
	int err = enter(ph);

	if (err != 0) {
		return err;
	}
	pthread_mutex_lock(&ph->mutex);
	memcpy(text, ph->nobody, sizeof(text));
	pthread_mutex_unlock(&ph->mutex);
	if (hash != NULL) {
		memset(text, 0, sizeof(text));
		strncpy(text, hash, sizeof(text) - 1);
	}
	errno = 0;
	int rc = crypto_pwhash_str_verify(text, password, strlen(password));
	bool no_memory = rc != 0 && errno == ENOMEM;
	leave(ph);
	if (no_memory) {
		return ERR_NOMEM; /* nothing was found out about the password */
	}
	return rc == 0 && hash != NULL ? 0 : ERR_LOGIN;
}
