/*
 * db_pgsql: the driver of db.h for PostgreSQL: prepared statements, transactions under one lock for
 * all who write, notifications. Must never answer success for a COMMIT that the server did not
 * confirm.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/db_pgsql_conn.h"
#include "common/clock.h"

#define OID_INT8 20
#define OID_TEXT 25
#define STATEMENTS 512u /* a power of two; a program has fewer */
#define STATEMENTS_FULL (STATEMENTS / 4u * 3u)

/* A statement is the same when its text is at the same address. */
struct statement {
	const char *sql; /* NULL: free */
	unsigned generation; /* of the connection that knows it */
};

struct db_pgsql {
	struct db base; /* first */
	struct pgsql_conn conn;
	bool in_transaction; /* between begin and its end, also when the connection is lost */
	bool listening;
	unsigned listen_generation;
	size_t statement_count;
	struct statement statements[STATEMENTS];
};

/* What struct db_row is here. */
struct pgsql_row {
	const PGresult *res;
	int number;
};

static struct db_pgsql *pgsql_of(struct db *db)
{
	return (struct db_pgsql *)(void *)db;
}

/* ---- one statement ---- */

/* NULL when the table is full: then it is not prepared. */
static struct statement *statement_of(struct db_pgsql *p, const char *sql)
{
	size_t at = ((uintptr_t)sql * 0x9E3779B97F4A7C15u >> 32) & (STATEMENTS - 1);

	while (p->statements[at].sql != NULL && p->statements[at].sql != sql) {
		at = (at + 1) & (STATEMENTS - 1);
	}
	struct statement *st = &p->statements[at];
	if (st->sql == NULL) {
		if (p->statement_count >= STATEMENTS_FULL) {
			return NULL;
		}
		p->statement_count++;
		st->sql = sql;
	}
	return st;
}

struct parameters {
	Oid types[DB_PARAMS_MAX];
	const char *values[DB_PARAMS_MAX];
	char numbers[DB_PARAMS_MAX][24];
};

static void fill(struct parameters *to, const struct db_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (values[i].type == DB_INT) {
			(void)snprintf(to->numbers[i], sizeof(to->numbers[i]), "%" PRId64,
				values[i].integer);
			to->types[i] = OID_INT8;
			to->values[i] = to->numbers[i];
		} else {
			to->types[i] = OID_TEXT;
			to->values[i] = values[i].text;
		}
	}
}

static int prepare(struct db_pgsql *p, struct statement *st, const char *name, const Oid *types,
	size_t count)
{
	PGresult *res;
	PGconn *pg = p->conn.pg;

	if (st->generation == p->conn.generation) {
		return 0;
	}
	int err = pgsql_conn_result(&p->conn, PQsendPrepare(pg, name, st->sql, (int)count, types),
		PGSQL_STATEMENT_MS + PGSQL_SLACK_MS, &res);
	PQclear(res);
	if (err == 0) {
		st->generation = p->conn.generation;
	}
	return err;
}

static int execute(struct db_pgsql *p, const char *sql, const struct parameters *with, size_t count,
	PGresult **res)
{
	struct statement *st = statement_of(p, sql);
	char name[16];
	int sent;

	*res = NULL;
	if (st == NULL) {
		sent = PQsendQueryParams(p->conn.pg, sql, (int)count, with->types, with->values,
			NULL, NULL, 0);
	} else {
		(void)snprintf(name, sizeof(name), "s%u", (unsigned)(st - p->statements));
		int err = prepare(p, st, name, with->types, count);
		if (err != 0) {
			return err;
		}
		sent = PQsendQueryPrepared(
			p->conn.pg, name, (int)count, with->values, NULL, NULL, 0);
	}
	return pgsql_conn_result(&p->conn, sent, PGSQL_STATEMENT_MS + PGSQL_SLACK_MS, res);
}

/* A SELECT changes nothing, and says so: its tag counts the rows that it found. */
static int64_t changed_by(PGresult *res)
{
	return strncmp(PQcmdStatus(res), "SELECT", 6) == 0 ? 0
							   : strtoll(PQcmdTuples(res), NULL, 10);
}

