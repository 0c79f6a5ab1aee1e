/*
 * store_rooms: rooms, their policy, and the default policies. Every change that links have to tell
 * of gives the room a new number of the counter "policy".
 */
#include "authd/store_rooms.h"

#include <string.h>

#include <sodium.h>

#include "authd/room_keys.h"
#include "authd/store_revocations.h"
#include "authd/store_txn.h"

#define FIELDS                                                                                     \
	"r.name, r.created_at, r.policy, r.policy_rev, r.locked, r.expires_at, r.epoch,"           \
	" r.media_key, coalesce(p.reflector, ''), coalesce(p.port, 0), coalesce(p.alternates, '')"
#define FROM " FROM room r LEFT JOIN placement p ON p.room = r.name "

/* What the works below get. */
struct room_call {
	const struct store_actor *who;
	const struct store_room *room;
	const char *name, *policy;
	int locked;
	int64_t expires_at, now, after;
	unsigned limit;
	const struct store_page *page;
	struct store_room *out;
	store_room_fn each;
	void *arg;
	const struct store_txn *txn;
	bool found, once, was_locked;
};

static const char *policy_or_none(const char *policy)
{
	return policy[0] != '\0' ? policy : "{}";
}

/* Takes detail over. */
static int record(struct store_txn *txn, const struct room_call *c, const char *action,
	const char *name, json_t *detail)
{
	int err = store_audit(txn, c->who, action, name, detail);

	json_decref(detail);
	return err;
}

static int add(struct store_txn *txn, void *arg)
{
	struct room_call *c = arg;
	const struct store_room *r = c->room;
	int64_t rev = 0;
	int err = store_next(txn, "policy", &rev);

	if (err == 0) {
		err = store_run(txn,
			"INSERT INTO room (name, created_at, policy, policy_rev, expires_at, media_key)"
			" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
			STORE_VALUES(DB_T(r->name), DB_I(c->now), DB_T(policy_or_none(r->policy)),
				DB_I(rev), DB_I(r->expires_at), DB_T(r->media_key)),
			NULL, NULL);
	}
	if (err == 0 && store_changed(txn) == 0) {
		return ERR_EXISTS;
	}
	if (err == 0) {
		store_wake(txn);
		err = record(txn, c, "room.add", r->name,
			json_pack("{s:o*,s:o*}", "policy",
				store_audit_json_or_none(policy_or_none(r->policy)), "expires_at",
				r->expires_at != 0 ? json_integer(r->expires_at) : NULL));
	}
	return err;
}

int store_room_add(
	struct store *st, const struct store_actor *who, const struct store_room *room, int64_t now)
{
	struct room_call c = { .who = who, .room = room, .now = now };

	return store_write(st, add, &c);
}

/* ---- looking ---- */

static int take(const struct db_row *row, void *arg)
{
	struct room_call *c = arg;
	const struct store_txn *txn = c->txn;
	struct store_room r = { .created_at = store_row_int(txn, row, 1),
		.policy_rev = store_row_int(txn, row, 3),
		.locked = store_row_int(txn, row, 4) != 0,
		.expires_at = store_row_int(txn, row, 5),
		.epoch = store_row_int(txn, row, 6),
		.port = (uint16_t)store_row_int(txn, row, 9) };

	store_row_text(txn, row, 0, r.name, sizeof(r.name));
	store_row_text(txn, row, 2, r.policy, sizeof(r.policy));
	store_row_text(txn, row, 7, r.media_key, sizeof(r.media_key));
	store_row_text(txn, row, 8, r.reflector, sizeof(r.reflector));
	store_row_text(txn, row, 10, r.alternates, sizeof(r.alternates));
	c->found = true;
	if (c->each != NULL) {
		return c->each(&r, c->arg);
	}
	*c->out = r;
	return 0;
}

static int get(struct store_txn *txn, void *arg)
{
	struct room_call *c = arg;

	c->txn = txn;
	return store_run(txn, "SELECT " FIELDS FROM "WHERE r.name = $1",
		STORE_VALUES(DB_T(c->name)), take, c);
}

int store_room_get(struct store *st, const char *name, struct store_room *out)
{
	struct room_call c = { .name = name, .out = out };
	int err = store_read(st, get, &c);

	return err == 0 && !c.found ? ERR_NOT_FOUND : err;
}

static int list(struct store_txn *txn, void *arg)
{
	struct room_call *c = arg;

	c->txn = txn;
	return store_run(txn, "SELECT " FIELDS FROM "WHERE r.name > $1 ORDER BY r.name LIMIT $2",
		STORE_VALUES(DB_T(c->page->after), DB_I(c->page->limit)), take, c);
}

int store_room_list(struct store *st, const struct store_page *page, store_room_fn each, void *arg)
{
	struct room_call c = { .page = page, .each = each, .arg = arg };

	return store_read(st, list, &c);
}

static int changes(struct store_txn *txn, void *arg)
{
	struct room_call *c = arg;

	c->txn = txn;
	return store_run(txn,
		"SELECT " FIELDS FROM "WHERE r.policy_rev > $1 ORDER BY r.policy_rev LIMIT $2",
		STORE_VALUES(DB_I(c->after), DB_I(c->limit)), take, c);
}

int store_room_changes(
	struct store *st, int64_t after, unsigned limit, store_room_fn each, void *arg)
{
	struct room_call c = { .after = after, .limit = limit, .each = each, .arg = arg };

	return store_read(st, changes, &c);
}

/* ---- changing ---- */

