/* store_users: people with a password. See store.h for what holds for all operations. */
#ifndef AUTHD_STORE_USERS_H
#define AUTHD_STORE_USERS_H

#include "authd/store.h"

#define STORE_HASH_MAX 191u /* characters of a password hash */

struct store_user {
	char name[LIMIT_NAME + 1];
	char hash[STORE_HASH_MAX + 1];
	char policy[STORE_JSON_MAX + 1]; /* grants, see policy.h */
	int64_t created_at;
	bool disabled;
};

/* Called with the reading connection held: it may not use the store. Not 0 ends the list, and is
 * its result. */
typedef int (*store_user_fn)(const struct store_user *row, void *arg);

int store_user_add(struct store *st, const struct store_actor *who,
	const struct store_user *user) MUST_CHECK; /* ERR_EXISTS */
int store_user_get(
	struct store *st, const char *name, struct store_user *out) MUST_CHECK; /* ERR_NOT_FOUND */
int store_user_list(
	struct store *st, const struct store_page *page, store_user_fn each, void *arg) MUST_CHECK;
/* upgrade: the same password with other parameters, at a login: nothing ends. Else the user's
 * tokens are revoked. Upgrading does nothing when the hash is no longer old (may be NULL: any). */
int store_user_set_hash(struct store *st, const struct store_actor *who, const char *name,
	const char *hash, bool upgrade, const char *old, int64_t now) MUST_CHECK;
int store_user_set_policy(struct store *st, const struct store_actor *who, const char *name,
	const char *policy) MUST_CHECK;
/* Disabling revokes what the user holds, see store_revocations.h. */
int store_user_set_disabled(struct store *st, const struct store_actor *who, const char *name,
	bool disabled, int64_t now) MUST_CHECK;
/* Revokes as disabling does, then forgets the user. */
int store_user_delete(
	struct store *st, const struct store_actor *who, const char *name, int64_t now) MUST_CHECK;

#endif
