/*
 * login: owns the limits on failed logins and their log. Must never tell a stranger which of the
 * three was wrong: not by text, not by length, not by time.
 */
#include "authd/login.h"

#include <pthread.h>
#include <stdlib.h>

#include "authd/login_rate.h"
#include "authd/store_rooms.h"
#include "authd/store_users.h"
#include "common/clock.h"
#include "common/log.h"

#define LOG_PER_SECOND 5u
#define QUEUE_RETRY_S 1u

struct login {
	struct store *store;
	struct pass_hash *ph;
	struct login_rate *rate;
	pthread_mutex_t mutex; /* guards the log budget */
	int64_t log_second;
	unsigned logged, suppressed;
};

int login_create(struct login **out, struct store *store, struct pass_hash *ph)
{
	struct login *login = calloc(1, sizeof(*login));

	if (login == NULL) {
		return ERR_NOMEM;
	}
	int err = login_rate_create(&login->rate);
	if (err != 0) {
		free(login);
		return err;
	}
	login->store = store;
	login->ph = ph;
	pthread_mutex_init(&login->mutex, NULL);
	*out = login;
	return 0;
}

void login_destroy(struct login *login)
{
	if (login == NULL) {
		return;
	}
	login_rate_destroy(login->rate);
	pthread_mutex_destroy(&login->mutex);
	free(login);
}

/* A few lines a second tell of an attack; thousands would be one. */
static void log_failure(struct login *login, const struct login_attempt *a, int err)
{
	int64_t now = clock_now_s();
	unsigned suppressed = 0;

	pthread_mutex_lock(&login->mutex);
	if (login->log_second != now) {
		login->log_second = now;
		login->logged = 0;
	}
	bool write = login->logged < LOG_PER_SECOND;
	if (write) {
		login->logged++;
		suppressed = login->suppressed;
		login->suppressed = 0;
	} else {
		login->suppressed++;
	}
	pthread_mutex_unlock(&login->mutex);
	if (write) {
		log_event(LOG_LEVEL_WARN, "login-failed", LOG_ERR(err), LOG_STR("user", a->user),
			LOG_STR("room", a->room), LOG_STR("address", a->address),
			LOG_INT("suppressed", suppressed));
	}
}

/* Everything is looked up and hashed before anything is decided. */
static int decide(struct login *login, const struct login_attempt *a)
{
	struct store_user user;
	struct store_room room;
	int user_err = store_user_get(login->store, a->user, &user);
	int room_err = store_room_get(login->store, a->room, &room);

	if ((user_err != 0 && user_err != ERR_NOT_FOUND) ||
		(room_err != 0 && room_err != ERR_NOT_FOUND)) {
		return ERR_STORE;
	}
	int err = pass_hash_verify(
		login->ph, PASS_HASH_STRANGER, user_err == 0 ? user.hash : NULL, a->password, NULL);
	if (err == 0 && (user.disabled || room_err != 0)) {
		err = ERR_LOGIN;
	}
	return err;
}

int login_check(struct login *login, const struct login_attempt *attempt, unsigned *retry_after)
{
	uint64_t now = clock_now_ms();

	*retry_after = login_rate_take(login->rate, attempt->address, attempt->user, now);
	if (*retry_after > 0) {
		log_failure(login, attempt, ERR_RATE);
		return ERR_RATE;
	}
	int err = decide(login, attempt);
	if (err == 0) {
		login_rate_success(login->rate, attempt->address, attempt->user, now);
	} else if (err == ERR_LOGIN) {
		log_failure(login, attempt, err);
	} else {
		login_rate_return(login->rate, attempt->address, attempt->user, now);
		if (err == ERR_RATE) {
			*retry_after = QUEUE_RETRY_S;
			log_failure(login, attempt, err);
		}
	}
	return err;
}
