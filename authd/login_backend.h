/*
 * login_backend: one way to check a person's credentials. login.c asks those of its table in
 * order; single sign-on, LDAP or PAM become further lines of that table.
 */
#ifndef AUTHD_LOGIN_BACKEND_H
#define AUTHD_LOGIN_BACKEND_H

#include <stdbool.h>

#include "proto/errcode.h"

struct login_ask {
	const char *user, *password;
	bool known; /* this user logged in from this address before: goes first */
};

struct login_backend {
	const char *name; /* for the log: "password" */
	/* 0: yes. ERR_LOGIN: no, whether it knows the user or not, after the same work and time.
	 * Else it could not find out: ERR_RATE (its queue is full), ERR_STORE, ERR_NOMEM,
	 * ERR_TIMEOUT. Any thread. */
	int (*check)(void *state, const struct login_ask *ask) MUST_CHECK;
	void *state; /* borrowed */
};

#endif
