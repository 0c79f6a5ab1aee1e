/*
 * link_set: which links and enrolments there are, after the settings and the store. For link_dial
 * alone, whose loop and lock it works with.
 */
#ifndef AUTHD_LINK_SET_H
#define AUTHD_LINK_SET_H

#include "authd/enrol.h"
#include "authd/link.h"
#include "authd/link_creds.h"

/* The link is the loop thread's; the view is what others see of it, under the lock. */
struct link_entry {
	struct link *link;
	struct link_view view;
};

struct link_set {
	const struct link_env *env;
	const struct enrol_env *enrol_env;
	const struct link_events *events;
	void *user;
	struct link_creds *creds; /* newest first: of the settings; NULL: no reflector is there */
	gnutls_certificate_credentials_t own; /* of our own CA, towards enrolled reflectors */
	struct authd_reflector fixed[AUTHD_REFLECTORS_MAX]; /* the settings' */
	size_t fixed_count;
	struct fleet_reflector rows[AUTHD_REFLECTORS_MAX]; /* the store's, as last read */
	size_t row_count;
	struct link_entry *entries[AUTHD_REFLECTORS_MAX];
	size_t entry_count;
	struct enrol *enrols[AUTHD_REFLECTORS_MAX];
	size_t enrol_count;
	/* An entry is going: nobody may wait for it. */
	void (*on_gone)(void *user, const char *reflector);
};

/* Reads the store's reflectors into rows, without the lock. ERR_STORE: rows are as before. */
int link_set_read(struct link_set *set, struct store *store) MUST_CHECK;

/* Makes, keeps and cuts links and enrolments as fixed and rows say; with the lock held. What could
 * not be made for lack of memory is made at the next call. */
int link_set_apply(struct link_set *set) MUST_CHECK;

/* Ends all of it. */
void link_set_finish(struct link_set *set);

struct link_entry *link_set_find(const struct link_set *set, const struct link *link);
struct link_entry *link_set_named(const struct link_set *set, const char *name);

/* The enrolment of that reflector; NULL. */
struct enrol *link_set_enrol(const struct link_set *set, const char *reflector);

#endif
