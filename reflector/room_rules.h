/*
 * room_rules: what a room's policy says about who comes in, and what a change of it does to those
 * inside.
 */
#ifndef REFLECTOR_ROOM_RULES_H
#define REFLECTOR_ROOM_RULES_H

#include <stdbool.h>

#include "proto/errcode.h"
#include "proto/token_claims.h"

struct room;
struct worker;

/* Remembers a policy that is newer than what is known, and applies it to the room if it lives.
 * ERR_NOMEM. */
int room_rules_learn(
	struct worker *worker, const char *name, const struct room_policy *policy) MUST_CHECK;

/* May the bearer of these claims come in? room NULL: it does not live yet. ERR_ROOM_CLOSED,
 * ERR_E2EE_REQUIRED, ERR_ROOM_LOCKED, ERR_LIMIT, ERR_DUPLICATE, the first that applies. */
int room_rules_check(struct worker *worker, const struct room *room,
	const struct token_claims *claims, bool knows_e2ee) MUST_CHECK;

/* A new room gets the newest policy that is known; shown: of the token that opened it. */
void room_rules_begin(struct room *room, const struct room_policy *shown);

/* Is there a place for one who may not moderate? */
bool room_rules_has_place(const struct room *room);

/* Ends the older sessions of a participant, also a waiting one. */
void room_rules_replace(struct room *room, const char *id);
/* Sends everybody away. */
void room_rules_close(struct room *room, int err);
/* Closes rooms whose time has passed. */
void room_rules_tick(struct worker *worker);

#endif
