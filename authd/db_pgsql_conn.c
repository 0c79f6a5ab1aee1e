/*
 * db_pgsql_conn: makes the connection, sets up the session, and waits for answers. Must never wait
 * without a deadline, and never show a conninfo: it may hold a password.
 */
#include "authd/db_pgsql_conn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"

#define RETRY_MS 1000u
#define OPTIONS_MAX 64u

/* libpq's and the server's texts end with a line feed and may have several lines. */
static void one_line(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '\n') {
		text[--len] = '\0';
	}
	for (char *p = text; *p != '\0'; p++) {
		if (*p == '\n' || *p == '\t') {
			*p = ' ';
		}
	}
}

/* At most once a second: a server that is away fails every request. */
static void log_failure(struct pgsql_conn *conn, const char *why, const char *code)
{
	int64_t now = clock_now_s();
	char text[DB_WHY_SIZE];

	if (conn->logged_at_s == now) {
		conn->suppressed++;
		return;
	}
	(void)snprintf(text, sizeof(text), "%s", why);
	one_line(text);
	log_event(LOG_LEVEL_ERROR, "store-failed", LOG_STR("why", text), LOG_STR("sqlstate", code),
		LOG_INT("suppressed", conn->suppressed));
	conn->logged_at_s = now;
	conn->suppressed = 0;
}

static void ignore_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

/* Waits until the socket is ready or the deadline has come: 1, or 0. */
static int wait_socket(const struct pgsql_conn *conn, short events, uint64_t deadline_ms)
{
	struct pollfd fd = { .fd = PQsocket(conn->pg), .events = events };

	for (;;) {
		uint64_t now = clock_now_ms();
		int n = now < deadline_ms ? poll(&fd, 1, (int)(deadline_ms - now)) : 0;
		if (n >= 0 || errno != EINTR) {
			return n > 0;
		}
	}
}

void pgsql_conn_drop(struct pgsql_conn *conn)
{
	PQfinish(conn->pg);
	conn->pg = NULL;
}

/* ---- answers ---- */

/* The next result, NULL at their end; *lost when there is no server any more. */
static PGresult *next_result(struct pgsql_conn *conn, uint64_t deadline_ms, const char **lost)
{
	for (;;) {
		int left = PQflush(conn->pg);
		if (left < 0) {
			*lost = PQerrorMessage(conn->pg);
			return NULL;
		}
		if (left == 0 && PQisBusy(conn->pg) == 0) {
			return PQgetResult(conn->pg);
		}
		if (!wait_socket(conn, left > 0 ? POLLIN | POLLOUT : POLLIN, deadline_ms)) {
			*lost = "the server did not answer in time";
			return NULL;
		}
		if (PQconsumeInput(conn->pg) == 0) {
			*lost = PQerrorMessage(conn->pg);
			return NULL;
		}
	}
}

static bool is_good(const PGresult *res)
{
	ExecStatusType status = PQresultStatus(res);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
		status == PGRES_EMPTY_QUERY;
}

int pgsql_conn_result(struct pgsql_conn *conn, int sent, int timeout_ms, PGresult **out)
{
	uint64_t deadline_ms = clock_now_ms() + (uint64_t)timeout_ms;
	const char *lost = sent == 1 ? NULL : PQerrorMessage(conn->pg);
	PGresult *kept = NULL;

	*out = NULL;
	while (lost == NULL) {
		PGresult *res = next_result(conn, deadline_ms, &lost);
		if (res == NULL) {
			break;
		}
		if (kept != NULL && !is_good(kept)) {
			PQclear(res);
			continue;
		}
		PQclear(kept);
		kept = res;
	}
	if (lost == NULL && PQstatus(conn->pg) == CONNECTION_OK) {
		*out = kept;
		if (kept != NULL && is_good(kept)) {
			return 0;
		}
		const char *why = PQresultErrorField(kept, PG_DIAG_MESSAGE_PRIMARY);
		log_failure(conn, why != NULL ? why : PQerrorMessage(conn->pg),
			PQresultErrorField(kept, PG_DIAG_SQLSTATE));
		return ERR_STORE;
	}
	log_failure(conn, lost != NULL ? lost : PQerrorMessage(conn->pg), "");
	PQclear(kept);
	pgsql_conn_drop(conn);
	return ERR_STORE;
}

