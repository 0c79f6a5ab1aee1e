/*
 * store_users: people with a password. What ends a user's tokens is written in the same change that
 * gives the reason.
 */
#include "authd/store_users.h"

#include <string.h>

#include "authd/store_revocations.h"
#include "authd/store_txn.h"

#define COLUMNS "name, hash, policy, created_at, disabled"

/* What the works below get. */
struct user_call {
	const struct store_actor *who;
	const struct store_user *user;
	const char *name, *hash, *old, *policy;
	bool upgrade, disabled;
	int64_t now;
	const struct store_page *page;
	struct store_user *out;
	store_user_fn each;
	void *arg;
	const struct store_txn *txn;
	bool found;
};

static const char *policy_or_none(const char *policy)
{
	return policy[0] != '\0' ? policy : "{}";
}

/* Takes detail over. */
static int record(struct store_txn *txn, const struct user_call *c, const char *action,
	const char *name, json_t *detail)
{
	int err = store_audit(txn, c->who, action, name, detail);

	json_decref(detail);
	return err;
}

static int add(struct store_txn *txn, void *arg)
{
	struct user_call *c = arg;
	const struct store_user *u = c->user;
	int err = store_run(txn,
		"INSERT INTO account (name, hash, policy, created_at, disabled)"
		" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING",
		STORE_VALUES(DB_T(u->name), DB_T(u->hash), DB_T(policy_or_none(u->policy)),
			DB_I(u->created_at), DB_I(u->disabled)),
		NULL, NULL);

	if (err == 0 && store_changed(txn) == 0) {
		return ERR_EXISTS;
	}
	return err != 0 ? err : record(txn, c, "user.add", u->name, NULL);
}

int store_user_add(struct store *st, const struct store_actor *who, const struct store_user *user)
{
	struct user_call c = { .who = who, .user = user };

	return store_write(st, add, &c);
}

static int take(const struct db_row *row, void *arg)
{
	struct user_call *c = arg;
	struct store_user u = { .created_at = store_row_int(c->txn, row, 3),
		.disabled = store_row_int(c->txn, row, 4) != 0 };

	store_row_text(c->txn, row, 0, u.name, sizeof(u.name));
	store_row_text(c->txn, row, 1, u.hash, sizeof(u.hash));
	store_row_text(c->txn, row, 2, u.policy, sizeof(u.policy));
	c->found = true;
	if (c->each != NULL) {
		return c->each(&u, c->arg);
	}
	*c->out = u;
	return 0;
}

static int get(struct store_txn *txn, void *arg)
{
	struct user_call *c = arg;

	c->txn = txn;
	return store_run(txn, "SELECT " COLUMNS " FROM account WHERE name = $1",
		STORE_VALUES(DB_T(c->name)), take, c);
}

int store_user_get(struct store *st, const char *name, struct store_user *out)
{
	struct user_call c = { .name = name, .out = out };
	int err = store_read(st, get, &c);

	return err == 0 && !c.found ? ERR_NOT_FOUND : err;
}

static int list(struct store_txn *txn, void *arg)
{
	struct user_call *c = arg;

	c->txn = txn;
	return store_run(txn,
		"SELECT " COLUMNS " FROM account WHERE name > $1 ORDER BY name LIMIT $2",
		STORE_VALUES(DB_T(c->page->after), DB_I(c->page->limit)), take, c);
}

int store_user_list(struct store *st, const struct store_page *page, store_user_fn each, void *arg)
{
	struct user_call c = { .page = page, .each = each, .arg = arg };

	return store_read(st, list, &c);
}

/* ---- changes that end tokens ---- */

static int revoke(
	struct store_txn *txn, const struct user_call *c, const char *reason, size_t *revoked)
{
	struct store_revocation entry = { .kind = "user" };

	if (strlen(c->name) > LIMIT_NAME) {
		return ERR_NOT_FOUND;
	}
	memcpy(entry.id, c->name, strlen(c->name) + 1);
	memcpy(entry.reason, reason, strlen(reason) + 1);
	return store_revocation_put(txn, c->who, &entry, c->now, revoked);
}

