/*
 * login: decides whether user, password and room fit together, by a table of back ends
 * (login_backend.h). Says only yes or no: a wrong password, an unknown or disabled user and an
 * unknown room cost the same time and give the same answer. It also keeps the budget of failures
 * for whatever else strangers can guess at (invites).
 */
#ifndef AUTHD_LOGIN_H
#define AUTHD_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "authd/login_backend.h"
#include "authd/store.h"

#define LOGIN_PASSWORD_MIN 8u /* bytes */
#define LOGIN_PASSWORD_MAX 1024u
#define LOGIN_BACKENDS_MAX 4u

struct login;

struct login_attempt {
	const char *user, *password, *room;
	const char *address; /* of the client */
};

/* store is borrowed and outlives it, so do the back ends' states; the table is copied. */
int login_create(struct login **out, struct store *store, const struct login_backend *backends,
	size_t count) MUST_CHECK;
void login_destroy(struct login *login);

/* 0; ERR_LOGIN; ERR_RATE with the seconds to wait in *retry_after; ERR_STORE. Any thread. */
int login_check(
	struct login *login, const struct login_attempt *attempt, unsigned *retry_after) MUST_CHECK;

/*
 * The same budget of failures for another secret, what being what is guessed at ("invite ID"):
 * login_begin() before it is looked at: 0, or ERR_RATE with the seconds to wait; *known (may be
 * NULL): it held from this address before. Then login_end() with the result: 0 or ERR_LOGIN count
 * as success and failure, anything else as not tried. Failures and refusals are logged within
 * bounds.
 */
int login_begin(struct login *login, const struct login_attempt *attempt, bool *known,
	unsigned *retry_after) MUST_CHECK;
void login_end(struct login *login, const struct login_attempt *attempt, int err);

#endif
