/*
 * store_tokens: tokens from their making to their end. Whether one may be made, or used, is decided
 * by the statement that writes it down, never by a look before.
 */
#include "authd/store_tokens.h"

#include <stdio.h>
#include <string.h>

#include "authd/store_revocations.h"
#include "authd/store_txn.h"

#define PURGE_STEP 2000 /* rows in one change: others wait meanwhile */

#define COLUMNS                                                                                    \
	"jti, account, participant, room, source, source_id, issued_at, expires_at, revoked_at,"   \
	" consumed_at, consumed_by, asked"

/* What the works below get. */
struct token_call {
	const struct store_actor *who;
	const struct store_token *token;
	const char *jti, *by;
	int64_t now, *rev;
	const struct store_token_filter *filter;
	const struct store_page *page;
	struct store_token *out;
	store_token_fn each;
	void *arg;
	const struct store_txn *txn;
	size_t count;
	int64_t number;
};

static int take_number(const struct db_row *row, void *arg)
{
	struct token_call *c = arg;

	c->number = store_row_int(c->txn, row, 0);
	return 0;
}

static int take(const struct db_row *row, void *arg)
{
	struct token_call *c = arg;
	const struct store_txn *txn = c->txn;
	struct store_token t = { .issued_at = store_row_int(txn, row, 6),
		.expires_at = store_row_int(txn, row, 7),
		.revoked_at = store_row_int(txn, row, 8),
		.consumed_at = store_row_int(txn, row, 9) };

	store_row_text(txn, row, 0, t.jti, sizeof(t.jti));
	store_row_text(txn, row, 1, t.user, sizeof(t.user));
	store_row_text(txn, row, 2, t.participant, sizeof(t.participant));
	store_row_text(txn, row, 3, t.room, sizeof(t.room));
	store_row_text(txn, row, 4, t.source, sizeof(t.source));
	store_row_text(txn, row, 5, t.source_id, sizeof(t.source_id));
	store_row_text(txn, row, 10, t.consumed_by, sizeof(t.consumed_by));
	store_row_text(txn, row, 11, t.asked, sizeof(t.asked));
	c->count++;
	if (c->each != NULL) {
		return c->each(&t, c->arg);
	}
	*c->out = t;
	return 0;
}

/* ---- making one ---- */

/* Each finds its few rows by the index on kind and id. */
#define BAN "SELECT 1 FROM revocation WHERE ban = 1 AND until > $7 AND "
#define INSERT                                                                                     \
	"INSERT INTO token (jti, account, participant, room, source, source_id, issued_at,"        \
	" expires_at, asked, rev) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9,"                      \
	" (SELECT value FROM counter WHERE name = 'revocation')"                                   \
	" WHERE EXISTS (SELECT 1 FROM room WHERE name = $4"                                        \
	" AND (expires_at = 0 OR expires_at > $7))"                                                \
	" AND NOT EXISTS (" BAN "kind = 'user' AND id = $2 AND room IN ('', $4))"                  \
	" AND NOT EXISTS (" BAN "kind = 'room' AND id = $4)"                                       \
	" AND NOT EXISTS (" BAN "kind = $5 AND id = $6 AND room IN ('', $4)) AND "
#define ONCE " ON CONFLICT (jti) DO NOTHING RETURNING rev"

static const struct source {
	const char *name, *insert;
} sources[] = {
	{ "user", INSERT "EXISTS (SELECT 1 FROM account WHERE name = $2 AND disabled = 0)" ONCE },
	{ "apikey",
		INSERT
		"EXISTS (SELECT 1 FROM api_key WHERE id = $6 AND revoked_at = 0"
		" AND (expires_at = 0 OR expires_at > $7))"
		" AND NOT EXISTS (SELECT 1 FROM account WHERE name = $2 AND disabled = 1)" ONCE },
	{ "invite",
		INSERT "EXISTS (SELECT 1 FROM invite WHERE id = $6 AND room = $4"
		       " AND revoked_at = 0 AND expires_at > $7"
		       " AND (uses_max = 0 OR uses < uses_max))" ONCE },
};

static const struct source *source_of(const char *name)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (strcmp(sources[i].name, name) == 0) {
			return &sources[i];
		}
	}
	return NULL;
}