static json_t *count_detail(size_t revoked)
{
	return json_pack("{s:I}", "revoked", (json_int_t)revoked);
}

static int set_hash(struct store_txn *txn, void *arg)
{
	struct user_call *c = arg;
	size_t revoked = 0;
	int err = store_run(txn,
		"UPDATE account SET hash = $2 WHERE name = $1 AND ($3 = '' OR hash = $3)",
		STORE_VALUES(DB_T(c->name), DB_T(c->hash),
			DB_T(c->upgrade && c->old != NULL ? c->old : "")),
		NULL, NULL);

	if (err != 0) {
		return err;
	}
	if (store_changed(txn) == 0) {
		return c->upgrade ? 0 : ERR_NOT_FOUND;
	}
	if (c->upgrade) {
		return record(txn, c, "user.rehash", c->name, NULL);
	}
	err = revoke(txn, c, "new password", &revoked);
	return err != 0 ? err : record(txn, c, "user.password", c->name, count_detail(revoked));
}

int store_user_set_hash(struct store *st, const struct store_actor *who, const char *name,
	const char *hash, bool upgrade, const char *old, int64_t now)
{
	struct user_call c = {
		.who = who, .name = name, .hash = hash, .upgrade = upgrade, .old = old, .now = now
	};

	return store_write(st, set_hash, &c);
}

static int set_policy(struct store_txn *txn, void *arg)
{
	struct user_call *c = arg;
	const char *policy = policy_or_none(c->policy);
	int err = store_run(txn, "UPDATE account SET policy = $2 WHERE name = $1",
		STORE_VALUES(DB_T(c->name), DB_T(policy)), NULL, NULL);

	if (err == 0 && store_changed(txn) == 0) {
		return ERR_NOT_FOUND;
	}
	return err != 0 ? err
			: record(txn, c, "user.policy", c->name,
				  json_pack("{s:o}", "policy", store_audit_json(policy)));
}

int store_user_set_policy(
	struct store *st, const struct store_actor *who, const char *name, const char *policy)
{
	struct user_call c = { .who = who, .name = name, .policy = policy };

	return store_write(st, set_policy, &c);
}

static int set_disabled(struct store_txn *txn, void *arg)
{
	struct user_call *c = arg;
	size_t revoked = 0;
	int err = store_run(txn, "UPDATE account SET disabled = $2 WHERE name = $1",
		STORE_VALUES(DB_T(c->name), DB_I(c->disabled)), NULL, NULL);

	if (err == 0 && store_changed(txn) == 0) {
		return ERR_NOT_FOUND;
	}
	if (err == 0 && c->disabled) {
		err = revoke(txn, c, "disabled", &revoked);
	}
	return err != 0 ? err
			: record(txn, c, c->disabled ? "user.disable" : "user.enable", c->name,
				  c->disabled ? count_detail(revoked) : NULL);
}

int store_user_set_disabled(struct store *st, const struct store_actor *who, const char *name,
	bool disabled, int64_t now)
{
	struct user_call c = { .who = who, .name = name, .disabled = disabled, .now = now };

	return store_write(st, set_disabled, &c);
}

static int delete_user(struct store_txn *txn, void *arg)
{
	struct user_call *c = arg;
	size_t revoked = 0;
	int err = store_run(txn, "DELETE FROM account WHERE name = $1", STORE_VALUES(DB_T(c->name)),
		NULL, NULL);

	if (err == 0 && store_changed(txn) == 0) {
		return ERR_NOT_FOUND;
	}
	if (err == 0) {
		err = revoke(txn, c, "deleted", &revoked);
	}
	return err != 0 ? err : record(txn, c, "user.delete", c->name, count_detail(revoked));
}

int store_user_delete(
	struct store *st, const struct store_actor *who, const char *name, int64_t now)
{
	struct user_call c = { .who = who, .name = name, .now = now };

	return store_write(st, delete_user, &c);
}
