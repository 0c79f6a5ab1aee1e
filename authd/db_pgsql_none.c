/*
 * db_pgsql_none: stands in for db_pgsql where authd is built --without-postgresql. Says so to who
 * asks for it, and does nothing else.
 */
#include <stdio.h>

#include "authd/db.h"

int db_pgsql_open(struct db **out, const char *conninfo, char why[DB_WHY_SIZE])
{
	(void)out;
	(void)conninfo;
	(void)snprintf(why, DB_WHY_SIZE,
		"cannot use a PostgreSQL database: this helio-authd was built without it; build it"
		" with libpq (configure --with-postgresql), or leave the setting database empty");
	return ERR_STORE;
}

int db_pgsql_wait(struct db *db, int timeout_ms, bool *notified)
{
	(void)db;
	(void)timeout_ms;
	*notified = false;
	return ERR_STORE;
}
