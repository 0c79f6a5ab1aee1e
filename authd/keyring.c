/*
 * keyring: owns the set of signing keys: which one signs, which ones are published. A private key
 * stays inside jws_sign.c, its file is key_files.c's. Must never sign with a key that the store
 * does not know, nor take one out of the set that something good was signed with.
 */
#include "authd/keyring.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/jwks.h"
#include "authd/jws_sign.h"
#include "authd/key_files.h"
#include "authd/store_keys.h"
#include "common/log.h"
#include "proto/base64url.h"
#include "proto/jws_verify.h"

#define STRANGER_KEEP_S (31 * 86400)
#define SETTLE_S 60 /* past the end of the last token: clocks differ */

struct keyring {
	struct store *store;
	struct key_files files;
	pthread_mutex_t change; /* one rotation or purge at a time */
	pthread_rwlock_t lock; /* guards what follows */
	struct jws_signer *own[KEYRING_OWN_MAX];
	size_t own_count;
	struct store_key keys[JWS_KEYS_MAX];
	size_t key_count;
	struct jws_keyset *set;
	json_t *jwks;
	uint64_t generation;
};

static const struct store_actor self = { .name = "authd" };

/* ---- the published set ---- */

struct rows {
	struct store_key keys[JWS_KEYS_MAX];
	size_t count;
};

static int add_row(const struct store_key *row, void *arg)
{
	struct rows *rows = arg;

	if (rows->count == JWS_KEYS_MAX) { /* the oldest goes: rotation never lets it come so far */
		memmove(rows->keys, rows->keys + 1, (JWS_KEYS_MAX - 1) * sizeof(rows->keys[0]));
		rows->count--;
	}
	rows->keys[rows->count++] = *row;
	return 0;
}

static json_t *build_jwks(const struct rows *rows)
{
	struct jws_public pub[JWS_KEYS_MAX];
	const struct jws_public *list[JWS_KEYS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < rows->count; i++) {
		struct jws_public *p = &pub[count];
		size_t len = sizeof(p->key);
		if (base64url_decode(rows->keys[i].x, strlen(rows->keys[i].x), p->key, &len) == 0 &&
			len == sizeof(p->key)) {
			snprintf(p->kid, sizeof(p->kid), "%s", rows->keys[i].kid);
			list[count++] = p;
		}
	}
	return jwks_build(list, count);
}

/* With change held. */
static int refresh(struct keyring *ring)
{
	struct rows rows = { .count = 0 };
	struct jws_keyset *set = NULL;
	int err = store_key_list(ring->store, add_row, &rows);
	json_t *jwks = err == 0 ? build_jwks(&rows) : NULL;

	if (err == 0) {
		err = jwks != NULL ? jws_keyset_create(&set, jwks) : ERR_NOMEM;
	}
	if (err != 0) {
		json_decref(jwks);
		return err == ERR_BAD_FIELD ? ERR_STORE : err;
	}
	pthread_rwlock_wrlock(&ring->lock);
	struct jws_keyset *old_set = set;
	json_t *old_jwks = jwks;
	memcpy(ring->keys, rows.keys, sizeof(ring->keys));
	ring->key_count = rows.count;
	if (ring->jwks == NULL || !json_equal(ring->jwks, jwks)) {
		old_set = ring->set;
		old_jwks = ring->jwks;
		ring->set = set;
		ring->jwks = jwks;
		ring->generation++;
	}
	pthread_rwlock_unlock(&ring->lock);
	jws_keyset_destroy(old_set);
	json_decref(old_jwks);
	return 0;
}

int keyring_refresh(struct keyring *ring)
{
	pthread_mutex_lock(&ring->change);
	int err = refresh(ring);
	pthread_mutex_unlock(&ring->change);
	return err;
}

json_t *keyring_jwks(struct keyring *ring, uint64_t *generation)
{
	pthread_rwlock_rdlock(&ring->lock);
	json_t *copy = json_deep_copy(ring->jwks);
	if (generation != NULL) {
		*generation = ring->generation;
	}
	pthread_rwlock_unlock(&ring->lock);
	return copy;
}

int keyring_verify(struct keyring *ring, const char *token, const char *typ, json_t **payload)
{
	pthread_rwlock_rdlock(&ring->lock);
	int err = jws_verify(ring->set, token, typ, payload);
	pthread_rwlock_unlock(&ring->lock);
	return err;
}

/* ---- which one signs; with the lock held ---- */

static const struct store_key *find_row(const struct keyring *ring, const char *kid)
{
	for (size_t i = 0; i < ring->key_count; i++) {
		if (strcmp(ring->keys[i].kid, kid) == 0) {
			return &ring->keys[i];
		}
	}
	return NULL;
}

