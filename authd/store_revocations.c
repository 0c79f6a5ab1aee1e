/*
 * store_revocations: the numbered list of what may not come in any more. An entry and the marks on
 * the tokens that it meets are one change. Must never give a number twice.
 */
#include "authd/store_revocations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/store_rooms.h"
#include "authd/store_txn.h"

/* Live tokens that an entry meets; $1 its id, $2 its room ("" everywhere), $3 now. */
#define LIVE " AND revoked_at = 0 AND expires_at > $3"
/* And those that another entry has met already: that one may end, or be lifted, before they do. */
#define UNEXPIRED " AND expires_at > $3"
#define IN_ROOM " AND ($2 = '' OR room = $2)"
#define BY_TOKEN "jti = $1" IN_ROOM
#define BY_USER "account = $1" IN_ROOM
#define BY_ROOM "room = $1" IN_ROOM
#define BY_APIKEY "source_id = $1 AND source = 'apikey'" IN_ROOM
#define BY_INVITE "source_id = $1 AND source = 'invite'" IN_ROOM
#define END(by) "SELECT coalesce(max(expires_at), 0) FROM token WHERE " by UNEXPIRED
#define ROOMS(by) "SELECT DISTINCT room FROM token WHERE " by LIVE
#define MARK(by) "UPDATE token SET revoked_at = $3 WHERE " by LIVE
/* Back to life, unless another entry that is in force has met them too: one with a number above
 * the token's own, for seconds do not say which was first. $3 the entry's number, $4 now. */
#define UNMARK(by)                                                                                 \
	"UPDATE token SET revoked_at = 0 WHERE " by " AND revoked_at > 0 AND NOT EXISTS"           \
	" (SELECT 1 FROM revocation r WHERE r.seq <> $3 AND r.until > $4"                          \
	" AND r.seq > token.rev AND r.room IN ('', token.room)"                                    \
	" AND ((r.kind = 'token' AND r.id = token.jti)"                                            \
	" OR (r.kind = 'user' AND r.id = token.account)"                                           \
	" OR (r.kind = 'room' AND r.id = token.room)"                                              \
	" OR (r.kind = token.source AND r.id = token.source_id)))"

#define STATEMENTS(by) END(by), ROOMS(by), MARK(by), UNMARK(by)

static const struct kind {
	const char *name;
	const char *exists; /* NULL: need not be known */
	const char *end, *rooms, *mark, *unmark;
} kinds[] = {
	{ "token", NULL, STATEMENTS(BY_TOKEN) },
	{ "user", NULL, STATEMENTS(BY_USER) },
	{ "room", "SELECT 1 FROM room WHERE name = $1", STATEMENTS(BY_ROOM) },
	{ "apikey", "SELECT 1 FROM api_key WHERE id = $1", STATEMENTS(BY_APIKEY) },
	{ "invite", "SELECT 1 FROM invite WHERE id = $1", STATEMENTS(BY_INVITE) },
};

#define COLUMNS "seq, kind, id, room, ban, until, created_at, reason"

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			return &kinds[i];
		}
	}
	return NULL;
}

/* What the works below get. */
struct revocation_call {
	const struct store_actor *who;
	const struct store_revocation *asked;
	struct store_revocation *entry;
	int64_t seq, now, after;
	unsigned limit;
	size_t *revoked;
	store_revocation_fn each;
	void *arg;
	const struct store_txn *txn;
	int64_t number;
	bool found, once;
};

static int take_number(const struct db_row *row, void *arg)
{
	struct revocation_call *c = arg;

	c->found = true;
	c->number = store_row_int(c->txn, row, 0);
	return 0;
}

static int insert(struct store_txn *txn, const struct store_revocation *e)
{
	return store_run(txn,
		"INSERT INTO revocation (seq, kind, id, room, ban, until, created_at, reason)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		STORE_VALUES(DB_I(e->seq), DB_T(e->kind), DB_T(e->id), DB_T(e->room), DB_I(e->ban),
			DB_I(e->until), DB_I(e->created_at), DB_T(e->reason)),
		NULL, NULL);
}

