/*
 * placement: which worker (reflector and port) a room lives on, and which ones stand by. A room
 * stays where it is as long as that makes sense; a new one goes to the least loaded suitable
 * worker.
 */
#ifndef AUTHD_PLACEMENT_H
#define AUTHD_PLACEMENT_H

#include <stddef.h>
#include <stdint.h>

#include "authd/link.h"
#include "authd/store_rooms.h"
#include "proto/errcode.h"

/* How long a reflector that was just lost, or is known but was not linked yet, is waited for. */
#define PLACEMENT_GRACE_MS 5000u
/* How long people that a lost or silent worker reported are taken to be there still. */
#define PLACEMENT_LIVE_MS 30000u
/* A linked reflector whose worker has not reported for so long (three times the interval) gets no
 * new rooms. */
#define PLACEMENT_REPORT_MS 15000u
#define PLACEMENT_ENDPOINTS_MAX 8u

/* One worker. reflector and port are what the token's claim "at" names. */
struct placement_endpoint {
	char reflector[LIMIT_NAME + 1];
	uint16_t port;
	char address[64], tls_name[AUTHD_TLS_NAME_MAX + 1], pin[TLS_PEER_PIN_SIZE];
};

/* The primary first, then the alternates: the same for every token of a room while it stays. */
struct placement_result {
	struct placement_endpoint endpoints[PLACEMENT_ENDPOINTS_MAX];
	size_t count; /* at least 1 */
};

/* Calls each() for every reflector (link_dial_each() in the daemon). */
typedef int (*placement_source)(
	void *links, int (*each)(const struct link_view *view, void *arg), void *arg);

struct placement;

/* store and links are borrowed and outlive it. */
int placement_create(struct placement **out, struct store *store, placement_source source,
	void *links) MUST_CHECK;
void placement_destroy(struct placement *p);

/*
 * Where the room lives; places or moves it when that is due and records it first. Any thread.
 * ERR_NO_REFLECTOR, ERR_NOT_FOUND (no such room), ERR_STORE. now_ms is monotonic, now in seconds
 * since the epoch.
 *
 * A placed room stays while its reflector is linked (and not drained and empty); when it was lost
 * less than the grace time ago; and when its worker reported participants less than the live time
 * ago. Else it moves. Its alternates stay as long as their reflectors are known; one that is gone,
 * or was never found, is replaced when there is another.
 */
int placement_find(struct placement *p, const char *room, uint64_t now_ms, int64_t now,
	struct placement_result *out) MUST_CHECK;

#endif
