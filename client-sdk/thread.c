/*
 * thread: a thread that runs a handle's loop for applications that have none. It takes no signals:
 * those are the application's.
 */
#include <helio.h>

#include <poll.h>
#include <signal.h>

#include "client-sdk/handle.h"

static bool should_stop(struct helio *h)
{
	bool stop;

	handle_lock(h);
	stop = h->thread_state == HANDLE_THREAD_STOPPING;
	handle_unlock(h);
	return stop;
}

static void *thread_run(void *user)
{
	struct helio *h = user;
	struct pollfd pfd = { .fd = helio_fd(h), .events = POLLIN };

	while (!should_stop(h)) {
		/* Interrupted or not: a turn with nothing to do is harmless. */
		(void)poll(&pfd, 1, helio_timeout_ms(h));
		(void)handle_dispatch(h);
	}
	return NULL;
}

static int thread_create(struct helio *h)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&h->thread, NULL, thread_run, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc == 0 ? 0 : HELIO_ERR_SYSTEM;
}

int helio_thread_start(struct helio *h)
{
	int err = HELIO_ERR_STATE;

	if (h == NULL) {
		return HELIO_ERR_INVALID;
	}
	handle_lock(h);
	if (h->thread_state == HANDLE_NO_THREAD && !h->dispatching) {
		err = thread_create(h);
		if (err == 0) {
			h->thread_state = HANDLE_THREAD;
		}
	}
	handle_unlock(h);
	return err;
}

int helio_thread_stop(struct helio *h)
{
	bool ours = false;

	if (h == NULL) {
		return HELIO_ERR_INVALID;
	}
	handle_lock(h);
	if (h->thread_state == HANDLE_THREAD && !pthread_equal(h->thread, pthread_self())) {
		h->thread_state = HANDLE_THREAD_STOPPING;
		loop_wake(&h->loop);
		ours = true;
	}
	handle_unlock(h);
	if (!ours) {
		return HELIO_ERR_STATE;
	}
	pthread_join(h->thread, NULL);
	handle_lock(h);
	h->thread_state = HANDLE_NO_THREAD;
	handle_unlock(h);
	return 0;
}