/* The newest of ours that is active; when the clock went back behind all of them, the oldest. */
static const struct jws_signer *signer_at(const struct keyring *ring, int64_t now)
{
	const struct jws_signer *best = NULL, *oldest = NULL;
	int64_t best_at = 0, oldest_at = 0;

	for (size_t i = 0; i < ring->own_count; i++) {
		const struct store_key *row = find_row(ring, jws_signer_public(ring->own[i])->kid);
		if (row == NULL) {
			continue;
		}
		if (row->active_at <= now && (best == NULL || row->active_at >= best_at)) {
			best = ring->own[i];
			best_at = row->active_at;
		}
		if (oldest == NULL || row->active_at < oldest_at) {
			oldest = ring->own[i];
			oldest_at = row->active_at;
		}
	}
	return best != NULL ? best : oldest;
}

int keyring_sign(struct keyring *ring, const char *typ, const json_t *payload, char **token)
{
	pthread_rwlock_rdlock(&ring->lock);
	const struct jws_signer *signer = signer_at(ring, (int64_t)time(NULL));
	int err = signer != NULL ? jws_sign(signer, typ, payload, token) : ERR_INTERNAL;
	pthread_rwlock_unlock(&ring->lock);
	return err;
}

int keyring_each(struct keyring *ring, keyring_fn each, void *arg)
{
	struct keyring_key out[JWS_KEYS_MAX];
	size_t count;
	int err = 0;

	pthread_rwlock_rdlock(&ring->lock);
	const struct jws_signer *signer = signer_at(ring, (int64_t)time(NULL));
	count = ring->key_count;
	for (size_t i = 0; i < count; i++) {
		const struct store_key *row = &ring->keys[i];
		out[i] = (struct keyring_key){ .created_at = row->created_at,
			.active_at = row->active_at,
			.retired_at = row->retired_at,
			.signs = signer != NULL &&
				strcmp(jws_signer_public(signer)->kid, row->kid) == 0 };
		memcpy(out[i].kid, row->kid, sizeof(out[i].kid));
	}
	pthread_rwlock_unlock(&ring->lock);
	for (size_t i = 0; i < count && err == 0; i++) {
		err = each(&out[i], arg);
	}
	return err;
}

/* ---- the start ---- */

/* The public half of one of ours, into the store. */
static int put_row(struct keyring *ring, const struct store_actor *who,
	const struct jws_public *pub, int64_t created_at, int64_t active_at)
{
	struct store_key row = { .created_at = created_at, .active_at = active_at };

	snprintf(row.kid, sizeof(row.kid), "%s", pub->kid);
	int err = base64url_encode(pub->key, sizeof(pub->key), row.x, sizeof(row.x));
	return err == 0 ? store_key_put(ring->store, who, &row) : err;
}

/* The public halves of our keys are in the store, whatever happened to it. */
static int publish_own(struct keyring *ring, int64_t now)
{
	int err = 0;

	for (size_t i = 0; i < ring->own_count && err == 0; i++) {
		const struct jws_public *pub = jws_signer_public(ring->own[i]);
		if (find_row(ring, pub->kid) == NULL) {
			err = put_row(ring, &self, pub, now, now);
		}
	}
	return err;
}

static int load(struct keyring *ring, const char *state_dir, int64_t now, char why[512])
{
	int err = key_files_open(&ring->files, state_dir, why);

	if (err == 0) {
		err = key_files_read(
			&ring->files, ring->own, KEYRING_OWN_MAX, &ring->own_count, why);
	}
	if (err == 0 && ring->own_count == 0) {
		err = key_files_make(&ring->files, &ring->own[0], why);
		ring->own_count = err == 0 ? 1 : 0;
	}
	if (err != 0) {
		return err;
	}
	snprintf(why, 512, "the signing keys cannot be recorded: see the error before this one");
	struct rows rows = { .count = 0 };
	err = store_key_list(ring->store, add_row, &rows);
	if (err == 0) {
		memcpy(ring->keys, rows.keys, sizeof(ring->keys));
		ring->key_count = rows.count;
		err = publish_own(ring, now);
	}
	return err == 0 ? refresh(ring) : err;
}

int keyring_open(struct keyring **out, const char *state_dir, struct store *store, int64_t now,
	char why[512])
{
	struct keyring *ring = calloc(1, sizeof(*ring));

	if (ring == NULL) {
		snprintf(why, 512, "out of memory");
		return ERR_NOMEM;
	}
	ring->store = store;
	pthread_mutex_init(&ring->change, NULL);
	pthread_rwlock_init(&ring->lock, NULL);
	int err = load(ring, state_dir, now, why);
	if (err != 0) {
		keyring_destroy(ring);
		return err;
	}
	*out = ring;
	return 0;
}

void keyring_destroy(struct keyring *ring)
{
	if (ring == NULL) {
		return;
	}
	for (size_t i = 0; i < ring->own_count; i++) {
		jws_signer_destroy(ring->own[i]);
	}
	jws_keyset_destroy(ring->set);
	json_decref(ring->jwks);
	pthread_rwlock_destroy(&ring->lock);
	pthread_mutex_destroy(&ring->change);
	free(ring);
}

/* ---- rotation ---- */

/* Every other key of ours that was not retired ends when the new one begins. */
static int retire_others(
	struct keyring *ring, const struct store_actor *who, const char *kid, int64_t at)
{
	int err = 0;

