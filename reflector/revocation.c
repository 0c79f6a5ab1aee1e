/*
 * revocation: two chained hash tables, by what is revoked and by number, and a heap by the end, so
 * that adding, asking and giving way never walk the whole. Knows nothing of sessions: who asks
 * closes them.
 */
#include "reflector/revocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct revocation_entry {
	struct revocation_entry *next_id, *next_seq;
	size_t at; /* in the heap */
	struct revocation r;
};

#define BUCKETS 16384u

int revocation_init(struct revocation_table *table, size_t max)
{
	memset(table, 0, sizeof(*table));
	table->by_id = calloc(BUCKETS, sizeof(struct revocation_entry *));
	table->by_seq = calloc(BUCKETS, sizeof(struct revocation_entry *));
	if (table->by_id == NULL || table->by_seq == NULL) {
		revocation_finish(table);
		return ERR_NOMEM;
	}
	table->max = max;
	return 0;
}

void revocation_finish(struct revocation_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		free(table->heap[i]);
	}
	free(table->by_id);
	free(table->by_seq);
	free(table->heap);
	memset(table, 0, sizeof(*table));
}

/* FNV-1a: ids come from authd, whom we trust not to collide them on purpose. */
static struct revocation_entry **id_bucket(
	const struct revocation_table *table, enum revocation_kind kind, const char *id)
{
	uint32_t hash = (2166136261u ^ (uint32_t)kind) * 16777619u;

	for (const char *at = id; *at != '\0'; at++) {
		hash = (hash ^ (uint8_t)*at) * 16777619u;
	}
	return &table->by_id[hash % BUCKETS];
}

static struct revocation_entry **seq_bucket(const struct revocation_table *table, int64_t seq)
{
	return &table->by_seq[(uint64_t)seq % BUCKETS];
}

static void put_at(struct revocation_table *table, struct revocation_entry *entry, size_t at)
{
	table->heap[at] = entry;
	entry->at = at;
}

