/*
 * store_invites: the rows of invites. Uses are counted by store_token_add(), in the transaction of
 * the token that takes them; here they are only shown.
 */
#include "authd/store_invites.h"

#include <stdio.h>
#include <string.h>

#include "authd/store_revocations.h"
#include "authd/store_txn.h"

#define COLUMNS                                                                                    \
	"id, room, grants, label, passcode, uses_max, uses, created_at, expires_at, revoked_at"    \
	" FROM invite"

struct job {
	struct store_txn *txn; /* for the row callbacks */
	const struct store_actor *who;
	const struct store_invite *invite;
	const char *id, *room;
	struct store_invite *out;
	const struct store_page *page;
	store_invite_fn each;
	void *arg;
	int64_t now;
	size_t rows;
};

static void take_row(const struct store_txn *txn, const struct db_row *row, struct store_invite *i)
{
	memset(i, 0, sizeof(*i));
	store_row_text(txn, row, 0, i->id, sizeof(i->id));
	store_row_text(txn, row, 1, i->room, sizeof(i->room));
	store_row_text(txn, row, 2, i->grants, sizeof(i->grants));
	store_row_text(txn, row, 3, i->label, sizeof(i->label));
	store_row_text(txn, row, 4, i->passcode, sizeof(i->passcode));
	i->uses_max = store_row_int(txn, row, 5);
	i->uses = store_row_int(txn, row, 6);
	i->created_at = store_row_int(txn, row, 7);
	i->expires_at = store_row_int(txn, row, 8);
	i->revoked_at = store_row_int(txn, row, 9);
}

static int audit_add(struct store_txn *txn, const struct job *job)
{
	const struct store_invite *i = job->invite;
	json_t *detail = json_pack("{s:s,s:o*,s:s*,s:b,s:o*,s:o*}", "room", i->room, "grants",
		store_audit_json_or_none(i->grants), "label", i->label[0] != '\0' ? i->label : NULL,
		"passcode", (int)(i->passcode[0] != '\0'), "uses",
		i->uses_max != 0 ? json_integer(i->uses_max) : NULL, "expires_at",
		i->expires_at != 0 ? json_integer(i->expires_at) : NULL);
	int err = detail != NULL ? store_audit(txn, job->who, "invite.add", i->id, detail)
				 : ERR_NOMEM;

	json_decref(detail);
	return err;
}

static int add(struct store_txn *txn, void *arg)
{
	const struct job *job = arg;
	const struct store_invite *i = job->invite;
	int err = store_run(txn,
		"INSERT INTO invite (id, room, grants, label, passcode, uses_max, created_at,"
		" expires_at) SELECT $1, name, $3, $4, $5, $6, $7, $8 FROM room WHERE name = $2",
		STORE_VALUES(DB_T(i->id), DB_T(i->room), DB_T(i->grants), DB_T(i->label),
			DB_T(i->passcode), DB_I(i->uses_max), DB_I(i->created_at),
			DB_I(i->expires_at)),
		NULL, NULL);

	if (err == 0 && store_changed(txn) == 0) {
		err = ERR_NOT_FOUND;
	}
	return err != 0 ? err : audit_add(txn, job);
}

int store_invite_add(
	struct store *st, const struct store_actor *who, const struct store_invite *invite)
{
	struct job job = { .who = who, .invite = invite };

	return store_write(st, add, &job);
}

static int on_one(const struct db_row *row, void *arg)
{
	struct job *job = arg;

	take_row(job->txn, row, job->out);
	job->rows++;
	return 0;
}

static int get(struct store_txn *txn, void *arg)
{
	struct job *job = arg;

	job->txn = txn;
	job->rows = 0;
	int err = store_run(
		txn, "SELECT " COLUMNS " WHERE id = $1", STORE_VALUES(DB_T(job->id)), on_one, job);
	return err == 0 && job->rows == 0 ? ERR_NOT_FOUND : err;
}

int store_invite_get(struct store *st, const char *id, struct store_invite *out)
{
	struct job job = { .id = id, .out = out };

	return store_read(st, get, &job);
}

static int on_row(const struct db_row *row, void *arg)
{
	struct job *job = arg;
	struct store_invite invite;

	take_row(job->txn, row, &invite);
	return job->each(&invite, job->arg);
}

static int list(struct store_txn *txn, void *arg)
{
	struct job *job = arg;
	const struct store_page *page = job->page;

	job->txn = txn;
	if (job->room == NULL) {
		return store_run(txn, "SELECT " COLUMNS " WHERE id > $1 ORDER BY id LIMIT $2",
			STORE_VALUES(DB_T(page->after), DB_I(page->limit)), on_row, job);
	}
	return store_run(txn, "SELECT " COLUMNS " WHERE room = $3 AND id > $1 ORDER BY id LIMIT $2",
		STORE_VALUES(DB_T(page->after), DB_I(page->limit), DB_T(job->room)), on_row, job);
}

int store_invite_list(struct store *st, const char *room, const struct store_page *page,
	store_invite_fn each, void *arg)
{
	struct job job = { .room = room, .page = page, .each = each, .arg = arg };

	return store_read(st, list, &job);
}

static int revoke(struct store_txn *txn, void *arg)
{
	struct job *job = arg;
	struct store_invite invite;
	struct job found = { .id = job->id, .out = &invite };
	struct store_revocation entry = { .kind = "invite" };
	size_t tokens = 0;
	int err = get(txn, &found);

	if (err != 0 || invite.revoked_at != 0) {
		return err; /* revoking twice changes nothing */
	}
	err = store_run(txn, "UPDATE invite SET revoked_at = $2 WHERE id = $1",
		STORE_VALUES(DB_T(invite.id), DB_I(job->now)), NULL, NULL);
	if (err == 0) {
		snprintf(entry.id, sizeof(entry.id), "%s", invite.id);
		entry.created_at = job->now;
		err = store_revocation_put(txn, job->who, &entry, job->now, &tokens);
	}
	if (err != 0) {
		return err;
	}
	json_t *detail = json_pack("{s:s,s:I}", "room", invite.room, "tokens", (json_int_t)tokens);
	err = detail != NULL ? store_audit(txn, job->who, "invite.revoke", invite.id, detail)
			     : ERR_NOMEM;
	json_decref(detail);
	return err;
}

int store_invite_revoke(
	struct store *st, const struct store_actor *who, const char *id, int64_t now)
{
	struct job job = { .who = who, .id = id, .now = now };

	return store_write(st, revoke, &job);
}
