/*
 * login_password: the login back end of users with a password in the store.
 */
#ifndef AUTHD_LOGIN_PASSWORD_H
#define AUTHD_LOGIN_PASSWORD_H

#include "authd/login_backend.h"
#include "authd/pass_hash.h"
#include "authd/store.h"

struct login_password {
	struct store *store; /* borrowed, as the other; both outlive it */
	struct pass_hash *ph;
};

/* The line for login's table; lp is borrowed. */
struct login_backend login_password_backend(struct login_password *lp);

#endif
