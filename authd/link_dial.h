/*
 * link_dial: the thread that keeps a control link to every reflector of the settings and of the
 * store, and what other threads may ask of it. Own libev loop; everything here may be called from
 * any thread but the callbacks', which hold its lock.
 */
#ifndef AUTHD_LINK_DIAL_H
#define AUTHD_LINK_DIAL_H

#include <jansson.h>

#include "authd/ca.h"
#include "authd/enrol.h"
#include "authd/keyring.h"
#include "authd/link.h"
#include "authd/link_order.h"
#include "authd/settings.h"
#include "authd/store.h"

struct link_dial;

struct link_dial_conf {
	const struct authd_settings *settings; /* read during the call only */
	struct keyring *keyring; /* this and what follows outlives it */
	struct ca *ca;
	struct store *store;
	const struct day_clock *clock;
	/* May be NULL. Takes the reference to object: an event of a reflector, or an "alarm". */
	void (*on_event)(void *user, json_t *object);
	void *user;
};

/* Loads the credentials and starts the threads. On failure why says what. */
int link_dial_create(
	struct link_dial **out, const struct link_dial_conf *conf, char why[512]) MUST_CHECK;
/* Ends all links and the threads. */
void link_dial_destroy(struct link_dial *ld);

/* Other reflectors and credentials from now on. Links whose settings stay the same go on; they use
 * new credentials when they dial next. On failure nothing has changed and why says why. */
int link_dial_reload(
	struct link_dial *ld, const struct authd_settings *settings, char why[512]) MUST_CHECK;

/* Something changed in the store: revocations, policies, keys, reflectors. It is looked at, and
 * told to whom it concerns. For store_watch(). */
void link_dial_changed(struct link_dial *ld);

/* Calls each() for every reflector, in the order of the settings, then of the store, with the lock
 * held: it may not call back. Not 0 ends the round and is returned. */
int link_dial_each(
	struct link_dial *ld, int (*each)(const struct link_view *view, void *arg), void *arg);

/* Why the last one was refused that wanted to be enrolled as this reflector, with the code that is
 * out now; "" when none was. */
void link_dial_refusal(struct link_dial *ld, const char *reflector, char why[ENROL_REFUSAL_MAX]);

/* Of what links show: by the settings (all 0 when no reflector stands there), and by our own CA. */
void link_dial_certs(struct link_dial *ld, struct cert_life *fixed, struct cert_life *own);

/* Asks all reflectors and waits at most 2 s. *items and *missing (names of those that did not
 * answer) are new arrays. room may be NULL. ERR_RATE when too many wait, ERR_TIMEOUT, ERR_NOMEM. */
int link_dial_query(struct link_dial *ld, const char *what, const char *room, json_t **items,
	json_t **missing) MUST_CHECK;

/*
 * Has a reflector do something: fields are "moderate" without type and id; borrowed. 0 when
 * somebody answered within 2 s: code is then "" or the name of the error. ERR_NOT_FOUND: no such
 * reflector. ERR_STATE: it is not linked. ERR_TIMEOUT, ERR_RATE, ERR_NOMEM.
 */
int link_dial_moderate(struct link_dial *ld, const char *reflector, const json_t *fields,
	char code[LINK_ORDER_CODE_MAX]) MUST_CHECK;

#endif
