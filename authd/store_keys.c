/*
 * store_keys: the table signing_key: public halves only; the private ones never come near here.
 */
#include "authd/store_keys.h"

#include <jansson.h>

#include "authd/store_txn.h"

struct put {
	const struct store_actor *who;
	const struct store_key *key;
};

static int put_work(struct store_txn *txn, void *arg)
{
	const struct put *put = arg;
	const struct store_key *key = put->key;
	int err = store_run(txn,
		"INSERT INTO signing_key (kid, x, created_at, active_at, retired_at)"
		" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (kid) DO UPDATE SET"
		" active_at = excluded.active_at, retired_at = excluded.retired_at",
		STORE_VALUES(DB_T(key->kid), DB_T(key->x), DB_I(key->created_at),
			DB_I(key->active_at), DB_I(key->retired_at)),
		NULL, NULL);

	if (err != 0) {
		return err;
	}
	json_t *detail = json_pack("{s:I,s:I}", "active_at", (json_int_t)key->active_at,
		"retired_at", (json_int_t)key->retired_at);
	err = detail != NULL ? store_audit(txn, put->who, "key.put", key->kid, detail) : ERR_NOMEM;
	json_decref(detail);
	store_wake(txn);
	return err;
}

int store_key_put(struct store *st, const struct store_actor *who, const struct store_key *key)
{
	return store_write(st, put_work, &(struct put){ who, key });
}

struct list {
	struct store_txn *txn;
	store_key_fn each;
	void *arg;
};

static int list_row(const struct db_row *row, void *arg)
{
	const struct list *list = arg;
	struct store_key key;

	store_row_text(list->txn, row, 0, key.kid, sizeof(key.kid));
	store_row_text(list->txn, row, 1, key.x, sizeof(key.x));
	key.created_at = store_row_int(list->txn, row, 2);
	key.active_at = store_row_int(list->txn, row, 3);
	key.retired_at = store_row_int(list->txn, row, 4);
	return list->each(&key, list->arg);
}

static int list_work(struct store_txn *txn, void *arg)
{
	struct list *list = arg;

	list->txn = txn;
	return store_run(txn,
		"SELECT kid, x, created_at, active_at, retired_at FROM signing_key"
		" ORDER BY created_at, kid",
		NULL, 0, list_row, list);
}

int store_key_list(struct store *st, store_key_fn each, void *arg)
{
	return store_read(st, list_work, &(struct list){ NULL, each, arg });
}

struct removal {
	const struct store_actor *who;
	const char *kid;
};

static int delete_work(struct store_txn *txn, void *arg)
{
	const struct removal *removal = arg;
	int err = store_run(txn, "DELETE FROM signing_key WHERE kid = $1",
		STORE_VALUES(DB_T(removal->kid)), NULL, NULL);

	if (err == 0 && store_changed(txn) == 0) {
		return ERR_NOT_FOUND;
	}
	if (err == 0) {
		err = store_audit(txn, removal->who, "key.delete", removal->kid, NULL);
	}
	store_wake(txn);
	return err;
}

int store_key_delete(struct store *st, const struct store_actor *who, const char *kid)
{
	return store_write(st, delete_work, &(struct removal){ who, kid });
}

struct need {
	int64_t until, now;
	bool found;
};

static int need_row(const struct db_row *row, void *arg)
{
	(void)row;
	((struct need *)arg)->found = true;
	return 0;
}

static int need_work(struct store_txn *txn, void *arg)
{
	struct need *need = arg;
	int err;

	need->found = false;
	err = store_run(txn,
		"SELECT 1 FROM token WHERE expires_at > $1 AND issued_at <= $2 LIMIT 1",
		STORE_VALUES(DB_I(need->now), DB_I(need->until)), need_row, need);
	if (err == 0 && !need->found) {
		err = store_run(txn,
			"SELECT 1 FROM invite WHERE expires_at > $1 AND created_at <= $2"
			" AND revoked_at = 0 LIMIT 1",
			STORE_VALUES(DB_I(need->now), DB_I(need->until)), need_row, need);
	}
	return err;
}

int store_key_needed(struct store *st, int64_t made_until, int64_t now, bool *needed)
{
	struct need need = { .until = made_until, .now = now };
	int err = store_read(st, need_work, &need);

	*needed = need.found;
	return err;
}