static void sift_up(struct revocation_table *table, struct revocation_entry *entry)
{
	size_t at = entry->at;

	while (at > 0 && entry->r.until < table->heap[(at - 1) / 2]->r.until) {
		put_at(table, table->heap[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	put_at(table, entry, at);
}

static void sift_down(struct revocation_table *table, struct revocation_entry *entry)
{
	size_t at = entry->at;

	for (;;) {
		size_t child = 2 * at + 1;
		if (child + 1 < table->count &&
			table->heap[child + 1]->r.until < table->heap[child]->r.until) {
			child++;
		}
		if (child >= table->count || entry->r.until <= table->heap[child]->r.until) {
			break;
		}
		put_at(table, table->heap[child], at);
		at = child;
	}
	put_at(table, entry, at);
}

static void take_out(struct revocation_table *table, struct revocation_entry *entry)
{
	struct revocation_entry **link = id_bucket(table, entry->r.kind, entry->r.id);
	struct revocation_entry *last = table->heap[--table->count];

	while (*link != entry) {
		link = &(*link)->next_id;
	}
	*link = entry->next_id;
	for (link = seq_bucket(table, entry->r.seq); *link != NULL; link = &(*link)->next_seq) {
		if (*link == entry) {
			*link = entry->next_seq;
			break;
		}
	}
	if (last != entry) {
		put_at(table, last, entry->at);
		sift_up(table, last);
		sift_down(table, last);
	}
	free(entry);
}

void revocation_expire(struct revocation_table *table, int64_t now)
{
	while (table->count > 0 && table->heap[0]->r.until <= now) {
		take_out(table, table->heap[0]);
	}
}

const struct revocation *revocation_at(const struct revocation_table *table, size_t at)
{
	return &table->heap[at]->r;
}

static struct revocation_entry *find_seq(const struct revocation_table *table, int64_t seq)
{
	struct revocation_entry *entry = *seq_bucket(table, seq);

	while (entry != NULL && entry->r.seq != seq) {
		entry = entry->next_seq;
	}
	return entry;
}

/* What a moderator said for the same user and room. */
static struct revocation_entry *find_local(
	const struct revocation_table *table, const struct revocation *r)
{
	struct revocation_entry *entry = *id_bucket(table, r->kind, r->id);

	while (entry != NULL &&
		(entry->r.seq != 0 || entry->r.kind != r->kind || strcmp(entry->r.id, r->id) != 0 ||
			strcmp(entry->r.room, r->room) != 0)) {
		entry = entry->next_id;
	}
	return entry;
}

static bool lifted(const struct revocation_table *table, int64_t seq)
{
	char id[24];

	(void)snprintf(id, sizeof(id), "%lld", (long long)seq);
	struct revocation_entry *entry = *id_bucket(table, REVOCATION_LIFT, id);
	while (entry != NULL &&
		(entry->r.kind != REVOCATION_LIFT || strcmp(entry->r.id, id) != 0)) {
		entry = entry->next_id;
	}
	return entry != NULL;
}

static int make_room(struct revocation_table *table, int64_t now)
{
	int err = 0;

	if (table->count >= table->max) {
		revocation_expire(table, now);
	}
	if (table->count >= table->max) {
		take_out(table, table->heap[0]);
		err = ERR_FULL;
	}
	if (table->count >= table->room_for) {
		size_t room_for = table->room_for > 0 ? table->room_for * 2 : 64;
		struct revocation_entry **grown =
			realloc(table->heap, room_for * sizeof(struct revocation_entry *));
		if (grown == NULL) {
			return ERR_NOMEM;
		}
		table->heap = grown;
		table->room_for = room_for;
	}
	return err;
}

static void drop(struct revocation_table *table, struct revocation_entry *entry)
{
	if (entry != NULL) {
		take_out(table, entry);
	}
}

int revocation_add(struct revocation_table *table, const struct revocation *r, int64_t now)
{
	struct revocation_entry *entry;

	if (r->kind == REVOCATION_LIFT) {
		drop(table, find_seq(table, strtoll(r->id, NULL, 10)));
	}
	/* What has ended is kept while there is room: the clock may go back. */
	if ((r->until <= now && table->count >= table->max) ||
		(r->seq != 0 && lifted(table, r->seq))) {
		return 0;
	}
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL) {
		return ERR_NOMEM;
	}
	/* authd's word replaces a moderator's */
	drop(table, r->seq != 0 ? find_seq(table, r->seq) : NULL);
	drop(table, r->seq == 0 || r->ban ? find_local(table, r) : NULL);
	int err = make_room(table, now);
	if (err == ERR_NOMEM) {
		free(entry);
		return err;
	}
	entry->r = *r;
	struct revocation_entry **bucket = id_bucket(table, r->kind, r->id);
	entry->next_id = *bucket;
	*bucket = entry;
	if (r->seq != 0) {
		bucket = seq_bucket(table, r->seq);
		entry->next_seq = *bucket;
		*bucket = entry;
	}
	put_at(table, entry, table->count++);
	sift_up(table, entry);
	return err;
}

/* The id of "apikey:ID" when source begins with this prefix; NULL else. */
static const char *id_of(const char *source, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(source, prefix, len) == 0 ? source + len : NULL;
}

static const char *subject_id(const struct revocation_subject *s, enum revocation_kind kind)
{
	switch (kind) {
	case REVOCATION_TOKEN:
		return s->jti;
	case REVOCATION_USER:
		return s->user;
	case REVOCATION_ROOM:
		return s->room;
	case REVOCATION_APIKEY:
		return id_of(s->source, "apikey:");
	case REVOCATION_INVITE:
		return id_of(s->source, "invite:");
	case REVOCATION_LIFT:
		break;
	}
	return NULL;
}

int revocation_meets(const struct revocation *r, const struct revocation_subject *s)
{
	const char *id = subject_id(s, r->kind);

	if (id == NULL || strcmp(id, r->id) != 0 ||
		(r->room[0] != '\0' && strcmp(r->room, s->room) != 0)) {
		return 0;
	}
	if (r->ban && r->kind != REVOCATION_TOKEN) {
		return ERR_BANNED;
	}
	return r->kind == REVOCATION_TOKEN || s->rev < r->seq ? ERR_TOKEN_REVOKED : 0;
}

int revocation_check(
	const struct revocation_table *table, const struct revocation_subject *s, int64_t now)
{
	int result = 0;

	for (int kind = REVOCATION_TOKEN; kind < REVOCATION_LIFT; kind++) {
		const char *id = subject_id(s, (enum revocation_kind)kind);
		const struct revocation_entry *entry =
			id != NULL ? *id_bucket(table, (enum revocation_kind)kind, id) : NULL;

		for (; entry != NULL && result != ERR_BANNED; entry = entry->next_id) {
			int err = (int)entry->r.kind == kind && entry->r.until > now
				? revocation_meets(&entry->r, s)
				: 0;
			result = err != 0 ? err : result;
		}
	}
	return result;
}
