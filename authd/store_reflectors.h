/* store_reflectors: the fleet: which reflectors are enrolled, and how to reach them. See store.h.
 */
#ifndef AUTHD_STORE_REFLECTORS_H
#define AUTHD_STORE_REFLECTORS_H

#include "authd/store.h"

#define STORE_CODE 43u /* HMAC key made from the enrolment code, base64url */

enum store_reflector_state {
	STORE_REFLECTOR_ENROLLING, /* a code is out; it holds no rooms */
	STORE_REFLECTOR_UP,
	STORE_REFLECTOR_DRAIN /* keeps its rooms, gets no new ones */
};

struct store_reflector {
	char name[LIMIT_NAME + 1];
	char control[80]; /* "192.0.2.10:49200", "[2001:db8::1]:49200" */
	char address[64]; /* literal, what clients connect to */
	char ports[64]; /* "49152-49155,49160" */
	char fallback_ports[64]; /* "443": beside ports, for networks that let nothing else through
				  */
	char tls_name[254];
	char pin[64]; /* SPKI of its link certificate at enrolment; "": by CA and name alone */
	char allowed[512]; /* addresses or networks it may be at; "": that of control */
	int64_t weight; /* 1-1000; 100 by default: its share of new rooms */
	enum store_reflector_state state;
	char code[STORE_CODE + 1];
	int64_t code_until, enrolled_at;
};

typedef int (*store_reflector_fn)(const struct store_reflector *row, void *arg);

/* A new one, or a new code for one that is there (it stays in its state until it is enrolled). */
int store_reflector_put(struct store *st, const struct store_actor *who,
	const struct store_reflector *reflector) MUST_CHECK;
/* The code has been used: pin and enrolled_at are set, the code is forgotten. ERR_STATE: not
 * with this code (any more). */
int store_reflector_enrolled(struct store *st, const struct store_actor *who, const char *name,
	const char *code, const char *pin, int64_t now) MUST_CHECK;
/* The code is of no more use: it was tried too often. ERR_STATE as above. */
int store_reflector_code_void(struct store *st, const struct store_actor *who, const char *name,
	const char *code) MUST_CHECK;
int store_reflector_get(struct store *st, const char *name, struct store_reflector *out) MUST_CHECK;
int store_reflector_list(
	struct store *st, store_reflector_fn each, void *arg) MUST_CHECK; /* all of them */
/* weight < 0: stays; state < 0: stays. */
int store_reflector_set(struct store *st, const struct store_actor *who, const char *name,
	int state, int64_t weight) MUST_CHECK;
/* Its enrolment is withdrawn. */
int store_reflector_delete(
	struct store *st, const struct store_actor *who, const char *name) MUST_CHECK;

#endif
