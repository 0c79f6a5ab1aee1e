/*
 * store_reflectors: the table reflector: who is enrolled, who may be. A code is kept as the key
 * made from it, and only until it was used; it never stands in the audit record.
 */
#include "authd/store_reflectors.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "authd/store_txn.h"

#define COLUMNS                                                                                    \
	"name, control, address, ports, fallback_ports, tls_name, pin, allowed, weight, state,"    \
	" code, code_until, enrolled_at"

static const char *const state_names[] = { "enrolling", "up", "drain" };

static enum store_reflector_state state_of(const char *name)
{
	return strcmp(name, "up") == 0       ? STORE_REFLECTOR_UP
		: strcmp(name, "drain") == 0 ? STORE_REFLECTOR_DRAIN
					     : STORE_REFLECTOR_ENROLLING;
}

struct list {
	struct store_txn *txn;
	const char *name; /* NULL: all */
	store_reflector_fn each;
	void *arg;
	bool found;
};

static int list_row(const struct db_row *row, void *arg)
{
	struct list *list = arg;
	struct store_txn *txn = list->txn;
	struct store_reflector r;
	char state[16];

	memset(&r, 0, sizeof(r));
	store_row_text(txn, row, 0, r.name, sizeof(r.name));
	store_row_text(txn, row, 1, r.control, sizeof(r.control));
	store_row_text(txn, row, 2, r.address, sizeof(r.address));
	store_row_text(txn, row, 3, r.ports, sizeof(r.ports));
	store_row_text(txn, row, 4, r.fallback_ports, sizeof(r.fallback_ports));
	store_row_text(txn, row, 5, r.tls_name, sizeof(r.tls_name));
	store_row_text(txn, row, 6, r.pin, sizeof(r.pin));
	store_row_text(txn, row, 7, r.allowed, sizeof(r.allowed));
	r.weight = store_row_int(txn, row, 8);
	store_row_text(txn, row, 9, state, sizeof(state));
	store_row_text(txn, row, 10, r.code, sizeof(r.code));
	r.state = state_of(state);
	r.code_until = store_row_int(txn, row, 11);
	r.enrolled_at = store_row_int(txn, row, 12);
	list->found = true;
	return list->each(&r, list->arg);
}

static int list_work(struct store_txn *txn, void *arg)
{
	struct list *list = arg;

	list->txn = txn;
	list->found = false;
	if (list->name == NULL) {
		return store_run(txn, "SELECT " COLUMNS " FROM reflector ORDER BY name", NULL, 0,
			list_row, list);
	}
	int err = store_run(txn, "SELECT " COLUMNS " FROM reflector WHERE name = $1",
		STORE_VALUES(DB_T(list->name)), list_row, list);
	return err == 0 && !list->found ? ERR_NOT_FOUND : err;
}

int store_reflector_list(struct store *st, store_reflector_fn each, void *arg)
{
	return store_read(st, list_work, &(struct list){ .each = each, .arg = arg });
}

static int copy_row(const struct store_reflector *row, void *arg)
{
	*(struct store_reflector *)arg = *row;
	return 0;
}

int store_reflector_get(struct store *st, const char *name, struct store_reflector *out)
{
	return store_read(
		st, list_work, &(struct list){ .name = name, .each = copy_row, .arg = out });
}

struct change {
	const struct store_actor *who;
	const struct store_reflector *row;
	const char *name, *code, *pin;
	int64_t now, weight;
	int state;
};

static int finish(struct store_txn *txn, const struct change *c, const char *action, json_t *detail)
{
	int err = detail != NULL ? store_audit(txn, c->who, action, c->name, detail) : ERR_NOMEM;

	json_decref(detail);
	store_wake(txn);
	return err;
}

