/*
 * moderate: mute, kick, lock and move, whoever asks for it: one of the room who may moderate (by),
 * or an administrator by way of authd (by NULL). Who is told what is in doc/protocol.md 5.12.
 */
#ifndef REFLECTOR_MODERATE_H
#define REFLECTOR_MODERATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/errcode.h"

struct room;
struct session;
struct worker;

#define MODERATE_MEMORY_MAX 100u /* users per room who left muted; the oldest gives way */

/* These tell everybody but by. kinds: enum token_publish, or-ed. */
void moderate_mute(struct session *target, unsigned kinds, bool muted, const struct session *by);
void moderate_lock(struct room *room, bool locked, const struct session *by);
/* Also one who waits. ban_s 0: may come back; else the user may not, and all its sessions in this
 * room end. text tells why and may be NULL. ERR_NOMEM: nothing was done. */
int moderate_kick(struct session *target, int64_t ban_s, const char *text,
	const struct session *by) MUST_CHECK;
/* ERR_TOO_LARGE: the client takes no message of this size; nothing was done. */
int moderate_move(struct session *target, const json_t *answer) MUST_CHECK;

/* What everybody is told, without a req. */
json_t *moderate_muted_json(
	const struct session *target, unsigned kinds, bool muted, const struct session *by);
json_t *moderate_locked_json(const struct room *room, const struct session *by);

/* Behind the roster: who is muted, the lock, and who waits for those who may let them in. */
void moderate_tell(struct session *session);

/* A user that leaves muted is muted when it comes back while the room lives, and so is one that is
 * there already with another session. */
void moderate_remember(const struct session *session);
void moderate_recall(struct session *session);
/* The others are told of it, behind their "joined". */
void moderate_tell_recalled(const struct session *session);
void moderate_forget(struct room *room);

#endif
