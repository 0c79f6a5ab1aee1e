/*
 * helio: the life of a handle and its turn of the loop. The lock is held while the session works
 * and released around each callback, so that a callback may call whatever it likes.
 */
#include <helio.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "client-sdk/handle.h"

/* What the first version had: fields behind it are NULL for who was built then. */
#define CONFIG_SIZE_FIRST offsetof(struct helio_config, invite)

void handle_lock(struct helio *h)
{
	pthread_mutex_lock(&h->lock);
}

void handle_unlock(struct helio *h)
{
	pthread_mutex_unlock(&h->lock);
}

void handle_wake(struct helio *h)
{
	/* The turn that is under way sends what was queued, and asks for another if need be. */
	if (!h->dispatching) {
		loop_wake(&h->loop);
	}
}

void handle_copy_sized(void *to, size_t to_size, const void *from, size_t from_size)
{
	memset(to, 0, to_size);
	memcpy(to, from, to_size < from_size ? to_size : from_size);
}

static int handle_init(struct helio *h, const struct helio_config *config)
{
	int err = config_init(&h->config, config);

	if (err != 0) {
		return err;
	}
	err = loop_init(&h->loop);
	if (err == 0 && pthread_mutex_init(&h->lock, NULL) != 0) {
		loop_finish(&h->loop);
		err = HELIO_ERR_NOMEM;
	}
	if (err != 0) {
		config_finish(&h->config);
		return err;
	}
	h->events.want_log = h->callbacks.on_log != NULL;
	session_init(&h->session, &h->loop, &h->events, &h->config);
	return 0;
}

int helio_create(struct helio **out, const struct helio_config *config,
	const struct helio_callbacks *callbacks, void *user)
{
	struct helio_config copy;
	struct helio *h;

	if (out == NULL) {
		return HELIO_ERR_INVALID;
	}
	*out = NULL;
	if (config == NULL || config->size < CONFIG_SIZE_FIRST || callbacks == NULL ||
		callbacks->size < sizeof(*callbacks)) {
		return HELIO_ERR_INVALID;
	}
	h = calloc(1, sizeof(*h));
	if (h == NULL) {
		return HELIO_ERR_NOMEM;
	}
	handle_copy_sized(&copy, sizeof(copy), config, config->size);
	handle_copy_sized(&h->callbacks, sizeof(h->callbacks), callbacks, callbacks->size);
	h->user = user;
	int err = handle_init(h, &copy);
	if (err != 0) {
		free(h);
		return err;
	}
	*out = h;
	return 0;
}

void helio_destroy(struct helio *h)
{
	if (h == NULL) {
		return;
	}
	(void)helio_thread_stop(h);
	session_finish(&h->session);
	events_clear(&h->events);
	loop_finish(&h->loop);
	config_finish(&h->config);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

int helio_join(struct helio *h)
{
	int err = HELIO_ERR_STATE;

	if (h == NULL) {
		return HELIO_ERR_INVALID;
	}
	handle_lock(h);
	if (h->session.state == SESSION_IDLE) {
		h->session.join_deadline = loop_now_ms() + h->config.connect_timeout_ms;
		h->session.state = SESSION_START;
		loop_wake(&h->loop);
		err = 0;
	}
	handle_unlock(h);
	return err;
}

int helio_leave(struct helio *h)
{
	int err = HELIO_ERR_STATE;

	if (h == NULL) {
		return HELIO_ERR_INVALID;
	}
	handle_lock(h);
	if (h->session.state >= SESSION_START && h->session.state <= SESSION_JOINED &&
		!h->session.leave_wanted) {
		h->session.leave_wanted = true;
		loop_wake(&h->loop);
		err = 0;
	}
	handle_unlock(h);
	return err;
}

/* ------------------------------------------------------------------ the loop */

int helio_fd(struct helio *h)
{
	return h != NULL ? h->loop.epoll_fd : -1;
}

int helio_timeout_ms(struct helio *h)
{
	int timeout;

	if (h == NULL) {
		return -1;
	}
	handle_lock(h);
	timeout = session_timeout(&h->session, loop_now_ms());
	handle_unlock(h);
	return timeout;
}

static void item_deliver(struct helio *h, const struct event_item *item)
{
	switch (item->what) {
	case EVENT_ITEM_EVENT:
		if (h->callbacks.on_event != NULL) {
			h->callbacks.on_event(h, &item->event, h->user);
		}
		break;
	case EVENT_ITEM_FRAME:
		if (h->callbacks.on_frame != NULL) {
			h->callbacks.on_frame(h, &item->frame, h->user);
		}
		break;
	case EVENT_ITEM_LOG:
		if (h->callbacks.on_log != NULL) {
			h->callbacks.on_log(h, item->level, item->event.text, h->user);
		}
		break;
	}
}

static void closed_deliver(struct helio *h, int error, const char *text)
{
	struct helio_event event = {
		.size = sizeof(event),
		.type = HELIO_EVENT_CLOSED,
		.error = error,
		.text = *text != '\0' ? text : NULL,
	};

	if (h->callbacks.on_event != NULL) {
		h->callbacks.on_event(h, &event, h->user);
	}
}

/* Hands out all that is collected; the lock is held on entry and on return, and not in between. */
static void deliver(struct helio *h)
{
	struct event_item *item;
	char text[EVENT_TEXT_MAX];
	bool closed;

	while ((item = events_take(&h->events, &closed)) != NULL) {
		handle_unlock(h);
		item_deliver(h, item);
		events_item_free(item);
		handle_lock(h);
	}
	if (closed) {
		int error = h->events.closed_error;

		memcpy(text, h->events.closed_text, sizeof(text));
		/* From here on a new join may begin, also from inside the callback. */
		session_closed_told(&h->session);
		handle_unlock(h);
		closed_deliver(h, error, text);
		handle_lock(h);
	}
}

int handle_dispatch(struct helio *h)
{
	handle_lock(h);
	if (h->dispatching) {
		handle_unlock(h);
		return HELIO_ERR_STATE;
	}
	h->dispatching = true;
	session_run(&h->session);
	deliver(h);
	session_flush(&h->session, loop_now_ms());
	h->dispatching = false;
	handle_unlock(h);
	return 0;
}

int helio_dispatch(struct helio *h)
{
	bool threaded;

	if (h == NULL) {
		return HELIO_ERR_INVALID;
	}
	handle_lock(h);
	threaded = h->thread_state != HANDLE_NO_THREAD;
	handle_unlock(h);
	return threaded ? HELIO_ERR_STATE : handle_dispatch(h);
}
