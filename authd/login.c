/*
 * login: owns the limits on failed logins and their log, and asks the back ends. Must never tell a
 * stranger which of the three was wrong: not by text, not by length, not by time.
 */
#include "authd/login.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "authd/login_rate.h"
#include "authd/store_rooms.h"
#include "common/clock.h"
#include "common/log.h"

#define LOG_PER_SECOND 5u
#define QUEUE_RETRY_S 1u

struct login {
	struct store *store;
	struct login_backend backends[LOGIN_BACKENDS_MAX];
	size_t backend_count;
	struct login_rate *rate;
	pthread_mutex_t mutex; /* guards the log budget */
	int64_t log_second;
	unsigned logged, suppressed;
};

int login_create(
	struct login **out, struct store *store, const struct login_backend *backends, size_t count)
{
	if (count > LOGIN_BACKENDS_MAX) {
		return ERR_INVALID;
	}
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
	memcpy(login->backends, backends, count * sizeof(*backends));
	login->backend_count = count;
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

/* The first that says yes decides. One that could not find out may not turn into a no. */
static int ask_backends(struct login *login, const struct login_ask *ask)
{
	int result = ERR_LOGIN;

	for (size_t i = 0; i < login->backend_count; i++) {
		int err = login->backends[i].check(login->backends[i].state, ask);
		if (err == 0) {
			return 0;
		}
		if (err != ERR_LOGIN) {
			result = err;
		}
	}
	return result;
}

/* Everything is looked up and hashed before anything is decided. */
static int decide(struct login *login, const struct login_attempt *a, bool known)
{
	const struct login_ask ask = { .user = a->user, .password = a->password, .known = known };
	struct store_room room;
	int room_err = store_room_get(login->store, a->room, &room);

	if (room_err != 0 && room_err != ERR_NOT_FOUND) {
		return room_err;
	}
	int err = ask_backends(login, &ask);
	return err == 0 && room_err != 0 ? ERR_LOGIN : err;
}

int login_begin(struct login *login, const struct login_attempt *attempt, bool *known,
	unsigned *retry_after)
{
	*retry_after = login_rate_take(
		login->rate, attempt->address, attempt->user, clock_now_ms(), known);
	if (*retry_after > 0) {
		log_failure(login, attempt, ERR_RATE);
		return ERR_RATE;
	}
	return 0;
}

void login_end(struct login *login, const struct login_attempt *attempt, int err)
{
	uint64_t now = clock_now_ms();

	if (err == 0) {
		login_rate_success(login->rate, attempt->address, attempt->user, now);
	} else if (err == ERR_LOGIN) {
		log_failure(login, attempt, err);
	} else {
		login_rate_return(login->rate, attempt->address, attempt->user, now);
		if (err == ERR_RATE) {
			log_failure(login, attempt, err);
		}
	}
}

int login_check(struct login *login, const struct login_attempt *attempt, unsigned *retry_after)
{
	bool known = false;
	int err = login_begin(login, attempt, &known, retry_after);

	if (err != 0) {
		return err;
	}
	err = decide(login, attempt, known);
	login_end(login, attempt, err);
	*retry_after = err == ERR_RATE ? QUEUE_RETRY_S : 0;
	return err;
}
