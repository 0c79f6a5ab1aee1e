/*
 * store_fixture: an empty store on either database for a test, and small makers of rows.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "authd/store_audit.h"
#include "authd/store_revocations.h"
#include "authd/store_rooms.h"
#include "authd/store_tokens.h"
#include "authd/store_users.h"

#define NOW INT64_C(1000000)

struct store_fixture {
	const char *database; /* "" for SQLite in dir */
	char dir[64], file[96];
	struct store *st;
};

extern const struct store_actor store_tester;

/* For cmocka: each begins with an empty database. */
int store_fixture_sqlite(void **state);
int store_fixture_pgsql(void **state); /* HELIO_TEST_PG says which */
int store_fixture_end(void **state);

/* NULL: not tested here. */
const char *store_fixture_pg(void);

void store_fixture_reopen(struct store_fixture *f);
/* Runs SQL beside the store. */
void store_fixture_sql(struct store_fixture *f, const char *sql);

void store_fixture_user(struct store *st, const char *name);
void store_fixture_room(struct store *st, const char *name);
struct store_token store_fixture_token(
	const char *jti, const char *user, const char *room, int64_t expires_at);
int store_fixture_add(struct store *st, const struct store_token *token);

#endif