struct rooms {
	const struct store_txn *txn;
	json_t *names;
};

static int take_room(const struct db_row *row, void *arg)
{
	const struct rooms *rooms = arg;
	char name[LIMIT_NAME + 1];

	store_row_text(rooms->txn, row, 0, name, sizeof(name));
	return json_array_append_new(rooms->names, json_string(name)) == 0 ? 0 : ERR_NOMEM;
}

/* Once for each room, however many of its tokens ended: who held one has the key, and gets no
 * later one. */
static int rekey_rooms(struct store_txn *txn, const struct store_actor *who, const json_t *names)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < json_array_size(names); i++) {
		err = store_room_rekey_put(
			txn, who, json_string_value(json_array_get(names, i)));
		err = err == ERR_NOT_FOUND ? 0 : err; /* it is deleted in the same change */
	}
	return err;
}

/* Until when, the rooms, and the marks. */
static int meet_tokens(struct store_txn *txn, const struct kind *kind, struct store_revocation *e,
	int64_t until, int64_t now, size_t *revoked, json_t *names)
{
	struct revocation_call c = { .txn = txn };
	struct rooms rooms = { .txn = txn, .names = names };
	const struct db_value values[] = { DB_T(e->id), DB_T(e->room), DB_I(now) };
	int err = store_run(txn, kind->end, values, 3, take_number, &c);

	if (err == 0) {
		err = store_run(txn, kind->rooms, values, 3, take_room, &rooms);
	}
	if (err == 0) {
		err = store_run(txn, kind->mark, values, 3, NULL, NULL);
	}
	*revoked = (size_t)store_changed(txn);
	e->until = until != 0 ? until : c.number > now ? c.number : now;
	return err;
}

int store_revocation_put(struct store_txn *txn, const struct store_actor *who,
	struct store_revocation *entry, int64_t now, size_t *revoked)
{
	const struct kind *kind = kind_of(entry->kind);
	struct store_revocation e = *entry;
	json_t *rooms = NULL;

	*revoked = 0;
	if (kind == NULL || (e.ban && e.until <= now)) {
		return ERR_INVALID;
	}
	e.created_at = now;
	int err = store_next(txn, "revocation", &e.seq);
	if (err == 0) {
		rooms = json_array();
		err = rooms != NULL
			? meet_tokens(txn, kind, &e, entry->until, now, revoked, rooms)
			: ERR_NOMEM;
	}
	if (err == 0) {
		err = insert(txn, &e);
	}
	if (err == 0) {
		err = rekey_rooms(txn, who, rooms);
	}
	json_decref(rooms);
	if (err == 0) {
		store_wake(txn);
		*entry = e;
	}
	return err;
}

static json_t *entry_detail(const struct store_revocation *e, size_t revoked)
{
	return json_pack("{s:I,s:s,s:b,s:I,s:s,s:I}", "seq", (json_int_t)e->seq, "room", e->room,
		"ban", (int)e->ban, "until", (json_int_t)e->until, "reason", e->reason, "revoked",
		(json_int_t)revoked);
}

static int record(struct store_txn *txn, const struct revocation_call *c, const char *action,
	const struct store_revocation *e, size_t revoked)
{
	char object[128];
	json_t *detail = entry_detail(e, revoked);

	if (detail == NULL) {
		return ERR_NOMEM;
	}
	snprintf(object, sizeof(object), "%s %s", e->kind, e->id);
	int err = store_audit(txn, c->who, action, object, detail);
	json_decref(detail);
	return err;
}

