/*
 * store_apikeys: the rows of API keys. A key is never deleted, so that its name stays with what it
 * did; revoked is for good.
 */
#include "authd/store_apikeys.h"

#include <stdio.h>
#include <string.h>

#include "authd/store_revocations.h"
#include "authd/store_txn.h"

#define COLUMNS                                                                                    \
	"id, name, hash, rooms, grants, admin, created_at, expires_at, revoked_at FROM api_key"

struct job {
	struct store_txn *txn; /* for the row callbacks */
	const struct store_actor *who;
	const struct store_apikey *key;
	const char *id_or_name;
	struct store_apikey *out;
	const struct store_page *page;
	store_apikey_fn each;
	void *arg;
	int64_t now;
	size_t rows;
};

static void take_row(const struct store_txn *txn, const struct db_row *row, struct store_apikey *k)
{
	memset(k, 0, sizeof(*k));
	store_row_text(txn, row, 0, k->id, sizeof(k->id));
	store_row_text(txn, row, 1, k->name, sizeof(k->name));
	store_row_text(txn, row, 2, k->hash, sizeof(k->hash));
	store_row_text(txn, row, 3, k->rooms, sizeof(k->rooms));
	store_row_text(txn, row, 4, k->grants, sizeof(k->grants));
	k->admin = store_row_int(txn, row, 5) != 0;
	k->created_at = store_row_int(txn, row, 6);
	k->expires_at = store_row_int(txn, row, 7);
	k->revoked_at = store_row_int(txn, row, 8);
}

static int add(struct store_txn *txn, void *arg)
{
	const struct job *job = arg;
	const struct store_apikey *k = job->key;
	int err = store_run(txn,
		"INSERT INTO api_key (id, name, hash, rooms, grants, admin, created_at, expires_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
		STORE_VALUES(DB_T(k->id), DB_T(k->name), DB_T(k->hash), DB_T(k->rooms),
			DB_T(k->grants), DB_I(k->admin), DB_I(k->created_at), DB_I(k->expires_at)),
		NULL, NULL);

	if (err != 0) {
		return err;
	}
	if (store_changed(txn) == 0) {
		return ERR_EXISTS;
	}
	json_t *detail = json_pack("{s:s,s:o,s:o*,s:b,s:o*}", "id", k->id, "rooms",
		store_audit_json(k->rooms), "grants", store_audit_json_or_none(k->grants), "admin",
		(int)k->admin, "expires_at",
		k->expires_at != 0 ? json_integer(k->expires_at) : NULL);
	err = detail != NULL ? store_audit(txn, job->who, "apikey.add", k->name, detail)
			     : ERR_NOMEM;
	json_decref(detail);
	return err;
}

int store_apikey_add(
	struct store *st, const struct store_actor *who, const struct store_apikey *key)
{
	struct job job = { .who = who, .key = key };

	return store_write(st, add, &job);
}

static int on_one(const struct db_row *row, void *arg)
{
	struct job *job = arg;

	take_row(job->txn, row, job->out);
	job->rows++;
	return 0;
}

/* An id is longer than few names, but a name may look like one: the id counts first. */
static int get(struct store_txn *txn, void *arg)
{
	struct job *job = arg;

	job->txn = txn;
	job->rows = 0;
	int err = store_run(txn, "SELECT " COLUMNS " WHERE id = $1",
		STORE_VALUES(DB_T(job->id_or_name)), on_one, job);
	if (err == 0 && job->rows == 0) {
		err = store_run(txn, "SELECT " COLUMNS " WHERE name = $1",
			STORE_VALUES(DB_T(job->id_or_name)), on_one, job);
	}
	return err == 0 && job->rows == 0 ? ERR_NOT_FOUND : err;
}

int store_apikey_get(struct store *st, const char *id_or_name, struct store_apikey *out)
{
	struct job job = { .id_or_name = id_or_name, .out = out };

	return store_read(st, get, &job);
}

static int on_row(const struct db_row *row, void *arg)
{
	struct job *job = arg;
	struct store_apikey key;

	take_row(job->txn, row, &key);
	return job->each(&key, job->arg);
}

static int list(struct store_txn *txn, void *arg)
{
	struct job *job = arg;

	job->txn = txn;
	return store_run(txn, "SELECT " COLUMNS " WHERE name > $1 ORDER BY name LIMIT $2",
		STORE_VALUES(DB_T(job->page->after), DB_I(job->page->limit)), on_row, job);
}

int store_apikey_list(
	struct store *st, const struct store_page *page, store_apikey_fn each, void *arg)
{
	struct job job = { .page = page, .each = each, .arg = arg };

	return store_read(st, list, &job);
}

static int revoke(struct store_txn *txn, void *arg)
{
	struct job *job = arg;
	struct store_apikey key;
	struct job found = { .id_or_name = job->id_or_name, .out = &key };
	struct store_revocation entry = { .kind = "apikey" };
	size_t tokens = 0;
	int err = get(txn, &found);

	if (err != 0 || key.revoked_at != 0) {
		return err; /* revoking twice changes nothing */
	}
	err = store_run(txn, "UPDATE api_key SET revoked_at = $2 WHERE id = $1",
		STORE_VALUES(DB_T(key.id), DB_I(job->now)), NULL, NULL);
	if (err == 0) {
		snprintf(entry.id, sizeof(entry.id), "%s", key.id);
		entry.created_at = job->now;
		err = store_revocation_put(txn, job->who, &entry, job->now, &tokens);
	}
	if (err != 0) {
		return err;
	}
	json_t *detail = json_pack("{s:s,s:I}", "id", key.id, "tokens", (json_int_t)tokens);
	err = detail != NULL ? store_audit(txn, job->who, "apikey.revoke", key.name, detail)
			     : ERR_NOMEM;
	json_decref(detail);
	return err;
}

int store_apikey_revoke(
	struct store *st, const struct store_actor *who, const char *id_or_name, int64_t now)
{
	struct job job = { .who = who, .id_or_name = id_or_name, .now = now };

	return store_write(st, revoke, &job);
}
