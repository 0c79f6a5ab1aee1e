/*
 * revocation_message: revoke messages to entries and back. A message is taken whole or not at all.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/msg.h"
#include "reflector/revocation.h"

static const char *const kinds[] = { "token", "user", "room", "apikey", "invite", "lift" };

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int read_kind(const char *name, enum revocation_kind *kind)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (strcmp(kinds[i], name) == 0) {
			*kind = (enum revocation_kind)i;
			return 0;
		}
	}
	return ERR_BAD_FIELD;
}

int revocation_read(struct revocation *entry, const json_t *item)
{
	const char *kind = "";
	const char *id = "";
	const char *room = "";

	memset(entry, 0, sizeof(*entry));
	if (!json_is_object(item) || msg_get_int(item, "seq", 0, INT64_MAX, &entry->seq) != 0 ||
		msg_get_string(item, "kind", LIMIT_NAME, &kind) != 0 ||
		read_kind(kind, &entry->kind) != 0 ||
		msg_get_string(item, "id", LIMIT_PARTICIPANT_ID, &id) != 0 || id[0] == '\0' ||
		msg_opt_string(item, "room", LIMIT_NAME, &room) != 0 ||
		msg_opt_bool(item, "ban", &entry->ban) != 0 ||
		msg_get_int(item, "until", 0, INT64_MAX, &entry->until) != 0) {
		return ERR_BAD_FIELD;
	}
	memcpy(entry->id, id, strlen(id) + 1);
	memcpy(entry->room, room, strlen(room) + 1);
	return 0;
}

int revocation_add_message(struct revocation_table *table, const json_t *msg, int64_t now)
{
	struct revocation entry;
	const json_t *entries;
	const json_t *item;
	size_t i;
	int result = 0;

	if (msg_get_array(msg, "entries", REVOCATION_PAGE, &entries) != 0) {
		return ERR_BAD_FIELD;
	}
	json_array_foreach(entries, i, item) {
		if (revocation_read(&entry, item) != 0) {
			return ERR_BAD_FIELD;
		}
	}
	json_array_foreach(entries, i, item) {
		int err = revocation_read(&entry, item);
		if (err == 0) {
			err = revocation_add(table, &entry, now);
		}
		result = err != 0 && result != ERR_NOMEM ? err : result;
	}
	return result;
}

static json_t *entry_json(const struct revocation *r)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:b, s:I}", "seq", (json_int_t)r->seq, "kind",
		kinds[r->kind], "id", r->id, "room", r->room, "ban", (int)r->ban, "until",
		(json_int_t)r->until);
}

static int by_seq(const void *a, const void *b)
{
	const struct revocation *const *x = a;
	const struct revocation *const *y = b;

	return ((*x)->seq > (*y)->seq) - ((*x)->seq < (*y)->seq);
}

static int send_page(json_t *entries, int (*send)(const json_t *msg, void *user), void *user)
{
	json_t *msg = json_pack("{s:s, s:O}", "type", "revoke", "entries", entries);
	int err = msg != NULL ? send(msg, user) : ERR_NOMEM;

	json_decref(msg);
	return err;
}

static int send_all(const struct revocation *const *all, size_t count,
	int (*send)(const json_t *msg, void *user), void *user)
{
	json_t *entries = json_array();
	int err = entries != NULL ? 0 : ERR_NOMEM;

	for (size_t i = 0; err == 0 && i < count; i++) {
		err = json_array_append_new(entries, entry_json(all[i])) == 0 ? 0 : ERR_NOMEM;
		if (err == 0 && (json_array_size(entries) == REVOCATION_PAGE || i + 1 == count)) {
			err = send_page(entries, send, user);
			json_array_clear(entries);
		}
	}
	json_decref(entries);
	return err;
}

int revocation_each_page(const struct revocation_table *table,
	int (*send)(const json_t *msg, void *user), void *user)
{
	const struct revocation **all;

	if (table->count == 0) {
		return 0;
	}
	all = calloc(table->count, sizeof(struct revocation *));
	if (all == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < table->count; i++) {
		all[i] = revocation_at(table, i);
	}
	qsort(all, table->count, sizeof(struct revocation *), by_seq);
	int err = send_all(all, table->count, send, user);
	free(all);
	return err;
}
