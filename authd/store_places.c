/*
 * store_places: where rooms live, and the settings that are kept in the database: the default
 * policies.
 */
#include <stdio.h>
#include <string.h>

#include "authd/store_rooms.h"
#include "authd/store_txn.h"

/* alternates: "name:port,name:port". */
bool store_room_is_at(const struct store_room *room, const char *reflector)
{
	size_t len = strlen(reflector);

	if (strcmp(room->reflector, reflector) == 0) {
		return true;
	}
	for (const char *at = room->alternates; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, reflector, len) == 0 && at[len] == ':') {
			return true;
		}
	}
	return false;
}

/* What the works below get. */
struct place_call {
	const char *room, *alternates;
	const struct store_place *from, *to;
	int64_t now;
	store_place_fn each;
	void *arg;
	const struct store_actor *who;
	const char *name;
	const struct store_setting *settings;
	size_t count;
	char *out;
	const struct store_txn *txn;
	int64_t number;
};

/* ---- places ---- */

static int move(struct store_txn *txn, const struct place_call *c)
{
	if (c->from->reflector[0] == '\0') {
		return store_run(txn,
			"INSERT INTO placement (room, reflector, port, alternates, placed_at)"
			" SELECT $1, $2, $3, $4, $5 WHERE EXISTS (SELECT 1 FROM room WHERE name = $1)"
			" ON CONFLICT (room) DO NOTHING",
			STORE_VALUES(DB_T(c->room), DB_T(c->to->reflector), DB_I(c->to->port),
				DB_T(c->alternates), DB_I(c->now)),
			NULL, NULL);
	}
	return store_run(txn,
		"UPDATE placement SET reflector = $2, port = $3, alternates = $4, placed_at = $5"
		" WHERE room = $1 AND reflector = $6 AND port = $7",
		STORE_VALUES(DB_T(c->room), DB_T(c->to->reflector), DB_I(c->to->port),
			DB_T(c->alternates), DB_I(c->now), DB_T(c->from->reflector),
			DB_I(c->from->port)),
		NULL, NULL);
}

static int set_place(struct store_txn *txn, void *arg)
{
	static const struct store_actor authd = { .name = "authd" };
	const struct place_call *c = arg;
	int err = move(txn, c);

	if (err == 0 && store_changed(txn) == 0) {
		return ERR_STATE;
	}
	if (err != 0) {
		return err;
	}
	json_t *detail = json_pack("{s:s,s:i,s:s,s:i,s:s}", "reflector", c->to->reflector, "port",
		(int)c->to->port, "from", c->from->reflector, "from_port", (int)c->from->port,
		"alternates", c->alternates);
	err = detail != NULL ? store_audit(txn, &authd, "room.place", c->room, detail) : ERR_NOMEM;
	json_decref(detail);
	return err;
}

int store_place_set(struct store *st, const char *room, const struct store_place *from,
	const struct store_place *to, const char *alternates, int64_t now)
{
	struct place_call c = {
		.room = room, .from = from, .to = to, .alternates = alternates, .now = now
	};

	return store_write(st, set_place, &c);
}

static int take_place(const struct db_row *row, void *arg)
{
	struct place_call *c = arg;
	struct store_place p = { .port = (uint16_t)store_row_int(c->txn, row, 1),
		.rooms = (size_t)store_row_int(c->txn, row, 2) };

	store_row_text(c->txn, row, 0, p.reflector, sizeof(p.reflector));
	return c->each(&p, c->arg);
}

static int counts(struct store_txn *txn, void *arg)
{
	struct place_call *c = arg;

	c->txn = txn;
	return store_run(txn,
		"SELECT reflector, port, count(*) FROM placement GROUP BY reflector, port", NULL, 0,
		take_place, c);
}

int store_place_counts(struct store *st, store_place_fn each, void *arg)
{
	struct place_call c = { .each = each, .arg = arg };

	return store_read(st, counts, &c);
}

/* ---- settings ---- */

