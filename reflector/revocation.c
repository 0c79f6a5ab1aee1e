/*
 * revocation: a chained hash table from token id to the end of its revocation. Knows nothing of
 * sessions: who asks closes them.
 */
#include "reflector/revocation.h"

#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/msg.h"

struct revocation_entry {
	struct revocation_entry *next;
	int64_t until; /* seconds since the epoch */
	char jti[LIMIT_JTI + 1];
};

#define BUCKETS 4096u

int revocation_init(struct revocation_table *table, size_t max)
{
	memset(table, 0, sizeof(*table));
	table->buckets = calloc(BUCKETS, sizeof(*table->buckets));
	if (table->buckets == NULL) {
		return ERR_NOMEM;
	}
	table->bucket_count = BUCKETS;
	table->max = max;
	return 0;
}

void revocation_finish(struct revocation_table *table)
{
	if (table->buckets != NULL) {
		revocation_expire(table, INT64_MAX);
	}
	free(table->buckets);
	memset(table, 0, sizeof(*table));
}

/* FNV-1a: ids come from authd, whom we trust not to collide them on purpose. */
static struct revocation_entry **bucket_of(const struct revocation_table *table, const char *jti)
{
	uint32_t hash = 2166136261u;

	for (const char *at = jti; *at != '\0'; at++) {
		hash = (hash ^ (uint8_t)*at) * 16777619u;
	}
	return &table->buckets[hash % table->bucket_count];
}

static struct revocation_entry *find(const struct revocation_table *table, const char *jti)
{
	struct revocation_entry *entry = *bucket_of(table, jti);

	while (entry != NULL && strcmp(entry->jti, jti) != 0) {
		entry = entry->next;
	}
	return entry;
}

void revocation_expire(struct revocation_table *table, int64_t now)
{
	for (size_t i = 0; i < table->bucket_count; i++) {
		struct revocation_entry **link = &table->buckets[i];
		while (*link != NULL) {
			struct revocation_entry *entry = *link;
			if (entry->until > now) {
				link = &entry->next;
				continue;
			}
			*link = entry->next;
			free(entry);
			table->count--;
		}
	}
}

static void evict_soonest(struct revocation_table *table)
{
	int64_t soonest = INT64_MAX;

	for (size_t i = 0; i < table->bucket_count; i++) {
		for (struct revocation_entry *entry = table->buckets[i]; entry != NULL;
			entry = entry->next) {
			soonest = entry->until < soonest ? entry->until : soonest;
		}
	}
	revocation_expire(table, soonest);
}

int revocation_add(struct revocation_table *table, const char *jti, int64_t until, int64_t now)
{
	struct revocation_entry *entry = find(table, jti);
	int err = 0;

	if (strlen(jti) > LIMIT_JTI) {
		return ERR_BAD_FIELD;
	}
	if (entry != NULL) {
		entry->until = until > entry->until ? until : entry->until;
		return 0;
	}
	if (until <= now) {
		return 0;
	}
	if (table->count >= table->max) {
		revocation_expire(table, now);
	}
	if (table->count >= table->max) {
		evict_soonest(table);
		err = ERR_FULL;
	}
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL) {
		return ERR_NOMEM;
	}
	memcpy(entry->jti, jti, strlen(jti) + 1);
	entry->until = until;
	struct revocation_entry **bucket = bucket_of(table, jti);
	entry->next = *bucket;
	*bucket = entry;
	table->count++;
	return err;
}

bool revocation_has(const struct revocation_table *table, const char *jti, int64_t now)
{
	const struct revocation_entry *entry = find(table, jti);

	return entry != NULL && entry->until > now;
}

static int item_fields(const json_t *item, const char **jti, int64_t *until)
{
	if (!json_is_object(item)) {
		return ERR_BAD_FIELD;
	}
	int err = msg_get_string(item, "jti", LIMIT_JTI, jti);
	return err != 0 ? err : msg_get_int(item, "until", 0, INT64_MAX, until);
}

int revocation_add_message(struct revocation_table *table, const json_t *msg, int64_t now)
{
	const json_t *tokens;
	const json_t *item;
	const char *jti = NULL;
	int64_t until = 0;
	size_t i;
	int result = 0;

	if (msg_get_array(msg, "tokens", REVOCATION_PAGE, &tokens) != 0) {
		return ERR_BAD_FIELD;
	}
	json_array_foreach(tokens, i, item) {
		if (item_fields(item, &jti, &until) != 0) {
			return ERR_BAD_FIELD;
		}
	}
	json_array_foreach(tokens, i, item) {
		int err = item_fields(item, &jti, &until);
		if (err == 0) {
			err = revocation_add(table, jti, until, now);
		}
		result = err != 0 && result != ERR_NOMEM ? err : result;
	}
	return result;
}

static int send_page(json_t *tokens, int (*send)(const json_t *msg, void *user), void *user)
{
	json_t *msg = json_pack("{s:s, s:O}", "type", "revoke", "tokens", tokens);
	int err = msg != NULL ? send(msg, user) : ERR_NOMEM;

	json_decref(msg);
	return err;
}

int revocation_each_page(const struct revocation_table *table,
	int (*send)(const json_t *msg, void *user), void *user)
{
	json_t *tokens = json_array();
	int err = tokens != NULL ? 0 : ERR_NOMEM;

	for (size_t i = 0; err == 0 && i < table->bucket_count; i++) {
		for (struct revocation_entry *entry = table->buckets[i]; err == 0 && entry != NULL;
			entry = entry->next) {
			json_t *item = json_pack(
				"{s:s, s:I}", "jti", entry->jti, "until", (json_int_t)entry->until);
			err = item != NULL && json_array_append_new(tokens, item) == 0 ? 0
										       : ERR_NOMEM;
			if (err == 0 && json_array_size(tokens) == REVOCATION_PAGE) {
				err = send_page(tokens, send, user);
				json_array_clear(tokens);
			}
		}
	}
	if (err == 0 && json_array_size(tokens) > 0) {
		err = send_page(tokens, send, user);
	}
	json_decref(tokens);
	return err;
}
