/*
 * login: decides whether user, password and room fit together. Says only yes or no: a wrong
 * password, an unknown or disabled user and an unknown room cost the same time and give the same
 * answer.
 */
#ifndef AUTHD_LOGIN_H
#define AUTHD_LOGIN_H

#include <stdint.h>

#include "authd/pass_hash.h"
#include "authd/store.h"

#define LOGIN_PASSWORD_MIN 8u /* bytes */
#define LOGIN_PASSWORD_MAX 1024u

struct login;

struct login_attempt {
	const char *user, *password, *room;
	const char *address; /* of the client */
};

/* store and ph are borrowed and outlive it. */
int login_create(struct login **out, struct store *store, struct pass_hash *ph) MUST_CHECK;
void login_destroy(struct login *login);

/* 0; ERR_LOGIN; ERR_RATE with the seconds to wait in *retry_after; ERR_STORE. Any thread. */
int login_check(
	struct login *login, const struct login_attempt *attempt, unsigned *retry_after) MUST_CHECK;

#endif