static int put_work(struct store_txn *txn, void *arg)
{
	const struct change *c = arg;
	const struct store_reflector *r = c->row;
	int err = store_run(txn,
		"INSERT INTO reflector (" COLUMNS ")"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'enrolling', $10, $11, 0)"
		" ON CONFLICT (name) DO UPDATE SET control = excluded.control,"
		" address = excluded.address, ports = excluded.ports,"
		" fallback_ports = excluded.fallback_ports, tls_name = excluded.tls_name,"
		" allowed = excluded.allowed, weight = excluded.weight, code = excluded.code,"
		" code_until = excluded.code_until",
		STORE_VALUES(DB_T(r->name), DB_T(r->control), DB_T(r->address), DB_T(r->ports),
			DB_T(r->fallback_ports), DB_T(r->tls_name), DB_T(r->pin), DB_T(r->allowed),
			DB_I(r->weight), DB_T(r->code), DB_I(r->code_until)),
		NULL, NULL);

	return err != 0
		? err
		: finish(txn, c, "reflector.enrol",
			  json_pack("{s:s,s:s,s:s,s:s,s:s,s:I}", "control", r->control, "address",
				  r->address, "ports", r->ports, "tls_name", r->tls_name, "allowed",
				  r->allowed, "weight", (json_int_t)r->weight));
}

int store_reflector_put(
	struct store *st, const struct store_actor *who, const struct store_reflector *reflector)
{
	return store_write(st, put_work,
		&(struct change){ .who = who, .row = reflector, .name = reflector->name });
}

static int enrolled_work(struct store_txn *txn, void *arg)
{
	const struct change *c = arg;
	int err = store_run(txn,
		"UPDATE reflector SET pin = $1, enrolled_at = $2, code = '', code_until = 0,"
		" state = CASE WHEN state = 'enrolling' THEN 'up' ELSE state END"
		" WHERE name = $3 AND code = $4 AND code <> '' AND code_until > $2",
		STORE_VALUES(DB_T(c->pin), DB_I(c->now), DB_T(c->name), DB_T(c->code)), NULL, NULL);

	if (err == 0 && store_changed(txn) == 0) {
		return ERR_STATE;
	}
	return err != 0 ? err
			: finish(txn, c, "reflector.enrolled", json_pack("{s:s}", "pin", c->pin));
}

int store_reflector_enrolled(struct store *st, const struct store_actor *who, const char *name,
	const char *code, const char *pin, int64_t now)
{
	return store_write(st, enrolled_work,
		&(struct change){ .who = who, .name = name, .code = code, .pin = pin, .now = now });
}

static int void_work(struct store_txn *txn, void *arg)
{
	const struct change *c = arg;
	int err = store_run(txn,
		"UPDATE reflector SET code = '', code_until = 0 WHERE name = $1 AND code = $2",
		STORE_VALUES(DB_T(c->name), DB_T(c->code)), NULL, NULL);

	if (err == 0 && store_changed(txn) == 0) {
		return ERR_STATE;
	}
	return err != 0 ? err : finish(txn, c, "reflector.code-void", json_object());
}

int store_reflector_code_void(
	struct store *st, const struct store_actor *who, const char *name, const char *code)
{
	return store_write(
		st, void_work, &(struct change){ .who = who, .name = name, .code = code });
}

static int set_work(struct store_txn *txn, void *arg)
{
	const struct change *c = arg;
	const char *state = c->state < 0 ? "" : state_names[c->state];
	int err = store_run(txn,
		"UPDATE reflector SET state = CASE WHEN $1 = '' THEN state ELSE $1 END,"
		" weight = CASE WHEN $2 < 0 THEN weight ELSE $2 END WHERE name = $3",
		STORE_VALUES(DB_T(state), DB_I(c->weight), DB_T(c->name)), NULL, NULL);

	if (err == 0 && store_changed(txn) == 0) {
		return ERR_NOT_FOUND;
	}
	return err != 0
		? err
		: finish(txn, c, "reflector.set",
			  json_pack("{s:s*,s:o*}", "state", c->state < 0 ? NULL : state, "weight",
				  c->weight < 0 ? NULL : json_integer(c->weight)));
}

int store_reflector_set(struct store *st, const struct store_actor *who, const char *name,
	int state, int64_t weight)
{
	return store_write(st, set_work,
		&(struct change){ .who = who, .name = name, .state = state, .weight = weight });
}

static int delete_work(struct store_txn *txn, void *arg)
{
	const struct change *c = arg;
	int err = store_run(txn, "DELETE FROM reflector WHERE name = $1",
		STORE_VALUES(DB_T(c->name)), NULL, NULL);

	if (err == 0 && store_changed(txn) == 0) {
		return ERR_NOT_FOUND;
	}
	return err != 0 ? err : finish(txn, c, "reflector.withdraw", json_object());
}

int store_reflector_delete(struct store *st, const struct store_actor *who, const char *name)
{
	return store_write(st, delete_work, &(struct change){ .who = who, .name = name });
}