int pgsql_conn_exec(struct pgsql_conn *conn, const char *sql, int timeout_ms)
{
	PGresult *res;
	int err = pgsql_conn_result(conn, PQsendQuery(conn->pg, sql), timeout_ms, &res);

	PQclear(res);
	return err;
}

/* ---- connecting ---- */

/* What conninfo leaves open; it may say otherwise. Keys and values in turn. */
static const char *const defaults[][2] = {
	{ "fallback_application_name", "helio-authd" },
	{ "gssencmode", "disable" },
	{ "target_session_attrs", "read-write" },
	{ "keepalives_idle", "10" },
	{ "keepalives_interval", "3" },
	{ "keepalives_count", "3" },
	{ "tcp_user_timeout", "15000" },
};

static PGconn *start(const struct pgsql_conn *conn)
{
	const char *keys[OPTIONS_MAX + 1], *values[OPTIONS_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		keys[n] = defaults[i][0];
		values[n++] = defaults[i][1];
	}
	/* A later value takes the place of an earlier one. */
	for (const PQconninfoOption *o = conn->options; o->keyword != NULL; o++) {
		if (o->val != NULL && n < OPTIONS_MAX - 1) {
			keys[n] = o->keyword;
			values[n++] = o->val;
		}
	}
	keys[n] = "client_encoding";
	values[n++] = "UTF8";
	keys[n] = values[n] = NULL;
	return PQconnectStartParams(keys, values, 0);
}

static int connect_until(struct pgsql_conn *conn, uint64_t deadline_ms, char why[DB_WHY_SIZE])
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	while (PQstatus(conn->pg) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
		state != PGRES_POLLING_FAILED) {
		if (!wait_socket(conn, state == PGRES_POLLING_READING ? POLLIN : POLLOUT,
			    deadline_ms)) {
			(void)snprintf(why, DB_WHY_SIZE,
				"the PostgreSQL server did not answer within %d s",
				PGSQL_CONNECT_MS / 1000);
			return ERR_STORE;
		}
		state = PQconnectPoll(conn->pg);
	}
	if (PQstatus(conn->pg) != CONNECTION_OK) {
		(void)snprintf(why, DB_WHY_SIZE, "%s", PQerrorMessage(conn->pg));
		one_line(why);
		return ERR_STORE;
	}
	return 0;
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

/* Durable at COMMIT, and no wait of this session without an end: neither ours nor, when this
 * process stops in the middle of a transaction, that of the others for our lock. */
static const char session[] =
	"SELECT set_config('synchronous_commit', 'on', false) WHERE"
	" current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');"
	"SET statement_timeout = " TEXT(PGSQL_STATEMENT_MS) ";"
	"SET lock_timeout = " TEXT(PGSQL_STATEMENT_MS) ";"
	"SET idle_in_transaction_session_timeout = " TEXT(PGSQL_STATEMENT_MS) ";"
	"SET default_transaction_isolation = 'read committed';"
	"SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 3;"
	"SET tcp_keepalives_count = 3; SET standard_conforming_strings = on;"
	"SELECT current_setting('fsync'), current_setting('server_encoding'),"
	" current_setting('server_version_num')::int >= 120000";

