/*
 * db_pgsql_conn: a connection to a PostgreSQL server on which nothing waits without a deadline:
 * libpq in its non-blocking form. db_pgsql.c puts the driver of db.h on top of it.
 */
#ifndef AUTHD_DB_PGSQL_CONN_H
#define AUTHD_DB_PGSQL_CONN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "authd/db.h"

#define PGSQL_CONNECT_MS 5000
/* The server ends a statement after PGSQL_STATEMENT_MS; who hears nothing PGSQL_SLACK_MS later has
 * lost the server. */
#define PGSQL_STATEMENT_MS 10000
#define PGSQL_SCRIPT_MS 300000
#define PGSQL_SLACK_MS 3000

struct pgsql_conn {
	PGconn *pg; /* NULL: away */
	PQconninfoOption *options; /* what conninfo says, taken apart */
	unsigned generation; /* grows with each that was made: prepared statements are gone */
	uint64_t retry_at_ms; /* a server that was away is not asked again before */
	int64_t logged_at_s;
	unsigned suppressed;
};

/* Connects for the first time. ERR_STORE with why, in three parts and without the password. */
int pgsql_conn_init(
	struct pgsql_conn *conn, const char *conninfo, char why[DB_WHY_SIZE]) MUST_CHECK;
void pgsql_conn_finish(struct pgsql_conn *conn);

/* Makes the connection anew when it is away, or was closed by the server while nobody used it. */
int pgsql_conn_ensure(struct pgsql_conn *conn) MUST_CHECK;
/* Ends it; the next pgsql_conn_ensure() makes another. */
void pgsql_conn_drop(struct pgsql_conn *conn);

/*
 * Waits for what was sent with one of PQsend...(); sent is its result. *out is the last result
 * (PQclear() it), or the first that failed; NULL when the server did not answer in time or is gone:
 * then the connection was dropped. Failures are logged.
 */
int pgsql_conn_result(struct pgsql_conn *conn, int sent, int timeout_ms, PGresult **out) MUST_CHECK;
/* A command without values, or several. */
int pgsql_conn_exec(struct pgsql_conn *conn, const char *sql, int timeout_ms) MUST_CHECK;

#endif
