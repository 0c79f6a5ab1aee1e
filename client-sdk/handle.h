/*
 * handle: struct helio itself, shared by the files that implement the public functions. All fields
 * but callbacks and user, which are constant, are guarded by lock.
 */
#ifndef CLIENT_SDK_HANDLE_H
#define CLIENT_SDK_HANDLE_H

#include <helio.h>
#include <pthread.h>
#include <stdbool.h>

#include "client-sdk/session.h"

enum handle_thread { HANDLE_NO_THREAD, HANDLE_THREAD, HANDLE_THREAD_STOPPING };

struct helio {
	pthread_mutex_t lock;
	struct helio_callbacks callbacks;
	void *user;
	struct config config;
	struct loop loop;
	struct events events;
	struct session session;
	bool dispatching; /* a thread is in helio_dispatch(), maybe inside a callback */
	enum handle_thread thread_state;
	pthread_t thread;
};

void handle_lock(struct helio *h);
void handle_unlock(struct helio *h);

/* Called with the lock held after something was queued: makes the loop come round for it. */
void handle_wake(struct helio *h);

/* One turn: network, then callbacks. HELIO_ERR_STATE when one is under way. */
int handle_dispatch(struct helio *h);

/* Copies what both sides of a structure with a size know; the rest of to is zero. */
void handle_copy_sized(void *to, size_t to_size, const void *from, size_t from_size);

#endif
