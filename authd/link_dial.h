/*
 * link_dial: the thread that keeps a control link to every reflector of the settings, and what
 * other threads may ask of it. Own libev loop; everything here may be called from any thread but
 * the callbacks', which hold its lock.
 */
#ifndef AUTHD_LINK_DIAL_H
#define AUTHD_LINK_DIAL_H

#include <jansson.h>

#include "authd/link.h"
#include "authd/settings.h"
#include "authd/store.h"

#define LINK_DIAL_QUERIES_MAX 32u /* that wait for an answer at the same time */

struct link_dial;

struct link_dial_conf {
	const struct authd_settings *settings; /* read during the call only */
	const json_t *jwks; /* the key set the reflectors get; copied */
	struct store *store; /* outlives it */
};

/* Loads the credentials and starts the thread. On failure why says what. */
int link_dial_create(
	struct link_dial **out, const struct link_dial_conf *conf, char why[512]) MUST_CHECK;
/* Ends all links and the thread. */
void link_dial_destroy(struct link_dial *ld);

/* Other reflectors and credentials from now on. Links whose settings stay the same go on; they use
 * new credentials when they dial next. On failure nothing has changed and why says why. */
int link_dial_reload(
	struct link_dial *ld, const struct authd_settings *settings, char why[512]) MUST_CHECK;

/* To be called behind every revocation that the store took: sends it to all reflectors. */
void link_dial_revoked(struct link_dial *ld);

/* Calls each() for every reflector, in the order of the settings, with the lock held: it may not
 * call back. Not 0 ends the round and is returned. */
int link_dial_each(
	struct link_dial *ld, int (*each)(const struct link_view *view, void *arg), void *arg);

/* Asks all reflectors and waits at most 2 s. *items and *missing (names of those that did not
 * answer) are new arrays. room may be NULL. ERR_RATE when too many wait, ERR_TIMEOUT, ERR_NOMEM. */
int link_dial_query(struct link_dial *ld, const char *what, const char *room, json_t **items,
	json_t **missing) MUST_CHECK;

#endif