	for (size_t i = 0; i < ring->own_count && err == 0; i++) {
		const char *old = jws_signer_public(ring->own[i])->kid;
		const struct store_key *row = find_row(ring, old);
		if (row != NULL && row->retired_at == 0 && strcmp(old, kid) != 0) {
			struct store_key retired = *row;
			retired.retired_at = at;
			err = store_key_put(ring->store, who, &retired);
		}
	}
	return err;
}

static int check_rotation(const struct keyring *ring, int64_t now)
{
	if (ring->own_count == KEYRING_OWN_MAX || ring->key_count >= JWS_KEYS_MAX - 1) {
		return ERR_FULL;
	}
	for (size_t i = 0; i < ring->own_count; i++) {
		const struct store_key *row = find_row(ring, jws_signer_public(ring->own[i])->kid);
		if (row != NULL && row->active_at > now &&
			row->active_at <= now + KEYRING_OVERLAP_S) {
			return ERR_STATE;
		}
	}
	return 0;
}

/* Only this thread changes own and keys: change is held. */
static int rotate(
	struct keyring *ring, const struct store_actor *who, int64_t now, struct jws_signer **fresh)
{
	char why[512];
	int err = key_files_make(&ring->files, fresh, why);

	if (err != 0) {
		log_event(LOG_LEVEL_ERROR, "key-rotate-failed", LOG_ERR(err), LOG_STR("why", why));
		return err;
	}
	return put_row(ring, who, jws_signer_public(*fresh), now, now + KEYRING_OVERLAP_S);
}

int keyring_rotate(struct keyring *ring, const struct store_actor *who, int64_t now, char kid[44])
{
	struct jws_signer *fresh = NULL;

	pthread_mutex_lock(&ring->change);
	int err = refresh(ring);
	if (err == 0) {
		err = check_rotation(ring, now);
	}
	if (err == 0) {
		err = rotate(ring, who, now, &fresh);
	}
	if (err != 0) {
		if (fresh != NULL) {
			(void)!key_files_remove(&ring->files, jws_signer_public(fresh)->kid);
			jws_signer_destroy(fresh);
		}
		pthread_mutex_unlock(&ring->change);
		return err;
	}
	memcpy(kid, jws_signer_public(fresh)->kid, 44);
	pthread_rwlock_wrlock(&ring->lock);
	ring->own[ring->own_count++] = fresh;
	pthread_rwlock_unlock(&ring->lock);
	/* from here on the new key is there: what fails now is made good by the next rotation */
	err = retire_others(ring, who, kid, now + KEYRING_OVERLAP_S);
	int refreshed = refresh(ring);
	pthread_mutex_unlock(&ring->change);
	log_event(LOG_LEVEL_INFO, "key-rotated", LOG_STR("kid", kid),
		LOG_INT("active_at", now + KEYRING_OVERLAP_S));
	return err != 0 ? err : refreshed;
}

/* ---- the end of a key ---- */

/* The file goes first: one without its row would come back as a key that signs. */
static void forget(struct keyring *ring, const char *kid)
{
	struct jws_signer *gone = NULL;

	if (key_files_remove(&ring->files, kid) != 0) {
		return;
	}
	pthread_rwlock_wrlock(&ring->lock);
	for (size_t i = 0; i < ring->own_count && gone == NULL; i++) {
		if (strcmp(jws_signer_public(ring->own[i])->kid, kid) == 0) {
			gone = ring->own[i];
			ring->own[i] = ring->own[--ring->own_count];
		}
	}
	pthread_rwlock_unlock(&ring->lock);
	jws_signer_destroy(gone);
	if (store_key_delete(ring->store, &self, kid) == 0) {
		log_event(LOG_LEVEL_INFO, "key-ended", LOG_STR("kid", kid));
	}
}

static bool is_own(const struct keyring *ring, const char *kid)
{
	for (size_t i = 0; i < ring->own_count; i++) {
		if (strcmp(jws_signer_public(ring->own[i])->kid, kid) == 0) {
			return true;
		}
	}
	return false;
}

void keyring_purge(struct keyring *ring, int64_t now)
{
	bool changed = false;

	pthread_mutex_lock(&ring->change);
	if (refresh(ring) == 0) {
		struct store_key keys[JWS_KEYS_MAX];
		size_t count = ring->key_count;

		memcpy(keys, ring->keys, sizeof(keys));
		for (size_t i = 0; i < count; i++) {
			bool needed = true;
			/* another authd's is its own affair, unless that one is gone for good */
			if (!is_own(ring, keys[i].kid) &&
				keys[i].retired_at + STRANGER_KEEP_S > now) {
				continue;
			}
			if (keys[i].retired_at == 0 || keys[i].retired_at + SETTLE_S > now ||
				store_key_needed(ring->store, keys[i].retired_at, now - SETTLE_S,
					&needed) != 0 ||
				needed) {
				continue;
			}
			forget(ring, keys[i].kid);
			changed = true;
		}
	}
	if (changed && refresh(ring) != 0) {
		log_event(LOG_LEVEL_WARN, "keys-stale", LOG_ERR(ERR_STORE));
	}
	pthread_mutex_unlock(&ring->change);
}