static int why_not(struct store_txn *txn, struct token_call *c)
{
	c->number = 0;
	int err = store_run(txn, "SELECT 1 FROM token WHERE jti = $1",
		STORE_VALUES(DB_T(c->token->jti)), take_number, c);

	return err != 0 ? err : c->number != 0 ? ERR_EXISTS : ERR_DENIED;
}

static int record_issue(struct store_txn *txn, const struct token_call *c)
{
	const struct store_token *t = c->token;
	json_t *detail = json_pack("{s:s,s:s,s:s,s:s,s:I}", "room", t->room, "participant",
		t->participant, "source", t->source, "source_id", t->source_id, "expires_at",
		(json_int_t)t->expires_at);

	if (detail == NULL) {
		return ERR_NOMEM;
	}
	int err = store_audit(txn, c->who, "token.issue", t->jti, detail);
	json_decref(detail);
	return err;
}

static int add(struct store_txn *txn, void *arg)
{
	struct token_call *c = arg;
	const struct store_token *t = c->token;
	const struct source *source = source_of(t->source);

	c->txn = txn;
	if (source == NULL) {
		return ERR_DENIED;
	}
	int err = store_run(txn, source->insert,
		STORE_VALUES(DB_T(t->jti), DB_T(t->user), DB_T(t->participant), DB_T(t->room),
			DB_T(t->source), DB_T(t->source_id), DB_I(t->issued_at),
			DB_I(t->expires_at), DB_T(t->asked)),
		take_number, c);
	if (err == 0 && store_changed(txn) == 0) {
		return why_not(txn, c);
	}
	*c->rev = c->number;
	if (err == 0 && strcmp(t->source, "invite") == 0) {
		err = store_run(txn, "UPDATE invite SET uses = uses + 1 WHERE id = $1",
			STORE_VALUES(DB_T(t->source_id)), NULL, NULL);
	}
	return err != 0 ? err : record_issue(txn, c);
}

int store_token_add(struct store *st, const struct store_actor *who,
	const struct store_token *token, int64_t *rev)
{
	struct token_call c = { .who = who, .token = token, .rev = rev };

	return store_write(st, add, &c);
}

/* ---- looking ---- */

static int list(struct store_txn *txn, void *arg)
{
	struct token_call *c = arg;
	const struct store_token_filter *f = c->filter;

	c->txn = txn;
	return store_run(txn,
		"SELECT " COLUMNS " FROM token WHERE jti > $1 AND ($2 = '' OR room = $2)"
		" AND ($3 = '' OR account = $3) AND ($4 = '' OR source_id = $4)"
		" AND ($5 = 1 OR (revoked_at = 0 AND expires_at > $6)) ORDER BY jti LIMIT $7",
		STORE_VALUES(DB_T(c->page->after), DB_T(f->room != NULL ? f->room : ""),
			DB_T(f->user != NULL ? f->user : ""),
			DB_T(f->source_id != NULL ? f->source_id : ""), DB_I(f->all), DB_I(f->now),
			DB_I(c->page->limit)),
		take, c);
}

int store_token_list(struct store *st, const struct store_token_filter *filter,
	const struct store_page *page, store_token_fn each, void *arg)
{
	struct token_call c = { .filter = filter, .page = page, .each = each, .arg = arg };

	return store_read(st, list, &c);
}

static int find(struct store_txn *txn, struct token_call *c)
{
	c->txn = txn;
	c->count = 0;
	int err = store_run(txn, "SELECT " COLUMNS " FROM token WHERE jti = $1",
		STORE_VALUES(DB_T(c->jti)), take, c);

	return err == 0 && c->count == 0 ? ERR_NOT_FOUND : err;
}

static int get(struct store_txn *txn, void *arg)
{
	return find(txn, arg);
}

int store_token_get(struct store *st, const char *jti, struct store_token *out)
{
	struct token_call c = { .jti = jti, .out = out };

	return store_read(st, get, &c);
}

/* ---- using one up ---- */

static int why_not_consumed(const struct store_token *t, int64_t now)
{
	if (t->revoked_at != 0) {
		return ERR_TOKEN_REVOKED;
	}
	return t->expires_at <= now ? ERR_TOKEN_EXPIRED : ERR_TOKEN_USED;
}

