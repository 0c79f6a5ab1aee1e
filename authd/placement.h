/*
 * placement: which worker (reflector and port) a room lives on. A room stays where it is as long as
 * that makes sense; a new one goes to the least loaded worker of a reflector that is linked.
 */
#ifndef AUTHD_PLACEMENT_H
#define AUTHD_PLACEMENT_H

#include <stdint.h>

#include "authd/link.h"
#include "authd/store.h"
#include "proto/errcode.h"

/* How long a reflector that was just lost, or is in the settings but was not linked yet, is waited
 * for. */
#define PLACEMENT_GRACE_MS 5000u
/* How long people that a lost reflector reported are taken to be there still. */
#define PLACEMENT_LIVE_MS 30000u

struct placement_spot {
	char reflector[LIMIT_NAME + 1];
	uint16_t port;
	char address[64], tls_name[AUTHD_TLS_NAME_MAX + 1], pin[TLS_IO_PIN_SIZE];
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
 * A placed room stays when its reflector is known and linked; when it was lost less than the grace
 * time ago; and when its worker reported participants less than the live time ago. Else it moves.
 */
int placement_find(struct placement *p, const char *room, uint64_t now_ms, int64_t now,
	struct placement_spot *out) MUST_CHECK;

#endif