static int set_up(struct pgsql_conn *conn, char why[DB_WHY_SIZE])
{
	PGresult *res;
	int err = pgsql_conn_result(conn, PQsendQuery(conn->pg, session), PGSQL_CONNECT_MS, &res);

	if (err != 0 || PQntuples(res) != 1 || PQnfields(res) != 3) {
		(void)snprintf(why, DB_WHY_SIZE, "the PostgreSQL session could not be set up: %s",
			res != NULL ? PQresultErrorMessage(res) : "the connection was lost");
		one_line(why);
		err = ERR_STORE;
	} else if (strcmp(PQgetvalue(res, 0, 1), "UTF8") != 0) {
		(void)snprintf(why, DB_WHY_SIZE,
			"the PostgreSQL database has the encoding %s, not UTF8: make another with"
			" createdb --encoding UTF8 --template template0",
			PQgetvalue(res, 0, 1));
		err = ERR_STORE;
	} else if (strcmp(PQgetvalue(res, 0, 2), "t") != 0) {
		(void)snprintf(why, DB_WHY_SIZE,
			"the PostgreSQL server is older than version 12: use a newer one");
		err = ERR_STORE;
	} else if (strcmp(PQgetvalue(res, 0, 0), "on") != 0) {
		log_event(LOG_LEVEL_WARN, "database-unsafe", LOG_STR("why",
			"fsync is off in the PostgreSQL server: a power failure loses or breaks"
			" what authd has stored; switch it on in postgresql.conf"));
	}
	PQclear(res);
	return err;
}

static int connect_now(struct pgsql_conn *conn, char why[DB_WHY_SIZE])
{
	conn->pg = start(conn);
	if (conn->pg == NULL) {
		(void)snprintf(why, DB_WHY_SIZE, "out of memory");
		return ERR_STORE;
	}
	PQsetNoticeReceiver(conn->pg, ignore_notice, NULL);
	int err = connect_until(conn, clock_now_ms() + PGSQL_CONNECT_MS, why);
	if (err == 0 && PQsetnonblocking(conn->pg, 1) != 0) {
		(void)snprintf(why, DB_WHY_SIZE, "%s", PQerrorMessage(conn->pg));
		err = ERR_STORE;
	}
	if (err == 0) {
		err = set_up(conn, why);
	}
	if (err != 0) {
		pgsql_conn_drop(conn);
		conn->retry_at_ms = clock_now_ms() + RETRY_MS;
		return err;
	}
	conn->generation++;
	return 0;
}

/* Between statements a server says little but that it ends: the message, then the end. */
static bool is_closed(struct pgsql_conn *conn)
{
	for (int i = 0; i < 8; i++) {
		struct pollfd fd = { .fd = PQsocket(conn->pg), .events = POLLIN };
		if (poll(&fd, 1, 0) <= 0) {
			break;
		}
		if (PQconsumeInput(conn->pg) == 0) {
			return true;
		}
		(void)PQisBusy(conn->pg); /* takes in what was read */
	}
	return PQstatus(conn->pg) != CONNECTION_OK;
}

int pgsql_conn_ensure(struct pgsql_conn *conn)
{
	char why[DB_WHY_SIZE];

	if (conn->pg != NULL && is_closed(conn)) {
		pgsql_conn_drop(conn);
	}
	if (conn->pg != NULL) {
		return 0;
	}
	if (clock_now_ms() < conn->retry_at_ms) {
		return ERR_STORE;
	}
	int err = connect_now(conn, why);
	if (err != 0) {
		log_failure(conn, why, "");
	} else {
		log_event(LOG_LEVEL_INFO, "database-up", LOG_INT("connection", conn->generation));
	}
	return err;
}

int pgsql_conn_init(struct pgsql_conn *conn, const char *conninfo, char why[DB_WHY_SIZE])
{
	char *reason = NULL, text[DB_WHY_SIZE];

	*conn = (struct pgsql_conn){ 0 };
	conn->options = PQconninfoParse(conninfo, &reason);
	PQfreemem(reason); /* it repeats the text, with the password */
	if (conn->options == NULL) {
		(void)snprintf(why, DB_WHY_SIZE,
			"the setting database cannot be used: it is no connection URI that libpq"
			" understands; write it as postgresql://user@host:5432/name, special"
			" characters of a password as %%XX");
		return ERR_STORE;
	}
	int err = connect_now(conn, text);
	if (err != 0) {
		(void)snprintf(why, DB_WHY_SIZE,
			"cannot use the PostgreSQL database: %.300s; see that the server runs and"
			" that the setting database names it, the user and the database",
			text);
		pgsql_conn_finish(conn);
	}
	return err;
}

void pgsql_conn_finish(struct pgsql_conn *conn)
{
	pgsql_conn_drop(conn);
	PQconninfoFree(conn->options);
	conn->options = NULL;
}