static int consume(struct store_txn *txn, void *arg)
{
	struct token_call *c = arg;
	struct store_token row;

	int err = store_run(txn,
		"UPDATE token SET consumed_at = $2, consumed_by = $3"
		" WHERE jti = $1 AND consumed_at = 0 AND revoked_at = 0 AND expires_at > $2",
		STORE_VALUES(DB_T(c->jti), DB_I(c->now), DB_T(c->by)), NULL, NULL);
	if (err != 0) {
		return err;
	}
	if (store_changed(txn) == 0) {
		c->out = &row;
		err = find(txn, c);
		return err != 0 ? err : why_not_consumed(&row, c->now);
	}
	json_t *detail = json_pack("{s:s}", "by", c->by);
	err = detail != NULL ? store_audit(txn, c->who, "token.consume", c->jti, detail)
			     : ERR_NOMEM;
	json_decref(detail);
	return err;
}

int store_token_consume(struct store *st, const struct store_actor *who, const char *jti,
	const char *by, int64_t now)
{
	struct token_call c = { .who = who, .jti = jti, .by = by, .now = now };

	return store_write(st, consume, &c);
}

/* ---- revoking one ---- */

/* A token that is revoked because of its user or room has an entry that may end, or be lifted,
 * before the token does. */
static int revoked_for_itself(struct store_txn *txn, struct token_call *c)
{
	c->number = 0;
	return c->out->revoked_at == 0
		? 0
		: store_run(txn,
			  "SELECT 1 FROM revocation WHERE kind = 'token' AND id = $1 AND until > $2",
			  STORE_VALUES(DB_T(c->out->jti), DB_I(c->now)), take_number, c);
}

static int revoke(struct store_txn *txn, void *arg)
{
	struct token_call *c = arg;
	struct store_revocation entry = { .kind = "token" };
	char above[LIMIT_JTI + 2];
	size_t revoked = 0;

	c->txn = txn;
	c->count = 0;
	/* base64url has no character above 'z', so this range holds all that begin so */
	snprintf(above, sizeof(above), "%s~", c->jti);
	int err = store_run(txn,
		"SELECT " COLUMNS " FROM token WHERE jti >= $1 AND jti < $2 AND expires_at > $3"
		" ORDER BY jti LIMIT 2",
		STORE_VALUES(DB_T(c->jti), DB_T(above), DB_I(c->now)), take, c);
	if (err == 0 && c->count != 1) {
		err = c->count == 0 ? ERR_NOT_FOUND : ERR_EXISTS;
	}
	if (err == 0) {
		err = revoked_for_itself(txn, c);
	}
	if (err != 0 || c->number != 0) {
		return err;
	}
	memcpy(entry.id, c->out->jti, sizeof(c->out->jti));
	err = store_revocation_put(txn, c->who, &entry, c->now, &revoked);
	c->out->revoked_at = c->now;
	return err != 0 ? err : store_audit(txn, c->who, "token.revoke", c->out->jti, NULL);
}

int store_token_revoke(struct store *st, const struct store_actor *who, const char *prefix,
	int64_t now, struct store_token *out)
{
	struct token_call c = { .who = who, .jti = prefix, .now = now, .out = out };

	return strlen(prefix) > LIMIT_JTI ? ERR_NOT_FOUND : store_write(st, revoke, &c);
}

/* ---- forgetting ---- */

/* One step; number: how many tokens went. */
static int purge(struct store_txn *txn, void *arg)
{
	static const struct store_actor authd = { .name = "authd" };
	struct token_call *c = arg;
	int err = store_run(txn,
		"DELETE FROM token WHERE jti IN"
		" (SELECT jti FROM token WHERE expires_at < $1 LIMIT $2)",
		STORE_VALUES(DB_I(c->now), DB_I(PURGE_STEP)), NULL, NULL);

	c->number = store_changed(txn);
	if (err == 0) {
		err = store_run(txn, "DELETE FROM revocation WHERE until < $1",
			STORE_VALUES(DB_I(c->now)), NULL, NULL);
	}
	if (err != 0 || c->number == 0) {
		return err;
	}
	json_t *detail = json_pack("{s:I}", "count", (json_int_t)c->number);
	err = detail != NULL ? store_audit(txn, &authd, "token.purge", "", detail) : ERR_NOMEM;
	json_decref(detail);
	return err;
}

int store_purge(struct store *st, int64_t before, size_t *gone)
{
	struct token_call c = { .now = before };
	int err;

	*gone = 0;
	do {
		err = store_write(st, purge, &c);
		*gone += err == 0 ? (size_t)c.number : 0;
	} while (err == 0 && c.number == PURGE_STEP);
	return err;
}