/* ERR_EXISTS when the ban is there. */
static int look_for_same(struct store_txn *txn, struct revocation_call *c)
{
	const struct store_revocation *e = c->asked;

	c->found = false;
	int err = store_run(txn,
		"SELECT seq FROM revocation WHERE kind = $1 AND id = $2 AND room = $3 AND ban = 1"
		" AND until >= $4 AND until > $5",
		STORE_VALUES(DB_T(e->kind), DB_T(e->id), DB_T(e->room),
			DB_I(e->until - STORE_BAN_SAME_S), DB_I(c->now)),
		take_number, c);
	return err == 0 && c->found ? ERR_EXISTS : err;
}

static int add(struct store_txn *txn, void *arg)
{
	struct revocation_call *c = arg;
	const struct kind *kind = kind_of(c->asked->kind);
	int err = 0;

	*c->entry = *c->asked;
	c->txn = txn;
	c->found = false;
	if (kind != NULL && kind->exists != NULL) {
		err = store_run(
			txn, kind->exists, STORE_VALUES(DB_T(c->asked->id)), take_number, c);
		if (err == 0 && !c->found) {
			err = ERR_NOT_FOUND;
		}
	}
	if (err == 0 && c->once) {
		err = look_for_same(txn, c);
	}
	if (err == 0) {
		err = store_revocation_put(txn, c->who, c->entry, c->now, c->revoked);
	}
	return err != 0 ? err : record(txn, c, "revocation.add", c->entry, *c->revoked);
}

int store_revocation_add(struct store *st, const struct store_actor *who,
	struct store_revocation *entry, int64_t now, size_t *revoked)
{
	const struct store_revocation asked = *entry;
	struct revocation_call c = {
		.who = who, .asked = &asked, .entry = entry, .now = now, .revoked = revoked
	};

	return store_write(st, add, &c);
}

int store_revocation_add_once(struct store *st, const struct store_actor *who,
	struct store_revocation *entry, int64_t now, size_t *revoked)
{
	const struct store_revocation asked = *entry;
	struct revocation_call c = { .who = who,
		.asked = &asked,
		.entry = entry,
		.now = now,
		.revoked = revoked,
		.once = true };

	return store_write(st, add, &c);
}

/* ---- sending a user away ---- */

struct kick {
	const struct store_actor *who;
	const char *jti, *reason;
	int64_t now, rev;
	struct store_revocation entry;
	const struct store_txn *txn;
	bool found;
};

static int take_holder(const struct db_row *row, void *arg)
{
	struct kick *k = arg;

	k->found = true;
	store_row_text(k->txn, row, 0, k->entry.id, sizeof(k->entry.id));
	store_row_text(k->txn, row, 1, k->entry.room, sizeof(k->entry.room));
	k->rev = store_row_int(k->txn, row, 2);
	return 0;
}

static int take_found(const struct db_row *row, void *arg)
{
	(void)row;
	*(bool *)arg = true;
	return 0;
}

/* An entry made after the token has met it, and all others of that time. */
static int look_for_kick(struct store_txn *txn, const struct kick *k, bool *done)
{
	return store_run(txn,
		"SELECT 1 FROM revocation WHERE kind = 'user' AND id = $1 AND room IN ('', $2)"
		" AND seq > $3 AND until > $4 LIMIT 1",
		STORE_VALUES(DB_T(k->entry.id), DB_T(k->entry.room), DB_I(k->rev), DB_I(k->now)),
		take_found, done);
}

static int kick(struct store_txn *txn, void *arg)
{
	struct kick *k = arg;
	const struct revocation_call c = { .who = k->who };
	bool done = false;
	size_t revoked = 0;

	k->txn = txn;
	k->found = false;
	k->entry = (struct store_revocation){ .kind = "user" };
	int err = store_run(txn, "SELECT account, room, rev FROM token WHERE jti = $1",
		STORE_VALUES(DB_T(k->jti)), take_holder, k);
	if (err == 0) {
		err = k->found ? look_for_kick(txn, k, &done) : ERR_NOT_FOUND;
	}
	if (err != 0 || done) {
		return err;
	}
	snprintf(k->entry.reason, sizeof(k->entry.reason), "%s", k->reason);
	err = store_revocation_put(txn, k->who, &k->entry, k->now, &revoked);
	return err != 0 ? err : record(txn, &c, "revocation.add", &k->entry, revoked);
}

