/*
 * store_audit: reads the record of every change, and walks its chain of hashes. Must never call a
 * chain good that it has not walked to the end that the database keeps.
 */
#include "authd/store_audit.h"

#include <stdio.h>
#include <string.h>

#include "authd/store_chain.h"
#include "authd/store_txn.h"

#define PAGE 500u
#define COLUMNS "seq, at, actor, address, action, object, detail, hash"

/* What the works below get. */
struct audit_call {
	const struct store_audit_filter *filter;
	int64_t after;
	unsigned limit;
	store_audit_fn each;
	void *arg;
	const struct store_txn *txn;
	struct store_chain *head;
};

static int take(const struct db_row *row, void *arg)
{
	struct audit_call *c = arg;
	const struct store_txn *txn = c->txn;
	struct store_audit_record r = { .seq = store_row_int(txn, row, 0),
		.at = store_row_int(txn, row, 1) };

	store_row_text(txn, row, 2, r.actor, sizeof(r.actor));
	store_row_text(txn, row, 3, r.address, sizeof(r.address));
	store_row_text(txn, row, 4, r.action, sizeof(r.action));
	store_row_text(txn, row, 5, r.object, sizeof(r.object));
	store_row_text(txn, row, 6, r.detail, sizeof(r.detail));
	store_row_text(txn, row, 7, r.hash, sizeof(r.hash));
	return c->each(&r, c->arg);
}

/* ---- the list ---- */

/* $2 actor, $3 object, $4 the action itself, $5 and $6 what those below it lie between. */
#define MATCH                                                                                      \
	" FROM audit WHERE seq > $1 AND ($2 = '' OR actor = $2) AND ($3 = '' OR object = $3)"      \
	" AND ($4 = '' OR action = $4 OR (action >= $5 AND action < $6)) AND at >= $7"

static int list(struct store_txn *txn, void *arg)
{
	struct audit_call *c = arg;
	const struct store_audit_filter *f = c->filter;
	const char *action = f->action != NULL ? f->action : "";
	char from[64], to[64];

	c->txn = txn;
	snprintf(from, sizeof(from), "%.48s.", action);
	snprintf(to, sizeof(to), "%.48s/", action); /* '/' comes right behind '.' */
	const struct db_value values[] = { DB_I(c->after < 0 ? 0 : c->after),
		DB_T(f->actor != NULL ? f->actor : ""), DB_T(f->object != NULL ? f->object : ""),
		DB_T(action), DB_T(from), DB_T(to), DB_I(f->since), DB_I(c->limit) };
	const size_t count = sizeof(values) / sizeof(values[0]);
	if (c->after < 0) {
		return store_run(txn,
			"SELECT " COLUMNS " FROM (SELECT " COLUMNS MATCH
			" ORDER BY seq DESC LIMIT $8) AS last ORDER BY seq",
			values, count, take, c);
	}
	return store_run(
		txn, "SELECT " COLUMNS MATCH " ORDER BY seq LIMIT $8", values, count, take, c);
}

int store_audit_list(struct store *st, const struct store_audit_filter *filter, int64_t after,
	unsigned limit, store_audit_fn each, void *arg)
{
	struct audit_call c = {
		.filter = filter, .after = after, .limit = limit, .each = each, .arg = arg
	};

	return store_read(st, list, &c);
}

/* ---- the end ---- */

static int read_head(struct store_txn *txn, void *arg)
{
	return store_chain_load(txn, arg);
}

int store_audit_head(struct store *st, int64_t *seq, char hash[STORE_AUDIT_HASH + 1])
{
	struct store_chain head;
	int err = store_read(st, read_head, &head);

	*seq = head.seq;
	memcpy(hash, head.hash, sizeof(head.hash));
	return err;
}

/* ---- verifying ---- */

struct walk {
	struct store_audit_verdict *verdict;
	const struct store_chain *head;
	int64_t expected; /* number of the next record */
	unsigned count; /* of this page */
};

static int bad(struct walk *walk, int64_t seq, const char *why)
{
	walk->verdict->bad_seq = seq;
	snprintf(walk->verdict->why, sizeof(walk->verdict->why), "%s", why);
	return ERR_INVALID;
}

/* Not 0 ends the walk. */
static int step(const struct store_audit_record *row, void *arg)
{
	struct walk *walk = arg;
	char hash[STORE_AUDIT_HASH + 1];

	if (row->seq > walk->head->seq) {
		return ERR_STATE; /* made since the end was looked up */
	}
	if (row->seq != walk->expected) {
		return bad(walk, walk->expected, "this record is missing: somebody removed it");
	}
	int err = store_chain_hash(walk->verdict->head, row, hash);
	if (err != 0) {
		return err;
	}
	if (strcmp(hash, row->hash) != 0) {
		return bad(walk, row->seq,
			"its hash does not fit: it or the one before was changed or put in");
	}
	memcpy(walk->verdict->head, hash, sizeof(hash));
	walk->verdict->records++;
	walk->expected++;
	walk->count++;
	return 0;
}

/* Everything up to the end is there: is it the end that was kept? */
static int check_end(struct walk *walk)
{
	const struct store_chain *head = walk->head;

	if (walk->expected <= head->seq) {
		return bad(walk, walk->expected,
			"this record is missing: somebody removed the end of the record");
	}
	if (head->broken) {
		return bad(walk, head->seq,
			"what the database keeps of the end does not fit: somebody changed it");
	}
	if (head->seq > 0 && strcmp(head->hash, walk->verdict->head) != 0) {
		return bad(walk, head->seq,
			"it is not the one that was written: somebody made the chain anew");
	}
	return 0;
}

int store_audit_verify(struct store *st, struct store_audit_verdict *verdict)
{
	static const struct store_audit_filter all = { .since = INT64_MIN };
	struct store_chain head;
	struct walk walk = { .verdict = verdict, .head = &head, .expected = 1 };

	memset(verdict, 0, sizeof(*verdict));
	int err = store_read(st, read_head, &head);
	do {
		walk.count = 0;
		if (err == 0) {
			err = store_audit_list(st, &all, walk.expected - 1, PAGE, step, &walk);
		}
	} while (err == 0 && walk.count == PAGE);
	if (err == 0 || err == ERR_STATE) {
		err = check_end(&walk);
	}
	return err == ERR_INVALID ? 0 : err;
}

/* ---- a record of its own ---- */

struct note {
	const struct store_actor *who;
	const char *action, *object;
	const json_t *detail;
};

static int put_note(struct store_txn *txn, void *arg)
{
	const struct note *note = arg;

	return store_audit(txn, note->who, note->action, note->object, note->detail);
}

int store_audit_note(struct store *st, const struct store_actor *who, const char *action,
	const char *object, const json_t *detail)
{
	struct note note = { .who = who, .action = action, .object = object, .detail = detail };

	return store_write(st, put_note, &note);
}