static bool is_policy(const char *name)
{
	return strcmp(name, "grants") == 0 || strcmp(name, "room") == 0;
}

static int take_value(const struct db_row *row, void *arg)
{
	struct place_call *c = arg;

	store_row_text(c->txn, row, 0, c->out, STORE_JSON_MAX + 1);
	return 0;
}

static int get(struct store_txn *txn, void *arg)
{
	struct place_call *c = arg;

	c->txn = txn;
	return store_run(txn, "SELECT value FROM setting WHERE name = $1",
		STORE_VALUES(DB_T(c->name)), take_value, c);
}

int store_setting_get(struct store *st, const char *name, char value[STORE_JSON_MAX + 1])
{
	struct place_call c = { .name = name, .out = value };

	memcpy(value, "{}", 3);
	return is_policy(name) ? store_read(st, get, &c) : ERR_INVALID;
}

static int take_number(const struct db_row *row, void *arg)
{
	struct place_call *c = arg;

	c->number = store_row_int(c->txn, row, 0);
	return 0;
}

/* The default is part of every room's policy: all have to be told anew, each with a number of its
 * own. */
static int touch_rooms(struct store_txn *txn, struct place_call *c)
{
	c->txn = txn;
	c->number = 0;
	int err = store_run(txn,
		"UPDATE counter SET value = value + (SELECT count(*) FROM room)"
		" WHERE name = 'policy' RETURNING value - (SELECT count(*) FROM room)",
		NULL, 0, take_number, c);

	if (err == 0) {
		err = store_run(txn,
			"UPDATE room SET policy_rev = n.rev FROM (SELECT name AS which,"
			" $1 + row_number() OVER (ORDER BY name) AS rev FROM room) n"
			" WHERE room.name = n.which",
			STORE_VALUES(DB_I(c->number)), NULL, NULL);
	}
	store_wake(txn);
	return err;
}

static const char *value_of(const struct store_setting *setting)
{
	return setting->value[0] != '\0' ? setting->value : "{}";
}

static int set_one(struct store_txn *txn, struct place_call *c, const struct store_setting *setting)
{
	int err = store_run(txn,
		"INSERT INTO setting (name, value) VALUES ($1, $2)"
		" ON CONFLICT (name) DO UPDATE SET value = $2",
		STORE_VALUES(DB_T(setting->name), DB_T(value_of(setting))), NULL, NULL);

	return err == 0 && strcmp(setting->name, "room") == 0 ? touch_rooms(txn, c) : err;
}

/* The object names them all ("grants room"), the detail has the values. */
static int record_settings(struct store_txn *txn, const struct place_call *c)
{
	json_t *detail = json_object();
	char object[64] = "";
	int err = detail != NULL ? 0 : ERR_NOMEM;

	for (size_t i = 0; err == 0 && i < c->count; i++) {
		const struct store_setting *setting = &c->settings[i];
		size_t len = strlen(object);
		snprintf(object + len, sizeof(object) - len, "%s%s", len > 0 ? " " : "",
			setting->name);
		if (json_object_set_new(
			    detail, setting->name, store_audit_json(value_of(setting))) != 0) {
			err = ERR_NOMEM;
		}
	}
	if (err == 0) {
		err = store_audit(txn, c->who, "policy.set", object, detail);
	}
	json_decref(detail);
	return err;
}

static int set(struct store_txn *txn, void *arg)
{
	struct place_call *c = arg;
	int err = 0;

	for (size_t i = 0; err == 0 && i < c->count; i++) {
		err = set_one(txn, c, &c->settings[i]);
	}
	return err != 0 ? err : record_settings(txn, c);
}

int store_setting_set(struct store *st, const struct store_actor *who,
	const struct store_setting *settings, size_t count)
{
	struct place_call c = { .who = who, .settings = settings, .count = count };

	for (size_t i = 0; i < count; i++) {
		if (!is_policy(settings[i].name)) {
			return ERR_INVALID;
		}
	}
	return count > 0 ? store_write(st, set, &c) : 0;
}