/* In a transaction a connection that was lost stays lost: half of it would be missing. */
static int usable(struct db_pgsql *p)
{
	if (p->in_transaction) {
		return p->conn.pg != NULL ? 0 : ERR_STORE;
	}
	return pgsql_conn_ensure(&p->conn);
}

static int run(struct db *db, const char *sql, const struct db_value *values, size_t count,
	db_row_fn each, void *arg, int64_t *changed)
{
	struct db_pgsql *p = pgsql_of(db);
	struct parameters with;
	PGresult *res;

	if (changed != NULL) {
		*changed = 0;
	}
	if (count > DB_PARAMS_MAX) {
		return ERR_STORE;
	}
	int err = usable(p);
	if (err != 0) {
		return err;
	}
	fill(&with, values, count);
	err = execute(p, sql, &with, count, &res);
	if (err == 0 && changed != NULL) {
		*changed = changed_by(res);
	}
	for (int i = 0; err == 0 && each != NULL && i < PQntuples(res); i++) {
		struct pgsql_row row = { .res = res, .number = i };
		err = each((const struct db_row *)(const void *)&row, arg);
	}
	PQclear(res);
	return err;
}

static const char *row_text(const struct db_row *row, unsigned column)
{
	const struct pgsql_row *r = (const void *)row;

	if ((int)column >= PQnfields(r->res)) {
		return "";
	}
	return PQgetvalue(r->res, r->number, (int)column); /* "" for NULL */
}

static int64_t row_int(const struct db_row *row, unsigned column)
{
	const char *text = row_text(row, column);

	/* A comparison is an integer in SQLite. */
	return text[0] == 't' && text[1] == '\0' ? 1 : strtoll(text, NULL, 10);
}

/* ---- scripts ---- */

/*
 * SQLite compares text by its bytes; a PostgreSQL database by the rules of a language, unless it is
 * told otherwise: the order of lists, and what lies between two keys, would differ.
 */
static char *with_collation(const char *sql)
{
	static const char word[] = " TEXT", more[] = " COLLATE \"C\"";
	size_t count = 0;

	for (const char *at = sql; (at = strstr(at, word)) != NULL; at++) {
		count++;
	}
	char *out = malloc(strlen(sql) + count * (sizeof(more) - 1) + 1), *to = out;
	if (out == NULL) {
		return NULL;
	}
	for (const char *at; (at = strstr(sql, word)) != NULL;) {
		size_t len = (size_t)(at - sql) + sizeof(word) - 1;
		memcpy(to, sql, len);
		memcpy(to + len, more, sizeof(more) - 1);
		to += len + sizeof(more) - 1;
		sql += len;
	}
	strcpy(to, sql);
	return out;
}

static int script(struct db *db, const char *sql)
{
	struct db_pgsql *p = pgsql_of(db);

	int err = usable(p);
	if (err != 0) {
		return err;
	}
	char *text = with_collation(sql);
	if (text == NULL) {
		return ERR_STORE;
	}
	if (p->in_transaction) {
		/* A migration may have a large table to work on. */
		char limit[64];
		(void)snprintf(limit, sizeof(limit), "SET LOCAL statement_timeout = %d",
			PGSQL_SCRIPT_MS);
		err = pgsql_conn_exec(&p->conn, limit, PGSQL_STATEMENT_MS + PGSQL_SLACK_MS);
	}
	if (err == 0) {
		err = pgsql_conn_exec(&p->conn, text, PGSQL_SCRIPT_MS + PGSQL_SLACK_MS);
	}
	free(text);
	return err;
}

/* ---- transactions ---- */

static void rollback(struct db *db)
{
	struct db_pgsql *p = pgsql_of(db);

	p->in_transaction = false;
	if (p->conn.pg == NULL || PQtransactionStatus(p->conn.pg) == PQTRANS_IDLE) {
		return;
	}
	if (pgsql_conn_exec(&p->conn, "ROLLBACK", PGSQL_SLACK_MS) != 0) {
		pgsql_conn_drop(&p->conn);
	}
}

