/*
 * policy_table: a chained hash table by the room's name and a list by the last use. Enforces
 * nothing: rooms have a copy of their own.
 */
#include "reflector/policy_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/msg.h"

#define BUCKETS 4096u

struct policy_entry {
	struct policy_entry *next;
	struct list used;
	struct room_policy policy;
	char room[LIMIT_NAME + 1];
};

int policy_table_init(struct policy_table *table, size_t max)
{
	memset(table, 0, sizeof(*table));
	list_init(&table->used);
	table->buckets = calloc(BUCKETS, sizeof(struct policy_entry *));
	table->max = max;
	return table->buckets != NULL ? 0 : ERR_NOMEM;
}

static struct policy_entry **bucket_of(const struct policy_table *table, const char *room)
{
	uint32_t hash = 2166136261u;

	for (; *room != '\0'; room++) {
		hash = (hash ^ (uint8_t)*room) * 16777619u;
	}
	return &table->buckets[hash % BUCKETS];
}

static void take_out(struct policy_table *table, struct policy_entry *entry)
{
	struct policy_entry **link = bucket_of(table, entry->room);

	while (*link != entry) {
		link = &(*link)->next;
	}
	*link = entry->next;
	list_remove(&entry->used);
	table->count--;
	free(entry);
}

void policy_table_finish(struct policy_table *table)
{
	while (table->buckets != NULL && !list_empty(&table->used)) {
		take_out(table, LIST_ENTRY(table->used.next, struct policy_entry, used));
	}
	free(table->buckets);
	memset(table, 0, sizeof(*table));
}

static struct policy_entry *find(struct policy_table *table, const char *room)
{
	struct policy_entry *entry = *bucket_of(table, room);

	while (entry != NULL && strcmp(entry->room, room) != 0) {
		entry = entry->next;
	}
	if (entry != NULL) {
		list_remove(&entry->used);
		list_append(&table->used, &entry->used);
	}
	return entry;
}

const struct room_policy *policy_table_find(struct policy_table *table, const char *room)
{
	struct policy_entry *entry = find(table, room);

	return entry != NULL ? &entry->policy : NULL;
}

int policy_table_learn(
	struct policy_table *table, const char *room, const struct room_policy *policy)
{
	struct policy_entry *entry = find(table, room);
	int err = 0;

	if (strlen(room) > LIMIT_NAME) {
		return ERR_BAD_FIELD;
	}
	if (entry == NULL) {
		entry = calloc(1, sizeof(*entry));
		if (entry == NULL) {
			return ERR_NOMEM;
		}
		if (table->count >= table->max) {
			take_out(table, LIST_ENTRY(table->used.next, struct policy_entry, used));
			err = ERR_FULL;
		}
		memcpy(entry->room, room, strlen(room) + 1);
		struct policy_entry **bucket = bucket_of(table, room);
		entry->next = *bucket;
		*bucket = entry;
		list_append(&table->used, &entry->used);
		table->count++;
		entry->policy = *policy;
	} else if (policy->rev > entry->policy.rev) {
		entry->policy = *policy;
	}
	return err;
}

int policy_table_read(const json_t *item, const char **room, struct room_policy *policy)
{
	struct room_policy outer = ROOM_POLICY_INIT;
	const json_t *inner;

	if (!json_is_object(item) || msg_get_string(item, "name", LIMIT_NAME, room) != 0 ||
		!msg_is_name(*room) || msg_get_object(item, "policy", &inner) != 0 ||
		room_policy_parse(policy, inner) != 0 || room_policy_parse(&outer, item) != 0 ||
		msg_opt_int(item, "expires_at", 0, INT64_C(253402300799), &outer.expires_at) != 0) {
		return ERR_BAD_FIELD;
	}
	policy->rev = outer.rev;
	policy->locked = outer.locked;
	policy->epoch = outer.epoch;
	policy->expires_at = outer.expires_at;
	return 0;
}

int policy_table_check_message(const json_t *msg, const json_t **rooms)
{
	struct room_policy policy;
	const char *room;
	const json_t *item;
	size_t i;

	if (msg_get_array(msg, "rooms", POLICY_TABLE_PAGE, rooms) != 0) {
		return ERR_BAD_FIELD;
	}
	json_array_foreach(*rooms, i, item) {
		int err = policy_table_read(item, &room, &policy);
		if (err != 0) {
			return err;
		}
	}
	return 0;
}

static json_t *entry_json(const struct policy_entry *entry)
{
	const struct room_policy *p = &entry->policy;

	return json_pack("{s:s, s:I, s:b, s:I, s:I, s:o}", "name", entry->room, "rev",
		(json_int_t)p->rev, "locked", (int)p->locked, "epoch", (json_int_t)p->epoch,
		"expires_at", (json_int_t)p->expires_at, "policy", room_policy_build(p));
}

static int send_page(json_t *rooms, int (*send)(const json_t *msg, void *user), void *user)
{
	json_t *msg = json_pack("{s:s, s:O}", "type", "policies", "rooms", rooms);
	int err = msg != NULL ? send(msg, user) : ERR_NOMEM;

	json_decref(msg);
	return err;
}

int policy_table_each_page(
	const struct policy_table *table, int (*send)(const json_t *msg, void *user), void *user)
{
	json_t *rooms = json_array();
	int err = rooms != NULL ? 0 : ERR_NOMEM;

	for (LIST_EACH(node, &table->used)) {
		const struct policy_entry *entry = LIST_ENTRY(node, struct policy_entry, used);
		err = json_array_append_new(rooms, entry_json(entry)) == 0 ? 0 : ERR_NOMEM;
		if (err == 0 && json_array_size(rooms) == POLICY_TABLE_PAGE) {
			err = send_page(rooms, send, user);
			json_array_clear(rooms);
		}
		if (err != 0) {
			break;
		}
	}
	if (err == 0 && json_array_size(rooms) > 0) {
		err = send_page(rooms, send, user);
	}
	json_decref(rooms);
	return err;
}