int store_revocation_kick(struct store *st, const struct store_actor *who, const char *jti,
	const char *reason, int64_t now)
{
	struct kick k = { .who = who, .jti = jti, .reason = reason, .now = now };

	return store_write(st, kick, &k);
}

/* ---- taking back ---- */

static int take_entry(const struct db_row *row, void *arg)
{
	struct revocation_call *c = arg;
	struct store_revocation e = { .seq = store_row_int(c->txn, row, 0),
		.ban = store_row_int(c->txn, row, 4) != 0,
		.until = store_row_int(c->txn, row, 5),
		.created_at = store_row_int(c->txn, row, 6) };

	store_row_text(c->txn, row, 1, e.kind, sizeof(e.kind));
	store_row_text(c->txn, row, 2, e.id, sizeof(e.id));
	store_row_text(c->txn, row, 3, e.room, sizeof(e.room));
	store_row_text(c->txn, row, 7, e.reason, sizeof(e.reason));
	c->found = true;
	if (c->each != NULL) {
		return c->each(&e, c->arg);
	}
	*c->entry = e;
	return 0;
}

/* The entry ends now, so that new links never hear of it; those that know it hear of the lift. */
static int end_entry(struct store_txn *txn, const struct revocation_call *c)
{
	const struct store_revocation *e = c->entry;
	const struct kind *kind = kind_of(e->kind);
	struct store_revocation lift = { .kind = "lift", .until = e->until, .created_at = c->now };

	snprintf(lift.id, sizeof(lift.id), "%" PRId64, e->seq);
	int err = store_run(txn, "UPDATE revocation SET until = $2 WHERE seq = $1",
		STORE_VALUES(DB_I(e->seq), DB_I(c->now)), NULL, NULL);
	if (err == 0 && kind != NULL) {
		err = store_run(txn, kind->unmark,
			STORE_VALUES(DB_T(e->id), DB_T(e->room), DB_I(e->seq), DB_I(c->now)), NULL,
			NULL);
	}
	if (err == 0) {
		err = store_next(txn, "revocation", &lift.seq);
	}
	return err != 0 ? err : insert(txn, &lift);
}

static int lift(struct store_txn *txn, void *arg)
{
	struct revocation_call *c = arg;

	c->txn = txn;
	c->found = false;
	int err = store_run(txn,
		"SELECT " COLUMNS
		" FROM revocation WHERE seq = $1 AND until > $2 AND kind <> 'lift'",
		STORE_VALUES(DB_I(c->seq), DB_I(c->now)), take_entry, c);
	if (err == 0 && !c->found) {
		err = ERR_NOT_FOUND;
	}
	if (err == 0) {
		err = end_entry(txn, c);
	}
	if (err == 0) {
		store_wake(txn);
		err = record(txn, c, "revocation.lift", c->entry, 0);
	}
	return err;
}

int store_revocation_lift(struct store *st, const struct store_actor *who, int64_t seq, int64_t now)
{
	struct store_revocation entry;
	struct revocation_call c = { .who = who, .entry = &entry, .seq = seq, .now = now };

	return store_write(st, lift, &c);
}

/* ---- the list ---- */

static int list(struct store_txn *txn, void *arg)
{
	struct revocation_call *c = arg;

	c->txn = txn;
	return store_run(txn,
		"SELECT " COLUMNS
		" FROM revocation WHERE seq > $1 AND until > $2 ORDER BY seq LIMIT $3",
		STORE_VALUES(DB_I(c->after), DB_I(c->now), DB_I(c->limit)), take_entry, c);
}

int store_revocation_list(struct store *st, int64_t after, int64_t now, unsigned limit,
	store_revocation_fn each, void *arg)
{
	struct revocation_call c = {
		.after = after, .now = now, .limit = limit, .each = each, .arg = arg
	};

	return store_read(st, list, &c);
}