/* The lock's number is this program's own ("helio" in ASCII). It is given back with the end of the
 * transaction, behind its commit; each statement then sees what was committed before it. */
static int begin(struct db *db)
{
	struct db_pgsql *p = pgsql_of(db);

	if (p->in_transaction) {
		return ERR_STORE;
	}
	int err = pgsql_conn_ensure(&p->conn);
	if (err == 0) {
		err = pgsql_conn_exec(&p->conn,
			"BEGIN ISOLATION LEVEL READ COMMITTED;"
			"SELECT pg_advisory_xact_lock(448378202479)",
			PGSQL_STATEMENT_MS + PGSQL_SLACK_MS);
	}
	if (err == 0) {
		p->in_transaction = true;
	} else {
		rollback(db);
	}
	return err;
}

/* COMMIT of a transaction with an error in it is no failure to the server: it rolls back. */
static int commit(struct db *db)
{
	struct db_pgsql *p = pgsql_of(db);
	PGresult *res;

	if (!p->in_transaction || p->conn.pg == NULL) {
		return ERR_STORE;
	}
	int err = pgsql_conn_result(&p->conn, PQsendQuery(p->conn.pg, "COMMIT"),
		PGSQL_STATEMENT_MS + PGSQL_SLACK_MS, &res);
	if (err == 0 && strcmp(PQcmdStatus(res), "COMMIT") != 0) {
		err = ERR_STORE;
	}
	PQclear(res);
	if (err == 0) {
		p->in_transaction = false;
	}
	return err;
}

static int notify(struct db *db)
{
	return run(db, "NOTIFY helio", NULL, 0, NULL, NULL, NULL);
}

/* ---- waiting for notifications ---- */

static bool take_notifications(struct db_pgsql *p)
{
	bool any = false;
	PGnotify *note;

	while ((note = PQnotifies(p->conn.pg)) != NULL) {
		PQfreemem(note);
		any = true;
	}
	return any;
}

int db_pgsql_wait(struct db *db, int timeout_ms, bool *notified)
{
	struct db_pgsql *p = pgsql_of(db);

	*notified = false;
	int err = pgsql_conn_ensure(&p->conn);
	if (err != 0) {
		return err;
	}
	if (!p->listening || p->listen_generation != p->conn.generation) {
		err = pgsql_conn_exec(&p->conn, "LISTEN helio", PGSQL_STATEMENT_MS);
		if (err != 0) {
			return err;
		}
		p->listening = true;
		p->listen_generation = p->conn.generation;
		*notified = true; /* nobody knows what was missed before */
		return 0;
	}
	*notified = take_notifications(p);
	if (*notified) {
		return 0;
	}
	struct pollfd fd = { .fd = PQsocket(p->conn.pg), .events = POLLIN };
	if (poll(&fd, 1, timeout_ms) > 0) {
		if (PQconsumeInput(p->conn.pg) == 0) {
			pgsql_conn_drop(&p->conn);
			return ERR_STORE;
		}
		*notified = take_notifications(p);
	}
	return 0;
}

/* ---- opening and closing ---- */

static void close_db(struct db *db)
{
	struct db_pgsql *p = pgsql_of(db);

	pgsql_conn_finish(&p->conn);
	free(p);
}

static const struct db_ops ops = {
	.close = close_db,
	.run = run,
	.script = script,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.notify = notify,
	.row_int = row_int,
	.row_text = row_text,
};

int db_pgsql_open(struct db **out, const char *conninfo, char why[DB_WHY_SIZE])
{
	struct db_pgsql *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)snprintf(why, DB_WHY_SIZE, "out of memory");
		return ERR_STORE;
	}
	p->base.ops = &ops;
	int err = pgsql_conn_init(&p->conn, conninfo, why);
	if (err != 0) {
		free(p);
		return err;
	}
	*out = &p->base;
	return 0;
}