static json_t *set_detail(const struct room_call *c)
{
	json_t *detail = json_object();

	if (detail != NULL && c->policy != NULL) {
		(void)json_object_set_new(detail, "policy", store_audit_json(c->policy));
	}
	if (detail != NULL && c->locked >= 0) {
		(void)json_object_set_new(detail, "locked", json_boolean(c->locked));
	}
	if (detail != NULL && c->expires_at >= 0) {
		(void)json_object_set_new(detail, "expires_at", json_integer(c->expires_at));
	}
	return detail;
}

static int note_room(const struct db_row *row, void *arg)
{
	struct room_call *c = arg;

	c->found = true;
	c->was_locked = store_row_int(c->txn, row, 0) != 0;
	return 0;
}

/* Of a lock that several may report. */
static int look_for_same(struct store_txn *txn, struct room_call *c)
{
	c->txn = txn;
	c->found = false;
	int err = store_run(txn, "SELECT locked FROM room WHERE name = $1",
		STORE_VALUES(DB_T(c->name)), note_room, c);
	return err != 0                             ? err
		: !c->found                         ? ERR_NOT_FOUND
		: c->was_locked == (c->locked != 0) ? ERR_EXISTS
						    : 0;
}

static int set(struct store_txn *txn, void *arg)
{
	struct room_call *c = arg;
	int64_t rev = 0;
	int err = c->once ? look_for_same(txn, c) : 0;

	if (err == 0) {
		err = store_next(txn, "policy", &rev);
	}
	if (err == 0) {
		err = store_run(txn,
			"UPDATE room SET policy_rev = $2,"
			" policy = CASE WHEN $3 = '' THEN policy ELSE $3 END,"
			" locked = CASE WHEN $4 < 0 THEN locked ELSE $4 END,"
			" expires_at = CASE WHEN $5 < 0 THEN expires_at ELSE $5 END WHERE name = $1",
			STORE_VALUES(DB_T(c->name), DB_I(rev),
				DB_T(c->policy == NULL ? "" : policy_or_none(c->policy)),
				DB_I(c->locked < 0 ? -1 : c->locked != 0), DB_I(c->expires_at)),
			NULL, NULL);
	}
	if (err == 0 && store_changed(txn) == 0) {
		return ERR_NOT_FOUND;
	}
	if (err == 0) {
		store_wake(txn);
		err = record(txn, c, "room.set", c->name, set_detail(c));
	}
	return err;
}

int store_room_set(struct store *st, const struct store_actor *who, const char *name,
	const char *policy, int locked, int64_t expires_at)
{
	struct room_call c = { .who = who,
		.name = name,
		.policy = policy,
		.locked = locked,
		.expires_at = expires_at };

	return store_write(st, set, &c);
}

int store_room_lock(struct store *st, const struct store_actor *who, const char *name, bool locked)
{
	struct room_call c = {
		.who = who, .name = name, .locked = locked, .expires_at = -1, .once = true
	};

	return store_write(st, set, &c);
}

int store_room_rekey_put(struct store_txn *txn, const struct store_actor *who, const char *name)
{
	char key[STORE_MEDIA_KEY + 1];
	int64_t rev = 0;
	int err = room_keys_make(key);

	if (err == 0) {
		err = store_next(txn, "policy", &rev);
	}
	if (err == 0) {
		err = store_run(txn,
			"UPDATE room SET policy_rev = $2, epoch = epoch + 1, media_key = $3"
			" WHERE name = $1",
			STORE_VALUES(DB_T(name), DB_I(rev), DB_T(key)), NULL, NULL);
	}
	sodium_memzero(key, sizeof(key));
	if (err == 0 && store_changed(txn) == 0) {
		return ERR_NOT_FOUND;
	}
	if (err == 0) {
		store_wake(txn);
		err = store_audit(txn, who, "room.rekey", name, NULL);
	}
	return err;
}

static int rekey(struct store_txn *txn, void *arg)
{
	const struct room_call *c = arg;

	return store_room_rekey_put(txn, c->who, c->name);
}

int store_room_rekey(struct store *st, const struct store_actor *who, const char *name)
{
	struct room_call c = { .who = who, .name = name };

	return store_write(st, rekey, &c);
}

/* Its invites go with it: one of the same name later is another room. */
static int forget(struct store_txn *txn, const struct room_call *c)
{
	int err = store_run(txn,
		"UPDATE invite SET revoked_at = $2 WHERE room = $1 AND revoked_at = 0",
		STORE_VALUES(DB_T(c->name), DB_I(c->now)), NULL, NULL);

	if (err == 0) {
		err = store_run(txn, "DELETE FROM room WHERE name = $1",
			STORE_VALUES(DB_T(c->name)), NULL, NULL);
	}
	return err == 0 && store_changed(txn) == 0 ? ERR_NOT_FOUND : err;
}

static int delete_room(struct store_txn *txn, void *arg)
{
	struct room_call *c = arg;
	struct store_revocation entry = { .kind = "room", .reason = "deleted" };
	size_t revoked = 0;

	if (strlen(c->name) > LIMIT_NAME) {
		return ERR_NOT_FOUND;
	}
	memcpy(entry.id, c->name, strlen(c->name) + 1);
	int err = forget(txn, c);
	if (err == 0) {
		err = store_revocation_put(txn, c->who, &entry, c->now, &revoked);
	}
	return err != 0 ? err
			: record(txn, c, "room.delete", c->name,
				  json_pack("{s:I}", "revoked", (json_int_t)revoked));
}

int store_room_delete(
	struct store *st, const struct store_actor *who, const char *name, int64_t now)
{
	struct room_call c = { .who = who, .name = name, .now = now };

	return store_write(st, delete_room, &c);
}
