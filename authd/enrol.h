/*
 * enrol: authd's side of the enrolment of one reflector: dials its control address while a code is
 * out, proves the code and has it proved, signs the reflector's certificate. On the loop of the
 * link thread, as link.h.
 */
#ifndef AUTHD_ENROL_H
#define AUTHD_ENROL_H

#include <ev.h>
#include <stdbool.h>

#include "authd/ca.h"
#include "authd/fleet.h"
#include "authd/store.h"
#include "common/day_clock.h"

#define ENROL_REFUSAL_MAX (LIMIT_NAME + 32)

struct enrol;

struct enrol_env {
	struct ev_loop *loop;
	const char *issuer, *cluster;
	struct ca *ca;
	struct store *store;
	const struct day_clock *clock;
	/* Somebody at the reflector's address does not have the code. */
	void (*on_alarm)(void *user, const char *reflector, const char *what);
	void *user;
};

/* Dials at once, and again until it is destroyed or the code's time is over. env outlives it. */
int enrol_create(struct enrol **out, const struct enrol_env *env,
	const struct fleet_reflector *reflector) MUST_CHECK;
void enrol_destroy(struct enrol *e);

/* The code and the address that it is for. */
bool enrol_is_for(const struct enrol *e, const struct fleet_reflector *reflector);
bool enrol_is_named(const struct enrol *e, const char *reflector);
/* Why the last one who answered was refused; "" when none was. Kept, not read, by enrol. */
void enrol_set_refusal(struct enrol *e, const char *why);
const char *enrol_refusal(const struct enrol *e);
/* The certificate is on its way: not to be destroyed yet. */
bool enrol_finishing(const struct enrol *e);

#endif
