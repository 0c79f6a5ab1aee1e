/*
 * login_password: looks a user up and has the password verified. Must never answer before a hash
 * was made, whether there is such a user or not.
 */
#include "authd/login_password.h"

#include <stdio.h>
#include <time.h>

#include "authd/store_users.h"
#include "common/log.h"

/* The password is known only now, so this is when an imported or cheaper hash can be replaced. A
 * failure is no reason to send the user away: the next login tries again. */
static void upgrade(struct login_password *lp, const struct login_ask *ask, const char *old)
{
	const struct store_actor who = { .name = "authd" };
	char hash[PASS_HASH_SIZE];
	int err = pass_hash_make(lp->ph, PASS_HASH_KNOWN, ask->password, hash);

	if (err == 0) {
		err = store_user_set_hash(
			lp->store, &who, ask->user, hash, true, old, (int64_t)time(NULL));
	}
	if (err == 0) {
		log_event(LOG_LEVEL_INFO, "hash-upgraded", LOG_STR("user", ask->user));
	} else {
		log_event(LOG_LEVEL_WARN, "hash-upgrade-failed", LOG_ERR(err),
			LOG_STR("user", ask->user));
	}
}

static int check(void *state, const struct login_ask *ask)
{
	struct login_password *lp = state;
	struct store_user user;
	bool old = false;
	int found = store_user_get(lp->store, ask->user, &user);

	if (found != 0 && found != ERR_NOT_FOUND) {
		return found;
	}
	int err = pass_hash_verify(lp->ph, ask->known ? PASS_HASH_KNOWN : PASS_HASH_STRANGER,
		found == 0 ? user.hash : NULL, ask->password, &old);
	if (err == 0 && user.disabled) {
		err = ERR_LOGIN;
	}
	if (err == 0 && old) {
		upgrade(lp, ask, user.hash);
	}
	return err;
}

struct login_backend login_password_backend(struct login_password *lp)
{
	return (struct login_backend){ .name = "password", .check = check, .state = lp };
}
